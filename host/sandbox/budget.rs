//! The fuel and time of one native call, shared by all its callbacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// The remaining fuel and time of one native call. Its clock starts when it is created.
#[derive(Debug)]
pub(crate) struct Budget {
    fuel: u64,
    /// The fuel left when the last turn on this budget ended.
    left: AtomicU64,
    pub(super) time: Duration,
    pub(super) ends: Option<Instant>,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Budget {
        Budget {
            fuel: limits.fuel,
            left: AtomicU64::new(limits.fuel),
            time: limits.deadline,
            // `None` where an `Instant` cannot represent the deadline.
            ends: Instant::now().checked_add(limits.deadline),
        }
    }

    /// Splits the remaining fuel into `count` equal shares, for callbacks that run at the same time. The
    /// fuel used of them has to be [spent](Budget::spend) on this budget.
    pub(crate) fn shares(&self, count: usize) -> Vec<Arc<Budget>> {
        let fuel = self.left() / count.max(1) as u64;
        (0..count).map(|_| Arc::new(self.with_fuel(fuel))).collect()
    }

    /// Returns a budget of this time and other fuel.
    pub(super) fn with_fuel(&self, fuel: u64) -> Budget {
        Budget { fuel, left: AtomicU64::new(fuel), ..*self }
    }

    /// Deducts fuel that was used of another budget.
    pub(crate) fn spend(&self, fuel: u64) {
        self.set_left(self.left().saturating_sub(fuel));
    }

    /// Returns the fuel that guests have used, up to the end of the last turn.
    pub(crate) fn fuel_used(&self) -> u64 {
        self.fuel - self.left()
    }

    pub(super) fn left(&self) -> u64 {
        self.left.load(Relaxed)
    }

    pub(super) fn set_left(&self, fuel: u64) {
        self.left.store(fuel, Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }
}

/// Equal shares of a budget's fuel for sessions that are open at the same time. What they use is deducted
/// from the budget when they have ended.
pub(crate) struct Shares<'a> {
    budget: &'a Arc<Budget>,
    shares: Vec<Arc<Budget>>,
}

impl<'a> Shares<'a> {
    pub(crate) fn new(budget: &'a Arc<Budget>, count: usize) -> Shares<'a> {
        // A single session spends of the budget itself.
        Shares { budget, shares: if count > 1 { budget.shares(count) } else { Vec::new() } }
    }

    pub(crate) fn get(&self, at: usize) -> &Arc<Budget> {
        self.shares.get(at).unwrap_or(self.budget)
    }
}

impl Drop for Shares<'_> {
    fn drop(&mut self) {
        self.shares.iter().for_each(|share| self.budget.spend(share.fuel_used()));
    }
}
