//! The fuel and time of one native call, shared by all its callbacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// What is left of one native call's fuel and time. The clock starts when it is made.
#[derive(Debug)]
pub(crate) struct Budget {
    fuel: u64,
    /// What was left when the last turn on it ended.
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
            // `None` is a time too far for the clock to say.
            ends: Instant::now().checked_add(limits.deadline),
        }
    }

    /// What is left of it in equal parts, for callbacks that run at the same time. What they use is to
    /// be [spent](Budget::spend) here.
    pub(crate) fn shares(&self, count: usize) -> Vec<Arc<Budget>> {
        let fuel = self.left() / count.max(1) as u64;
        let share = || Budget { fuel, left: AtomicU64::new(fuel), ..*self };
        (0..count).map(|_| Arc::new(share())).collect()
    }

    /// Takes fuel off that was used elsewhere.
    pub(crate) fn spend(&self, fuel: u64) {
        self.set_left(self.left().saturating_sub(fuel));
    }

    /// Fuel that guests have used of it, up to the end of the last turn.
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
