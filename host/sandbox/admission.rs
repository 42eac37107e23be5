//! Inspection of a module before it is compiled; modules that would cost too much are rejected.

use wasmparser::{
    BinaryReader, BinaryReaderError, CompositeInnerType, ElementItems, FuncValidatorAllocations, Parser,
    Payload, RecGroup, ValidPayload, Validator, WasmFeatures,
};

use super::cost::CostEstimate;
use crate::error::{Error, ModuleError, Result, printable};
use crate::limits::{Limit, Limits};

/// The byte that begins a group of types that refer to each other.
const REC_GROUP: u8 = 0x4e;

/// Reason why a component is refused.
const A_COMPONENT: &str = "it is a component, and a core module is needed; \
    take one out of it with `wasm-tools component unbundle --threshold 0 --module-dir DIR FILE`, \
    or build without the component step, as `cargo build --target wasm32-unknown-unknown` does";

/// Facts about a module that wasmtime does not report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// Whether some function has a `memory.grow` instruction.
    pub(super) grows_memory: bool,
    /// Whether a start function runs at instantiation.
    pub(super) starts: bool,
    /// The estimated cost of compiling it.
    pub(super) complexity: u64,
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

/// `Err` where a text is larger than its limit. It is judged before it is parsed, because the parser takes
/// about a hundred bytes of memory for a byte of text.
pub(super) fn check_text_size(name: &str, text: &[u8], limits: &Limits) -> Result<()> {
    if text.len() > limits.module_text {
        let what = limits.exceeded(Limit::ModuleText, name, text.len() as u64);
        return Err(Error::Limit { module: name.to_owned(), limit: Limit::ModuleText, what });
    }
    Ok(())
}

/// Checks a module: first its counts and sizes against the limits, then its validity and its weight.
/// `name` is for errors.
pub(super) fn scan(name: &str, bytes: &[u8], limits: &Limits, features: WasmFeatures) -> Result<Facts> {
    check_size(name, bytes, limits)?;
    let scanner = Scanner { name, limits };
    if !bytes.starts_with(b"\0asm") {
        return Err(scanner.refuse(what_instead(bytes)));
    }
    // The two bytes of the layer field: 0 for a core module, 1 for a component.
    if bytes.get(6..8) == Some(&[1, 0]) {
        return Err(ModuleError::Invalid { module: name.to_owned(), reason: A_COMPONENT.to_owned() }.into());
    }
    scanner.count(bytes)?;
    scanner.weigh(bytes, features).map_err(|stop| match stop {
        Stop::Limit(error) => *error,
        Stop::Invalid(error) => match missing_features(bytes, features) {
            Some(features) => ModuleError::Features { module: name.to_owned(), features }.into(),
            None => scanner.refuse(error.to_string()),
        },
    })
}

/// The reason why weighing stopped.
enum Stop {
    Limit(Box<Error>),
    Invalid(BinaryReaderError),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Limit(Box::new(error))
    }
}

impl From<BinaryReaderError> for Stop {
    fn from(error: BinaryReaderError) -> Stop {
        Stop::Invalid(error)
    }
}

