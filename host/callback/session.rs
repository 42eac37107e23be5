//! This thread's exclusive use of a callback's guest.

use super::observe::Observer;
use super::{Answer, Callback, CallbackInner, Comparator};
use crate::error::{Error, Result, asked_about};
use crate::limits::Limit;
#[cfg(not(loom))]
use crate::sandbox::Function;
use crate::sandbox::{Budget, Turn};
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};
use crate::sync::{Arc, PerThread};

/// Number of calls after which those of a session are reported.
const CALLS_AT_ONCE: u64 = 64;

/// This thread's exclusive use of a callback's guest, for one call or many. Other threads wait.
///
/// The calls and failures are added to the callback's counters when the session ends.
pub(crate) struct Session<'a> {
    pub(super) callback: &'a CallbackInner,
    /// Index of the guest among those of the callback.
    instance: usize,
    pub(super) comparator: Option<&'a Comparator>,
    pub(super) turn: Turn<'a>,
    /// Is told of each comparison.
    observer: Option<&'a Observer>,
    calls: u64,
    pub(super) failures: u64,
    /// Counter that calls are reported to during the session.
    report: Option<&'a AtomicU64>,
    reported: u64,
    /// Number of calls at which there is something to report.
    report_at: u64,
}

impl Callback {
    /// Begins a session that charges `budget`, or a full budget of its own if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`Guest::turn`](crate::sandbox::Guest::turn), which count as a failed call.
    pub(crate) fn session<'b>(&self, budget: impl Into<Option<&'b Arc<Budget>>>) -> Result<Session<'_>> {
        self.begin(budget.into()).map_err(|error| *error)
    }

    /// As [`Callback::session`], inlined for calls by C. A guest that all threads share is taken without a
    /// detour: where two ways meet, their sessions would be copied before they are used.
    #[inline(always)]
    pub(crate) fn begin(&self, budget: Option<&Arc<Budget>>) -> Answer<Session<'_>> {
        let callback = &*self.inner;
        let mut session = match &self.instances {
            Some(instances) if budget.is_none() => self.begin_in_own(instances)?,
            // One guest at a time spends a shared budget.
            _ => match callback.guest.turn(&callback.export, budget) {
                Ok(turn) => Session::new(callback, 0, turn),
                Err(error) => return Err(self.refused(error)),
            },
        };
        session.observer = self.observer();
        Ok(session)
    }

    #[inline(never)]
    fn begin_in_own<'c>(&'c self, instances: &'c PerThread<CallbackInner>) -> Answer<Session<'c>> {
        match instances.turn() {
            Ok((instance, (callback, turn))) => Ok(Session::new(callback, instance, turn)),
            Err(error) => Err(self.refused(error)),
        }
    }

    #[cold]
    fn refused(&self, error: Box<Error>) -> Box<Error> {
        self.inner.counters.refused();
        error
    }

    /// Begins a session for one call, which counts as failed until [`Session::succeeded`].
    #[inline(always)]
    pub(crate) fn call_session(&self, budget: Option<&Arc<Budget>>) -> Answer<Session<'_>> {
        let mut session = self.begin(budget)?;
        (session.calls, session.failures) = (1, 1);
        Ok(session)
    }
}

impl<'a> Session<'a> {
    #[inline(always)]
    fn new(callback: &'a CallbackInner, instance: usize, turn: Turn<'a>) -> Session<'a> {
        let comparator = callback.comparator.as_ref();
        let (calls, failures, report, reported, report_at) = (0, 0, None, 0, u64::MAX);
        let observer = None;
        Session {
            callback,
            instance,
            comparator,
            turn,
            observer,
            calls,
            failures,
            report,
            reported,
            report_at,
        }
    }

    /// Compares two elements by calling the guest. Only the sign of its answer counts.
    #[inline(always)]
    pub(crate) fn compare(&mut self, a: &[u8], b: &[u8]) -> Answer {
        if let Some(observer) = self.observer {
            return self.compare_observed(observer, a, b);
        }
        self.count(1);
        let Some(comparator) = self.comparator else { return Err(self.not_a_comparator()) };
        match self.turn.compare(&self.callback.export, &comparator.call, a, b) {
            Ok(answer) => Ok(answer.cmp(&0)),
            Err(error) => Err(self.failed(comparator, error, [a, b])),
        }
    }

    /// Counts a failed call, and adds the two items to the error where they may be its cause.
    #[cold]
    pub(super) fn failed(
        &mut self,
        comparator: &Comparator,
        mut error: Box<Error>,
        items: [&[u8]; 2],
    ) -> Box<Error> {
        self.failures += 1;
        let shown = || items.map(|item| comparator.show(item));
        match &mut *error {
            Error::Trap { asked, .. } => *asked = shown().into(),
            Error::Limit { limit: Limit::Fuel | Limit::Deadline, what, .. } => {
                what.push_str(&asked_about(&shown()));
            }
            _ => {}
        }
        error
    }

    #[cold]
    pub(super) fn not_a_comparator(&mut self) -> Box<Error> {
        self.failures += 1;
        Box::new(super::comparator::not_a_comparator(&self.callback.prototype))
    }

    /// Ends the session of a successful call.
    pub(crate) fn succeeded(mut self) {
        self.failures = 0;
    }

    /// Returns the number of calls made in the session.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Counts calls that a kernel made instead of [`Session::compare`].
    #[inline]
    pub(crate) fn count(&mut self, calls: u64) {
        self.calls += calls;
        if self.calls >= self.report_at {
            self.report();
        }
    }

    /// Has the calls added to `sum` from time to time, and at the end of the session.
    pub(crate) fn report_to(&mut self, sum: &'a AtomicU64) {
        (self.report, self.report_at) = (Some(sum), self.calls + CALLS_AT_ONCE);
    }

    #[cold]
    fn report(&mut self) {
        if let Some(sum) = self.report {
            sum.fetch_add(self.calls - self.reported, Relaxed);
            (self.reported, self.report_at) = (self.calls, self.calls + CALLS_AT_ONCE);
        }
    }

    /// Returns the index of the guest among those of the callback.
    pub(crate) fn instance(&self) -> usize {
        self.instance
    }

    /// Returns the function of the guest and the turn to call it in; `None` if it only compares.
    #[cfg(not(loom))]
    pub(crate) fn function(&mut self) -> Option<(&'a Function, &mut Turn<'a>)> {
        let (function, _) = self.callback.function.as_ref()?;
        Some((function, &mut self.turn))
    }

    /// Returns the turn with the guest.
    pub(crate) fn turn(&mut self) -> &mut Turn<'a> {
        &mut self.turn
    }
}

impl Drop for Session<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.report.is_some() {
            self.report();
        }
        self.callback.counters.in_turn(self.calls, self.failures);
    }
}
