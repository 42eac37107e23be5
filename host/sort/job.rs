//! What is to be done, and what it has cost so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Options;
use crate::callback::Callback;
use crate::sandbox::Budget;

/// A callback that orders items, with its rules for ties and one budget for all it does.
#[derive(Debug)]
pub struct Job {
    pub(super) callback: Callback,
    pub(super) options: Options,
    pub(super) budget: Arc<Budget>,
    pub(super) comparisons: AtomicU64,
}

/// The outcome of a sort: a permutation of the items' numbers, shortened if duplicates were to go.
#[derive(Clone, Debug)]
pub struct Sorted {
    /// Numbers of items, from 0, in their new order.
    pub order: Vec<u32>,
}

impl Job {
    /// A job for this callback. Its budget's clock starts now.
    pub fn new(callback: &Callback, options: Options) -> Job {
        let budget = callback.guest().new_budget();
        Job { callback: callback.clone(), options, budget, comparisons: AtomicU64::new(0) }
    }

    /// How often the guest was asked.
    pub fn comparisons(&self) -> u64 {
        self.comparisons.load(Relaxed)
    }

    /// Fuel that the guest has used.
    pub fn fuel_used(&self) -> u64 {
        self.budget.fuel_used()
    }
}
