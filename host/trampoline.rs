//! The functions C calls: numbered, compiled in, and inert while their slot is empty.
//!
//! A trampoline finds its slot, asks, and settles. Nothing but a value leaves it towards C, with
//! one exception: a sort of ours that C has driven out of its array is left by unwinding.
#![allow(unsafe_code, reason = "reads the elements that C points to")]

use std::ffi::{c_int, c_void};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::slice;

use crate::bounds::{Bounds, Violation};
use crate::entry::{Entry, SLOTS, TABLE};
use crate::error::Error;

/// What a comparator answers when there is nobody to ask: "equal", so that the native loop runs
/// out.
const NEUTRAL: c_int = 0;

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
    // SAFETY: the two types differ only in whether the function may unwind. `border` unwinds only
    // where the bounds ask for it, and `lease`, the one user of this, never sets such bounds.
    unsafe { mem::transmute(trampoline(slot)) }
}

/// # Safety
///
/// While its slot is lent, C passes pointers that the slot's bounds either check or trust.
unsafe extern "C-unwind" fn compare<const ROW: usize, const COLUMN: usize>(
    a: *const c_void,
    b: *const c_void,
) -> c_int {
    // SAFETY: the caller vouches for both pointers, as this function's contract says.
    unsafe { border(ROW * COLUMNS + COLUMN, a, b) }
}

/// # Safety
///
/// As [`compare`].
unsafe fn border(slot: usize, a: *const c_void, b: *const c_void) -> c_int {
    let Some(entry) = TABLE.at(slot) else { return NEUTRAL }; // released: inert, not dangling
    let call = entry.count();
    if let Err(violation) = entry.bounds.check(a.addr(), b.addr()) {
        entry.fail(blame(&entry, violation, call));
        if let Bounds::Known { unwind: true, .. } = entry.bounds {
            drop(entry);
            leave();
        }
        return NEUTRAL;
    }
    if entry.has_failed() {
        return NEUTRAL;
    }
    let errno = errno::errno();
    let width = entry.bounds.width();
    // SAFETY: `check` found both elements inside memory that the lender keeps alive, or the lender
    // has vouched for them; C does not write to elements while it compares them.
    let [a, b] = [a, b].map(|at| unsafe { slice::from_raw_parts(at.cast::<u8>(), width) });
    let answer = panic::catch_unwind(AssertUnwindSafe(|| (entry.ask)(a, b))).unwrap_or_else(|panic| {
        let export = entry.callback.export().to_owned();
        Err(Error::Panic { export, message: message(&*panic) })
    });
    errno::set_errno(errno);
    match answer {
        Ok(order) => order as c_int,
        Err(error) => {
            entry.fail(error);
            NEUTRAL
        }
    }
}

#[cold]
fn blame(entry: &Entry, violation: Violation, call: u64) -> Error {
    let export = entry.callback.export().to_owned();
    match (violation, entry.bounds) {
        (Violation::Descending, Bounds::Known { a, .. }) => Error::LeftMergePath { bytes: a.len() },
        (Violation::Outside, Bounds::Known { unwind: true, .. }) => Error::OutOfBounds { export, call },
        _ => Error::OutsideLease { export },
    }
}

/// What a panic carries, as far as it is text.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

/// Marks the unwinding out of a C sort that is no panic.
pub(crate) struct Left;

/// Leaves the C sort that called us.
#[cfg(all(panic = "unwind", not(target_env = "musl")))]
fn leave() -> ! {
    panic::resume_unwind(Box::new(Left))
}

/// Where C frames cannot be unwound, returning would let C write outside its array.
#[cfg(not(all(panic = "unwind", not(target_env = "musl"))))]
fn leave() -> ! {
    eprintln!("callbox: a comparator drove the C library's sort out of its array; aborting");
    std::process::abort()
}
