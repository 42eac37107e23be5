//! Native calls whose thread is known: it began them, and calls back until they return.
//!
//! Such a call needs no lock. Its slot names the thread, and while that thread is inside, the
//! trampoline finds the call's own state. It is made and taken away on that thread too, so that nobody
//! else can come across it.
#![allow(unsafe_code, reason = "reads the elements that C points to, and the state of its own call")]

use std::ffi::{c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::slice;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

use super::{Comparison, abort, trampoline};
use crate::ahead::Ready;
use crate::bounds::{Bounds, Violation};
use crate::callback::{Answer, Callback};
use crate::entry::{Entry, Lent, Loan, SLOTS};
use crate::error::{CallError, Error, Result};
use crate::sandbox::this_thread;

/// Whether C frames can be unwound here. glibc and others compile what calls back so that they can;
/// musl does not.
const UNWINDS: bool = cfg!(all(panic = "unwind", not(target_env = "musl")));

/// What is asked: the guest, and whatever the host wants to do before and after. It gets the array, as
/// far as it is known, and two elements.
pub(crate) type Ask<'a> = dyn FnMut(&[u8], [&[u8]; 2]) -> Answer + 'a;

/// A native call in progress.
struct Scope<'a> {
    bounds: Bounds,
    /// What has been answered before it is asked.
    ready: Option<Rc<Ready>>,
    ask: Box<Ask<'a>>,
    entry: &'a Entry,
    /// Whether the C code is known: it can be left by unwinding, and leaves elements alone while it wants
    /// to know about them.
    known: bool,
}

/// Which thread is inside a native call with this slot, and where its scope is.
pub(super) struct Place {
    thread: AtomicUsize,
    scope: AtomicPtr<Scope<'static>>,
}

static PLACES: [Place; SLOTS] =
    [const { Place { thread: AtomicUsize::new(0), scope: AtomicPtr::new(ptr::null_mut()) } }; SLOTS];

impl Place {
    fn enter(&self, scope: *mut Scope<'_>) {
        self.scope.store(scope.cast(), Relaxed);
        self.thread.store(this_thread(), Relaxed);
    }

    fn leave(&self) {
        self.thread.store(0, Relaxed);
    }
}

/// Calls C with a trampoline that asks `ask`, and returns how often C has called; `callback` is who
/// the table says is asked. `ready`: what it has answered before it is asked. If C is driven out of
/// `bounds` the native call is left by unwinding.
///
/// # Errors
///
/// The first failure of `ask`; [`Error::OutOfBounds`] and [`Error::LeftMergePath`] if the call was
/// left; [`Error::Panic`]; [`Error::TableFull`].
pub(crate) fn call<'a>(
    callback: &Callback,
    bounds: Bounds,
    ready: Option<Rc<Ready>>,
    ask: Box<Ask<'a>>,
    native: impl FnOnce(Comparison),
) -> Result<u64> {
    let loan = Loan::new(Entry::new(callback.clone(), Lent::Alone))?;
    let slot = loan.key().slot();
    // Where it may point anywhere, nobody knows what code it is.
    let known = matches!(bounds, Bounds::Known { .. });
    let mut scope = Scope { bounds, ready, ask, entry: loan.entry(), known };
    let place = &PLACES[slot];
    place.enter(&raw mut scope);
    let errno = errno::errno();
    let left = panic::catch_unwind(AssertUnwindSafe(|| native(trampoline(slot))));
    errno::set_errno(errno);
    place.leave();
    match (loan.entry().take_failure(), left) {
        (Some(failure), _) => Err(failure),
        (None, Err(panic)) => Err(Error::panicked(callback.export(), &*panic)),
        (None, Ok(())) => Ok(loan.entry().calls()),
    }
}

/// A loan to native code that we do not know: its calls on this thread need no lock while this lives.
/// Calls on other threads go over the border. It stays on its thread, because its pointers do.
pub(crate) struct Open {
    loan: Loan,
    scope: NonNull<Scope<'static>>,
}

