//! Spot checks of a merge, whose items pass by: some are kept for a while, and compared with later ones.

use std::cmp::Ordering;

use super::source::Copied;
use crate::callback::Session;
use crate::error::{ContradictionError, Result};
use crate::native::Random;
use crate::sort::Job;
use crate::sort::columns::Comparand;
use crate::sort::worker::Worker;

/// Maximum number of items that are kept: half of them late ones, and half from all of the past.
const KEPT: usize = 256;

/// Maximum number of items between two checks. A merge and the sort before it compare each item some 20
/// times, so that this makes about as many checks as [`Verify::Sample`](crate::native::Verify::Sample) does.
const MAX_DISTANCE: u64 = 64;

/// Minimum memory in bytes of the items that are kept.
const MIN_ROOM: usize = 64 << 10;

/// Minimum number of checks, as far as there are items.
const MIN_CHECKS: u64 = 1000;

/// Items of the past, with which present ones are compared.
pub(super) struct Spots {
    kept: Vec<Copied>,
    /// Maximum number of them, at least two.
    most: usize,
    /// Memory in bytes that they take, and may take where there are more than two.
    bytes: usize,
    room: usize,
    /// Number of items between two checks.
    distance: u64,
    seen: u64,
    random: Random,
    asked: u64,
}

impl Spots {
    /// Creates spot checks of a merge of this many items; those that are kept take up to `room` bytes.
    pub(super) fn new(items: u64, room: usize) -> Spots {
        let distance = (items / MIN_CHECKS).clamp(1, MAX_DISTANCE);
        let room = room.max(MIN_ROOM);
        let (kept, random) = (Vec::new(), Random::default());
        Spots { kept, most: KEPT, bytes: 0, room, distance, seen: 0, random, asked: 0 }
    }

    /// Returns the number of pairs that were asked about.
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    /// Looks at the next item of the result. Under [`Options::unique`](crate::sort::Options::unique), `last`
    /// is the last one that was kept, and `is_kept` says whether this one is.
    ///
    /// # Errors
    ///
    /// An error of a guest, or [`Error::Contradiction`](crate::Error::Contradiction) where an answer is
    /// against the result.
    pub(super) fn look<'a>(
        &mut self,
        fresh: &mut Worker<'a, Session<'a>>,
        item: &impl Comparand,
        last: Option<&Copied>,
        is_kept: bool,
    ) -> Result<()> {
        self.seen += 1;
        if !self.seen.is_multiple_of(self.distance) {
            return Ok(());
        }
        let copy = Copied::of(item, fresh.job.keys.len());
        if let Some(last) = last {
            self.asked += 1;
            let order = fresh.compare_keys(0, last, &copy)?;
            if order.is_gt() || order.is_eq() == is_kept {
                return Err(against(fresh, last, &copy, is_kept)?.into());
            }
        }
        if !self.kept.is_empty() {
            let at = self.random.below(self.kept.len());
            self.compare(fresh, at, &copy)?;
        }
        self.keep(copy);
        Ok(())
    }

    fn keep(&mut self, copy: Copied) {
        self.bytes += copy.len();
        if self.kept.len() < self.most {
            self.kept.push(copy);
        } else {
            // Each item of the past is in the second half with the same probability.
            let half = self.most / 2;
            let any = self.random.below((self.seen / self.distance) as usize);
            let place = if any < half { half + any } else { self.random.below(half) };
            self.bytes -= std::mem::replace(&mut self.kept[place], copy).len();
        }
        while self.bytes > self.room && self.kept.len() > 2 {
            let at = self.random.below(self.kept.len());
            self.bytes -= self.kept.swap_remove(at).len();
            self.most = self.kept.len();
        }
    }

    /// Compares a kept item with a later one.
    fn compare<'a>(
        &mut self,
        fresh: &mut Worker<'a, Session<'a>>,
        kept: usize,
        later: &Copied,
    ) -> Result<()> {
        let earlier = &self.kept[kept];
        self.asked += 1;
        let turned = self.asked % 2 == 1;
        let order =
            if turned { fresh.compare(later, earlier)?.reverse() } else { fresh.compare(earlier, later)? };
        if order.is_gt() { Err(against(fresh, earlier, later, true)?.into()) } else { Ok(()) }
    }
}

/// Returns the contradiction of the first key's guest that does not put the earlier item before the later
/// one, or call both equal where they do not `differ`.
fn against<'a>(
    fresh: &mut Worker<'a, Session<'a>>,
    earlier: &Copied,
    later: &Copied,
    differ: bool,
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
        export: callback.name_among(job.keys.len()),
        items: [earlier, later].map(|item| callback.show(item.key(key))),
        sorted: if differ { forward } else { Ordering::Equal },
        answers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::sort::chunk::Chunk;
    use crate::sort::{Format, Options};
    use crate::{CType, Limits, Prototype, Sandbox};

    #[test]
    fn an_item_is_dropped_only_where_the_last_one_equals_it() {
        let guest = Sandbox::new(Limits::default()).unwrap().bundled("numeric").unwrap();
        let numeric = guest.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap();
        let job = Job::new(&numeric, Options::default().unique(true));
        let none = Chunk::new(&job, Format::Lines { separator: b'\n' }, 0).unwrap();
        let look = |last: &[u8], item: &[u8], is_kept| {
            let [last, item] = [last, item].map(|item| Copied::of_item(item, &job.keys));
            job.compare_with_fresh(none.keyed(), |fresh| {
                Spots::new(1, 0).look(fresh, &item, Some(&last), is_kept)
            })
        };
        for (last, item, is_kept) in [("1", "2", true), ("1", "01", false)] {
            look(last.as_bytes(), item.as_bytes(), is_kept).unwrap();
        }
        for (last, item, is_kept) in
            [("1", "2", false), ("1", "01", true), ("2", "1", true), ("2", "1", false)]
        {
            let error = look(last.as_bytes(), item.as_bytes(), is_kept).unwrap_err();
            assert!(matches!(error, Error::Contradiction(_)), "{last} {item} {is_kept}: {error}");
        }
    }
}
