//! A compiled module: shareable between threads, cheap to clone.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use wasmtime::{ExternType, FuncType};

use super::shape::{CompareShape, func_type_text};
use super::source::{ModuleSource, parse_text};
use super::staging::{ElementRoom, NoRoom};
use super::{Sandbox, admission, engine_error, on_compiler_stack};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{ModuleError, Result, imports, printable};
use crate::kernel::{InlineBody, KernelSpec};
use crate::sync::fork::{OfProcess, Section};
use crate::sync::lock;

/// Maximum number of compiled kernels that a module keeps.
const MAX_CACHED_KERNELS: usize = 32;

/// A compiled module: [`Send`] and [`Sync`], and cheap to clone. Each [`Guest`](crate::Guest) is
/// one instance of it.
#[derive(Clone)]
pub struct Module {
    pub(super) inner: Arc<ModuleInner>,
}

pub(super) struct ModuleInner {
    pub(super) name: String,
    pub(super) sandbox: Sandbox,
    /// Its types are looked up in the engine, under a lock: [`ModuleInner::look`].
    wasm: OfProcess<wasmtime::Module>,
    pub(super) facts: admission::Facts,
    /// Where elements go in the memory of its guests, or the reason why they go nowhere.
    pub(super) element_room: Result<ElementRoom, NoRoom>,
    pub(super) bytes: Box<[u8]>,
    sha256: [u8; 32],
    /// Compiled kernels that sort by its exports, oldest first.
    kernels: Mutex<OfProcess<Vec<(String, KernelSpec, wasmtime::Module)>>>,
}

impl ModuleInner {
    /// Looks at the compiled module, and at the types that it has in its engine.
    pub(super) fn look<R>(&self, look: impl FnOnce(&wasmtime::Module) -> R) -> R {
        let _section = Section::enter();
        look(&self.wasm)
    }
}

/// An export or import of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModuleExtern {
    /// Its name; `module.name` for an import.
    pub name: String,
    /// Its type, as wasm text spells it: `func (i32, i32) -> i32`, `memory 1 2`.
    pub ty: String,
    /// Its shape as a comparator, where it is one.
    pub shape: Option<CompareShape>,
}

impl ModuleExtern {
    /// Returns its name for display: control characters are escaped, and a long name is cut off.
    pub fn shown(&self) -> String {
        printable(&self.name)
    }

    /// Returns the way to do without it, for an import that no host grants and whose name tells what made it.
    pub fn advice(&self) -> Option<&'static str> {
        imports::advice(&self.name)
    }
}

/// A module's memory as declared, in pages of 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryType {
    /// Pages at the start.
    pub minimum: u64,
    /// Pages that it may grow to, where the module declares a maximum.
    pub maximum: Option<u64>,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Module({})", self.name())
    }
}

impl Module {
    /// Compiles a module from the bytes of its binary. `name` is its name in errors and leak reports.
    ///
    /// # Errors
    ///
    /// [`ModuleError::Invalid`] where the bytes are not a valid core module, [`ModuleError::Features`] where
    /// it needs a proposal that is not allowed, [`Error::Limit`] where it exceeds a limit.
    pub fn new(sandbox: &Sandbox, name: impl Into<String>, bytes: &[u8]) -> Result<Module> {
        let name = name.into();
        on_compiler_stack(|| Module::compiled(sandbox, name, bytes))
    }

    fn compiled(sandbox: &Sandbox, name: String, bytes: &[u8]) -> Result<Module> {
        sandbox.check_process(&name)?;
        let facts = admission::scan(&name, bytes, sandbox.limits(), sandbox.config.features())?;
        let section = Section::enter();
        let wasm = wasmtime::Module::new(&sandbox.engine, bytes)
            .map_err(|error| ModuleError::Invalid { module: name.clone(), reason: one_line(&error) })?;
        let may_add_pages = !facts.grows_memory || sandbox.config.fresh_pages;
        let element_room = ElementRoom::of(&wasm, may_add_pages);
        drop(section);
        let sha256 = Sha256::digest(bytes).into();
        let inner = ModuleInner {
            name,
            sandbox: sandbox.clone(),
            wasm: OfProcess::new(wasm),
            facts,
            element_room,
            bytes: bytes.into(),
            sha256,
            kernels: Mutex::new(OfProcess::new(Vec::new())),
        };
        Ok(Module { inner: Arc::new(inner) })
    }

    /// Compiles a module from a file: text if its name ends in `.wat`, a binary otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] where the file cannot be read, and those of [`Module::new`].
    pub fn from_file(sandbox: &Sandbox, path: impl AsRef<Path>) -> Result<Module> {
        ModuleSource::read(path, sandbox.limits())?.compile(sandbox)
    }

    /// Compiles a module from WebAssembly text.
    ///
    /// # Errors
    ///
    /// [`ModuleError::Invalid`] where the text does not parse, [`Error::Limit`] where it is larger than
    /// [`Limits::module_text`](crate::Limits::module_text), and those of [`Module::new`].
    pub fn from_text(sandbox: &Sandbox, name: impl Into<String>, text: impl AsRef<[u8]>) -> Result<Module> {
        let name = name.into();
        let wasm = parse_text(&name, text.as_ref(), sandbox.limits())?;
        Module::new(sandbox, name, &wasm)
    }

    /// Returns the code of an export, where it is so short that a kernel inlines it.
    pub(crate) fn body(&self, export: &str) -> Option<InlineBody> {
        InlineBody::of_export(&self.inner.bytes, export)
    }

