//! The choice of the code that sorts.

use std::sync::atomic::Ordering::Relaxed;

use super::columns::Keyed;
use super::{Job, Options, Sorter};
use crate::batch::Rules;
use crate::error::{Error, Result};
use crate::limits::Limit;

/// Number of items from which [`Sorter::Auto`] sorts whole items in the sandbox: about as many as make up for
/// the guest that is made for it.
const MIN_SANDBOXED_ITEMS: usize = 4096;

impl Job {
    /// Returns the sorter for these items.
    pub(super) fn sorter(&self, items: Keyed<'_>) -> Sorter {
        let column = items.column(0);
        // Beside a key's bytes, its number twice and where it ends.
        let bytes = column.bytes().saturating_add(items.len().saturating_mul(3 * size_of::<u32>()));
        let room = match (column.width(), self.callback().number()) {
            // Numbers are kept in the kernel's memory, and never in the guest's.
            (Some(_), Some(_)) if self.is_plain() => self.callback().guest().limits().array,
            _ => (self.sandbox_room() / 6).saturating_mul(7),
        };
        let few = self.is_plain() && items.len() < MIN_SANDBOXED_ITEMS;
        let may = self.options.sorter.may_be_sandboxed();
        match self.options.sorter {
            Sorter::Auto if may && !few && bytes <= room => Sorter::Sandboxed,
            Sorter::Auto => Sorter::Qsort,
            sorter => sorter,
        }
    }

    /// Does work in the sandbox, or by [`Sorter::Qsort`] where [`Sorter::Auto`] has taken a guest for one
    /// that has room for all items, or has trapped for want of it.
    pub(super) fn with_fallback<T>(&self, items: Keyed<'_>, work: impl Fn(&Job) -> Result<T>) -> Result<T> {
        match work(self) {
            Err(error) if self.may_fall_back(items, &error) => {
                let options = Options { sorter: Sorter::Qsort, ..self.options.clone() };
                let (keys, budget) = (self.keys.clone(), self.budget.clone());
                self.counters.in_sandbox.store(false, Relaxed);
                work(&Job { keys, options, budget, counters: self.counters.clone() })
            }
            outcome => outcome,
        }
    }

    /// Returns whether work that failed in the sandbox may be done by [`Sorter::Qsort`].
    pub(super) fn may_fall_back(&self, items: Keyed<'_>, error: &Error) -> bool {
        let is_final = match error {
            Error::Contradiction(_)
            | Error::Interrupted { .. }
            | Error::Limit { limit: Limit::Fuel | Limit::Deadline, .. } => true,
            Error::Trap { asked, .. } => !asked.is_empty(),
            _ => false,
        };
        !is_final && self.options.sorter == Sorter::Auto && self.sorter(items) == Sorter::Sandboxed
    }

    /// Returns how many bytes of items surely fit in the guests that they are sorted in; a sixth more fits
    /// too.
    pub(super) fn sandbox_room(&self) -> usize {
        let limits = self.callback().guest().limits();
        let threads = self.options.parallel.get();
        limits.array.min(limits.memory / 4 * 3).saturating_mul(threads)
    }

    /// Returns whether the answers of a kernel are all that decides the order, by the only key.
    pub(super) fn is_decided_by_kernel(&self) -> bool {
        let no_more = self.is_plain() || !self.options.ties_by_bytes();
        self.keys.len() == 1 && no_more
    }

    /// Returns the rules of a kernel that sorts by a key: all rules, if they need nothing else.
    pub(super) fn kernel_rules(&self, key: usize) -> Rules {
        let ties_by_bytes = self.is_plain() && self.options.ties_by_bytes();
        Rules { reverse: self.keys[key].reverse, ties_by_bytes }
    }
}
