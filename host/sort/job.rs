//! A job: a callback that orders items, its rules, and the costs so far.

use std::cmp::Ordering;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::by_number::Numbers;
use super::by_value::Values;
use super::runs::{Run, with_worker};
use super::worker::Worker;
use super::{Items, Options, Sorter, parallel};
use crate::callback::{Callback, Session};
use crate::error::{ContradictionError, Error, LibraryError, Result};
use crate::native::{SortResult, Verify, verify};
use crate::sandbox::Budget;

/// A callback that orders items, with its rules for ties and one budget for all work of the job.
#[derive(Debug)]
pub struct Job {
    pub(super) callback: Callback,
    pub(super) options: Options,
    pub(super) budget: Arc<Budget>,
    pub(super) comparisons: AtomicU64,
    verified: AtomicU64,
}

/// The result of a sort: a permutation of the items' numbers, without those of duplicates under
/// [`Options::unique`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sorted {
    /// Numbers of items, from 0, in their new order.
    pub order: Vec<u32>,
}

impl Job {
    /// Creates a job for this callback. The clock of its budget starts now.
    pub fn new(callback: &Callback, options: Options) -> Job {
        let budget = callback.guest().new_budget();
        Job::on(callback, options, budget)
    }

    fn on(callback: &Callback, options: Options, budget: Arc<Budget>) -> Job {
        let (comparisons, verified) = (AtomicU64::new(0), AtomicU64::new(0));
        Job { callback: callback.clone(), options, budget, comparisons, verified }
    }

    /// Returns the number of the guest's comparisons, without those of [`Options::verify`].
    pub fn comparisons(&self) -> u64 {
        self.comparisons.load(Relaxed)
    }

    /// Returns the number of answers that [`Options::verify`] has compared with results.
    pub fn verified(&self) -> u64 {
        self.verified.load(Relaxed)
    }

    /// Returns the fuel that the guest has used.
    pub fn fuel_used(&self) -> u64 {
        self.budget.fuel_used()
    }

    /// Sorts numbers of items; the guest compares the items.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] where records are not of the width that the callback compares; those of
    /// [`native::qsort`](crate::native::qsort); [`Error::Contradiction`] where an answer is against the
    /// result; [`Error::Thread`] where a thread could not be started.
    pub fn sort(&self, items: &Items) -> Result<Sorted> {
        let before = self.comparisons();
        let Numbers(mut order) = self.sort_numbers(items).map_err(|error| self.explain(items, error))?;
        let firsts = if self.options.unique {
            let mut worker = self.worker(items)?;
            Some(worker.first_of_equals(&order)?)
        } else {
            None
        };
        self.verify(order.len(), &|place| items.get(order[place] as usize), before, |result| SortResult {
            numbers: Some(&order),
            firsts: firsts.as_deref(),
            ..result
        })?;
        if let Some(firsts) = firsts {
            for (place, &first) in firsts.iter().enumerate() {
                order[place] = order[first as usize];
            }
            order.truncate(firsts.len());
        }
        Ok(Sorted { order })
    }

    /// Sorts the items themselves. For numeric records this takes less time and memory than [`Job::sort`].
    ///
    /// # Errors
    ///
    /// As [`Job::sort`]; the items are unchanged then.
    pub fn sort_in_place(&self, items: &mut Items) -> Result<()> {
        let Options { stable, unique, sorter, .. } = self.options;
        let (threads, before) = (parallel::threads(self, items), self.comparisons());
        if let Some(width) = items.width().filter(|_| !unique) {
            if sorter == Sorter::Sandboxed && self.callback.number().is_some() {
                let sorted = self.sort_values(items, threads).map_err(|error| self.explain(items, error))?;
                self.verify(items.len(), &|place| sorted.get(items, place), before, |result| result)?;
                return items.replace_records(&sorted.bytes);
            }
            if let (Some(sorter), 1, false) = (sorter.native_in_place(), threads, stable) {
                let scratch = self.worker(items)?.sort_records(sorter, width)?;
                let sorted = scratch.as_slice();
                self.verify(items.len(), &|place| &sorted[place * width..][..width], before, |r| r)?;
                return items.replace_records(sorted);
            }
        }
        let sorted = self.sort(items)?;
        items.arrange(&sorted.order)
    }

