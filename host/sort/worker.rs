//! A worker: a job's session with a guest, and the order that its answers and the job's rules make.

use std::sync::atomic::Ordering::Relaxed;

use super::{Items, Job};
use crate::batch::SandboxedSort;
use crate::callback::{Answer, Session};
use crate::error::{Error, panics};

/// A job's session with one guest. Its comparisons are added to the job's when it is dropped.
pub(super) struct Worker<'a, S: HasSession<'a>> {
    pub(super) job: &'a Job,
    pub(super) items: &'a Items,
    pub(super) session: S,
    _guest: std::marker::PhantomData<&'a ()>,
}

/// A session with a guest, or an object that contains one.
pub(super) trait HasSession<'a> {
    /// Returns the session. The items of a loaded kernel are lost.
    fn session(&mut self) -> &mut Session<'a>;
}

impl<'a> HasSession<'a> for Session<'a> {
    fn session(&mut self) -> &mut Session<'a> {
        self
    }
}

impl<'a> HasSession<'a> for SandboxedSort<'a> {
    fn session(&mut self) -> &mut Session<'a> {
        SandboxedSort::session(self)
    }
}

impl<'a, S: HasSession<'a>> Worker<'a, S> {
    pub(super) fn new(job: &'a Job, items: &'a Items, session: S) -> Worker<'a, S> {
        Worker { job, items, session, _guest: std::marker::PhantomData }
    }

    /// Returns the guest's answer about two items.
    pub(super) fn compare_raw(&mut self, a: &[u8], b: &[u8]) -> Answer {
        let answer = self.session.session().compare(a, b);
        if let Some(trace) = &self.job.options.trace {
            let told = answer.as_ref().ok().copied();
            panics::catch(|| trace(a, b, told))
                .map_err(|message| Error::panicked(self.job.callback.export(), message))?;
        }
        answer
    }

    /// Compares two items by every rule except stability.
    pub(super) fn compare(&mut self, a: &[u8], b: &[u8]) -> Answer {
        let answer = self.compare_raw(a, b)?;
        Ok(self.job.options.rules().apply(answer, a, b))
    }
}

impl<'a, S: HasSession<'a>> Drop for Worker<'a, S> {
    fn drop(&mut self) {
        let calls = self.session.session().calls();
        self.job.comparisons.fetch_add(calls, Relaxed);
    }
}