impl Open {
    /// As [`call`], but C is not left: where it leaves `bounds`, the process ends.
    pub(crate) fn new(loan: Loan, bounds: Bounds, ready: Option<Rc<Ready>>, ask: Box<Ask<'static>>) -> Open {
        // SAFETY: the entry is the loan's, behind an `Arc`; `drop` frees the scope before the loan.
        let entry: &'static Entry = unsafe { &*ptr::from_ref(loan.entry()) };
        let scope = NonNull::from(Box::leak(Box::new(Scope { bounds, ready, ask, entry, known: false })));
        PLACES[loan.key().slot()].enter(scope.as_ptr());
        Open { loan, scope }
    }

    pub(crate) fn loan(&self) -> &Loan {
        &self.loan
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        PLACES[self.loan.key().slot()].leave();
        // SAFETY: it comes from `Box::leak`. Its place names no thread any more. It named this one, which
        // is not inside: whoever calls the pointer promises that the call returns before the lease ends.
        drop(unsafe { Box::from_raw(self.scope.as_ptr()) });
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
    // SAFETY: the place names this thread, so its scope lives: `call` is below us on this stack, or
    // `Open` has not been dropped here. Nobody else refers to it: both leave it alone until C has
    // returned, and while `ask` runs the place names no thread.
    let scope = unsafe { &mut *place.scope.load(Relaxed) };
    scope.entry.count_alone();
    match &scope.ready {
        Some(ready) if ready.expects(a.addr(), b.addr()) => match scope.known {
            true => ready.take() as c_int,
            false => take_if_same(place, scope, a, b),
        },
        _ => ask(place, scope, a, b),
    }
}

/// Takes the answer that is ready for these addresses, if it is still about the same elements.
#[inline(never)]
fn take_if_same(place: &'static Place, scope: &mut Scope<'_>, a: *const c_void, b: *const c_void) -> c_int {
    let width = scope.bounds.width();
    // SAFETY: an answer is ready only for elements inside the array; C does not write while it compares.
    let element = |at: *const c_void| unsafe { slice::from_raw_parts(at.cast(), width) };
    match &scope.ready {
        Some(ready) if ready.is_about(element(a), element(b)) => ready.take() as c_int,
        _ => ask(place, scope, a, b),
    }
}

/// Asks, because no answer is ready.
#[inline(never)]
fn ask(place: &'static Place, scope: &mut Scope<'_>, a: *const c_void, b: *const c_void) -> c_int {
    let export = scope.entry.callback.export();
    if let Err(violation) = scope.bounds.check(a.addr(), b.addr()) {
        if let Bounds::Trusted { .. } = scope.bounds {
            scope.entry.fail(CallError::NullElement { export: export.to_owned() }.into());
            return scope.entry.neutral();
        }
        if !scope.known {
            abort(export, "native code");
        }
        scope.entry.fail(blame(scope.entry, scope.bounds, violation));
        leave(export);
    }
    if scope.entry.has_failed() {
        return scope.entry.neutral();
    }
    let (array, width) = (scope.bounds.array(), scope.bounds.width());
    let slice = |at: *const u8, len| {
        // SAFETY: `check` found both elements inside runs that the lender keeps alive, or the lender has
        // vouched for them; `array` is such a run, or empty. C does not write while it compares.
        unsafe { slice::from_raw_parts(at, len) }
    };
    let elements = [a, b].map(|at| slice(at.cast(), width));
    let array = match array.len() {
        0 => &[],
        len => slice(a.cast::<u8>().with_addr(array.start()), len),
    };
    place.leave();
    let answer = match UNWINDS && scope.known {
        true => (scope.ask)(array, elements), // `call` catches panics
        false => super::guarded(export, || (scope.ask)(array, elements)),
    };
    place.enter(scope);
    match answer {
        Ok(order) => order as c_int,
        Err(error) => {
            scope.entry.fail(*error); // the guest is not asked again
            scope.entry.neutral()
        }
    }
}

#[cold]
fn blame(entry: &Entry, bounds: Bounds, violation: Violation) -> Error {
    match (violation, bounds) {
        (Violation::Descending, Bounds::Known { a, .. }) => Error::LeftMergePath { bytes: a.len() },
        _ => Error::OutOfBounds { export: entry.callback.export().to_owned(), call: entry.calls() },
    }
}

/// Leaves the native call; [`call`] catches this, and has the failure that explains it.
fn leave(export: &str) -> ! {
    if UNWINDS {
        panic::resume_unwind(Box::new("left"))
    }
    abort(export, "the C library's sort")
}
