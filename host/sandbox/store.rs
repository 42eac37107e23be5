//! State of a guest's store: its limits, its deadline, the receiver of its text.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::{
    Caller, Extern, FrameInfo, Memory, ResourceLimiter, Store, Trap, UpdateDeadline, WasmBacktrace,
};

use super::config::{Check, MAX_BACKTRACE_FRAMES, Sink};
use super::sample::{self, Sampler};
use super::{Budget, Sandbox, engine_error};
use crate::error::{Error, GuestBacktrace, GuestFrame, Result, printable};
use crate::kernel;
use crate::limits::{Limit, Limits};

/// Maximum number of kernels in a guest's store.
pub(super) const MAX_KERNELS_PER_GUEST: usize = 8;

pub(super) struct StoreData {
    limits: Limits,
    pub(super) budget: Arc<Budget>,
    /// The guest's own budget, refilled for each call that has no other.
    own: Arc<Budget>,
    clock: Clock,
    interrupt: Option<Check>,
    /// Receiver of samples of the guest's stack.
    pub(super) sampler: Option<Box<Sampler>>,
    print: Option<Sink>,
    printed: usize,
    pub(super) growing: Growing,
}

/// The party for whom memory grows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Growing {
    /// The guest, by itself.
    ByGuest,
    /// The host, which needs room for elements in the guest's memory.
    ForElements,
    /// A kernel, whose memory the host has bounded.
    Kernel,
}

/// The deadline of the current budget.
enum Clock {
    /// The budget's own deadline.
    Budget,
    /// Starts at the next epoch tick, so that short calls never read the clock.
    Unstarted,
    /// This time; `None` where an `Instant` cannot represent it.
    Ends(Option<Instant>),
}

impl Clock {
    fn is_over(&mut self, budget: &Budget) -> bool {
        match self {
            Clock::Budget => budget.is_over(),
            Clock::Unstarted => {
                *self = Clock::Ends(Instant::now().checked_add(budget.time));
                false
            }
            Clock::Ends(ends) => ends.is_some_and(|ends| Instant::now() >= ends),
        }
    }
}

/// A limit that was hit, as an error that passes through wasmtime.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(super) struct Hit {
    limit: Limit,
    what: String,
}

/// The program has stopped the guest, as an error that passes through wasmtime.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

impl Hit {
    fn err<T>(limits: &Limits, limit: Limit, subject: &str, found: usize) -> wasmtime::Result<T> {
        let what = limits.exceeded(limit, subject, found as u64);
        Err(wasmtime::Error::new(Hit { limit, what }))
    }
}

/// Creates an empty store with its limits set, running on `budget`.
pub(super) fn new(sandbox: &Sandbox, budget: Arc<Budget>) -> Result<Store<StoreData>> {
    let state = StoreData {
        limits: sandbox.config.limits,
        interrupt: sandbox.config.interrupt.clone(),
        sampler: None,
        print: sandbox.config.print.clone(),
        printed: 0,
        growing: Growing::ByGuest,
        own: Arc::new(Budget::new(sandbox.limits())),
        clock: Clock::Budget,
        budget: budget.clone(),
    };
    let mut store = Store::new(&sandbox.engine, state);
    store.limiter(|state| state);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        sample::take(&store);
        let StoreData { budget, clock, interrupt, sampler, .. } = store.data_mut();
        if clock.is_over(budget) {
            return Err(wasmtime::Error::new(Trap::Interrupt));
        }
        let is_due = sampler.as_mut().is_none_or(|sampler| sampler.is_check_due());
        // The check is the host's code and may do anything, so it is not called with a borrowed store.
        let check = interrupt.clone().filter(|_| is_due);
        if check.is_some_and(|check| check()) {
            return Err(wasmtime::Error::new(Interrupted));
        }
        Ok(UpdateDeadline::Continue(1))
    });
    fuel(&mut store, &budget)?;
    Ok(store)
}

/// Switches the store to `budget`.
pub(super) fn charge(store: &mut Store<StoreData>, budget: &Arc<Budget>) -> Result<()> {
    save_fuel(store);
    let state = store.data_mut();
    (state.budget, state.clock) = (budget.clone(), Clock::Budget);
    fuel(store, budget)
}

/// Switches the store to the guest's own budget, refilled; its deadline starts at the first tick.
#[inline]
pub(super) fn switch_to_own_budget(store: &mut Store<StoreData>) -> Result<(), Box<Error>> {
    let state = store.data_mut();
    state.clock = Clock::Unstarted;
    if !Arc::ptr_eq(&state.budget, &state.own) {
        leave_shared_budget(store);
    }
    let fuel = store.data().limits.fuel;
    store.set_fuel(fuel).map_err(without_fuel)
}

#[cold]
fn leave_shared_budget(store: &mut Store<StoreData>) {
    save_fuel(store);
    let state = store.data_mut();
    state.budget = state.own.clone();
}

