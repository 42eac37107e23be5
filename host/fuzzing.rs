//! Internals that only the fuzz targets use. Compiled only for fuzzing.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::callback::Callback;
use crate::error::Result;
use crate::memory::Array;
use crate::native::{NativeSorter, sort_by};
use crate::registry::{Slot, SlotKey, SlotTable};

/// Returns a callback for the callback table to list.
pub fn placeholder() -> Callback {
    Callback::placeholder()
}

/// Sorts records with a closure instead of a guest; the callback table lists `placeholder`.
pub fn sort(
    msvcrt: bool,
    records: &mut [u8],
    width: usize,
    placeholder: &Callback,
    mut ask: impl FnMut(&[u8], &[u8]) -> Result<Ordering>,
) -> Result<()> {
    let mut array = Array::records(records, width)?;
    let mut scratch = array.scratch_copy(usize::MAX)?;
    let sorter = if msvcrt { NativeSorter::Msvcrt } else { NativeSorter::Qsort };
    let ask = Box::new(|_: &[u8], [a, b]: [&[u8]; 2]| ask(a, b).map_err(Box::new));
    let outcome = sort_by(sorter, &mut scratch, placeholder, None, ask);
    let sorted = |bytes: &[u8]| {
        let mut all: Vec<_> = bytes.chunks_exact(width).map(<[u8]>::to_vec).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(scratch.as_slice()), sorted(array.bytes_mut()), "elements are lost");
    if outcome.is_ok() {
        array.bytes_mut().copy_from_slice(scratch.as_slice());
    }
    outcome
}

/// Calls a function of a random prototype with a guest that leaves these bytes, and others, wherever it can.
/// Panics if C gets a value that it could not have made itself.
pub fn back(bytes: &[u8]) {
    crate::trampoline::hostile::round(&mut crate::trampoline::hostile::Noise::new(bytes, 1), None);
}

/// A small callback table.
#[allow(missing_debug_implementations)]
pub struct Slots(SlotTable<u32>);

impl Slots {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Slots {
        Slots(SlotTable::new(0, 5, |_| Box::leak(Box::new(Slot::new()))))
    }

    pub fn insert(&self, value: u32) -> Option<SlotKey> {
        self.0.insert(Arc::new(value))
    }

    pub fn get(&self, key: SlotKey) -> Option<u32> {
        self.0.get(key).map(|value| *value)
    }

    /// Returns the value that a function pointer finds; `None` where its slot was never lent.
    pub fn at(&self, slot: usize) -> Option<Option<u32>> {
        let found = self.0.touched(slot)?.get();
        Some(found.get().copied())
    }

    pub fn remove(&self, key: SlotKey) -> Option<u32> {
        self.0.remove(key).map(|value| *value)
    }

    pub fn retire(&self, key: SlotKey) -> Option<u32> {
        self.0.retire(key).map(|value| *value)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn late_calls(&self) -> u64 {
        self.0.late_calls()
    }
}
