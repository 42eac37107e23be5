//! The functions C calls, inert while their slot is empty: comparators, numbered and compiled in, and
//! whatever libffi makes.
//!
//! A trampoline finds its slot, asks, and settles. Nothing but a value leaves it towards C, with
//! one exception: a sort of ours that C has driven out of its array is left by unwinding.
#![allow(unsafe_code, reason = "reads the elements that C points to")]

#[cfg(feature = "libffi")]
mod buffer;
#[cfg(feature = "libffi")]
mod closure;
#[cfg(feature = "libffi")]
mod image;
mod scope;
#[cfg(feature = "libffi")]
mod values;

use std::cmp::Ordering;
use std::ffi::{c_int, c_void};
use std::io::Write;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::slice;

use crate::bounds::Bounds;
use crate::callback::Answer;
use crate::entry::{Entry, Lent, SLOTS, comparator, neutral};
use crate::error::{CallError, Error};
use crate::table::Key;

#[cfg(feature = "libffi")]
pub(crate) use closure::lend;
pub(crate) use scope::{Ask, Open, call};
#[cfg(feature = "sqlite")]
pub(crate) use values::call_values;

/// A trampoline for `int (const void *, const void *)`, as our own sorts call it: it may unwind.
pub(crate) type Comparison = unsafe extern "C-unwind" fn(*const c_void, *const c_void) -> c_int;

const COLUMNS: usize = 16;

macro_rules! trampolines {
    ($($row:literal)*) => {
        [$([
            compare::<$row, 0>, compare::<$row, 1>, compare::<$row, 2>, compare::<$row, 3>,
            compare::<$row, 4>, compare::<$row, 5>, compare::<$row, 6>, compare::<$row, 7>,
            compare::<$row, 8>, compare::<$row, 9>, compare::<$row, 10>, compare::<$row, 11>,
            compare::<$row, 12>, compare::<$row, 13>, compare::<$row, 14>, compare::<$row, 15>,
        ]),*]
    };
}

static TRAMPOLINES: [[Comparison; COLUMNS]; SLOTS / COLUMNS] = trampolines! {
     0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
};

/// The function pointer of a slot.
pub(crate) fn trampoline(slot: usize) -> Comparison {
    TRAMPOLINES[slot / COLUMNS][slot % COLUMNS]
}

/// The same for native code that we do not know. A slot whose bounds do not ask for unwinding
/// never unwinds, so the type may say that it does not.
pub(crate) fn c_pointer(slot: usize) -> unsafe extern "C" fn(*const c_void, *const c_void) -> c_int {
    // SAFETY: the two types differ only in whether the function may unwind. Only `scope::call` lets it
    // unwind, whose slots `lease`, the one user of this, never has.
    unsafe { mem::transmute(trampoline(slot)) }
}

/// # Safety
///
/// While its slot is lent, C passes pointers that the slot's bounds either check or trust.
unsafe extern "C-unwind" fn compare<const ROW: usize, const COLUMN: usize>(
    a: *const c_void,
    b: *const c_void,
) -> c_int {
    let slot = ROW * COLUMNS + COLUMN;
    match scope::of(slot) {
        // SAFETY: both pointers come from C, on the thread that began its call.
        Some(scope) => unsafe { scope::answer(scope, a, b) },
        // SAFETY: the caller vouches for both pointers, as this function's contract says.
        None => unsafe { border(slot, a, b) },
    }
}

/// The border between the guest and native code on any thread, at any time.
///
/// # Safety
///
/// As [`compare`].
unsafe fn border(slot: usize, a: *const c_void, b: *const c_void) -> c_int {
    let Some(entry) = comparator(slot).get() else { return neutral(slot) }; // released: inert, not dangling
    // SAFETY: the caller vouches for both pointers.
    unsafe { answer(slot, &entry, a, b) }
}

/// A comparator for C that hands a pointer of its caller's through, as POSIX's `qsort_r` does: one
/// function for all callbacks. The context is the [key](Key::as_u64) of the callback's lease, so that a stale one finds
/// nothing, even where its slot has been lent again.
///
/// # Safety
///
/// As [`compare`], for the slot that the context names.
pub(crate) unsafe extern "C" fn compare_by_key(
    a: *const c_void,
    b: *const c_void,
    context: *mut c_void,
) -> c_int {
    let Some(key) = Key::from_u64(context.addr() as u64).filter(|key| key.slot() < SLOTS) else { return 0 };
    match comparator(key.slot()).get_by(key) {
        // SAFETY: the caller vouches for both pointers.
        Some(entry) => unsafe { answer(key.slot(), &entry, a, b) },
        None => {
            comparator(key.slot()).count_late();
            0
        }
    }
}

/// # Safety
///
/// As [`compare`].
unsafe fn answer(slot: usize, entry: &Entry, a: *const c_void, b: *const c_void) -> c_int {
    let Lent::Elements { bounds, ask } = &entry.lent else {
        comparator(slot).count_late(); // lent to another thread's native call, and to nobody else
        return 0;
    };
    entry.count();
    if bounds.check(a.addr(), b.addr()).is_err() {
        match bounds {
            Bounds::Trusted { .. } => {
                entry.fail(CallError::NullElement { export: entry.callback.export().to_owned() }.into());
                return entry.neutral();
            }
            // C that we do not know cannot be unwound, and answering would let it go on out there.
            Bounds::Known { .. } => abort(entry.callback.export(), "native code"),
        }
    }
    let width = bounds.width();
    // SAFETY: `check` found both elements inside memory that the lender keeps alive, or the lender
    // has vouched for them; C does not write to elements while it compares them.
    let [a, b] = [a, b].map(|at| unsafe { slice::from_raw_parts(at.cast::<u8>(), width) });
    order(entry, || ask(a, b)).map_or_else(|| entry.neutral(), |order| order as c_int)
}

/// Asks for an order, unless there is a failure already; whatever goes wrong is kept as one.
pub(crate) fn order(entry: &Entry, ask: impl FnOnce() -> Answer) -> Option<Ordering> {
    if entry.has_failed() {
        return None;
    }
    guarded(entry.callback.export(), ask).map_err(|error| entry.fail(*error)).ok()
}

/// Asks so that neither a panic nor a new `errno` reaches C.
fn guarded<T>(export: &str, ask: impl FnOnce() -> Answer<T>) -> Answer<T> {
    let errno = errno::errno();
    let answer = panic::catch_unwind(AssertUnwindSafe(ask))
        .unwrap_or_else(|panic| Err(Error::panicked(export, &*panic).into()));
    errno::set_errno(errno);
    answer
}

/// Ends the process, because returning to C would let it write outside its array.
#[cold]
fn abort(export: &str, who: &str) -> ! {
    let text = "with a pointer outside the array it was lent for, and cannot be stopped otherwise; aborting";
    // Where there is no standard error, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "callbox: {who} called \"{export}\" {text}");
    std::process::abort()
}
