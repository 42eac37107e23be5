//! Turns: threads that use a value one after the other.
#![allow(unsafe_code, reason = "lends the value to the thread whose turn it is")]

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
#[cfg(not(loom))]
use std::thread::yield_now;

#[cfg(loom)]
use loom::thread::yield_now;

use super::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use super::fork::{self, OfProcess};
use super::{Condvar, Mutex, barrier, this_thread};

/// How often a thread looks whether a turn has ended before it sleeps.
const LOOKS: usize = if cfg!(loom) { 0 } else { 100 };

/// A value that threads of one process use in turns, for as long as they like.
///
/// A turn begins with one exclusive operation, and ends with a light barrier.
pub(crate) struct Turns<T> {
    process: usize,
    /// The thread whose turn it is, as [`this_thread`] identifies it, or 0.
    holder: AtomicUsize,
    /// Number of threads that sleep, or are about to; it changes while `queue` is locked.
    sleeping: AtomicUsize,
    queue: Mutex<()>,
    ended: Condvar,
    value: UnsafeCell<OfProcess<T>>,
}

// SAFETY: only the thread whose turn it is uses the value.
unsafe impl<T: Send> Sync for Turns<T> {}

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
    turns: &'a Turns<T>,
    /// A turn ends on its thread.
    _local: PhantomData<*const ()>,
}

impl<T> Turns<T> {
    pub(crate) fn new(value: T) -> Turns<T> {
        Turns {
            process: fork::process(),
            holder: AtomicUsize::new(0),
            sleeping: AtomicUsize::new(0),
            queue: Mutex::new(()),
            ended: Condvar::new(),
            value: UnsafeCell::new(OfProcess::new(value)),
        }
    }

    /// Waits for this thread's turn.
    ///
    /// # Errors
    ///
    /// A refusal, where this thread would wait for ever.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Result<Turn<'_, T>, Refusal> {
        match self.try_enter()? {
            Some(turn) => Ok(turn),
            None => Ok(self.wait()),
        }
    }

    /// Returns this thread's turn; `None` while it is another thread's.
    ///
    /// # Errors
    ///
    /// As [`Turns::enter`].
    #[inline(always)]
    pub(crate) fn try_enter(&self) -> Result<Option<Turn<'_, T>>, Refusal> {
        if !fork::is_same_process(self.process) {
            return Err(Refusal::Forked);
        }
        let me = this_thread();
        match self.holder.compare_exchange(0, me, Acquire, Relaxed) {
            Ok(_) => Ok(Some(Turn { turns: self, _local: PhantomData })),
            // Only this thread ever stores `me`, so no other thread can change the outcome.
            Err(holder) if holder == me => Err(Refusal::Reentrant),
            Err(_) => Ok(None),
        }
    }

    /// Waits while it is another thread's turn.
    #[cold]
    fn wait(&self) -> Turn<'_, T> {
        let me = this_thread();
        let began = || {
            self.holder.load(Relaxed) == 0 && self.holder.compare_exchange(0, me, Acquire, Relaxed).is_ok()
        };
        let looks = || {
            (0..LOOKS).any(|_| {
                began() || {
                    std::hint::spin_loop();
                    false
                }
            })
        };
        if !looks() {
            self.sleep(began);
        }
        Turn { turns: self, _local: PhantomData }
    }

    /// Sleeps until this thread's turn has begun.
    fn sleep(&self, began: impl Fn() -> bool) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleeping.store(self.sleeping.load(Relaxed) + 1, Relaxed);
        // From now on, a turn whose end this thread does not see ends with a wake-up.
        let ordered = barrier::heavy();
        while !began() {
            let locked = if ordered {
                self.ended.wait(queue)
            } else {
                // The end may not be told.
                drop(queue);
                yield_now();
                self.queue.lock()
            };
            queue = locked.unwrap_or_else(PoisonError::into_inner);
        }
        self.sleeping.store(self.sleeping.load(Relaxed) - 1, Relaxed);
    }

    /// Wakes a thread that sleeps.
    #[cold]
    fn wake(&self) {
        // The turn began before a fork: here are no sleepers, and the queue may be locked for ever.
        if !fork::is_same_process(self.process) {
            return;
        }
        // A thread that has locked it sleeps, or will see that the turn has ended.
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        self.ended.notify_one();
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: it is this thread's turn, and this borrows it.
        unsafe { &*self.turns.value.get() }
    }
}

impl<T> DerefMut for Turn<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: it is this thread's turn, and this borrows it alone.
        unsafe { &mut *self.turns.value.get() }
    }
}

impl<T> Drop for Turn<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.turns.holder.store(0, Release);
        barrier::light();
        if self.turns.sleeping.load(Relaxed) > 0 {
            self.turns.wake();
        }
    }
}
