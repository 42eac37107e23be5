//! A module's bytes, read but not yet inspected.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Module, Sandbox, admission};
use crate::error::{Error, Result};
use crate::limits::Limits;

/// A module that has been read and not yet inspected. [`ModuleSource::compile`] inspects it, which a
/// process may want to do in [`Isolation`](crate::isolation::Isolation), where it can no longer read
/// files.
#[derive(Clone)]
pub struct ModuleSource {
    name: String,
    bytes: Vec<u8>,
    text: bool,
}

impl fmt::Debug for ModuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModuleSource({}, {} bytes)", self.name, self.bytes.len())
    }
}

impl ModuleSource {
    /// Creates a source from a binary. `name` is its name in errors and leak reports.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> ModuleSource {
        ModuleSource { name: name.into(), bytes: bytes.into(), text: false }
    }

    /// Reads a file: text if its name ends in `.wat`, a binary otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] where the file cannot be read, [`Error::Limit`] where it is larger than
    /// [`Limits::module_size`].
    pub fn read(path: impl AsRef<Path>, limits: &Limits) -> Result<ModuleSource> {
        let path = path.as_ref();
        let name = path.display().to_string();
        // One byte more than is allowed, so that an endless file is found to be too large.
        let most = limits.module_size.saturating_add(1);
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(most as u64).read_to_end(&mut bytes))
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        admission::check_size(&name, &bytes, limits)?;
        let text = path.extension().is_some_and(|extension| extension == "wat");
        Ok(ModuleSource { name, bytes, text })
    }

    /// Compiles the module.
    ///
    /// # Errors
    ///
    /// Those of [`Module::new`] and [`Module::from_text`].
    pub fn compile(&self, sandbox: &Sandbox) -> Result<Module> {
        if self.text {
            Module::from_text(sandbox, &self.name, &self.bytes)
        } else {
            Module::new(sandbox, &self.name, &self.bytes)
        }
    }
}
