//! Items in memory that were read from inputs, as many as there is room for.

use super::columns::{Columns, Keyed};
use super::input::{Format, Input};
use super::{Items, Job, Key, Phase};
use crate::error::Result;

/// Memory in bytes that a sort takes for each item, besides the item and its keys: its number, twice more in
/// the C library's sort, and once in the result.
const BYTES_PER_ITEM: usize = 4 * size_of::<u32>();

/// Items and copies of their keys.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) items: Items,
    columns: Columns,
    /// Memory in bytes that the items take, and may take.
    used: usize,
    room: usize,
}

impl Chunk {
    /// Creates a chunk of no items that takes up to `room` bytes of memory.
    pub(super) fn new(keys: &[Key], format: Format, room: usize) -> Result<Chunk> {
        let items = match format {
            Format::Records { width } => Items::records(Vec::new(), width)?,
            Format::Lines { separator } => Items::empty(separator),
            Format::Csv { .. } => Items::empty(b'\n'),
        };
        Ok(Chunk { items, columns: Columns::new(keys), used: 0, room })
    }

    /// Appends items of an input until it ends, and returns `true`, or until the room is used up.
    pub(super) fn fill(&mut self, job: &Job, input: &mut Input) -> Result<bool> {
        let mut read = job.tally(Phase::Reading, 0);
        while !self.is_full() {
            if !input.advance()? {
                return Ok(true);
            }
            self.push(&job.keys, input.item())?;
            read.count();
        }
        Ok(false)
    }

    /// Appends an item, whether there is room or not.
    fn push(&mut self, keys: &[Key], item: &[u8]) -> Result<()> {
        let of_item = match self.items.width() {
            Some(width) => self.items.push(item).map(|_| 2 * width)?,
            None => self.items.push(item)?,
        };
        self.used += of_item + self.columns.push(keys, item)? + BYTES_PER_ITEM;
        Ok(())
    }

    /// Returns whether there is no room for more. The number of items is bounded too.
    pub(super) fn is_full(&self) -> bool {
        self.used >= self.room || self.items.len() >= u32::MAX as usize
    }

    /// Returns the number of bytes of all items, with their separators.
    pub(super) fn bytes(&self) -> u64 {
        self.items.bytes() as u64
    }

    pub(super) fn into_items(self) -> Items {
        self.items
    }

    pub(super) fn keyed(&self) -> Keyed<'_> {
        self.columns.with(&self.items)
    }
}
