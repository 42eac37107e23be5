//! Spot checks of a merge, whose items pass by: some are kept for a while, and compared with later ones.

use std::cmp::Ordering;

use super::source::Copied;
use crate::callback::Session;
use crate::error::{ContradictionError, Result};
use crate::native::Random;
use crate::sort::Job;
use crate::sort::columns::Comparand;
use crate::sort::worker::Worker;

/// Number of items that are kept: half of them late ones, and half from all of the past.
const KEPT: usize = 256;

/// Size of an item that is too large to be kept.
const MAX_BYTES: usize = 4 << 10;

/// Number of items between two checks. A merge and the sort before it compare each item some 20 times, so
/// that this makes about as many checks as [`Verify::Sample`](crate::native::Verify::Sample) does.
const DISTANCE: u64 = 64;

/// Items of the past, with which present ones are compared.
#[derive(Default)]
pub(super) struct Spots {
    kept: Vec<Copied>,
    seen: u64,
    random: Random,
    asked: u64,
}

impl Spots {
    /// Returns the number of pairs that were asked about.
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    /// Looks at the next item of the result.
    ///
    /// # Errors
    ///
    /// An error of a guest, or [`Error::Contradiction`](crate::Error::Contradiction) where an answer is
    /// against the result.
    pub(super) fn look<'a>(
        &mut self,
        fresh: &mut Worker<'a, Session<'a>>,
        item: &impl Comparand,
    ) -> Result<()> {
        self.seen += 1;
        if !self.seen.is_multiple_of(DISTANCE) || item.bytes().len() > MAX_BYTES {
            return Ok(());
        }
        let copy = Copied::of(item, fresh.job.keys.len());
        if self.kept.len() < KEPT {
            self.compare(fresh, self.kept.len().checked_sub(1), &copy)?;
            self.kept.push(copy);
            return Ok(());
        }
        let at = self.random.below(KEPT);
        self.compare(fresh, Some(at), &copy)?;
        let late = self.random.below(KEPT / 2);
        self.kept[late] = copy.clone();
        // Each item of the past is kept with the same probability.
        let any = self.random.below((self.seen / DISTANCE) as usize);
        if any < KEPT / 2 {
            self.kept[KEPT / 2 + any] = copy;
        }
        Ok(())
    }

    /// Compares a kept item with a later one.
    fn compare<'a>(
        &mut self,
        fresh: &mut Worker<'a, Session<'a>>,
        kept: Option<usize>,
        later: &Copied,
    ) -> Result<()> {
        let Some(earlier) = kept.map(|at| &self.kept[at]) else { return Ok(()) };
        self.asked += 1;
        let turned = self.asked % 2 == 1;
        let order =
            if turned { fresh.compare(later, earlier)?.reverse() } else { fresh.compare(earlier, later)? };
        if order.is_gt() { Err(against(fresh, earlier, later)?.into()) } else { Ok(()) }
    }
}

/// Returns the contradiction of the first key's guest that puts the later item before the earlier one.
fn against<'a>(
    fresh: &mut Worker<'a, Session<'a>>,
    earlier: &Copied,
    later: &Copied,
) -> Result<ContradictionError> {
    let job: &Job = fresh.job;
    let (mut key, mut answers) = (0, [Ordering::Equal; 2]);
    for at in 0..job.keys.len() {
        let [a, b] = [earlier.key(at), later.key(at)];
        (key, answers) = (at, [fresh.compare_key(at, a, b)?, fresh.compare_key(at, b, a)?]);
        if answers != [Ordering::Equal; 2] {
            break;
        }
    }
    let callback = &job.keys[key].callback;
    let forward = if job.keys[key].reverse { Ordering::Greater } else { Ordering::Less };
    Ok(ContradictionError::AgainstResult {
        export: callback.export().to_owned(),
        items: [earlier, later].map(|item| callback.show(item.key(key))),
        sorted: forward,
        answers,
    })
}
