//! Sources of a merge: items in order, one at a time.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{FileError, Result};
use crate::sort::columns::{Comparand, Keyed};
use crate::sort::{Input, Key};

/// Items in order. The present one can be compared, unless there are no more.
pub(super) trait Source: Comparand {
    /// Goes to the next item.
    fn advance(&mut self, keys: &[Key]) -> Result<()>;

    fn is_at_end(&self) -> bool;
}

/// Items in memory.
pub(super) struct InMemory<'a> {
    items: Keyed<'a>,
    /// Numbers of the items in their order; `None` where that is their order.
    order: Option<&'a [u32]>,
    rest: Range<usize>,
}

impl<'a> InMemory<'a> {
    /// Creates a source of the items at these places of the order.
    pub(super) fn new(items: Keyed<'a>, order: Option<&'a [u32]>, part: Range<usize>) -> InMemory<'a> {
        InMemory { items, order, rest: part }
    }

    /// Returns the number of the present item.
    pub(super) fn number(&self) -> usize {
        self.order.map_or(self.rest.start, |order| order[self.rest.start] as usize)
    }

    /// Returns the present item.
    pub(super) fn item(&self) -> &'a [u8] {
        self.items.items.get(self.number())
    }
}

impl Comparand for InMemory<'_> {
    fn key(&self, key: usize) -> &[u8] {
        self.items.column(key).get(self.number())
    }

    fn bytes(&self) -> &[u8] {
        self.item()
    }
}

impl Source for InMemory<'_> {
    fn advance(&mut self, _: &[Key]) -> Result<()> {
        self.rest.start += 1;
        Ok(())
    }

    fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

/// An input or a run.
pub(super) struct Streamed {
    input: Input,
    keys: Vec<KeyBytes>,
    at_end: bool,
    /// Number of items that it must have.
    items: u64,
}

/// The bytes of a key.
#[derive(Clone)]
enum KeyBytes {
    /// A range of the item.
    Range(Range<usize>),
    Own(Vec<u8>),
}

impl KeyBytes {
    fn of(key: &Key, item: &[u8]) -> KeyBytes {
        match key.of(item) {
            Cow::Borrowed(part) => {
                // A part of the item, or nothing.
                let start = (part.as_ptr() as usize).wrapping_sub(item.as_ptr() as usize).min(item.len());
                KeyBytes::Range(start..(start + part.len()).min(item.len()))
            }
            Cow::Owned(bytes) => KeyBytes::Own(bytes),
        }
    }

    fn get<'b>(&'b self, item: &'b [u8]) -> &'b [u8] {
        match self {
            KeyBytes::Range(range) => &item[range.clone()],
            KeyBytes::Own(bytes) => bytes,
        }
    }
}

impl Streamed {
    /// Creates a source and goes to its first item.
    pub(super) fn new(input: Input, items: u64, keys: &[Key]) -> Result<Streamed> {
        let mut streamed = Streamed { input, keys: Vec::new(), at_end: false, items };
        streamed.advance(keys)?;
        Ok(streamed)
    }
}

impl Comparand for Streamed {
    fn key(&self, key: usize) -> &[u8] {
        self.keys[key].get(self.input.item())
    }

    fn bytes(&self) -> &[u8] {
        self.input.item()
    }
}

impl Source for Streamed {
    fn advance(&mut self, keys: &[Key]) -> Result<()> {
        self.at_end = !self.input.advance()?;
        if self.at_end && self.input.items() != self.items {
            return Err(FileError::Changed { folder: self.input.name().into() }.into());
        }
        self.keys.clear();
        if !self.at_end {
            let item = self.input.item();
            self.keys.extend(keys.iter().map(|key| KeyBytes::of(key, item)));
        }
        Ok(())
    }

    fn is_at_end(&self) -> bool {
        self.at_end
    }
}

/// A copy of an item and of its keys.
#[derive(Clone)]
pub(super) struct Copied {
    item: Vec<u8>,
    keys: Vec<Vec<u8>>,
}

impl Copied {
    pub(super) fn of(item: &impl Comparand, keys: usize) -> Copied {
        Copied { item: item.bytes().to_vec(), keys: (0..keys).map(|key| item.key(key).to_vec()).collect() }
    }

    /// Returns the number of bytes of the item and its keys.
    pub(super) fn len(&self) -> usize {
        self.item.len() + self.keys.iter().map(Vec::len).sum::<usize>()
    }

    /// Copies an item and finds its keys.
    pub(super) fn of_item(item: &[u8], keys: &[Key]) -> Copied {
        Copied { item: item.to_vec(), keys: keys.iter().map(|key| key.of(item).into_owned()).collect() }
    }
}

impl Comparand for Copied {
    fn key(&self, key: usize) -> &[u8] {
        &self.keys[key]
    }

    fn bytes(&self) -> &[u8] {
        &self.item
    }
}
