//! A module's bytes, read but not yet inspected.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Module, Sandbox, admission, on_compiler_stack};
use crate::error::{Error, ModuleError, Result, printable};
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

    /// Creates a source from WebAssembly text. `name` is its name in errors and leak reports.
    pub fn from_text(name: impl Into<String>, text: impl Into<Vec<u8>>) -> ModuleSource {
        ModuleSource { name: name.into(), bytes: text.into(), text: true }
    }

    /// Reads a file: text if its name ends in `.wat`, a binary otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] where the file cannot be read, [`Error::Limit`] where it is larger than
    /// [`Limits::module_size`], or than [`Limits::module_text`] where it is text.
    pub fn read(path: impl AsRef<Path>, limits: &Limits) -> Result<ModuleSource> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = path.extension().is_some_and(|extension| extension == "wat");
        // One byte more than is allowed, so that an endless file is found to be too large.
        let most = if text { limits.module_text } else { limits.module_size }.saturating_add(1);
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(most as u64).read_to_end(&mut bytes))
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        if text {
            admission::check_text_size(&name, &bytes, limits)?;
        } else {
            admission::check_size(&name, &bytes, limits)?;
        }
        Ok(ModuleSource { name, bytes, text })
    }

    /// Returns the estimated cost of compiling the module, as [`Limits::complexity`] counts it, without
    /// compiling it.
    ///
    /// # Errors
    ///
    /// Those of [`ModuleSource::compile`] for a module that is not valid or exceeds a limit.
    pub fn complexity(&self, sandbox: &Sandbox) -> Result<u64> {
        let (limits, features) = (sandbox.limits(), sandbox.config.features());
        let bytes = if self.text {
            parse_text(&self.name, &self.bytes, limits)?.into()
        } else {
            Cow::Borrowed(&self.bytes[..])
        };
        Ok(admission::scan(&self.name, &bytes, limits, features)?.complexity)
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

/// Returns the binary form of a module's text.
pub(super) fn parse_text(name: &str, text: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    admission::check_text_size(name, text, limits)?;
    let invalid = |reason| ModuleError::Invalid { module: name.to_owned(), reason }.into();
    on_compiler_stack(|| {
        let parsed = wat::parse_bytes(text).map(Cow::into_owned);
        parsed.map_err(|error| invalid(wat_error(&error.to_string())))
    })
}

/// Returns the parser's message and position, without the excerpt of the text below them.
fn wat_error(text: &str) -> String {
    let mut lines = text.lines();
    let message = printable(lines.next().unwrap_or_default());
    let place = lines.next().and_then(|line| line.rsplit_once("<anon>:")?.1.split_once(':'));
    match place {
        Some((line, column)) => format!("{message} at line {line}, column {column}"),
        None => message,
    }
}
