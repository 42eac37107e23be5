//! The fallbacks of comparators: the answers to calls that find no callback.

use crate::sync::atomic::{AtomicI32, Ordering::Relaxed};
use crate::sync::{Mutex, lock, shared};
use std::ffi::c_int;
use std::num::NonZeroU32;

/// Maximum number of changes that a slot remembers; a context from before the oldest one gets 0.
const MAX_CHANGES: usize = 256;

/// The fallbacks of the callbacks that a slot has been lent for, by generation.
pub(super) struct Fallbacks {
    latest: AtomicI32,
    /// Each generation whose fallback differs from the one before, oldest first.
    changes: Mutex<Vec<(NonZeroU32, c_int)>>,
}

impl Fallbacks {
    shared! {
        pub(super) const fn new() -> Fallbacks {
            Fallbacks { latest: AtomicI32::new(0), changes: Mutex::new(Vec::new()) }
        }
    }

    /// Records the fallback of a new generation.
    pub(super) fn record(&self, generation: NonZeroU32, fallback: c_int) {
        let mut changes = lock(&self.changes);
        if changes.last().map_or(0, |(_, last)| *last) != fallback {
            if changes.len() == MAX_CHANGES {
                changes.remove(0);
            }
            changes.push((generation, fallback));
        }
        self.latest.store(fallback, Relaxed);
    }

    /// Returns the fallback of the latest generation.
    pub(super) fn latest(&self) -> c_int {
        self.latest.load(Relaxed)
    }

    /// Returns the fallback of this generation.
    pub(super) fn of(&self, generation: NonZeroU32) -> c_int {
        let changes = lock(&self.changes);
        let after = changes.partition_point(|(since, _)| *since <= generation);
        after.checked_sub(1).map_or(0, |at| changes[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn each_generation_keeps_its_own_fallback() {
        let fallbacks = Fallbacks::new();
        let recorded = [0, 0, 7, 7, c_int::MIN, 0, 3];
        for (at, fallback) in (1..).zip(recorded) {
            fallbacks.record(generation(at), fallback);
            assert_eq!(fallbacks.latest(), fallback);
        }
        for (at, fallback) in (1..).zip(recorded) {
            assert_eq!(fallbacks.of(generation(at)), fallback, "{at}");
        }
        assert_eq!(fallbacks.of(generation(1000)), 3);
    }

    #[test]
    fn fallbacks_that_change_for_ever_take_bounded_memory() {
        let fallbacks = Fallbacks::new();
        let last = 10 * MAX_CHANGES as u32;
        for at in 1..=last {
            fallbacks.record(generation(at), at as c_int);
        }
        assert_eq!(lock(&fallbacks.changes).len(), MAX_CHANGES);
        assert_eq!(fallbacks.of(generation(last)), last as c_int);
        assert_eq!(fallbacks.of(generation(1)), 0);
    }
}
