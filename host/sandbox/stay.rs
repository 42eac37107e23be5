//! A stay in a guest: when it was entered and left, and the fuel that it used.

use std::sync::Arc;
use std::time::Instant;

use super::Budget;
use super::compare_export::PairCaller;
use super::guest::Turn;
use crate::error::Error;

/// The time of a call inside the guest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stay {
    pub(crate) entered: Option<Instant>,
    pub(crate) left: Option<Instant>,
    /// Fuel that the guest used.
    pub(crate) fuel: u64,
}

impl Turn<'_> {
    /// Makes a call, and keeps the time.
    pub(crate) fn timed<T>(&mut self, stay: &mut Stay, call: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.fuel_left();
        stay.entered = Some(Instant::now());
        let outcome = call(self);
        stay.left = Some(Instant::now());
        stay.fuel = before.saturating_sub(self.fuel_left());
        outcome
    }

    /// As [`Turn::compare`], and keeps the time.
    pub(crate) fn compare_timed(
        &mut self,
        name: &str,
        call: &PairCaller,
        [a, b]: [&[u8]; 2],
        stay: &mut Stay,
    ) -> Result<i32, Box<Error>> {
        let (store, _, staging) = self.parts();
        let staged = call.stage(store, staging, a, b);
        let answer =
            staged.and_then(|places| self.timed(stay, |turn| call.call_staged(turn.parts().0, places, a, b)));
        answer.map_err(|error| self.failure(error, name))
    }

    /// Returns what is left of the turn's budget, as a budget of its own.
    pub(crate) fn rest_of_budget(&mut self) -> Arc<Budget> {
        let left = self.fuel_left();
        Arc::new(self.parts().0.data().budget.with_fuel(left))
    }

    fn fuel_left(&mut self) -> u64 {
        self.parts().0.get_fuel().unwrap_or(0)
    }
}
