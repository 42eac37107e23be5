//! Turns: threads that use a value one after the other.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

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
    pub(crate) fn enter(&self) -> Result<Turn<'_, T>, Refusal> {
        if !fork::is_same_process(self.process) {
            return Err(Refusal::Forked);
        }
        let me = this_thread();
        // Only this thread ever stores `me`, so no other thread can change the outcome.
        if self.holder.load(Relaxed) == me {
            return Err(Refusal::Reentrant);
        }
        // Whoever panics in a turn leaves the value usable.
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        self.holder.store(me, Relaxed);
        Ok(Turn { holder: &self.holder, value })
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
    fn drop(&mut self) {
        self.holder.store(0, Relaxed); // before the guard lets the next thread in
    }
}
