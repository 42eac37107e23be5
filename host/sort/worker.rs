//! A worker: a job's sessions with the guests of its keys, and the order that their answers and the job's
//! rules make.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::columns::{Comparand, Keyed};
use super::{Job, Key};
use crate::batch::SandboxedSort;
use crate::callback::{Answer, Callback, Session};
use crate::error::Result;
use crate::sandbox::{Budget, Shares};

/// A job's sessions with one guest for each key. Their comparisons are added to the job's when it is dropped.
pub(super) struct Worker<'a, S: HasSession<'a>> {
    pub(super) job: &'a Job,
    pub(super) items: Keyed<'a>,
    /// One for each key, at least one.
    sessions: Vec<S>,
    /// Number of the sessions' calls that checked a result.
    pub(super) checking: u64,
    lifetime: PhantomData<&'a ()>,
}

/// A way to begin a worker's sessions.
pub(super) trait Opens {
    type Session<'a>: HasSession<'a>;

    /// Begins a session with the callback's guest, for the key of this number.
    fn open<'a>(
        job: &Job,
        items: Keyed<'_>,
        key: usize,
        callback: &'a Callback,
        budget: &Arc<Budget>,
    ) -> Result<Self::Session<'a>>;
}

/// Sessions that only compare.
pub(super) struct Compares;

impl Opens for Compares {
    type Session<'a> = Session<'a>;

    fn open<'a>(
        _: &Job,
        _: Keyed<'_>,
        _: usize,
        callback: &'a Callback,
        budget: &Arc<Budget>,
    ) -> Result<Session<'a>> {
        callback.compare_session(budget)
    }
}

/// The guest of a worker's first key. Those of the other keys are its own, instantiated for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstGuest {
    /// The callback's.
    Callbacks,
    /// Its own.
    Own,
}

/// Does a piece of work with a worker.
pub(super) fn with_worker<O: Opens, T>(
    job: &Job,
    items: Keyed<'_>,
    budget: &Arc<Budget>,
    guest: FirstGuest,
    work: impl for<'a> FnOnce(&mut Worker<'a, O::Session<'a>>) -> Result<T>,
) -> Result<T> {
    job.check_widths(items)?;
    let shares = Shares::new(budget, job.keys.len());
    let callback = |(at, key): (usize, &Key)| match (at, guest) {
        (0, FirstGuest::Callbacks) => Ok(key.callback.clone()),
        _ => key.callback.fresh(),
    };
    let callbacks: Vec<_> = job.keys.iter().enumerate().map(callback).collect::<Result<_>>()?;
    let open = |(key, callback)| O::open(job, items, key, callback, shares.get(key));
    let mut sessions = callbacks.iter().enumerate().map(open).collect::<Result<Vec<_>>>()?;
    if let Some(progress) = &job.options.progress {
        sessions.iter_mut().for_each(|session| session.session().report_to(progress.comparisons()));
    }
    work(&mut Worker { job, items, sessions, checking: 0, lifetime: PhantomData })
}

impl Job {
    /// Does work with sessions that only compare.
    pub(super) fn compare_with<T>(
        &self,
        items: Keyed<'_>,
        work: impl for<'a> FnOnce(&mut Worker<'a, Session<'a>>) -> Result<T>,
    ) -> Result<T> {
        with_worker::<Compares, _>(self, items, &self.budget, FirstGuest::Callbacks, work)
    }

    /// `Err` where records are not of the width that the callback compares, or lines not what it compares.
    pub(super) fn check_widths(&self, items: Keyed<'_>) -> Result<()> {
        self.keys.iter().enumerate().try_for_each(|(at, key)| match items.column(at).width() {
            Some(width) => key.callback.accepts(width, None),
            None => key.callback.accepts_runs(),
        })
    }

    /// Does work with sessions with fresh guests that only compare. It does not count as the job's.
    #[cfg(feature = "spill")]
    pub(super) fn compare_with_fresh<T>(
        &self,
        items: Keyed<'_>,
        work: impl for<'a> FnOnce(&mut Worker<'a, Session<'a>>) -> Result<T>,
    ) -> Result<T> {
        self.renewed(&Arc::default(), |job| {
            job.keys.iter_mut().for_each(|key| key.callback = key.callback.clone().unobserved());
            with_worker::<Compares, _>(job, items, &job.budget, FirstGuest::Own, work)
        })
    }
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
    /// Returns the session of the first key.
    pub(super) fn first(&mut self) -> &mut S {
        &mut self.sessions[0]
    }

    /// Returns the session of a key.
    pub(super) fn session_of(&mut self, key: usize) -> &mut S {
        &mut self.sessions[key]
    }

    /// Returns the number of calls of all guests.
    pub(super) fn calls(&mut self) -> u64 {
        self.sessions.iter_mut().map(|session| session.session().calls()).sum()
    }

    /// Returns the answer of a key's guest about two items.
    pub(super) fn compare_key(&mut self, key: usize, a: &[u8], b: &[u8]) -> Answer {
        self.sessions[key].session().compare(a, b)
    }

    /// Compares two items by the keys from `first` on.
    pub(super) fn compare_keys(&mut self, first: usize, a: &impl Comparand, b: &impl Comparand) -> Answer {
        let job = self.job;
        for (at, Key { reverse, .. }) in job.keys.iter().enumerate().skip(first) {
            let answer = self.compare_key(at, a.key(at), b.key(at))?;
            if answer.is_ne() {
                return Ok(if *reverse { answer.reverse() } else { answer });
            }
        }
        Ok(std::cmp::Ordering::Equal)
    }

    /// Compares two items by the keys from `first` on, and by every rule except stability.
    pub(super) fn compare_from(&mut self, first: usize, a: &impl Comparand, b: &impl Comparand) -> Answer {
        let answer = self.compare_keys(first, a, b)?;
        Ok(self.job.options.last_resort(answer, a.bytes(), b.bytes()))
    }

    /// Returns whether the second item must not follow the first; with `unique`, that is also an equal one.
    pub(super) fn is_disorder(&mut self, a: &impl Comparand, b: &impl Comparand) -> Answer<bool> {
        if self.job.options.unique {
            return Ok(self.compare_keys(0, a, b)?.is_ge());
        }
        Ok(self.compare(a, b)?.is_gt())
    }

    /// Compares two items by every rule except stability.
    pub(super) fn compare(&mut self, a: &impl Comparand, b: &impl Comparand) -> Answer {
        self.compare_from(0, a, b)
    }
}

impl<'a, S: HasSession<'a>> Drop for Worker<'a, S> {
    fn drop(&mut self) {
        let counters = &self.job.counters;
        counters.comparisons.fetch_add(self.calls() - self.checking, Relaxed);
        counters.verified.fetch_add(self.checking, Relaxed);
    }
}