    /// Returns a kernel, compiled unless it is cached.
    pub(super) fn kernel(&self, export: &str, spec: &KernelSpec) -> Result<wasmtime::Module> {
        let mut kernels = lock(&self.inner.kernels);
        let found = kernels.iter().find(|(name, known, _)| name == export && known == spec);
        if let Some((_, _, kernel)) = found {
            return Ok(kernel.clone());
        }
        let kernel =
            wasmtime::Module::new(&self.inner.sandbox.engine, spec.module()).map_err(engine_error)?;
        if kernels.len() == MAX_CACHED_KERNELS {
            kernels.remove(0); // the oldest
        }
        kernels.push((export.to_owned(), spec.clone(), kernel.clone()));
        Ok(kernel)
    }

    /// Returns the name or path it was loaded by.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns the size of the binary in bytes.
    pub fn size(&self) -> usize {
        self.inner.bytes.len()
    }

    /// Returns the SHA-256 of the binary (of the converted binary, for text).
    pub fn sha256(&self) -> [u8; 32] {
        self.inner.sha256
    }

    /// Returns whether a start function or `_initialize` runs at instantiation.
    pub fn starts(&self) -> bool {
        self.inner.facts.starts || self.inner.look(|wasm| wasm.get_export("_initialize").is_some())
    }

    /// Returns whether some function of it adds pages to its memory.
    pub fn grows_memory(&self) -> bool {
        self.inner.facts.grows_memory
    }

    /// Returns the memory that it exports as `memory`.
    pub fn memory(&self) -> Option<MemoryType> {
        match self.inner.look(|wasm| wasm.get_export("memory"))? {
            ExternType::Memory(ty) => Some(MemoryType { minimum: ty.minimum(), maximum: ty.maximum() }),
            _ => None,
        }
    }

    /// Returns its exports, in the module's order.
    pub fn exports(&self) -> Vec<ModuleExtern> {
        let export = |export: wasmtime::ExportType<'_>| {
            let ty = export.ty();
            let is_abi = matches!(export.name(), "callbox_alloc" | "cabi_realloc" | "sort_key");
            let func = ty.func().filter(|_| !is_abi);
            let shape = func.map(|func| (CompareShape::of(export.name(), func), func));
            ModuleExtern {
                name: export.name().to_owned(),
                ty: describe(&ty),
                shape: shape.filter(|(shape, func)| shape.fits(func)).map(|(shape, _)| shape),
            }
        };
        self.inner.look(|wasm| wasm.exports().map(export).collect())
    }

    /// Returns its imports, in the module's order.
    pub fn imports(&self) -> Vec<ModuleExtern> {
        let import = |import: wasmtime::ImportType<'_>| ModuleExtern {
            name: format!("{}.{}", import.module(), import.name()),
            ty: describe(&import.ty()),
            shape: None,
        };
        self.inner.look(|wasm| wasm.imports().map(import).collect())
    }

    /// Returns the type of the exported function `name`.
    pub(super) fn function(&self, name: &str) -> Result<FuncType> {
        let refuse = |reason| Err(ModuleError::Export { module: self.name().to_owned(), reason }.into());
        match self.inner.look(|wasm| wasm.get_export(name)) {
            Some(ExternType::Func(func)) => Ok(func),
            Some(other) => refuse(format!("\"{name}\" must be a function, but is a {}", describe(&other))),
            None => refuse(format!("no export \"{name}\"; {}", self.list_functions())),
        }
    }

    /// Returns the type of the exported function `name`, and `shape` or else the shape that it has.
    pub(super) fn comparator(
        &self,
        name: &str,
        shape: Option<CompareShape>,
    ) -> Result<(CompareShape, FuncType)> {
        let func = self.function(name)?;
        let shape = shape.unwrap_or_else(|| CompareShape::of(name, &func));
        if !shape.fits(&func) {
            let (found, expected) = (func_type_text(&func), shape.expected());
            let reason =
                format!("\"{name}\" has the type {found}, but a comparator by {shape} has {expected}");
            return Err(ModuleError::Export { module: self.name().to_owned(), reason }.into());
        }
        Ok((shape, func))
    }

    fn list_functions(&self) -> String {
        let is_func = |export: &ModuleExtern| export.ty.starts_with("func");
        let names: Vec<_> = self.exports().into_iter().filter(is_func).map(|export| export.shown()).collect();
        if names.is_empty() {
            return "it exports no function".into();
        }
        format!("the functions it exports are: {}", names.join(", "))
    }

    /// Returns whether a guest gets this import.
    pub fn is_granted(&self, import: &ModuleExtern) -> bool {
        let granted = self.inner.sandbox.config.print.is_some();
        granted && import.name == "callbox.print" && import.ty == "func (i32, i32)"
    }

    pub(super) fn check_imports(&self) -> Result<()> {
        let refused = self.imports().into_iter().filter(|import| !self.is_granted(import));
        let refused: Vec<_> = refused.map(|import| import.shown()).collect();
        if refused.is_empty() {
            return Ok(());
        }
        Err(ModuleError::Imports { module: self.name().to_owned(), imports: refused }.into())
    }
}

fn describe(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(func) => format!("func {}", func_type_text(func)),
        ExternType::Memory(memory) => match memory.maximum() {
            Some(most) => format!("memory {} {most}", memory.minimum()),
            None => format!("memory {}", memory.minimum()),
        },
        ExternType::Table(table) => format!("table {} {}", table.minimum(), table.element()),
        ExternType::Global(global) => format!("global {}", global.content()),
        ExternType::Tag(_) => "tag".to_owned(),
    }
}

/// Returns wasmtime's chain of causes in one line.
fn one_line(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    printable(&text.split('\n').map(str::trim).collect::<Vec<_>>().join(" "))
}
