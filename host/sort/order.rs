//! Sorting, and checking for order, by the guest's answers and the rules for ties.

use std::cmp::Ordering;
use std::sync::atomic::Ordering::Relaxed;

use super::asking::Asking;
use super::job::{Job, Sorted};
use super::run::Run;
use super::{Items, Options, Sorter, parallel};
use crate::error::{Error, Result};

impl Job {
    /// Sorts numbers of items; the guest compares the items.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`](crate::Error::ElementMismatch) where records have not the width that
    /// the callback compares; those of [`native::qsort`](crate::native::qsort);
    /// [`Error::Contradiction`](crate::Error::Contradiction) from [`Sorter::Resident`](super::Sorter::Resident).
    pub fn sort(&self, items: &Items) -> Result<Sorted> {
        let mut order = match self.run(items, false)? {
            Run::Numbers(order) => order,
            Run::Values { .. } => return Err(Error::NotPermutation), // nobody asked for values
        };
        if self.options.unique {
            order = self.ask_about(items)?.first_of_equals(order)?;
        }
        Ok(Sorted { order })
    }

    /// Puts the items themselves in order. Numbers take less time and memory so than by
    /// [`Job::sort`].
    ///
    /// # Errors
    ///
    /// As [`Job::sort`]; the items are then as they were.
    pub fn sort_in_place(&self, items: &mut Items) -> Result<()> {
        let Options { stable, unique, .. } = self.options;
        let Some(width) = items.width().filter(|_| !unique) else {
            let sorted = self.sort(items)?;
            return items.arrange(&sorted.order);
        };
        if parallel::threads(self, items) > 1 {
            return match self.run(items, true)? {
                Run::Numbers(order) => items.arrange(&order),
                Run::Values { bytes, .. } => items.replace_records(&bytes),
            };
        }
        if self.options.sorter == Sorter::Resident {
            self.callback.accepts(width, None)?;
            let callback = self.callback.fresh()?;
            if let Some(mut resident) = callback.resident_values(&self.budget, self.options.rules())? {
                resident.load(items.len(), items.iter(), Some([items.all_records(), &[]]))?;
                let sorted = resident.sort_into(items.records_mut());
                self.comparisons.fetch_add(resident.held().calls(), Relaxed);
                return sorted;
            }
        } else if !stable && !matches!(self.options.sorter, Sorter::Library(_)) {
            let private = self.ask_about(items)?.sort_records(width)?;
            return items.replace_records(private.as_slice());
        }
        let sorted = self.sort(items)?;
        items.arrange(&sorted.order)
    }

    /// Sorts all of the items, by value where that is wanted and can be done.
    fn run(&self, items: &Items, values: bool) -> Result<Run> {
        let all = 0..items.len() as u32; // `Items` has no more
        match parallel::threads(self, items) {
            1 => Asking::alone(self, items, |asking| asking.sort(all)),
            threads => parallel::sort(self, items, values, threads),
        }
    }

    /// The number of the first item that is out of order, from 0; with `unique`, also of one that
    /// equals the item before it.
    ///
    /// # Errors
    ///
    /// As [`Job::sort`].
    pub fn disorder(&self, items: &Items) -> Result<Option<usize>> {
        let mut asking = self.ask_about(items)?;
        // What the guest says of two different items that are in order.
        let forward = if self.options.reverse { Ordering::Greater } else { Ordering::Less };
        for at in 1..items.len() {
            let disorder = match self.options.unique {
                true => asking.guest(items.get(at - 1), items.get(at))? != forward,
                false => asking.order(items.get(at - 1), items.get(at))?.is_gt(),
            };
            if disorder {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Takes a turn with the guest, to ask about these items.
    pub(super) fn ask_about<'a>(&'a self, items: &'a Items) -> Result<Asking<'a>> {
        Asking::new(self, items, &self.callback, &self.budget)
    }
}
