//! The tables of the process: one for comparators, and one for each other prototype. They are static because
//! function pointers are: C may call one at any time.

use std::ffi::c_int;
#[cfg(feature = "libffi")]
use std::sync::OnceLock;

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
    let table: &'static SlotTable<Entry> =
        Box::leak(Box::new(SlotTable::new(first as u32, SLOTS as u32, new_slot)));
    others.push(table);
    table
}

/// A slot of one of the other tables, in the list of all of these, which only grows.
#[cfg(feature = "libffi")]
struct Listed {
    number: usize,
    slot: Slot<Entry>,
    next: OnceLock<&'static Listed>,
}

#[cfg(feature = "libffi")]
static FIRST_LISTED: OnceLock<&'static Listed> = OnceLock::new();

#[cfg(feature = "libffi")]
static LAST_LISTED: Mutex<Option<&'static Listed>> = Mutex::new(None);

/// Creates the slot of this number. It is never freed.
#[cfg(feature = "libffi")]
fn new_slot(number: usize) -> &'static Slot<Entry> {
    let listed: &'static Listed =
        Box::leak(Box::new(Listed { number, slot: Slot::new(), next: OnceLock::new() }));
    let mut last = lock(&LAST_LISTED);
    let _ = last.map_or(&FIRST_LISTED, |last| &last.next).set(listed); // it is empty
    *last = Some(listed);
    &listed.slot
}

/// Returns all slots that have ever been lent, and more, with their numbers. Takes no lock and allocates
/// nothing.
pub(super) fn slots() -> impl Iterator<Item = (usize, &'static Slot<Entry>)> {
    let comparators = (0..SLOTS).map(|number| (number, comparator_slot(number)));
    #[cfg(feature = "libffi")]
    let others = std::iter::successors(FIRST_LISTED.get().copied(), |listed| listed.next.get().copied())
        .map(|listed| (listed.number, &listed.slot));
    #[cfg(not(feature = "libffi"))]
    let others = std::iter::empty();
    comparators.chain(others)
}

pub(super) fn tables() -> Vec<&'static SlotTable<Entry>> {
    let comparators: &'static SlotTable<Entry> = &TABLE;
    [comparators].into_iter().chain(lock(&OTHERS).iter().copied()).collect()
}
