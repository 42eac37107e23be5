//! Questions to fresh guests, one at a time: what comes of each is looked at.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::law::Reply;
use crate::callback::{Callback, SortKey};
use crate::error::{Blame, CallError, Error, GuestBacktrace, Result, escape};
use crate::limits::{Limit, Limits};
use crate::sandbox::{Budget, CompareShape};

/// Maximum time of one question, unless the guest's own limit is less.
const QUESTION: Duration = Duration::from_secs(1);

/// A fresh guest that is asked one question after the other, each on a budget of its own.
pub(super) struct Interview {
    callback: Callback,
    limits: Limits,
}

/// Outcome of a question.
pub(super) enum Told {
    Answer(Ordering),
    Failed(Box<Error>),
    Written { which: usize, left: Vec<u8> },
}

impl Interview {
    /// Begins one with a fresh guest.
    pub(super) fn new(callback: &Callback) -> Result<Interview> {
        let limits = *callback.guest().limits();
        let limits = limits.deadline(limits.get_deadline().min(QUESTION));
        Ok(Interview { callback: callback.fresh()?, limits })
    }

    /// Returns what came of a question, in public terms.
    pub(super) fn reply(&self, told: Told) -> Reply {
        let export = escape(self.callback.export());
        match told {
            Told::Answer(answer) => Reply::Answer(answer),
            Told::Written { which, left } => Reply::Written { which, left },
            Told::Failed(error) => self.failure(&export, *error),
        }
    }

    /// Returns the reply of a guest that failed in this export.
    fn failure(&self, export: &str, error: Error) -> Reply {
        let (how, backtrace) = match error {
            Error::Trap { trap, source, .. } => (format!("\"{export}\" trapped: {trap}"), source),
            // Without the items, and with the time of one question.
            Error::Limit { limit: limit @ (Limit::Deadline | Limit::Fuel), .. } => {
                (self.limits.exceeded(limit, export, 0), GuestBacktrace::default())
            }
            Error::Limit { what, .. } => (what, GuestBacktrace::default()),
            Error::Call(CallError::KeyLength { lens: [first, then], .. }) => {
                let how = format!("it has {first} bytes, and with room for those, {then}");
                (how, GuestBacktrace::default())
            }
            error => (error.to_string(), GuestBacktrace::default()),
        };
        Reply::Failure { how, backtrace }
    }

    /// Asks for the sort key of a value, if the guest makes any: [`Reply::Key`], or a failure.
    ///
    /// # Errors
    ///
    /// Those that are not the guest's doing.
    pub(super) fn key(&self, value: &[u8]) -> Result<Reply> {
        let budget = Arc::new(Budget::new(&self.limits));
        match self.callback.guest().sort_key()?.of_on(&budget, value) {
            Ok(key) => Ok(Reply::Key(key)),
            Err(error) if error.blame() == Blame::Guest => Ok(self.failure(SortKey::EXPORT, error)),
            Err(error) => Err(error),
        }
    }

    /// Asks about two values, which have the width of the callback's elements.
    ///
    /// # Errors
    ///
    /// Those that are not the guest's doing.
    pub(super) fn ask(&self, a: &[u8], b: &[u8]) -> Result<Told> {
        let budget = Arc::new(Budget::new(&self.limits));
        let mut session = self.callback.compare_session(&budget)?;
        let answer = match session.compare(a, b) {
            Ok(answer) => answer,
            Err(error) => {
                return match *error {
                    Error::Trap { .. } | Error::Limit { .. } => Ok(Told::Failed(error)),
                    other => Err(other),
                };
            }
        };
        if self.callback.shape() != Some(CompareShape::Scalars) {
            let left = session.turn().compared([a.len(), b.len()]);
            if let Some(which) = [a, b].iter().zip(left).position(|(value, left)| *value != left) {
                return Ok(Told::Written { which, left: left[which].to_vec() });
            }
        }
        Ok(Told::Answer(answer))
    }
}
