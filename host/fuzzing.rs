//! What the fuzz targets reach that nobody else does. Only there while fuzzing.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::array::Array;
use crate::callback::Callback;
use crate::error::Result;
use crate::native::{Sorter, sort_private};
use crate::table::{Key, Slot, Table};

/// Who the table says is asked.
pub fn nobody() -> Callback {
    Callback::nobody()
}

/// Sorts records with a closure in the guest's place; `nobody` is who the table says is asked.
pub fn sort(
    crt: bool,
    records: &mut [u8],
    width: usize,
    nobody: &Callback,
    mut ask: impl FnMut(&[u8], &[u8]) -> Result<Ordering>,
) -> Result<()> {
    let mut array = Array::records(records, width)?;
    let mut private = array.private_copy(usize::MAX)?;
    let sorter = if crt { Sorter::Crt } else { Sorter::Qsort };
    let outcome = sort_private(sorter, &mut private, nobody, &mut |a, b| ask(a, b).map_err(Box::new));
    let sorted = |bytes: &[u8]| {
        let mut all: Vec<_> = bytes.chunks_exact(width).map(<[u8]>::to_vec).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(private.as_slice()), sorted(array.bytes_mut()), "elements are lost");
    if outcome.is_ok() {
        array.bytes_mut().copy_from_slice(private.as_slice());
    }
    outcome
}

/// A small callback table.
#[allow(missing_debug_implementations)]
pub struct Slots(Table<u32>);

impl Slots {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Slots {
        Slots(Table::new(0, 5, |_| Box::leak(Box::new(Slot::new()))))
    }

    pub fn insert(&self, value: u32) -> Option<Key> {
        self.0.insert(Arc::new(value))
    }

    pub fn get(&self, key: Key) -> Option<u32> {
        self.0.get(key).map(|value| *value)
    }

    /// What a function pointer finds; `None` where that slot was never lent.
    pub fn at(&self, slot: usize) -> Option<Option<u32>> {
        let found = self.0.touched(slot)?.get();
        Some(found.map(|value| *value))
    }

    pub fn remove(&self, key: Key) -> Option<u32> {
        self.0.remove(key).map(|value| *value)
    }

    pub fn retire(&self, key: Key) -> Option<u32> {
        self.0.retire(key).map(|value| *value)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn late_calls(&self) -> u64 {
        self.0.late_calls()
    }
}
