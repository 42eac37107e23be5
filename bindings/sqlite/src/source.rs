//! Guests, and the places that they come from.

use callbox::bundled::Bundled;
use callbox::{Module, Sandbox};

use crate::fault::{Fault, Result};
use crate::value::Value;

/// First bytes of a binary module.
const MAGIC: &[u8] = b"\0asm";

/// A module, and the name of the place that it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) place: String,
    pub(crate) module: Module,
    /// SHA-256 of the module, in hexadecimal digits.
    pub(crate) sha256: String,
}

impl Source {
    /// Compiles the module that an argument means: a blob is the module itself, a text the name of a bundled
    /// guest, or else the path of a file. A file of such a name is `./version`.
    pub(crate) fn of(sandbox: &Sandbox, argument: &Value<'_>) -> Result<Source> {
        let (place, module) = match argument {
            Value::Blob(bytes) => {
                let name = "blob";
                let module = if bytes.starts_with(MAGIC) {
                    Module::new(sandbox, name, bytes)?
                } else {
                    Module::from_text(sandbox, name, bytes)?
                };
                (name.to_owned(), module)
            }
            _ => {
                let name = argument.text("the guest, the first argument, which is no blob,")?;
                if name.contains('\0') {
                    return Err(Fault::new("a path has no NUL"));
                }
                let module = match Bundled::find(name) {
                    Some(bundled) => Module::new(sandbox, name, bundled.wasm)?,
                    None => Module::from_file(sandbox, name)?,
                };
                (name.to_owned(), module)
            }
        };
        let sha256 = module.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Source { place, module, sha256 })
    }
}

/// Returns the name of a bundled guest that an argument is.
pub(crate) fn bundled_name<'v>(argument: &Value<'v>) -> Result<&'v str> {
    let name = argument.text("the name of a bundled guest")?;
    match Bundled::find(name) {
        Some(_) => Ok(name),
        None => Err(Fault::new(format!(
            "\"{}\" is no bundled guest; name what is loaded: callbox_load(GUEST, NAME)",
            callbox::escape(name)
        ))),
    }
}
