//! A job: a callback that orders items, its rules, and the costs so far.

use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::by_number::Numbers;
use super::columns::{Columns, Keyed};
use super::runs::Run;
use super::worker::{FirstGuest, with_worker};
use super::{Items, Key, Options, Sorter, parallel};
use crate::callback::Callback;
use crate::error::{ContradictionError, Error, LibraryError, Result};
use crate::native::{SortResult, VerifiedKey, Verify, verify};
use crate::sandbox::Budget;

/// Keys that order items, with the rules for ties, and one budget for all work of the job.
#[derive(Debug)]
pub struct Job {
    /// At least one.
    pub(super) keys: Vec<Key>,
    pub(super) options: Options,
    pub(super) budget: Arc<Budget>,
    pub(super) counters: Arc<Counters>,
}

/// Counts of the work of a job and of those that continue it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) comparisons: AtomicU64,
    pub(super) verified: AtomicU64,
    /// Whether items were sorted in the sandbox.
    pub(super) in_sandbox: AtomicBool,
    /// Fuel used on budgets that are no longer in use.
    fuel: AtomicU64,
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
    /// Creates a job that orders whole items by this callback, reversed as the options say. The clock of its
    /// budget starts now.
    #[track_caller]
    pub fn new(callback: &Callback, options: Options) -> Job {
        Job::by_keys([Key::new(callback).reverse(options.reverse)], options)
    }

    /// Creates a job that orders items by the first key, where that calls items equal by the second, and so
    /// on. Whether a key is reversed is said of each; [`Options::reverse`] is about the bytes that decide
    /// where no key does. The clock of its budget, whose limits are those of the first key's guest, starts
    /// now. Where a callback is [observed](Callback::observe), nothing is sorted in the sandbox.
    ///
    /// # Panics
    ///
    /// Panics if there are no keys.
    #[track_caller]
    pub fn by_keys(keys: impl Into<Vec<Key>>, options: Options) -> Job {
        let (mut options, mut keys, place) = (options, keys.into(), Location::caller());
        keys.iter_mut().for_each(|key| key.callback.register_at(place));
        if keys.iter().any(|key| key.callback.is_observed()) && options.sorter.may_be_sandboxed() {
            options.sorter = Sorter::Qsort;
        }
        assert!(!keys.is_empty(), "an order needs a key");
        let budget = keys[0].callback.guest().new_budget();
        Job { keys, options, budget, counters: Arc::default() }
    }

    /// Returns the callback of the first key.
    pub(super) fn callback(&self) -> &Callback {
        &self.keys[0].callback
    }

    /// Returns whether the only key is the item as it is.
    pub(super) fn is_plain(&self) -> bool {
        matches!(&self.keys[..], [key] if key.is_item())
    }

    /// Returns the number of the guests' comparisons, without those that checked results.
    pub fn comparisons(&self) -> u64 {
        self.counters.comparisons.load(Relaxed)
    }

    /// Returns the number of answers that were compared with results: as [`Options::verify`] says, and about
    /// neighbours where [`Sorter::Library`] has sorted.
    pub fn verified(&self) -> u64 {
        self.counters.verified.load(Relaxed)
    }

    /// Returns whether items were sorted in the sandbox, which [`Sorter::Auto`] decides.
    pub fn sorted_in_sandbox(&self) -> bool {
        self.counters.in_sandbox.load(Relaxed)
    }

    /// Returns the fuel that the guests have used.
    pub fn fuel_used(&self) -> u64 {
        self.counters.fuel.load(Relaxed) + self.budget.fuel_used()
    }

    /// Sorts numbers of items; the guests compare the items.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] where records are not of the width that the callback compares; those of
    /// [`native::qsort`](crate::native::qsort); [`Error::Contradiction`] where an answer is against the
    /// result; [`Error::Thread`] where a thread could not be started.
    pub fn sort(&self, items: &Items<'_>) -> Result<Sorted> {
        let columns = Columns::of(&self.keys, items)?;
        self.sort_keyed(columns.with(items))
    }

    pub(super) fn sort_keyed(&self, items: Keyed<'_>) -> Result<Sorted> {
        let (mut order, firsts) = self.sort_and_cut(items)?;
        if let Some(firsts) = firsts {
            for (place, &first) in firsts.iter().enumerate() {
                order[place] = order[first as usize];
            }
            order.truncate(firsts.len());
        }
        Ok(Sorted { order })
    }

    /// Returns the numbers of all items in their order, and with [`Options::unique`] the places in it that
    /// begin a run of items that the guests call equal.
    pub(super) fn sort_and_cut(&self, items: Keyed<'_>) -> Result<(Vec<u32>, Option<Vec<u32>>)> {
        let before = self.comparisons();
        self.begin_sorting(items.len());
        let sorted = self.with_fallback(items, |job| job.sort_numbers(items));
        let Numbers(order) = sorted.map_err(|error| self.explain(items, error))?;
        let firsts = if self.options.unique {
            Some(self.compare_with(items, |worker| worker.first_of_equals(&order))?)
        } else {
            None
        };
        let numbers = Some(&order[..]).filter(|_| !self.options.leaves_ties());
        let known = Known { numbers, firsts: firsts.as_deref() };
        let number = |place: usize| order[place] as usize;
        let key = |key: usize, place: usize| items.column(key).get(number(place));
        self.verify(order.len(), &|place| items.items.get(number(place)), &key, before, known)?;
        Ok((order, firsts))
    }

    /// Sorts the items themselves. For numeric records this takes less time and memory than [`Job::sort`].
    ///
    /// # Errors
    ///
    /// As [`Job::sort`]; the items are unchanged then.
    pub fn sort_in_place(&self, items: &mut Items<'_>) -> Result<()> {
        let Options { stable, unique, sorter, .. } = self.options;
        let (threads, before) = (parallel::threads(self, items), self.comparisons());
        if let Some(width) = items.width().filter(|_| !unique && self.is_plain()) {
            let columns = Columns::new(&self.keys);
            let keyed = columns.with(items);
            self.begin_sorting(items.len());
            if self.sorter(keyed) == Sorter::Sandboxed && self.callback().number().is_some() {
                self.counters.in_sandbox.store(true, Relaxed);
                match self.sort_values(keyed, threads) {
                    Ok(sorted) => {
                        let record = |place: usize| sorted.record(place);
                        let key = |_, place| record(place);
                        self.verify(items.len(), &record, &key, before, Known::default())?;
                        return items.replace_records(&sorted.bytes);
                    }
                    Err(error) if self.may_fall_back(keyed, &error) => {
                        self.counters.in_sandbox.store(false, Relaxed);
                    }
                    Err(error) => return Err(self.explain(keyed, error)),
                }
            }
            if let (Some(sorter), 1, false) = (sorter.native_in_place(), threads, stable) {
                let scratch = self.compare_with(keyed, |worker| worker.sort_records(sorter, width))?;
                let sorted = scratch.as_slice();
                let record = |place: usize| &sorted[place * width..][..width];
                self.verify(items.len(), &record, &|_, place| record(place), before, Known::default())?;
                return items.replace_records(sorted);
            }
        }
        let sorted = self.sort(items)?;
        items.arrange(&sorted.order)
    }

    /// Asks fresh guests about pairs of a result; `item` returns an item of it by its place, and `key` one of
    /// its keys. The sort began after `before` comparisons.
    fn verify<'i>(
        &self,
        len: usize,
        item: &dyn Fn(usize) -> &'i [u8],
        key: &dyn Fn(usize, usize) -> &'i [u8],
        before: u64,
        Known { numbers, firsts }: Known<'_>,
    ) -> Result<()> {
        if self.options.verify != Verify::Off {
            self.begin_verifying();
        }
        let keys = self.keys.iter().map(|key| VerifiedKey { callback: &key.callback, reverse: key.reverse });
        let keys: Vec<_> = keys.collect();
        let rules = self.options.rules();
        let result = SortResult { len, keys: &keys, key, item, rules, numbers, firsts };
        let comparisons = self.comparisons() - before;
        let asked = verify(self.options.verify, &result, &self.budget, comparisons, self.options.parallel)?;
        self.counters.verified.fetch_add(asked, Relaxed);
        Ok(())
    }

    /// Replaces an error that names no items, where the comparator may have contradicted itself, by one that
    /// does, if the C library's sort ends with a result that can be verified.
    fn explain(&self, items: Keyed<'_>, error: Error) -> Error {
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
            progress: None,
            ..self.options.clone()
        };
        match self.again(options).and_then(|job| job.sort_keyed(items)) {
            Err(found @ Error::Contradiction(_)) => found,
            _ => error,
        }
    }

    /// Does a part of this job's work on a budget of its own; its comparisons are counted by `counters`.
    #[cfg(feature = "spill")]
    pub(super) fn renewed<T>(
        &self,
        counters: &Arc<Counters>,
        work: impl FnOnce(&mut Job) -> Result<T>,
    ) -> Result<T> {
        let (keys, options, counters) = (self.keys.clone(), self.options.clone(), counters.clone());
        let mut job = Job { keys, options, budget: self.callback().guest().new_budget(), counters };
        let outcome = work(&mut job);
        self.counters.fuel.fetch_add(job.budget.fuel_used(), Relaxed);
        outcome
    }

    /// Creates a job with fresh guests on the same budget, whose work is counted apart.
    fn again(&self, options: Options) -> Result<Job> {
        let fresh = |key: &Key| Ok(Key { callback: key.callback.fresh()?.unobserved(), ..key.clone() });
        let keys = self.keys.iter().map(fresh).collect::<Result<_>>()?;
        Ok(Job { keys, options, budget: self.budget.clone(), counters: Arc::default() })
    }

    /// Sorts numbers of items, on as many threads as pay.
    fn sort_numbers(&self, items: Keyed<'_>) -> Result<Numbers> {
        let all = 0..items.len() as u32; // lossless: `Items` bounds its length
        let guest = match self.sorter(items).native() {
            Some(_) => FirstGuest::Callbacks,
            None => {
                self.counters.in_sandbox.store(true, Relaxed);
                FirstGuest::Own // which the kernel is freed with
            }
        };
        match parallel::threads(self, items.items) {
            1 => with_worker::<Numbers, _>(self, items, &self.budget, guest, |worker| {
                Numbers::sort(worker, all)
            }),
            threads => parallel::sort(self, items, threads),
        }
    }

    /// Returns the number of the first item that is out of order, from 0; with `unique`, also of one that
    /// equals the item before it.
    ///
    /// # Errors
    ///
    /// As [`Job::sort`].
    pub fn disorder(&self, items: &Items<'_>) -> Result<Option<usize>> {
        let columns = Columns::of(&self.keys, items)?;
        let items = columns.with(items);
        self.compare_with(items, |worker| {
            for at in 1..items.len() {
                if worker.is_disorder(&items.at(at - 1), &items.at(at))? {
                    return Ok(Some(at));
                }
            }
            Ok(None)
        })
    }
}

/// Facts known of a result, besides its items.
#[derive(Default)]
struct Known<'r> {
    numbers: Option<&'r [u32]>,
    firsts: Option<&'r [u32]>,
}
