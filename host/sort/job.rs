//! A job: a callback that orders items, its rules, and the costs so far.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::by_number::Numbers;
use super::by_value::Values;
use super::runs::{Run, with_worker};
use super::worker::Worker;
use super::{Items, Options, Sorter, parallel};
use crate::callback::{Callback, Session};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Budget;

/// A callback that orders items, with its rules for ties and one budget for all work of the job.
#[derive(Debug)]
pub struct Job {
    pub(super) callback: Callback,
    pub(super) options: Options,
    pub(super) budget: Arc<Budget>,
    pub(super) comparisons: AtomicU64,
}

/// The result of a sort: a permutation of the items' numbers, without those of duplicates under
/// [`Options::unique`].
#[derive(Clone, Debug)]
pub struct Sorted {
    /// Numbers of items, from 0, in their new order.
    pub order: Vec<u32>,
}

impl Job {
    /// Creates a job for this callback. The clock of its budget starts now.
    pub fn new(callback: &Callback, options: Options) -> Job {
        let budget = callback.guest().new_budget();
        Job { callback: callback.clone(), options, budget, comparisons: AtomicU64::new(0) }
    }

    /// Returns the number of the guest's comparisons.
    pub fn comparisons(&self) -> u64 {
        self.comparisons.load(Relaxed)
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
    /// [`native::qsort`](crate::native::qsort); [`Error::Contradiction`] from [`Sorter::Sandboxed`];
    /// [`Error::Thread`] where a thread could not be started.
    pub fn sort(&self, items: &Items) -> Result<Sorted> {
        let Numbers(mut order) = self.sort_numbers(items)?;
        if self.options.unique {
            order = self.worker(items)?.first_of_equals(order)?;
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
        let Some(width) = items.width().filter(|_| !unique) else {
            let sorted = self.sort(items)?;
            return items.arrange(&sorted.order);
        };
        let threads = parallel::threads(self, items);
        if sorter == Sorter::Sandboxed && self.callback.number().is_some() {
            if threads > 1 {
                let sorted: Values = parallel::sort(self, items, threads)?;
                return items.replace_records(&sorted.bytes);
            }
            return self.sort_values_in_place(items, width);
        }
        if let (Some(sorter), 1, false) = (sorter.native_in_place(), threads, stable) {
            let scratch = self.worker(items)?.sort_records(sorter, width)?;
            return items.replace_records(scratch.as_slice());
        }
        let Numbers(order) = self.sort_numbers(items)?;
        items.arrange(&order)
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

    /// Sorts records by value in the sandbox, on this thread, without a copy of the result.
    fn sort_values_in_place(&self, items: &mut Items, width: usize) -> Result<()> {
        self.callback.accepts(width, None)?;
        let callback = self.callback.fresh()?;
        let mut sort = callback.sandboxed_sort_by_value(&self.budget, self.options.rules())?;
        sort.load(items.len(), items.iter(), Some([items.all_records(), &[]]))?;
        let sorted = sort.sort_into(items.records_mut());
        self.comparisons.fetch_add(sort.session().calls(), Relaxed);
        sorted
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
