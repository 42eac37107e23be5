//! What a module is, found out before it is compiled.

use wasmparser::{Operator, Parser, Payload, Validator};

use crate::error::{Error, Limit, Result};
use crate::limits::Limits;

/// Facts about a module that wasmtime does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// Some function has a `memory.grow` instruction.
    pub(super) grows_memory: bool,
    /// A start function runs at instantiation.
    pub(super) starts: bool,
}

/// `Err` where a file or module is larger than its limit.
pub(super) fn check_size(name: &str, bytes: &[u8], limits: &Limits) -> Result<()> {
    if bytes.len() > limits.module_size {
        let what = format!("the module has more than the {} bytes that are allowed", limits.module_size);
        return Err(Error::Limit { module: name.to_owned(), limit: Limit::ModuleSize, what });
    }
    Ok(())
}

/// Reads the module once. `name` is for errors.
pub(super) fn scan(name: &str, bytes: &[u8], limits: &Limits) -> Result<Facts> {
    let refuse = |reason: String| Error::Module { module: name.to_owned(), reason };
    check_size(name, bytes, limits)?;
    if !bytes.starts_with(b"\0asm") {
        return Err(refuse(what_instead(bytes)));
    }
    // The encoding's two bytes: 0 for a core module, 1 for a component.
    if bytes.get(6..8) == Some(&[1, 0]) {
        return Err(refuse("it is a component; a guest is a core module".into()));
    }
    Validator::new_with_features(super::FEATURES)
        .validate_all(bytes)
        .map_err(|error| refuse(error.to_string()))?;
    let mut facts = Facts::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let parse = |error: wasmparser::BinaryReaderError| refuse(error.to_string());
        match payload.map_err(parse)? {
            Payload::StartSection { .. } => facts.starts = true,
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().map_err(parse)? {
                    if let Operator::MemoryGrow { .. } = operator.map_err(parse)? {
                        facts.grows_memory = true;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(facts)
}

fn what_instead(bytes: &[u8]) -> String {
    match bytes {
        [] => "the file is empty".into(),
        [b'(' | b';', ..] => "it looks like text; name text files .wat".into(),
        _ => "it does not begin with \\0asm".into(),
    }
}
