//! Native calls of ours: C that is known to call back on the thread that called it, and never after
//! it has returned.
//!
//! Such a call needs no lock. Its slot names the thread, and while that thread is inside, the
//! trampoline finds the call's own state on the stack below it.
#![allow(unsafe_code, reason = "reads the elements that C points to, and the state of its own call")]

use std::ffi::{c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::slice;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

use super::{Comparison, NEUTRAL, abort, panicked, trampoline};
use crate::ahead::Ready;
use crate::bounds::{Bounds, Violation};
use crate::callback::{Answer, Callback};
use crate::entry::{Entry, Loan, SLOTS};
use crate::error::{Error, Result};
use crate::sandbox::this_thread;

/// Whether C frames can be unwound here. glibc and others compile what calls back so that they can;
/// musl does not.
const UNWINDS: bool = cfg!(all(panic = "unwind", not(target_env = "musl")));

/// What is asked: the guest, and whatever the host wants to do before and after. It gets two elements,
/// or, where it wants to see what comes next, all from these elements to the ends of their runs.
pub(crate) type Ask<'a> = dyn FnMut(&[u8], &[u8]) -> Answer + 'a;

/// A native call in progress.
struct Scope<'a> {
    bounds: Bounds,
    ready: Option<&'a Ready>,
    ask: &'a mut Ask<'a>,
    entry: &'a Entry,
    calls: u64,
    failure: Option<Box<Error>>,
}

/// Which thread is inside a native call with this slot, and where its scope is.
pub(super) struct Place {
    thread: AtomicUsize,
    scope: AtomicPtr<Scope<'static>>,
}

static PLACES: [Place; SLOTS] =
    [const { Place { thread: AtomicUsize::new(0), scope: AtomicPtr::new(std::ptr::null_mut()) } }; SLOTS];

/// Calls C with a trampoline that asks `ask`, and returns how often C has called; `callback` is who
/// the table says is asked. `ready`: what
/// it has answered before it is asked; it then sees all that comes after both elements, too. If C is driven out of `bounds` the native call is left by unwinding.
///
/// # Errors
///
/// The first failure of `ask`; [`Error::OutOfBounds`] and [`Error::LeftMergePath`] if the call was
/// left; [`Error::Panic`]; [`Error::TableFull`].
pub(crate) fn call<'a>(
    callback: &Callback,
    bounds: Bounds,
    ready: Option<&'a Ready>,
    ask: &'a mut Ask<'a>,
    native: impl FnOnce(Comparison),
) -> Result<u64> {
    let loan = Loan::new(Entry::new(callback.clone(), None))?;
    let slot = loan.key().slot();
    let mut scope = Scope { bounds, ready, ask, entry: loan.entry(), calls: 0, failure: None };
    let place = &PLACES[slot];
    place.scope.store((&raw mut scope).cast(), Relaxed);
    place.thread.store(this_thread(), Relaxed);
    let errno = errno::errno();
    let left = panic::catch_unwind(AssertUnwindSafe(|| native(trampoline(slot))));
    errno::set_errno(errno);
    place.thread.store(0, Relaxed);
    scope.entry.set_calls(scope.calls);
    match (scope.failure, left) {
        (Some(failure), _) => Err(*failure),
        (None, Err(panic)) => Err(*panicked(callback.export(), &*panic)),
        (None, Ok(())) => Ok(scope.calls),
    }
}

/// The place of this slot, if this thread is inside a native call with it.
pub(super) fn of(slot: usize) -> Option<&'static Place> {
    Some(&PLACES[slot]).filter(|place| place.thread.load(Relaxed) == this_thread())
}

/// # Safety
///
/// `place` is what [`of`] has just found for this slot. C does not write to elements while it
/// compares them.
#[inline]
pub(super) unsafe fn answer(place: &'static Place, a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: the place names this thread, so `call` is below us on this stack and its scope lives.
    // Nobody else refers to it: `call` waits for C, and while `ask` runs the place names no thread.
    let scope = unsafe { &mut *place.scope.load(Relaxed) };
    scope.calls += 1;
    match scope.ready.and_then(|ready| ready.take(a.addr(), b.addr())) {
        Some(order) => order as c_int,
        None => ask(place, scope, a, b),
    }
}

/// Asks, because no answer is ready.
#[inline(never)]
fn ask(place: &'static Place, scope: &mut Scope<'_>, a: *const c_void, b: *const c_void) -> c_int {
    scope.entry.set_calls(scope.calls);
    if let Err(violation) = scope.bounds.check(a.addr(), b.addr()) {
        scope.failure.get_or_insert(blame(scope.entry, scope.bounds, violation, scope.calls));
        leave(scope.entry.callback.export());
    }
    if scope.failure.is_some() {
        return NEUTRAL;
    }
    let lens = if scope.ready.is_some() {
        scope.bounds.reach(a.addr(), b.addr())
    } else {
        [scope.bounds.width(); 2]
    };
    // SAFETY: `check` found both elements inside runs that `call`'s caller keeps alive, and `reach` goes
    // to the ends of these runs.
    let [a, b] =
        [(a, lens[0]), (b, lens[1])].map(|(at, len)| unsafe { slice::from_raw_parts(at.cast::<u8>(), len) });
    place.thread.store(0, Relaxed);
    let answer = match UNWINDS {
        true => (scope.ask)(a, b),
        false => panic::catch_unwind(AssertUnwindSafe(|| (scope.ask)(a, b)))
            .unwrap_or_else(|panic| Err(panicked(scope.entry.callback.export(), &*panic))),
    };
    place.thread.store(this_thread(), Relaxed);
    match answer {
        Ok(order) => order as c_int,
        Err(error) => {
            scope.failure = Some(error); // the first; the guest is not asked again
            NEUTRAL
        }
    }
}

#[cold]
fn blame(entry: &Entry, bounds: Bounds, violation: Violation, call: u64) -> Box<Error> {
    Box::new(match (violation, bounds) {
        (Violation::Descending, Bounds::Known { a, .. }) => Error::LeftMergePath { bytes: a.len() },
        _ => Error::OutOfBounds { export: entry.callback.export().to_owned(), call },
    })
}

/// Leaves the native call; [`call`] catches this, and has the failure that explains it.
fn leave(export: &str) -> ! {
    if UNWINDS {
        panic::resume_unwind(Box::new("left"))
    }
    abort(export, "the C library's sort")
}
