//! One instance of a module: its own store, memory and limits, and callers that take turns.

use std::fmt;
use std::sync::Arc;

use wasmtime::{Func, Instance, Store, ValType};

use super::compare_export::{CompareExport, PairCaller};
use super::module::Module;
use super::sample::Sampler;
use super::staging::Staging;
use super::store::{self, StoreData};
use super::{Budget, CompareShape, KernelInstance, engine_error, shape};
use crate::ctype::NumberKind;
use crate::error::{Error, ModuleError, Result};
use crate::kernel::KernelSpec;
use crate::limits::Limits;
use crate::sync::fork::Section;
use crate::sync::{self, Refusal, Turns};

/// One instance of a [`Module`], with its own memory and limits. Cheap to clone; every clone is
/// the same guest.
///
/// Any thread may call a guest; callers take turns. A call from inside a call on the same thread
/// is [`Error::Reentrant`].
#[derive(Clone)]
pub struct Guest {
    inner: Arc<GuestInner>,
}

struct GuestInner {
    /// Dropped before the module, so that it never drops what the host gave to the sandbox.
    turns: Turns<Running>,
    module: Module,
}

/// Reason for which a module without a start function traps at instantiation.
const SEGMENT_OUT_OF_BOUNDS: &str = "a data or element segment lies outside its memory or table";

struct Running {
    store: Store<StoreData>,
    instance: Instance,
    staging: Staging,
    /// Cached kernels in the guest's store, each for an export and a specification.
    kernels: Vec<(String, KernelSpec, KernelInstance)>,
}

impl Module {
    /// Creates a guest: an instance with a memory of its own. A start function and `_initialize` run
    /// now, on a budget of their own.
    ///
    /// # Errors
    ///
    /// [`ModuleError::Imports`] where the module has an import that is not granted; [`Error::Trap`] and
    /// [`Error::Limit`] where initialisation fails; [`Error::Stack`] and [`Error::Forked`] where this
    /// thread, or this process, cannot run a guest, which every later call checks too.
    pub fn instantiate(&self) -> Result<Guest> {
        let inner = &*self.inner;
        inner.sandbox.check_process(&inner.name)?;
        self.check_imports()?;
        self.check_stack().map_err(|error| *error)?;
        inner.sandbox.start_ticker()?;
        let budget = Arc::new(Budget::new(inner.sandbox.limits()));
        let fail = |error: wasmtime::Error, export: &str| {
            store::failure(error, &inner.name, export, inner.sandbox.limits())
        };
        let section = Section::enter();
        let mut store = store::new(&inner.sandbox, budget.clone())?;
        let (wasm, print) = inner.look(|wasm| {
            // The imports have been checked: each is `callbox.print`.
            let print = wasm.imports().map(|_| Func::wrap(&mut store, store::print).into());
            (wasm.clone(), print.collect::<Vec<_>>())
        });
        let sink = inner.sandbox.config.sample.as_ref();
        let sampler = sink.map(|sink| Box::new(Sampler::new(sink, &inner.name, &wasm, &inner.bytes)));
        store.data_mut().sampler = sampler;
        // A start function may take long, and it may print.
        let section = (!inner.facts.starts).then_some(section);
        let instance = Instance::new(&mut store, &wasm, &print).map_err(|error| {
            if inner.facts.starts {
                fail(error, "start")
            } else {
                match fail(error, "") {
                    Error::Trap { module, .. } => {
                        ModuleError::Invalid { module, reason: SEGMENT_OUT_OF_BOUNDS.into() }.into()
                    }
                    other => other,
                }
            }
        })?;
        drop(section);
        let section = Section::enter();
        let initialize = instance.get_typed_func::<(), ()>(&mut store, "_initialize");
        let staging = Staging::new(&mut store, &instance, inner).map_err(engine_error)?;
        drop(section);
        if let Ok(initialize) = initialize {
            initialize.call(&mut store, ()).map_err(|error| fail(error, "_initialize"))?;
        }
        let turns = Turns::new(Running { store, instance, staging, kernels: Vec::new() });
        let inner = GuestInner { turns, module: self.clone() };
        Ok(Guest { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guest({})", self.module().name())
    }
}

impl Guest {
    /// Returns the module of which it is an instance.
    pub fn module(&self) -> &Module {
        &self.inner.module
    }

    /// Returns the size of its memory in bytes; 0 where it exports none.
    ///
    /// # Errors
    ///
    /// [`Error::Reentrant`] where the guest is running on this thread; [`Error::Forked`].
    pub fn memory_size(&self) -> Result<usize> {
        let mut turn = self.turn_without_budget("memory")?;
        let Running { store, instance, .. } = &mut *turn.running;
        let memory = instance.get_memory(&mut *store, "memory");
        Ok(memory.map_or(0, |memory| memory.data_size(&*store)))
    }

    /// Returns the limits of the guest.
    pub(crate) fn limits(&self) -> &Limits {
        self.module().inner.sandbox.limits()
    }

    pub(crate) fn new_budget(&self) -> Arc<Budget> {
        Arc::new(Budget::new(self.limits()))
    }

    /// Checks an export once: its name, its type, and that the host can stage elements where the shape
    /// needs it.
    pub(crate) fn compare_export(
        &self,
        name: &str,
        shape: Option<CompareShape>,
    ) -> Result<(CompareShape, CompareExport)> {
        let (shape, ty) = self.module().comparator(name, shape)?;
        if shape != CompareShape::Scalars {
            self.module().element_room()?;
        }
        let mut turn = self.turn_without_budget(name)?;
        let Running { store, instance, .. } = &mut *turn.running;
        let _section = Section::enter();
        let kind = shape::scalar_kind(name).unwrap_or(NumberKind::Signed);
        let found = match (shape, ty.param(0)) {
            (CompareShape::Pointers, _) => instance.get_typed_func(store, name).map(CompareExport::Pointers),
            (CompareShape::Slices, _) => instance.get_typed_func(store, name).map(CompareExport::Slices),
            (_, Some(ValType::I64)) => {
                instance.get_typed_func(store, name).map(|f| CompareExport::I64(f, kind))
            }
            (_, Some(ValType::F32)) => instance.get_typed_func(store, name).map(CompareExport::F32),
            (_, Some(ValType::F64)) => instance.get_typed_func(store, name).map(CompareExport::F64),
            _ => instance.get_typed_func(store, name).map(|f| CompareExport::I32(f, kind)),
        };
        let comparator = found.map_err(engine_error)?;
        Ok((shape, comparator))
    }

    /// Waits for this thread's turn, to call the export `name` on this budget, or on one for this turn
    /// alone. Inlined, like all that a call by C does first: moving what it returns would take longer.
    #[inline(always)]
    pub(crate) fn turn(&self, name: &str, budget: Option<&Arc<Budget>>) -> Result<Turn<'_>, Box<Error>> {
        self.module().check_stack()?;
        let mut running = match self.inner.turns.enter() {
            Ok(running) => running,
            Err(refusal) => return Err(self.refused(refusal, name)),
        };
        let store = &mut running.store;
        let switched = match budget {
            None => store::switch_to_own_budget(store),
            Some(budget) if Arc::ptr_eq(&store.data().budget, budget) => Ok(()),
            Some(budget) => store::charge(store, budget).map_err(Box::new),
        };
        match switched {
            Ok(()) => Ok(Turn { guest: &self.inner, running }),
            Err(error) => Err(error),
        }
    }

    /// Returns this thread's turn, on a budget for this turn alone; `None` while it is another thread's.
    #[inline(always)]
    pub(crate) fn try_turn(&self, name: &str) -> Result<Option<Turn<'_>>, Box<Error>> {
        self.module().check_stack()?;
        let entered = self.inner.turns.try_enter().map_err(|refusal| self.refused(refusal, name))?;
        let Some(running) = entered else { return Ok(None) };
        let mut turn = Turn { guest: &self.inner, running };
        store::switch_to_own_budget(&mut turn.running.store)?;
        Ok(Some(turn))
    }

