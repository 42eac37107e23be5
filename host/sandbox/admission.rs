//! What a module is, found out before it is compiled.

use wasmparser::{Encoding, Operator, Parser, Payload};

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

/// Reads the module once. `name` is for errors.
pub(super) fn scan(name: &str, bytes: &[u8], limits: &Limits) -> Result<Facts> {
    let refuse = |reason: String| Error::Module { module: name.to_owned(), reason };
    if bytes.len() > limits.module_size {
        let what = format!("the module has more than the {} bytes that are allowed", limits.module_size);
        return Err(Error::Limit { module: name.to_owned(), limit: Limit::ModuleSize, what });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(refuse(what_instead(bytes)));
    }
    let mut facts = Facts::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let parse = |error: wasmparser::BinaryReaderError| refuse(error.to_string());
        match payload.map_err(parse)? {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err(refuse("it is a component; a guest is a core module".into()));
            }
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
