//! Items in memory that were read from inputs, as many as there is room for.

use super::columns::{Columns, Keyed};
use super::input::{Format, Input};
use super::{Items, Job, Key, Phase};
use crate::error::Result;

/// Memory in bytes that the order takes for each item.
const ORDER_BYTES: usize = size_of::<u32>();

/// Memory in bytes that a sort takes for each item until it ends: its number, and twice more in the C
/// library's sort.
const SORT_BYTES: usize = 3 * size_of::<u32>();

/// Memory in bytes of the guest that a sort in the sandbox takes for each item besides its first key: its
/// number twice, and its place.
const SANDBOX_BYTES: usize = 3 * size_of::<u32>();

/// Part of the memory that is always enough for a part of the items. Of smaller ones there would be too many.
const MIN_PART: usize = 1024;

/// Items and copies of their keys.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) items: Items<'static>,
    columns: Columns,
    /// Memory in bytes that the items take, and may take together with what sorting them takes.
    kept: usize,
    room: usize,
    /// Memory in bytes of guests that the items take in the sandbox, and may take.
    staged: usize,
    staged_room: usize,
}

impl Chunk {
    /// Creates a chunk of no items that takes up to `room` bytes of memory.
    pub(super) fn new(job: &Job, format: Format, room: usize) -> Result<Chunk> {
        let items = match format {
            Format::Records { width } => Items::records(Vec::new(), width)?,
            Format::Lines { separator } => Items::empty(separator),
            Format::Csv { .. } => Items::empty(b'\n'),
        };
        let in_sandbox = job.options.sorter.may_be_sandboxed();
        let staged_room = if in_sandbox { job.sandbox_room().max(room / MIN_PART) } else { usize::MAX };
        Ok(Chunk { items, columns: Columns::new(&job.keys), kept: 0, room, staged: 0, staged_room })
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
        self.kept += self.items.push(item)? + self.columns.push(keys, item)? + ORDER_BYTES;
        let first = self.columns.with(&self.items).column(0);
        self.staged += first.get(first.len() - 1).len() + 1 + SANDBOX_BYTES;
        Ok(())
    }

    /// Returns memory in bytes that the items and sorting them take.
    pub(super) fn taken(&self) -> usize {
        let sorting = match self.items.width() {
            // A sort of records has two copies of them.
            Some(_) => 2 * self.items.bytes(),
            None if self.staged_room < usize::MAX => self.staged,
            None => 0,
        };
        self.kept + sorting + self.items.len() * SORT_BYTES
    }

    /// Returns whether there is no room for more. The number of items is bounded too.
    pub(super) fn is_full(&self) -> bool {
        let most = u32::MAX as usize;
        self.taken() >= self.room || self.staged >= self.staged_room || self.items.len() >= most
    }

    /// Returns memory in bytes that the items take once they are sorted.
    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// Returns the number of bytes of all items, with their separators.
    pub(super) fn bytes(&self) -> u64 {
        self.items.bytes() as u64
    }

    pub(super) fn into_items(self) -> Items<'static> {
        self.items
    }

    pub(super) fn keyed(&self) -> Keyed<'_> {
        self.columns.with(&self.items)
    }
}