    /// Sorts records by value in the sandbox.
    fn sort_values(&self, items: &Items, threads: usize) -> Result<Values> {
        match threads {
            1 => {
                let all = 0..items.len() as u32; // lossless: `Items` bounds its length
                with_worker::<Values, _>(self, items, &self.budget, |worker| Values::sort(worker, all))
            }
            threads => parallel::sort(self, items, threads),
        }
    }

    /// Asks a fresh guest about pairs of a result; `item` returns an item of it by its place. The sort began
    /// after `before` comparisons. `known` adds what else is known of the result.
    fn verify<'r>(
        &self,
        len: usize,
        item: &'r dyn Fn(usize) -> &'r [u8],
        before: u64,
        known: impl FnOnce(SortResult<'r>) -> SortResult<'r>,
    ) -> Result<()> {
        let result = known(SortResult::new(len, item, self.options.rules()));
        let comparisons = self.comparisons() - before;
        let asked = verify(self.options.verify, &result, &self.callback, &self.budget, comparisons)?;
        self.verified.fetch_add(asked, Relaxed);
        Ok(())
    }

    /// Replaces an error that names no items, where the comparator may have contradicted itself, by one that
    /// does, if the C library's sort ends with a result that can be verified.
    fn explain(&self, items: &Items, error: Error) -> Error {
        let unexplained = matches!(
            error,
            Error::Contradiction(ContradictionError::NoOrder { .. })
                | Error::Library(LibraryError::Unsorted { .. })
        );
        if !unexplained || self.options.verify == Verify::Off {
            return error;
        }
        let options = Options {
            sorter: Sorter::Qsort,
            parallel: NonZeroUsize::MIN,
            trace: None,
            ..self.options.clone()
        };
        let sorted =
            self.callback.fresh().and_then(|fresh| Job::on(&fresh, options, self.budget.clone()).sort(items));
        match sorted {
            Err(found @ Error::Contradiction(_)) => found,
            _ => error,
        }
    }

    /// Sorts numbers of items, on as many threads as pay.
    fn sort_numbers(&self, items: &Items) -> Result<Numbers> {
        let all = 0..items.len() as u32; // lossless: `Items` bounds its length
        match parallel::threads(self, items) {
            1 if self.options.sorter.native().is_some() => {
                self.check_width(items)?;
                let session = Numbers::open(self, items, &self.callback, &self.budget)?;
                Numbers::sort(&mut Worker::new(self, items, session), all)
            }
            1 => with_worker::<Numbers, _>(self, items, &self.budget, |worker| Numbers::sort(worker, all)),
            threads => parallel::sort(self, items, threads),
        }
    }

    /// Returns the number of the first item that is out of order, from 0; with `unique`, also of one that
    /// equals the item before it.
    ///
    /// # Errors
    ///
    /// As [`Job::sort`].
    pub fn disorder(&self, items: &Items) -> Result<Option<usize>> {
        let mut worker = self.worker(items)?;
        // The guest's answer about two different items that are in order.
        let forward = if self.options.reverse { Ordering::Greater } else { Ordering::Less };
        for at in 1..items.len() {
            let (a, b) = (items.get(at - 1), items.get(at));
            let disorder = if self.options.unique {
                worker.compare_raw(a, b)? != forward
            } else {
                worker.compare(a, b)?.is_gt()
            };
            if disorder {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Begins a session with the callback's own guest, to compare these items.
    pub(super) fn worker<'a>(&'a self, items: &'a Items) -> Result<Worker<'a, Session<'a>>> {
        self.check_width(items)?;
        Ok(Worker::new(self, items, self.callback.compare_session(&self.budget)?))
    }

    /// `Err` where records are not of the width that the callback compares.
    fn check_width(&self, items: &Items) -> Result<()> {
        items.width().map_or(Ok(()), |width| self.callback.accepts(width, None))
    }
}
