//! The tables of the process: one for comparators, and one for each other prototype. They are static
//! because function pointers are: C may call one at any time.

use std::ffi::c_int;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use super::{Entry, lock};
use crate::table::{Slot, Table};

/// How many function pointers of one kind can be lent at once.
pub(crate) const SLOTS: usize = 1024;

/// The slots behind the comparators' trampolines, which are numbered functions in this binary.
static COMPARATORS: [Slot<Entry>; SLOTS] = [const { Slot::new() }; SLOTS];

/// What C gets from each of them while nobody is there.
pub(super) static NEUTRALS: [AtomicI32; SLOTS] = [const { AtomicI32::new(0) }; SLOTS];

/// The table of the comparators.
pub(super) static TABLE: Table<Entry> = Table::new(0, SLOTS as u32, comparator);

/// The tables of all other prototypes that a function pointer was ever wanted for.
static OTHERS: Mutex<Vec<&'static Table<Entry>>> = Mutex::new(Vec::new());

/// The slot behind a comparator's trampoline.
pub(crate) fn comparator(slot: usize) -> &'static Slot<Entry> {
    &COMPARATORS[slot]
}

/// What C gets from a comparator's trampoline while nobody is there.
pub(crate) fn neutral(slot: usize) -> c_int {
    NEUTRALS[slot].load(Relaxed)
}

/// A table for the function pointers of one prototype more. It stays, because they do.
#[cfg(feature = "libffi")]
pub(crate) fn new_table() -> &'static Table<Entry> {
    let mut others = lock(&OTHERS);
    let first = (others.len() + 1) * SLOTS;
    let place = |_| -> &'static Slot<Entry> { Box::leak(Box::new(Slot::new())) };
    let table: &'static Table<Entry> = Box::leak(Box::new(Table::new(first as u32, SLOTS as u32, place)));
    others.push(table);
    table
}

pub(super) fn tables() -> Vec<&'static Table<Entry>> {
    [&TABLE].into_iter().chain(lock(&OTHERS).iter().copied()).collect()
}
