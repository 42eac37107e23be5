//! The comparators' trampolines: numbered functions that are compiled in, inert while their slot is empty.
#![allow(unsafe_code, reason = "has the signature of C's comparators")]

use std::ffi::{c_int, c_void};
use std::mem;
use std::rc::Rc;

use super::active::{self, Ask};
use super::border::{self, AnyThread};
use crate::answers::PreparedAnswers;
use crate::callback::Callback;
use crate::error::Result;
use crate::memory::Bounds;
use crate::registry::{Access, Entry, SLOTS, comparator_slot, fallback};
#[cfg(target_pointer_width = "64")]
use crate::registry::{SlotKey, fallback_of};
use crate::sync::Loaded;

/// A comparator that may unwind: `int (const void *, const void *)` as the sorts of this crate call it.
pub(crate) type UnwindingCompareFn = unsafe extern "C-unwind" fn(*const c_void, *const c_void) -> c_int;

const ROWS: usize = 64;
const COLUMNS: usize = 16;
const _: () = assert!(SLOTS <= ROWS * COLUMNS);

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

static TRAMPOLINES: [[UnwindingCompareFn; COLUMNS]; ROWS] = trampolines! {
     0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
};

/// Returns the function pointer of a slot.
fn unwinding_compare_fn(slot: usize) -> UnwindingCompareFn {
    TRAMPOLINES[slot / COLUMNS][slot % COLUMNS]
}

/// As [`active::call_native`], but calls `native` with the function pointer of the slot.
#[track_caller]
pub(crate) fn call_native<'a>(
    callback: &Callback,
    bounds: Bounds,
    prepared: Option<Rc<PreparedAnswers>>,
    ask: Box<Ask<'a>>,
    native: impl FnOnce(UnwindingCompareFn),
) -> Result<u64> {
    active::call_native(callback, bounds, prepared, ask, |slot| native(unwinding_compare_fn(slot)))
}

/// Returns the function pointer of a slot for native code that this crate does not know. Only the slots of
/// [`active::call_native`] unwind, so that its type can rule out unwinding.
pub(crate) fn compare_fn(slot: usize) -> unsafe extern "C" fn(*const c_void, *const c_void) -> c_int {
    // SAFETY: the two types differ only in whether the function may unwind. Only `active::call_native` lets
    // it unwind, and `lease`, the one user of this function, never has its slots.
    unsafe { mem::transmute(unwinding_compare_fn(slot)) }
}

/// # Safety
///
/// While its slot is lent, C passes pointers that the slot's bounds either check or trust.
unsafe extern "C-unwind" fn compare<const ROW: usize, const COLUMN: usize>(
    a: *const c_void,
    b: *const c_void,
) -> c_int {
    let slot = ROW * COLUMNS + COLUMN;
    match active::on_this_thread(slot) {
        // SAFETY: both pointers come from C, on the thread that began its call.
        Some(active) => unsafe { active::answer(active, a, b) },
        // SAFETY: the caller vouches for both pointers, as this function's contract says.
        None => unsafe { on_any_thread(slot, a, b) },
    }
}

/// Answers a call on any thread, at any time.
///
/// # Safety
///
/// As [`compare`].
#[inline(never)] // so that the answers that are prepared save no registers
unsafe fn on_any_thread(slot: usize, a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: the caller upholds the same contract.
    unsafe { answer(slot, comparator_slot(slot).get(), a, b) }
}

/// A comparator for C functions that pass a user pointer through, such as POSIX's `qsort_r`: one function for
/// all callbacks. The context is the [key](SlotKey::as_u64) of a lease. A stale context finds no callback,
/// even if its slot has been lent again, and gets the fallback of the callback that it was for.
///
/// # Safety
///
/// As [`compare`], for the slot that the context names.
#[cfg(target_pointer_width = "64")]
pub(crate) unsafe extern "C" fn compare_with_context(
    a: *const c_void,
    b: *const c_void,
    context: *mut c_void,
) -> c_int {
    let key = SlotKey::from_u64(context.addr() as u64).filter(|key| key.slot() < SLOTS);
    let Some(key) = key else { return 0 };
    match comparator_slot(key.slot()).get_by(key) {
        // SAFETY: the caller vouches for both pointers.
        Some(lent) => unsafe { answer(key.slot(), lent, a, b) },
        None => {
            comparator_slot(key.slot()).count_late();
            fallback_of(key)
        }
    }
}

/// # Safety
///
/// As [`compare`].
#[inline]
unsafe fn answer(slot: usize, lent: Loaded<Entry>, a: *const c_void, b: *const c_void) -> c_int {
    // A released pointer is inert, not dangling.
    let Some(entry) = lent.get() else { return fallback(slot) };
    match &entry.access {
        Access::Comparator { bounds, budget } => {
            let ask = |[a, b]: [&[u8]; 2]| entry.compare(budget.as_ref(), a, b);
            // SAFETY: the caller upholds the same contract.
            unsafe { border::compare::<AnyThread>(entry, bounds, a, b, ask) }
        }
        _ => {
            comparator_slot(slot).count_late(); // lent only to a native call on another thread
            0
        }
    }
}
