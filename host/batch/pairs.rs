//! A search of all pairs of items for answers that are not those of their order.

use std::cmp::Ordering;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use super::at_once;
use super::rows::{RowFailure, Rows};
use crate::callback::Callback;
use crate::error::{Error, Result};
use crate::kernel::{row_answers, row_byte};
use crate::memory::try_with_capacity;
use crate::sandbox::Budget;

/// Number of rows after which a thread looks whether the guest has written into the items.
const ROWS_PER_LOOK: usize = 64;

/// Minimum number of pairs for which a thread pays.
const MIN_PAIRS_PER_THREAD: u64 = 1 << 20;

/// A search of pairs of items that stand in their order.
pub(crate) struct PairSearch<'s> {
    /// Asked are fresh guests of its module.
    pub(crate) callback: &'s Callback,
    /// At least one.
    pub(crate) items: &'s [&'s [u8]],
    /// For each place the end of the run of items that are equal to its item.
    pub(crate) runs: &'s [u32],
    /// For each place the end of the items that its item is compared with.
    pub(crate) ends: &'s [u32],
    /// The answer about an item and a later one of another run.
    pub(crate) forward: Ordering,
    pub(crate) budget: &'s Arc<Budget>,
    /// Maximum number of threads.
    pub(crate) threads: NonZeroUsize,
    /// Time at which the search stops.
    pub(crate) until: Option<Instant>,
}

/// The first finding of a search, in the order of the rows.
pub(crate) enum Finding {
    /// The answers about two items, and about the two swapped, are not those of their order.
    Answers { pair: [usize; 2], answers: [Ordering; 2] },
    /// The guest failed, asked about two items one way or the other.
    Failure { pair: [usize; 2], error: Box<Error> },
    /// The guest has written into an item, at the latest when it was asked about those of the row.
    Written { item: usize, left: Vec<u8> },
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Covered {
    /// Number of pairs that were asked about, both ways.
    pub(crate) pairs: u64,
    /// Whether it was stopped by the time.
    pub(crate) stopped: bool,
}

/// The state that the threads of a search share.
struct Shared {
    next: AtomicUsize,
    /// The first row with a finding.
    found: AtomicUsize,
    pairs: AtomicU64,
    stopped: AtomicUsize,
}

impl PairSearch<'_> {
    /// Asks about all pairs, both ways, until the first finding. Rows before that of the finding have been
    /// asked about completely, whatever the number of threads.
    ///
    /// # Errors
    ///
    /// Those of the items' way into the sandbox, and of threads. Failures of the guest are findings.
    pub(crate) fn run(&self) -> Result<(Covered, Option<Finding>)> {
        let pairs: u64 = self.ends.iter().zip(0..).map(|(end, at)| u64::from(*end) - at - 1).sum();
        let threads = (pairs / MIN_PAIRS_PER_THREAD).clamp(1, self.threads.get() as u64) as usize;
        let shared = Shared {
            next: AtomicUsize::new(0),
            found: AtomicUsize::new(usize::MAX),
            pairs: AtomicU64::new(0),
            stopped: AtomicUsize::new(0),
        };
        let found = if threads == 1 {
            vec![self.search(self.budget, &shared)]
        } else {
            let each = |(), share: &Arc<Budget>| self.search(share, &shared);
            at_once(self.callback, ("callbox-pairs", "to compare with"), self.budget, vec![(); threads], each)
        };
        let found = found.into_iter().collect::<Result<Vec<_>>>()?;
        let first = found.into_iter().flatten().min_by_key(|(row, _)| *row);
        let covered = Covered { pairs: shared.pairs.into_inner(), stopped: shared.stopped.into_inner() > 0 };
        Ok((covered, first.map(|(_, finding)| finding)))
    }

    /// Takes rows until none is left that could have the first finding; returns the finding with its row.
    fn search(&self, budget: &Arc<Budget>, shared: &Shared) -> Result<Option<(usize, Finding)>> {
        let guest = self.callback.fresh()?;
        let mut rows = guest.rows(budget, self.items)?;
        let (mut first, mut taken) = (None, 0);
        let mut expected = try_with_capacity(2 * self.items.len(), "the expected answers")?;
        for answer in [Ordering::Equal, self.forward] {
            expected.resize(expected.len() + self.items.len(), row_byte(answer));
        }
        loop {
            let row = shared.next.fetch_add(1, Relaxed);
            if row >= self.items.len() || row > shared.found.load(Relaxed) || first.is_some() {
                break;
            }
            if self.until.is_some_and(|until| Instant::now() >= until) {
                shared.stopped.store(1, Relaxed);
                break;
            }
            first = self.ask(&mut rows, row, &expected).map(|finding| (row, finding));
            shared.pairs.fetch_add(u64::from(self.ends[row]) - row as u64 - 1, Relaxed);
            taken += 1;
            if taken % ROWS_PER_LOOK == 0 || first.is_some() {
                first = written(&mut rows, row).or(first);
            }
            if first.is_some() {
                shared.found.fetch_min(row, Relaxed);
            }
        }
        if first.is_none() {
            first = written(&mut rows, self.items.len() - 1);
        }
        Ok(first)
    }

    /// Asks about a row. `expected` has an answer of each kind for each item: equal ones, and others.
    fn ask(&self, rows: &mut Rows<'_, '_>, row: usize, expected: &[u8]) -> Option<Finding> {
        let (from, run, end) = (row + 1, self.runs[row] as usize, self.ends[row] as usize);
        if from >= end {
            return None;
        }
        let answers = match rows.ask(row, from..end) {
            Ok(answers) => answers,
            Err(RowFailure { other, error }) => {
                return Some(Finding::Failure { pair: [row, other], error });
            }
        };
        // Centred on the border between both kinds.
        let expected = &expected[self.items.len() - (run - from)..][..answers.len()];
        if answers == expected {
            return None;
        }
        let found = answers.iter().zip(expected).position(|(found, expected)| found != expected)?;
        Some(Finding::Answers { pair: [row, from + found], answers: row_answers(answers[found]) })
    }
}

/// Returns the finding that the guest has written into an item, with the last row that it was asked about.
fn written(rows: &mut Rows<'_, '_>, row: usize) -> Option<(usize, Finding)> {
    let (item, left) = rows.written()?;
    Some((row, Finding::Written { item, left }))
}
