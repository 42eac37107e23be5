//! The tables of the process: one for comparators, and one for each other prototype. They are static because
//! function pointers are: C may call one at any time.

use std::ffi::c_int;

use super::fallbacks::Fallbacks;
use super::{Entry, Slot, SlotKey, SlotTable};
use crate::sync::{Mutex, lock, shared};

/// Maximum number of function pointers of one prototype that are lent at once.
pub(crate) const SLOTS: usize = if cfg!(loom) { 2 } else { 1024 };

shared! {
    /// The slots behind the comparators' trampolines, which are numbered functions in this binary.
    static COMPARATORS: [Slot<Entry>; SLOTS] = each Slot::new();
}

shared! {
    /// Fallbacks of the comparators' trampolines, for calls that find no callback.
    pub(super) static FALLBACKS: [Fallbacks; SLOTS] = each Fallbacks::new();
}

shared! {
    /// The table of the comparators.
    pub(super) static TABLE: SlotTable<Entry> = SlotTable::new(0, SLOTS as u32, comparator_slot);
}

shared! {
    /// The tables of all other prototypes for which a function pointer was ever requested.
    static OTHERS: Mutex<Vec<&'static SlotTable<Entry>>> = Mutex::new(Vec::new());
}

/// Returns the slot behind a comparator's trampoline.
pub(crate) fn comparator_slot(slot: usize) -> &'static Slot<Entry> {
    &COMPARATORS[slot]
}

/// Returns the answer of a comparator's trampoline while its slot is empty.
pub(crate) fn fallback(slot: usize) -> c_int {
    FALLBACKS[slot].latest()
}

/// Returns the answer to a call for a lease that has ended, whatever its slot holds now.
pub(crate) fn fallback_of(key: SlotKey) -> c_int {
    FALLBACKS[key.slot()].of(key.generation())
}

/// Creates a table for the function pointers of one more prototype. It is never freed, because they are not.
#[cfg(feature = "libffi")]
pub(crate) fn new_table() -> &'static SlotTable<Entry> {
    let mut others = lock(&OTHERS);
    let first = (others.len() + 1) * SLOTS;
    let place = |_| -> &'static Slot<Entry> { Box::leak(Box::new(Slot::new())) };
    let table: &'static SlotTable<Entry> =
        Box::leak(Box::new(SlotTable::new(first as u32, SLOTS as u32, place)));
    others.push(table);
    table
}

pub(super) fn tables() -> Vec<&'static SlotTable<Entry>> {
    let comparators: &'static SlotTable<Entry> = &TABLE;
    [comparators].into_iter().chain(lock(&OTHERS).iter().copied()).collect()
}
