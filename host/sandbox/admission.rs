//! Inspection of a module before it is compiled; modules that would cost too much are rejected.

use wasmparser::{BinaryReaderError, Parser, Payload, TypeRef, Validator, WasmFeatures};

use super::cost::CostEstimate;
use crate::error::{Error, ModuleError, Result, printable};
use crate::limits::{Limit, Limits};

/// Facts about a module that wasmtime does not report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// Whether some function has a `memory.grow` instruction.
    pub(super) grows_memory: bool,
    /// Whether a start function runs at instantiation.
    pub(super) starts: bool,
}

/// The name and limits that all checks of one module share.
struct Scanner<'a> {
    name: &'a str,
    limits: &'a Limits,
}

/// `Err` where a file or module is larger than its limit.
pub(super) fn check_size(name: &str, bytes: &[u8], limits: &Limits) -> Result<()> {
    if bytes.len() > limits.module_size {
        let what = limits.exceeded(Limit::ModuleSize, name, bytes.len() as u64);
        return Err(Error::Limit { module: name.to_owned(), limit: Limit::ModuleSize, what });
    }
    Ok(())
}

/// Checks a module, first its counts and sizes against the limits, and then its validity.
/// `name` is for errors.
pub(super) fn scan(name: &str, bytes: &[u8], limits: &Limits, features: WasmFeatures) -> Result<Facts> {
    check_size(name, bytes, limits)?;
    let scanner = Scanner { name, limits };
    if !bytes.starts_with(b"\0asm") {
        return Err(scanner.refuse(what_instead(bytes)));
    }
    // The two bytes of the layer field: 0 for a core module, 1 for a component.
    if bytes.get(6..8) == Some(&[1, 0]) {
        let features = vec!["the component model".into()];
        return Err(ModuleError::Features { module: name.to_owned(), features }.into());
    }
    let facts = scanner.count(bytes)?;
    match Validator::new_with_features(features).validate_all(bytes) {
        Ok(_) => Ok(facts),
        Err(error) => Err(match missing_features(bytes, features) {
            Some(features) => ModuleError::Features { module: name.to_owned(), features }.into(),
            None => scanner.refuse(error.to_string()),
        }),
    }
}

impl Scanner<'_> {
    /// Counts everything that a limit bounds, and stops at the first limit that is exceeded.
    fn count(&self, bytes: &[u8]) -> Result<Facts> {
        let mut facts = Facts::default();
        let mut cost = CostEstimate::default();
        let mut defined = 0;
        let parse = |error: BinaryReaderError| self.refuse(error.to_string());
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(parse)? {
                Payload::TypeSection(section) => {
                    self.declared(section.count(), "type definitions")?;
                    for group in section {
                        let group = group.map_err(parse)?;
                        group.types().for_each(|ty| cost.add_type(ty));
                        self.declared(cost.types(), "types")?;
                    }
                }
                Payload::ImportSection(section) => {
                    self.declared(section.count(), "imports")?;
                    let mut imports = 0;
                    for import in section.into_imports() {
                        imports += 1;
                        self.declared(imports, "imports")?;
                        if let TypeRef::Func(ty) | TypeRef::FuncExact(ty) = import.map_err(parse)?.ty {
                            cost.add_import(ty);
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    self.check_limit(Limit::Functions, section.count(), "functions")?;
                    for ty in section {
                        cost.add_function(ty.map_err(parse)?);
                    }
                }
                Payload::TableSection(section) => self.one(section.count(), "tables")?,
                Payload::MemorySection(section) => self.one(section.count(), "memories")?,
                Payload::GlobalSection(section) => self.declared(section.count(), "globals")?,
                Payload::ExportSection(section) => self.declared(section.count(), "exports")?,
                Payload::ElementSection(section) => self.declared(section.count(), "element segments")?,
                Payload::DataSection(section) => self.declared(section.count(), "data segments")?,
                Payload::TagSection(section) => self.declared(section.count(), "tags")?,
                Payload::StartSection { .. } => facts.starts = true,
                Payload::CodeSectionStart { size, .. } => {
                    self.check_limit(Limit::CodeSize, size, "bytes of code")?;
                }
                Payload::CodeSectionEntry(body) => {
                    let size = body.range().len();
                    let what = format!("bytes in function {defined}");
                    self.check_limit(Limit::FunctionSize, size as u64, &what)?;
                    let mut locals = cost.params(defined);
                    for group in body.get_locals_reader().map_err(parse)? {
                        let (count, _) = group.map_err(parse)?;
                        locals += u64::from(count);
                        let what = format!("locals in function {defined}");
                        self.check_limit(Limit::Locals, locals, &what)?;
                    }
                    let operators = body.get_operators_reader().map_err(parse)?;
                    facts.grows_memory |= cost.add_body(locals, operators).map_err(parse)?;
                    self.check_limit(Limit::Complexity, cost.total(), "units of complexity")?;
                    defined += 1;
                }
                _ => {}
            }
        }
        Ok(facts)
    }

    fn declared(&self, count: u32, of_what: &str) -> Result<()> {
        self.check_limit(Limit::Declarations, count, of_what)
    }

    /// `Err` where there is more than one table, which is of no use to a comparator. More than one
    /// memory is a proposal of its own, which validation rejects.
    fn one(&self, count: u32, of_what: &str) -> Result<()> {
        if count > 1 && of_what == "tables" {
            return Err(self.refuse(format!("it has {count} tables, but may have 1")));
        }
        Ok(())
    }

    /// `Err` where `found` exceeds the limit.
    fn check_limit(&self, limit: Limit, found: impl Into<u64>, of_what: &str) -> Result<()> {
        let found = found.into();
        if found <= self.limits.get(limit) {
            return Ok(());
        }
        let what = self.limits.exceeded(limit, of_what, found);
        Err(Error::Limit { module: self.name.to_owned(), limit, what })
    }

    fn refuse(&self, reason: String) -> Error {
        ModuleError::Invalid { module: self.name.to_owned(), reason: printable(&reason) }.into()
    }
}

/// Returns the proposals that the module needs to be valid, beyond those that are allowed; `None`
/// where it is not valid with all of them either.
fn missing_features(bytes: &[u8], allowed: WasmFeatures) -> Option<Vec<String>> {
    let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
    let mut features = WasmFeatures::all();
    if !valid(features) {
        return None;
    }
    for feature in WasmFeatures::all().difference(allowed).iter() {
        if valid(features.difference(feature)) {
            features.remove(feature);
        }
    }
    if features.contains(WasmFeatures::GC) {
        features.remove(WasmFeatures::GC_TYPES); // a part of it
    }
    Some(features.difference(allowed).iter_names().map(|(name, _)| feature_name(name)).collect())
}

/// Returns a feature's name as people write it.
fn feature_name(name: &str) -> String {
    match name {
        "SIMD" => "SIMD".into(),
        "RELAXED_SIMD" => "relaxed SIMD".into(),
        "GC" => "GC".into(),
        "GC_TYPES" => "externref".into(),
        "MULTI_MEMORY" => "a second memory".into(),
        "THREADS" => "threads and shared memory".into(),
        "TAIL_CALL" => "tail calls".into(),
        name => name.to_lowercase().replace('_', " "),
    }
}

fn what_instead(bytes: &[u8]) -> String {
    match bytes {
        [] => "the file is empty".into(),
        [b'(' | b';', ..] => "it looks like text; name text files .wat".into(),
        _ => "it does not begin with \\0asm".into(),
    }
}
