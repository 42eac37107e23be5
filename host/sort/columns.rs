//! The keys of items, copied once so that comparisons need not find them.

use super::items::Items;
use super::key::Key;
use crate::error::Result;

/// The keys of items: for each key `None` where it is the item itself, or else a copy of each item's.
#[derive(Clone, Debug)]
pub(super) struct Columns(Vec<Option<Items<'static>>>);

/// Items and their keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyed<'a> {
    pub(super) items: &'a Items<'a>,
    columns: &'a Columns,
}

/// An item that can be compared.
pub(super) trait Comparand {
    /// Returns the bytes of the key of this number.
    fn key(&self, key: usize) -> &[u8];

    /// Returns the bytes of the item.
    fn bytes(&self) -> &[u8];
}

/// An item in memory.
#[derive(Clone, Copy)]
pub(super) enum ItemRef<'a> {
    /// The item of this number.
    At(Keyed<'a>, usize),
    /// An item that is its own only key.
    Bytes(&'a [u8]),
}

impl Columns {
    /// Creates columns of no items.
    pub(super) fn new(keys: &[Key]) -> Columns {
        Columns(keys.iter().map(|key| (!key.is_item()).then(|| Items::empty(0))).collect())
    }

    /// Copies the keys of items.
    pub(super) fn of(keys: &[Key], items: &Items<'_>) -> Result<Columns> {
        let mut columns = Columns::new(keys);
        if !keys.iter().all(Key::is_item) {
            items.iter().try_for_each(|item| columns.push(keys, item).map(drop))?;
        }
        Ok(columns)
    }

    /// Appends the keys of an item; returns how many bytes of memory they take.
    pub(super) fn push(&mut self, keys: &[Key], item: &[u8]) -> Result<usize> {
        let mut bytes = 0;
        for (column, key) in self.0.iter_mut().zip(keys) {
            if let Some(column) = column {
                bytes += column.push(&key.of(item))?;
            }
        }
        Ok(bytes)
    }

    pub(super) fn with<'a>(&'a self, items: &'a Items<'a>) -> Keyed<'a> {
        Keyed { items, columns: self }
    }
}

impl<'a> Keyed<'a> {
    /// Returns the keys of this number of all items.
    pub(super) fn column(self, key: usize) -> &'a Items<'a> {
        self.columns.0[key].as_ref().unwrap_or(self.items)
    }

    /// Returns an item by its number.
    pub(super) fn at(self, at: usize) -> ItemRef<'a> {
        ItemRef::At(self, at)
    }

    pub(super) fn len(self) -> usize {
        self.items.len()
    }
}

impl Comparand for ItemRef<'_> {
    fn key(&self, key: usize) -> &[u8] {
        match self {
            ItemRef::At(keyed, at) => keyed.column(key).get(*at),
            ItemRef::Bytes(bytes) => bytes,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            ItemRef::At(keyed, at) => keyed.items.get(*at),
            ItemRef::Bytes(bytes) => bytes,
        }
    }
}
