//! Parts of a sort's items that are sorted and in memory.

use super::merge::{Merge, Merged};
use super::source::InMemory;
use super::spot::Spots;
use crate::error::Result;
use crate::memory::try_with_capacity;
use crate::sort::chunk::Chunk;
use crate::sort::{Items, Job};

/// A sorted chunk.
pub(super) struct SortedChunk {
    chunk: Chunk,
    /// Numbers of items in their order; `None` where that is their order.
    order: Option<Vec<u32>>,
}

/// Sorted items in memory, without their keys.
pub(super) struct Held {
    items: Items<'static>,
    order: Option<Vec<u32>>,
}

impl SortedChunk {
    /// Sorts items on a budget of their own.
    pub(super) fn sort(job: &Job, mut chunk: Chunk) -> Result<SortedChunk> {
        job.renewed(&job.counters, |job| {
            let in_place = chunk.items.width().is_some() && !job.options.unique;
            let order = if in_place {
                job.sort_in_place(&mut chunk.items)?;
                None
            } else {
                Some(job.sort_keyed(chunk.keyed())?.order)
            };
            Ok(SortedChunk { chunk, order })
        })
    }

    /// Creates a chunk of items that have this order.
    pub(super) fn new(chunk: Chunk, order: Vec<u32>) -> SortedChunk {
        SortedChunk { chunk, order: Some(order) }
    }

    /// Returns the number of items; fewer than were sorted under
    /// [`Options::unique`](crate::sort::Options::unique).
    pub(super) fn len(&self) -> usize {
        self.order.as_ref().map_or(self.chunk.items.len(), Vec::len)
    }

    /// Returns memory in bytes that the chunk takes.
    pub(super) fn kept(&self) -> usize {
        self.chunk.kept()
    }

    fn source(&self) -> InMemory<'_> {
        InMemory::new(self.chunk.keyed(), self.order.as_deref(), 0..self.len())
    }

    /// Drops the keys.
    pub(super) fn hold(self) -> Held {
        Held { items: self.chunk.into_items(), order: self.order }
    }
}

impl Held {
    pub(super) fn none() -> Held {
        Held { items: Items::empty(0), order: None }
    }

    fn len(&self) -> usize {
        self.order.as_ref().map_or(self.items.len(), Vec::len)
    }

    /// Returns an item by its place in the order.
    pub(super) fn get(&self, at: usize) -> &[u8] {
        self.items.get(self.order.as_ref().map_or(at, |order| order[at] as usize))
    }

    pub(super) fn try_for_each<E>(&self, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        (0..self.len()).try_for_each(|at| each(self.get(at)))
    }
}

/// Merges chunks; passes on each item and the number of its chunk, and whether it is kept.
pub(super) fn merge(
    job: &Job,
    chunks: &[SortedChunk],
    spots: Option<&mut Spots>,
    mut each: impl FnMut(&[u8], usize, bool) -> Result<()>,
) -> Result<()> {
    let Some(any) = chunks.first() else { return Ok(()) };
    let total = chunks.iter().map(|chunk| chunk.len() as u64).sum();
    let sources = chunks.iter().map(SortedChunk::source).collect();
    // The items themselves do for those that tell a worker what is compared.
    Merge::new(sources, total)
        .run(job, &any.chunk.items, spots, |Merged { item, source, kept }| each(item.item(), source, kept))
}

/// Merges chunks; returns the choices between them.
pub(super) fn choices(
    job: &Job,
    chunks: &[SortedChunk],
    spots: Option<&mut Spots>,
    choice: impl Fn(usize, bool) -> u16,
) -> Result<Vec<u16>> {
    let mut choices = try_with_capacity(chunks.iter().map(SortedChunk::len).sum(), "the order of all items")?;
    merge(job, chunks, spots, |_, source, kept| {
        choices.push(choice(source, kept));
        Ok(())
    })?;
    Ok(choices)
}
