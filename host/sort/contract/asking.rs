//! Questions to fresh guests, one at a time: what comes of each is looked at.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::law::Reply;
use crate::callback::Callback;
use crate::error::{Error, GuestBacktrace, Result, escape};
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
            Told::Failed(error) => match *error {
                Error::Trap { trap, source, .. } => {
                    Reply::Failure { how: format!("\"{export}\" trapped: {trap}"), backtrace: source }
                }
                Error::Limit { limit, what, .. } => {
                    let how = match limit {
                        // Without the items, and with the time of one question.
                        Limit::Deadline | Limit::Fuel => self.limits.exceeded(limit, &export, 0),
                        _ => what,
                    };
                    Reply::Failure { how, backtrace: GuestBacktrace::default() }
                }
                error => Reply::Failure { how: error.to_string(), backtrace: GuestBacktrace::default() },
            },
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
