//! Turns: threads that use a value one after the other.

use std::ops::{Deref, DerefMut};
use std::sync::TryLockError;

use super::atomic::{AtomicUsize, Ordering::Relaxed};
use super::fork::{self, OfProcess};
use super::{Mutex, MutexGuard, this_thread};

/// A value that threads of one process use in turns, for as long as they like.
pub(crate) struct Turns<T> {
    process: usize,
    /// The thread whose turn it is, as [`this_thread`] identifies it, or 0.
    holder: AtomicUsize,
    value: Mutex<OfProcess<T>>,
}

/// Reason why a thread gets no turn, however long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The value belongs to a process of which this one is a forked child.
    Forked,
    /// It is this thread's turn already.
    Reentrant,
}

/// A thread's turn.
pub(crate) struct Turn<'a, T> {
    holder: &'a AtomicUsize,
    value: MutexGuard<'a, OfProcess<T>>,
}

impl<T> Turns<T> {
    pub(crate) fn new(value: T) -> Turns<T> {
        let value = Mutex::new(OfProcess::new(value));
        Turns { process: fork::process(), holder: AtomicUsize::new(0), value }
    }

    /// Waits for this thread's turn.
    ///
    /// # Errors
    ///
    /// A refusal, where this thread would wait for ever.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Result<Turn<'_, T>, Refusal> {
        let me = self.check()?;
        loop {
            match self.value.lock() {
                Ok(value) => return Ok(self.begin(me, value)),
                Err(poisoned) => drop(poisoned),
            }
            self.clear_poison();
        }
    }

    /// Returns this thread's turn; `None` while it is another thread's.
    ///
    /// # Errors
    ///
    /// As [`Turns::enter`].
    #[inline(always)]
    pub(crate) fn try_enter(&self) -> Result<Option<Turn<'_, T>>, Refusal> {
        let me = self.check()?;
        loop {
            match self.value.try_lock() {
                Ok(value) => return Ok(Some(self.begin(me, value))),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(poisoned) => drop(poisoned),
            }
            self.clear_poison();
        }
    }

    /// Returns this thread, unless it would wait for ever.
    #[inline(always)]
    fn check(&self) -> Result<usize, Refusal> {
        if !fork::is_same_process(self.process) {
            return Err(Refusal::Forked);
        }
        let me = this_thread();
        // Only this thread ever stores `me`, so no other thread can change the outcome.
        if self.holder.load(Relaxed) == me {
            return Err(Refusal::Reentrant);
        }
        Ok(me)
    }

    /// Makes the mutex usable after a panic: whoever panics in a turn leaves the value so. Taking the guard
    /// out of the error would join two guards into one, by copies that each turn waits for.
    #[cold]
    fn clear_poison(&self) {
        #[cfg(not(loom))]
        self.value.clear_poison();
    }

    #[inline(always)]
    fn begin<'a>(&'a self, me: usize, value: MutexGuard<'a, OfProcess<T>>) -> Turn<'a, T> {
        self.holder.store(me, Relaxed);
        Turn { holder: &self.holder, value }
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Turn<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.holder.store(0, Relaxed); // before the guard lets the next thread in
    }
}