impl Scanner<'_> {
    /// Counts everything that a limit bounds, and stops at the first limit that is exceeded. It reads no
    /// instruction, and keeps nothing that it reads.
    fn count(&self, bytes: &[u8]) -> Result<()> {
        let mut defined = 0;
        let parse = |error: BinaryReaderError| self.refuse(error.to_string());
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(parse)? {
                Payload::TypeSection(section) => {
                    self.check_limit(Limit::Types, section.count(), "types")?;
                    self.count_types(&bytes[section.range()]).map_err(|stop| match stop {
                        Stop::Limit(error) => *error,
                        Stop::Invalid(error) => parse(error),
                    })?;
                }
                Payload::ImportSection(section) => {
                    self.declared(section.count(), "imports")?;
                    for (at, import) in section.into_imports().enumerate() {
                        import.map_err(parse)?;
                        self.declared(at as u64 + 1, "imports")?;
                    }
                }
                Payload::FunctionSection(section) => {
                    self.check_limit(Limit::Functions, section.count(), "functions")?;
                }
                // More than one memory is a proposal of its own, which validation rejects.
                Payload::TableSection(section) if section.count() > 1 => {
                    return Err(self.refuse(format!("it has {} tables, but may have 1", section.count())));
                }
                Payload::GlobalSection(section) => self.declared(section.count(), "globals")?,
                Payload::ExportSection(section) => self.declared(section.count(), "exports")?,
                Payload::ElementSection(section) => {
                    self.declared(section.count(), "element segments")?;
                    let mut entries = 0;
                    for segment in section {
                        entries += u64::from(entries_of(&segment.map_err(parse)?.items));
                        self.check_limit(Limit::Entries, entries, "entries of element segments")?;
                    }
                }
                Payload::DataSection(section) => self.declared(section.count(), "data segments")?,
                Payload::TagSection(section) => self.declared(section.count(), "tags")?,
                Payload::CodeSectionStart { size, .. } => {
                    self.check_limit(Limit::CodeSize, size, "of code")?;
                }
                Payload::CodeSectionEntry(body) => {
                    let size = body.range().len();
                    let what = format!("in function {defined}");
                    self.check_limit(Limit::FunctionSize, size as u64, &what)?;
                    let mut locals = 0;
                    for group in body.get_locals_reader().map_err(parse)? {
                        locals += u64::from(group.map_err(parse)?.0);
                        let what = format!("locals in function {defined}");
                        self.check_limit(Limit::Locals, locals, &what)?;
                    }
                    defined += 1;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Counts the types of a type section. A group of types is counted before it is read, because the parser
    /// makes room for as many as it claims to have.
    fn count_types(&self, section: &[u8]) -> std::result::Result<(), Stop> {
        let mut reader = BinaryReader::new(section, 0);
        let groups = reader.read_var_u32()?;
        let mut types = 0;
        for _ in 0..groups {
            let mut ahead = reader.clone();
            if ahead.read_u8()? == REC_GROUP {
                self.check_limit(Limit::Types, types + u64::from(ahead.read_var_u32()?), "types")?;
            }
            for ty in reader.read::<RecGroup>()?.types() {
                types += 1;
                self.check_limit(Limit::Types, types, "types")?;
                if let CompositeInnerType::Func(ty) = &ty.composite_type.inner {
                    self.check_limit(Limit::Params, ty.params().len() as u64, "parameters of a type")?;
                    self.check_limit(Limit::Results, ty.results().len() as u64, "results of a type")?;
                }
            }
        }
        Ok(())
    }

    /// Validates the module and weighs it, section by section, so that no more is validated than may be
    /// compiled.
    fn weigh(&self, bytes: &[u8], features: WasmFeatures) -> std::result::Result<Facts, Stop> {
        let mut validator = Validator::new_with_features(features);
        let mut cost = CostEstimate::new(bytes.len());
        let mut facts = Facts::default();
        let mut allocations = FuncValidatorAllocations::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
                let index = function.index;
                let mut function = function.into_validator(allocations);
                let body = cost.add_body(&mut function, &body)?;
                allocations = function.into_allocations();
                facts.grows_memory |= body.grows_memory;
                let what = format!("nested blocks in function {index}");
                self.check_limit(Limit::Nesting, body.nesting, &what)?;
            }
            facts.starts |= matches!(payload, Payload::StartSection { .. });
            cost.add(&payload)?;
            self.check_limit(Limit::Complexity, cost.total(), "units of complexity")?;
        }
        facts.complexity = cost.total();
        Ok(facts)
    }

    fn declared(&self, count: impl Into<u64>, of_what: &str) -> Result<()> {
        self.check_limit(Limit::Declarations, count, of_what)
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

fn entries_of(items: &ElementItems<'_>) -> u32 {
    match items {
        ElementItems::Functions(items) => items.count(),
        ElementItems::Expressions(_, items) => items.count(),
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
