//! Sorting, and checking for order, by the guest's answers and the rules for ties.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Items;
use crate::array::{Private, room};
use crate::callback::{Callback, Held};
use crate::error::{Error, Result};
use crate::native::{Sorter, sort_private};
use crate::sandbox::Budget;

/// Is told of each comparison: both items, and what the guest said of them.
pub type Trace = Arc<dyn Fn(&[u8], &[u8], Ordering) + Send + Sync>;

/// How to sort. The words are those of sort(1).
#[derive(Clone, Default)]
pub struct Options {
    /// Largest first. Items that stay in the input's order because of `stable` are not reversed.
    pub reverse: bool,
    /// Of items that the guest calls equal, keep the first only.
    pub unique: bool,
    /// Items that the guest calls equal stay in the input's order. Otherwise their bytes decide.
    pub stable: bool,
    /// Which native code sorts.
    pub sorter: Sorter,
    /// Who is told of each comparison.
    pub trace: Option<Trace>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { reverse, unique, stable, sorter, trace } = self;
        let trace = trace.is_some();
        write!(f, "reverse {reverse}, unique {unique}, stable {stable}, sorter {sorter:?}, trace {trace}")
    }
}

/// A callback that orders items, with its rules for ties and one budget for all it does.
#[derive(Debug)]
pub struct Job {
    callback: Callback,
    options: Options,
    budget: Arc<Budget>,
    comparisons: AtomicU64,
}

/// The outcome of a sort: a permutation of the items' numbers, shortened if duplicates were to go.
#[derive(Clone, Debug)]
pub struct Sorted {
    /// Numbers of items, from 0, in their new order.
    pub order: Vec<u32>,
}

/// What is sorted in the items' place: their numbers, of this width.
const NUMBER: usize = size_of::<u32>();

impl Job {
    /// A job for this callback. Its budget's clock starts now.
    pub fn new(callback: &Callback, options: Options) -> Job {
        let budget = callback.guest().new_budget();
        Job { callback: callback.clone(), options, budget, comparisons: AtomicU64::new(0) }
    }

    /// Sorts numbers of items with native code; the guest compares the items.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] where records have not the width that the callback compares, and
    /// those of [`native::qsort`](crate::native::qsort).
    pub fn sort(&self, items: &Items) -> Result<Sorted> {
        let mut asking = self.ask_about(items)?;
        let mut private = Private::zeroed(items.len(), NUMBER, self.callback.guest().limits().array)?;
        let numbers: &mut [u32] = bytemuck::cast_slice_mut(private.as_mut_slice());
        numbers.iter_mut().zip(0..).for_each(|(number, at)| *number = at);
        sort_private(self.options.sorter, &mut private, &self.callback, &mut |a, b| {
            asking.order(number(a), number(b))
        })?;
        let mut order = room(items.len(), "the sorted numbers of the items")?;
        order.extend_from_slice(bytemuck::cast_slice(private.as_slice()));
        drop(private);
        check_permutation(&order)?;
        if self.options.unique {
            order = asking.first_of_equals(order)?;
        }
        Ok(Sorted { order })
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
                true => asking.guest(at - 1, at)? != forward,
                false => asking.order(at - 1, at)?.is_gt(),
            };
            if disorder {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// How often the guest was asked.
    pub fn comparisons(&self) -> u64 {
        self.comparisons.load(Relaxed)
    }

    /// Fuel that the guest has used.
    pub fn fuel_used(&self) -> u64 {
        self.budget.fuel_used()
    }

    /// Takes a turn with the guest, to ask about these items.
    pub(super) fn ask_about<'a>(&'a self, items: &'a Items) -> Result<Asking<'a>> {
        if let Some(width) = items.width() {
            self.callback.accepts(width, None)?;
        }
        Ok(Asking { job: self, items, held: self.callback.hold(&self.budget)? })
    }
}

/// A job's turn with the guest.
pub(super) struct Asking<'a> {
    job: &'a Job,
    items: &'a Items,
    held: Held<'a>,
}

impl Asking<'_> {
    /// What the guest says of two items.
    pub(super) fn guest(&mut self, a: usize, b: usize) -> Result<Ordering> {
        let (a, b) = (self.items.get(a), self.items.get(b));
        let answer = self.held.ask(a, b)?;
        if let Some(trace) = &self.job.options.trace {
            trace(a, b, answer);
        }
        Ok(answer)
    }

    /// The order of two items by all rules.
    fn order(&mut self, a: usize, b: usize) -> Result<Ordering> {
        let mut order = self.guest(a, b)?;
        let Options { reverse, unique, stable, .. } = self.job.options;
        if order.is_eq() && !unique && !stable {
            order = self.items.get(a).cmp(self.items.get(b));
        }
        if reverse {
            order = order.reverse();
        }
        Ok(order.then(a.cmp(&b)))
    }

    fn first_of_equals(&mut self, order: Vec<u32>) -> Result<Vec<u32>> {
        let mut kept: Vec<u32> = room(order.len(), "the numbers of unique items")?;
        for at in order {
            let same = match kept.last() {
                Some(&last) => self.guest(last as usize, at as usize)?.is_eq(),
                None => false,
            };
            if !same {
                kept.push(at);
            }
        }
        Ok(kept)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.job.comparisons.fetch_add(self.held.calls(), Relaxed);
    }
}

fn number(element: &[u8]) -> usize {
    // The private copy holds `u32`s, and the trampoline hands out whole elements.
    u32::from_ne_bytes(element.try_into().expect("an element of four bytes")) as usize
}

/// `Err` unless every number below the length occurs.
fn check_permutation(order: &[u32]) -> Result<()> {
    let mut seen = room(order.len(), "a check of the result")?;
    seen.resize(order.len(), false);
    for &at in order {
        match seen.get_mut(at as usize) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(Error::NotPermutation),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_permutations_pass() {
        assert!(check_permutation(&[]).is_ok());
        assert!(check_permutation(&[2, 0, 1]).is_ok());
        for bad in [&[0, 0][..], &[1, 2], &[0, 3, 1]] {
            assert!(matches!(check_permutation(bad), Err(Error::NotPermutation)), "{bad:?}");
        }
    }
}
