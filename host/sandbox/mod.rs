//! Engine, module, guest: the only folder that uses wasmtime.

mod admission;
mod budget;
mod code_cost;
mod compare_export;
mod config;
mod function;
mod guest;
mod invoke;
mod module;
mod kernel_functions;
mod kernel_instance;
mod sample;
mod shape;
mod sort_keys;
mod source;
mod stack;
mod staging;
mod stay;
mod store;
mod ticker;
mod cost;
mod weights;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use wasmtime::Engine;

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::sync::fork::{self, Section};
use crate::threads;

pub(crate) use budget::{Budget, Shares};
pub(crate) use compare_export::PairCaller;
pub use config::Config;
pub(crate) use function::Function;
pub use guest::Guest;
pub(crate) use guest::Turn;
pub(crate) use kernel_functions::{AsksRows, BlockPlaces, MergePlaces, RowPlaces, RunLengths, SortPlaces};
pub(crate) use kernel_instance::KernelInstance;
pub use module::{MemoryType, Module, ModuleExtern};
pub use sample::Sample;
pub use shape::CompareShape;
pub(crate) use sort_keys::SORT_KEY;
pub use source::ModuleSource;
pub use staging::ElementRoom;
pub(crate) use stay::Stay;

/// Size of a page of WebAssembly memory in bytes.
const WASM_PAGE: usize = 64 << 10;

/// Maximum number of pages of a memory with 32-bit addresses.
const MAX_PAGES: u64 = 65_536;

/// Memory in bytes that is surely enough for the stack on which the engine handles a thread's signals.
const SIGNAL_STACK_BYTES: usize = 1 << 20;

/// Stack in bytes that is surely enough to compile a module within the default limits.
const COMPILER_STACK_BYTES: usize = 1 << 20;

/// `Err` where the system has no room for `what`, without which something panics.
fn check_room(bytes: usize, what: &'static str) -> Result<()> {
    if threads::has_room(bytes) { Ok(()) } else { Err(Error::NoMemory { bytes, what }) }
}

/// Prepares this thread for guests, which its first call of one does otherwise.
///
/// # Errors
///
/// [`Error::NoMemory`].
pub(crate) fn prepare_thread() -> Result<()> {
    // The engine panics where it gets no memory for the stack that this thread handles signals on.
    check_room(SIGNAL_STACK_BYTES, "a stack for signals")?;
    Engine::tls_eager_initialize();
    Ok(())
}

/// Does the work of a compiler, which takes more stack than the threads of some programs have.
fn on_compiler_stack<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    if stacker::remaining_stack().is_none_or(|left| left < COMPILER_STACK_BYTES) {
        // It panics where it gets no memory for a stack.
        check_room(3 * COMPILER_STACK_BYTES, "a stack to compile on")?;
    }
    stacker::maybe_grow(COMPILER_STACK_BYTES, 2 * COMPILER_STACK_BYTES, work)
}

/// Converts an error of wasmtime's that is no guest's fault.
fn engine_error(error: wasmtime::Error) -> Error {
    Error::Engine { reason: format!("{error:#}") }
}

/// An engine, the limits of its guests, and what they may import. Cheap to clone.
///
/// A guest gets no import unless the host grants it; the only import that can be granted is
/// [`callbox.print`](Config::grant_print).
///
/// ```
/// use callbox::{Limits, Module, Sandbox};
/// # fn main() -> callbox::Result<()> {
/// let sandbox = Sandbox::new(Limits::default().memory(1 << 20))?;
/// let module = Module::from_file(&sandbox, "wat/good/ascending.wat")?; // compiled once
/// let (one, other) = (module.instantiate()?, module.instantiate()?);   // each with its own memory
/// # let _ = (one, other);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sandbox {
    engine: Engine,
    /// Keeps the epoch moving from the first guest on, for as long as one may run.
    ticker: Arc<OnceLock<ticker::Subscription>>,
    /// The process that created it, as [`fork::process`] identifies it.
    process: usize,
    config: Config,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sandbox({})", self.limits())
    }
}

impl Sandbox {
    /// Creates a sandbox whose guests get these limits, or the settings of a [`Config`], and no import.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] where wasmtime does not run on this machine.
    pub fn new(config: impl Into<Config>) -> Result<Sandbox> {
        let config = config.into();
        let section = Section::enter();
        let engine = config.engine()?;
        drop(section);
        prepare_thread()?;
        let process = fork::process();
        Ok(Sandbox { engine, ticker: Arc::default(), process, config })
    }

    /// Loads a module from a `.wasm` or `.wat` file and creates one guest of it:
    /// [`Module::from_file`], then [`Module::instantiate`].
    ///
    /// # Errors
    ///
    /// Those of these two functions.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Guest> {
        Module::from_file(self, path)?.instantiate()
    }

    /// Returns the limits of the guests.
    pub fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// `Err` in a forked child of the process that created it. `module` is named in the error.
    fn check_process(&self, module: &str) -> Result<()> {
        if fork::is_same_process(self.process) {
            return Ok(());
        }
        Err(Error::Forked { module: module.to_owned() })
    }

    /// Subscribes to the ticker, which enforces deadlines, if not done before.
    fn start_ticker(&self) -> Result<()> {
        if self.ticker.get().is_none() {
            let subscription = ticker::Subscription::new(self.engine.clone(), self.config.sample.is_some())
                .map_err(|source| Error::Thread { purpose: "to watch deadlines", source })?;
            // If two threads race here, one subscription is enough.
            let _ = self.ticker.set(subscription);
        }
        Ok(())
    }
}