#[cold]
fn without_fuel(error: wasmtime::Error) -> Box<Error> {
    Box::new(engine_error(error))
}

/// Stores the remaining fuel in the current budget, unless it is the guest's own: nothing is left of that for
/// the next call.
#[inline]
pub(super) fn save_fuel(store: &mut Store<StoreData>) {
    let StoreData { budget, own, .. } = store.data();
    if !Arc::ptr_eq(budget, own)
        && let Ok(left) = store.get_fuel()
    {
        budget.set_left(left);
    }
}

fn fuel(store: &mut Store<StoreData>, budget: &Budget) -> Result<()> {
    store.set_fuel(budget.left()).map_err(engine_error)
}

impl ResourceLimiter for StoreData {
    fn memory_growing(&mut self, _: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        // More than its type allows: `memory.grow` answers -1, whatever the limit.
        if most.is_some_and(|most| desired > most) {
            return Ok(false);
        }
        let subject = match self.growing {
            Growing::Kernel => return Ok(true),
            Growing::ForElements => "the guest with the elements in it",
            Growing::ByGuest => "the guest",
        };
        if desired > self.limits.memory {
            return Hit::err(&self.limits, Limit::Memory, subject, desired);
        }
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.table {
            return Hit::err(&self.limits, Limit::Table, "the guest", desired);
        }
        Ok(true)
    }

    /// The guest, and the kernels in its store.
    fn instances(&self) -> usize {
        1 + MAX_KERNELS_PER_GUEST
    }

    fn memories(&self) -> usize {
        1 + MAX_KERNELS_PER_GUEST
    }

    fn tables(&self) -> usize {
        1
    }
}

/// The import `callbox.print (ptr, len)`.
pub(super) fn print(mut caller: Caller<'_, StoreData>, ptr: u32, len: u32) -> wasmtime::Result<()> {
    let (memory, state) = match caller.get_export("memory").and_then(Extern::into_memory) {
        Some(memory) => Memory::data_and_store_mut(&memory, &mut caller),
        None => return Err(wasmtime::Error::new(Trap::MemoryOutOfBounds)),
    };
    let text = (memory.get(ptr as usize..).and_then(|memory| memory.get(..len as usize)))
        .ok_or_else(|| wasmtime::Error::new(Trap::MemoryOutOfBounds))?;
    // The sink may do something for an empty text, too.
    let counted = text.len().max(1);
    if counted > state.limits.print - state.printed {
        return Hit::err(&state.limits, Limit::Print, "the guest", state.printed.saturating_add(counted));
    }
    state.printed += counted;
    // The sink is the host's code and may do anything, so it is not called with borrowed memory.
    let (text, sink) = (text.to_vec(), state.print.clone());
    if let Some(sink) = sink {
        sink(&text);
    }
    Ok(())
}

/// Converts wasmtime's error of a call of `export` to this crate's.
pub(super) fn failure(error: wasmtime::Error, module: &str, export: &str, limits: &Limits) -> Error {
    // It may be an error of this crate already.
    let error = match error.downcast::<Error>() {
        Ok(known) => return known,
        Err(other) => other,
    };
    let module = module.to_owned();
    if let Some(hit) = error.downcast_ref::<Hit>() {
        return Error::Limit { module, limit: hit.limit, what: hit.what.clone() };
    }
    if error.is::<Interrupted>() {
        return Error::Interrupted { module, export: export.to_owned() };
    }
    let trap = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            let what = limits.exceeded(Limit::Fuel, export, 0);
            return Error::Limit { module, limit: Limit::Fuel, what };
        }
        Some(Trap::Interrupt) => {
            let what = limits.exceeded(Limit::Deadline, export, 0);
            return Error::Limit { module, limit: Limit::Deadline, what };
        }
        Some(Trap::StackOverflow) => "stack overflow".to_owned(),
        Some(trap) => trap.to_string().trim_start_matches("wasm trap: ").to_owned(),
        None => return engine_error(error),
    };
    let source = error.downcast_ref::<WasmBacktrace>().map(backtrace).unwrap_or_default();
    Error::Trap { module, export: export.to_owned(), trap, asked: Vec::new(), source }
}

fn backtrace(trace: &WasmBacktrace) -> GuestBacktrace {
    let is_guests = |frame: &&FrameInfo| frame.module().name() != Some(kernel::NAME);
    let frames = trace.frames().iter().take(MAX_BACKTRACE_FRAMES).filter(is_guests);
    GuestBacktrace { frames: frames.map(guest_frame).collect() }
}

pub(super) fn guest_frame(frame: &FrameInfo) -> GuestFrame {
    GuestFrame {
        name: frame.func_name().map(printable),
        index: frame.func_index(),
        offset: frame.module_offset(),
    }
}
