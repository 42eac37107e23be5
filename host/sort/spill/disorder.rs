//! The check of an input's order, which need not fit in memory.

use super::Spill;
use super::source::Copied;
use crate::error::Result;
use crate::sort::chunk::Chunk;
use crate::sort::columns::Comparand;
use crate::sort::{Input, Job, Phase};

impl Job {
    /// Returns the first item of an input that is out of order, or with
    /// [`Options::unique`](crate::sort::Options::unique) equals the one before it. Each few thousand items
    /// have a budget of their own, which does not run while they are read.
    ///
    /// # Errors
    ///
    /// As [`Job::sort_inputs`].
    pub fn disorder_of(&self, input: &mut Input, spill: &Spill) -> Result<Option<Disorder>> {
        input.limit(spill.most());
        let none = Chunk::new(self, input.format(), 0)?;
        let (mut items, mut read): (Vec<Copied>, _) = (Vec::new(), self.tally(Phase::Reading, 0));
        loop {
            // The last one is compared with the next.
            items.drain(..items.len().saturating_sub(1));
            let first = input.items() - items.len() as u64;
            let (mut bytes, mut at_end) = (0, false);
            while bytes < spill.memory / 4 && items.len() < ITEMS_AT_ONCE && !at_end {
                at_end = !input.advance()?;
                if !at_end {
                    read.count();
                    let item = Copied::of_item(input.item(), &self.keys);
                    bytes += item.len();
                    items.push(item);
                }
            }
            let found = self.renewed(&self.counters, |job| {
                job.compare_with(none.keyed(), |worker| {
                    for (at, pair) in items.windows(2).enumerate() {
                        if worker.is_disorder(&pair[0], &pair[1])? {
                            return Ok(Some(at + 1));
                        }
                    }
                    Ok(None)
                })
            })?;
            if let Some(at) = found {
                let item = items.swap_remove(at).bytes().to_vec();
                return Ok(Some(Disorder { number: first + at as u64 + 1, item }));
            }
            if at_end {
                return Ok(None);
            }
        }
    }
}

/// An item that must not follow the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disorder {
    /// Number of the item in its input, from 1; a header counts.
    pub number: u64,
    /// The item.
    pub item: Vec<u8>,
}

/// Number of items that are compared on one budget where an input is checked.
const ITEMS_AT_ONCE: usize = 4096;
