//! Asking for the order of two items, by the guest's answers and the rules for ties; and sorting so.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::job::Job;
use super::run::{Piece, Run, check_permutation};
use super::{Items, Sorter};
use crate::array::{Private, room};
use crate::callback::{Answer, Callback, Held};
use crate::error::{Error, LibraryError, Result};
use crate::native::{sort_held, sort_private};
use crate::resident::{Layout, Resident, Rules};
use crate::sandbox::Budget;

/// What is sorted in the items' place: their numbers, of this width.
const NUMBER: usize = size_of::<u32>();

/// A job's turn with a guest.
pub(super) struct Asking<'a> {
    job: &'a Job,
    items: &'a Items,
    guest: Guest<'a>,
    /// Whether the items themselves are sorted, and not their numbers.
    values: bool,
}

enum Guest<'a> {
    Plain(Held<'a>),
    WithKernel(Box<Resident<'a>>),
}

impl<'a> Asking<'a> {
    /// To ask this guest, and to sort with native code.
    pub(super) fn new(
        job: &'a Job,
        items: &'a Items,
        callback: &'a Callback,
        budget: &Arc<Budget>,
    ) -> Result<Asking<'a>> {
        if let Some(width) = items.width() {
            callback.accepts(width, None)?;
        }
        Ok(Asking { job, items, guest: Guest::Plain(callback.hold(budget)?), values: false })
    }

    /// Does all of a job on this thread; where the sorter is native, with the callback's own guest.
    pub(super) fn alone<T>(
        job: &Job,
        items: &Items,
        work: impl FnOnce(&mut Asking<'_>) -> Result<T>,
    ) -> Result<T> {
        match job.options.sorter.native() {
            Some(_) => work(&mut Asking::new(job, items, &job.callback, &job.budget)?),
            None => Asking::with(job, items, false, &job.budget, work),
        }
    }

    /// Does a piece of work with a guest of its own.
    pub(super) fn with<T>(
        job: &Job,
        items: &Items,
        values: bool,
        budget: &Arc<Budget>,
        work: impl FnOnce(&mut Asking<'_>) -> Result<T>,
    ) -> Result<T> {
        if let Some(width) = items.width() {
            job.callback.accepts(width, None)?;
        }
        let callback = job.callback.fresh()?;
        if job.options.sorter.native().is_some() {
            return work(&mut Asking::new(job, items, &callback, budget)?);
        }
        let rules = job.options.rules();
        let layout = items.width().map_or(Layout::Lines, |width| Layout::Records { width });
        let by_value = if values { callback.resident_values(budget, rules)? } else { None };
        let (values, resident) = match by_value {
            Some(resident) => (true, resident),
            None => (false, callback.resident(budget, rules, layout)?),
        };
        work(&mut Asking { job, items, guest: Guest::WithKernel(Box::new(resident)), values })
    }

    pub(super) fn items(&self) -> &'a Items {
        self.items
    }

    fn held(&mut self) -> &mut Held<'a> {
        match &mut self.guest {
            Guest::Plain(held) => held,
            Guest::WithKernel(resident) => resident.held(),
        }
    }

    /// What the guest says of two items.
    pub(super) fn guest(&mut self, a: &[u8], b: &[u8]) -> Answer {
        let answer = self.held().ask(a, b)?;
        if let Some(trace) = &self.job.options.trace {
            trace(a, b, answer);
        }
        Ok(answer)
    }

    /// The order of two items by all rules but the one that what was first stays first.
    pub(super) fn order(&mut self, a: &[u8], b: &[u8]) -> Answer {
        Ok(settle(self.job.options.rules(), self.guest(a, b)?, a, b))
    }

    /// The order of two items by their numbers and all rules.
    pub(super) fn order_of(&mut self, a: u32, b: u32) -> Answer {
        if a.max(b) as usize >= self.items.len() {
            return Err(Box::new(Error::NotPermutation)); // nobody has put these numbers there
        }
        let order = self.order(self.items.get(a as usize), self.items.get(b as usize))?;
        Ok(order.then(a.cmp(&b)))
    }

    /// Of items that the guest calls equal, only the first.
    pub(super) fn first_of_equals(&mut self, order: Vec<u32>) -> Result<Vec<u32>> {
        let mut kept: Vec<u32> = room(order.len(), "the numbers of unique items")?;
        for at in order {
            let same = match kept.last() {
                Some(&last) => {
                    self.guest(self.items.get(last as usize), self.items.get(at as usize))?.is_eq()
                }
                None => false,
            };
            if !same {
                kept.push(at);
            }
        }
        Ok(kept)
    }

    /// Sorts items of these numbers.
    pub(super) fn sort(&mut self, numbers: Range<u32>) -> Result<Run> {
        let (items, len) = (self.items, numbers.len());
        let all = numbers.clone().map(|at| items.get(at as usize));
        let Guest::WithKernel(resident) = &mut self.guest else { return self.sort_natively(numbers) };
        let whole = items.whole(numbers.clone());
        resident.load(len, all, Some([whole, &[]]))?;
        if let (true, Some(width)) = (self.values, items.width()) {
            return Ok(Run::Values { bytes: resident.sort_values(whole)?, width });
        }
        let mut order = resident.sort()?;
        check_permutation(&order)?;
        order.iter_mut().for_each(|at| *at += numbers.start);
        Ok(Run::Numbers(order))
    }

    fn sort_natively(&mut self, numbers: Range<u32>) -> Result<Run> {
        let (job, sorter) = (self.job, self.job.options.sorter.native().unwrap_or_default());
        let most = job.callback.guest().limits().array;
        let mut private = Private::zeroed(numbers.len(), NUMBER, most)?;
        let places: &mut [u32] = bytemuck::cast_slice_mut(private.as_mut_slice());
        places.iter_mut().zip(numbers.clone()).for_each(|(place, at)| *place = at);
        sort_private(sorter, &mut private, &job.callback, &mut |a, b| self.order_of(number(a), number(b)))?;
        let mut order = room(numbers.len(), "the sorted numbers of the items")?;
        // What is below all numbers is no number of theirs, and neither is what it becomes.
        order.extend(
            bytemuck::cast_slice(private.as_slice()).iter().map(|at: &u32| at.wrapping_sub(numbers.start)),
        );
        drop(private);
        check_permutation(&order)?;
        order.iter_mut().for_each(|at| *at += numbers.start);
        self.check_order(&order)?;
        Ok(Run::Numbers(order))
    }

    /// Sorts records themselves, with native code. Only where equals are the same bytes, so that nobody
    /// can tell one from the other.
    pub(super) fn sort_records(&mut self, width: usize) -> Result<Private> {
        let (job, sorter) = (self.job, self.job.options.sorter.native().unwrap_or_default());
        let mut private = Private::zeroed(self.items.len(), width, job.callback.guest().limits().array)?;
        private.as_mut_slice().copy_from_slice(self.items.all_records());
        let rules = job.options.rules();
        match &mut self.guest {
            // Who wants to be told of each comparison wants it when C asks.
            Guest::Plain(held) if job.options.trace.is_none() => {
                sort_held(sorter, &mut private, &job.callback, held, rules, &mut |held, a, b| {
                    Ok(settle(rules, held.ask(a, b)?, a, b))
                })?;
            }
            _ => sort_private(sorter, &mut private, &job.callback, &mut |a, b| self.order(a, b))?,
        }
        Ok(private)
    }

    /// `Err` where a function that nobody knows has left these items in no order.
    fn check_order(&mut self, order: &[u32]) -> Result<()> {
        let Sorter::Library(function) = self.job.options.sorter else { return Ok(()) };
        for pair in order.windows(2) {
            if self.order_of(pair[0], pair[1])?.is_gt() {
                return Err(LibraryError::Unsorted { function: function.name().to_owned() }.into());
            }
        }
        Ok(())
    }

    /// Merges two sorted runs.
    pub(super) fn join(&mut self, left: Piece<'_>, right: Piece<'_>) -> Result<Run> {
        let (items, len) = (self.items, left.range.len() + right.range.len());
        let order = match &mut self.guest {
            Guest::WithKernel(resident) => {
                let all = left.clone().items(items).chain(right.clone().items(items));
                resident.load(len, all, left.values().zip(right.values()).map(Into::into))?;
                if let (true, Some(width)) = (self.values, items.width()) {
                    let bytes = resident.join_values(left.range.len())?;
                    return Ok(Run::Values { bytes, width });
                }
                resident.join(left.range.len())?
            }
            Guest::Plain(_) => self.join_natively(&left, &right)?,
        };
        check_permutation(&order)?;
        Run::picked(&left, &right, &order)
    }

    fn join_natively(&mut self, left: &Piece<'_>, right: &Piece<'_>) -> Result<Vec<u32>> {
        let (items, l_len, len) = (self.items, left.range.len(), left.range.len() + right.range.len());
        let mut order = room(len, "the merged numbers of the items")?;
        let (mut l, mut r) = (0, l_len);
        while l < l_len && r < len {
            let after = self.order(left.get(items, l), right.get(items, r - l_len))?.is_gt();
            order.push(if after { r } else { l } as u32);
            (l, r) = if after { (l, r + 1) } else { (l + 1, r) };
        }
        order.extend((l..l_len).chain(r..len).map(|at| at as u32));
        Ok(order)
    }
}

/// The order of two items by all rules but the one that what was first stays first.
fn settle(rules: Rules, answer: Ordering, a: &[u8], b: &[u8]) -> Ordering {
    let order = if answer.is_eq() && rules.ties_by_bytes { a.cmp(b) } else { answer };
    if rules.reverse { order.reverse() } else { order }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let calls = self.held().calls();
        self.job.comparisons.fetch_add(calls, Relaxed);
    }
}

fn number(element: &[u8]) -> u32 {
    // The private copy holds `u32`s, and the trampoline hands out whole elements.
    u32::from_ne_bytes(element.try_into().expect("an element of four bytes"))
}