    /// Returns the error for a call from inside a call.
    #[cold]
    pub(crate) fn reentrant(&self, name: &str) -> Box<Error> {
        self.refused(Refusal::Reentrant, name)
    }

    /// As [`Guest::turn`], to inspect the guest without running it.
    pub(super) fn turn_without_budget(&self, name: &str) -> Result<Turn<'_>> {
        self.enter(name).map_err(|error| *error)
    }

    /// Waits for this thread's turn, unless that would be for ever.
    fn enter(&self, name: &str) -> Result<Turn<'_>, Box<Error>> {
        // A panic in a host function leaves the store usable: wasmtime unwinds it as it does a trap.
        match self.inner.turns.enter() {
            Ok(running) => Ok(Turn { guest: &self.inner, running }),
            Err(refusal) => Err(self.refused(refusal, name)),
        }
    }

    #[cold]
    fn refused(&self, refusal: Refusal, name: &str) -> Box<Error> {
        let (module, export) = (self.module().name().to_owned(), name.to_owned());
        Box::new(match refusal {
            Refusal::Forked => Error::Forked { module },
            Refusal::Reentrant => Error::Reentrant { module, export },
        })
    }
}

/// A thread's turn with a guest. Dropping it brings its budget up to date.
pub(crate) struct Turn<'a> {
    guest: &'a GuestInner,
    running: sync::Turn<'a, Running>,
}

impl Turn<'_> {
    /// Compares two elements with `call`, which calls the export `name` of this guest.
    #[inline]
    pub(crate) fn compare(
        &mut self,
        name: &str,
        call: &PairCaller,
        a: &[u8],
        b: &[u8],
    ) -> Result<i32, Box<Error>> {
        let Running { store, staging, .. } = &mut *self.running;
        match call.call(store, staging, a, b) {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.failure(error, name)),
        }
    }

    /// Returns the elements of these lengths that the last [`Turn::compare`] passed by address, as the guest
    /// has left them.
    pub(crate) fn compared(&mut self, lens: [usize; 2]) -> [&[u8]; 2] {
        let Running { store, staging, .. } = &mut *self.running;
        staging.staged_pair(store, lens)
    }

    pub(super) fn module(&self) -> &Module {
        &self.guest.module
    }

    pub(super) fn cached_kernels(&mut self) -> &mut Vec<(String, KernelSpec, KernelInstance)> {
        &mut self.running.kernels
    }

    pub(super) fn parts(&mut self) -> (&mut Store<StoreData>, &Instance, &mut Staging) {
        let Running { store, instance, staging, .. } = &mut *self.running;
        (store, instance, staging)
    }

    #[cold]
    pub(super) fn failure(&self, error: wasmtime::Error, name: &str) -> Box<Error> {
        let module = &self.guest.module;
        Box::new(store::failure(error, module.name(), name, module.inner.sandbox.limits()))
    }
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        store::save_fuel(&mut self.running.store);
    }
}
