//! Locks, atomics and the identity of a thread, shared by threads and found by forked children.
//!
//! All that the threads of a process share in the callback table comes from here, so that a model checker,
//! loom, can take the place of the standard library's types: `tests/loom` runs the same code under it.

pub(crate) mod barrier;
pub(crate) mod fork;
mod per_thread;
pub(crate) mod published;
mod turns;

#[cfg(not(loom))]
use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
#[cfg(not(loom))]
use std::ptr;
use std::sync::{LazyLock, PoisonError};

#[cfg(loom)]
pub(crate) use crate::published::{Loaded, Published};
#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard, atomic};
#[cfg(not(loom))]
pub(crate) use published::{Loaded, Published};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, atomic};

pub(crate) use barrier::order;
use fork::Section;
pub(crate) use per_thread::{InTurns, PerThread};
pub(crate) use turns::{Refusal, Turn, Turns};

/// Defines a static that threads share, and functions that are `const` because such statics call them. Under
/// loom a static lives for one run of the model, and nothing is `const`.
#[cfg(not(loom))]
macro_rules! shared {
    ($(#[$meta:meta])* $vis:vis static $name:ident: [$ty:ty; $len:expr] = each $init:expr;) => {
        $(#[$meta])*
        $vis static $name: [$ty; $len] = [const { $init }; $len];
    };
    ($(#[$meta:meta])* $vis:vis static $name:ident: $ty:ty = $init:expr;) => {
        $(#[$meta])*
        $vis static $name: $ty = $init;
    };
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        $(#[$meta])*
        $vis const fn $($rest)*
    };
}
#[cfg(loom)]
macro_rules! shared {
    ($(#[$meta:meta])* $vis:vis static $name:ident: [$ty:ty; $len:expr] = each $init:expr;) => {
        $crate::sync::shared! { $vis static $name: [$ty; $len] = std::array::from_fn(|_| $init); }
    };
    ($(#[$meta:meta])* $vis:vis static $name:ident: $ty:ty = $init:expr;) => {
        #[allow(non_camel_case_types, reason = "takes the place of a static")]
        $vis struct $name;
        impl std::ops::Deref for $name {
            type Target = $ty;

            fn deref(&self) -> &$ty {
                static LAZY: loom::lazy_static::Lazy<$ty> =
                    loom::lazy_static::Lazy { init: || $init, _p: std::marker::PhantomData };
                LAZY.get()
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        $(#[$meta])*
        $vis fn $($rest)*
    };
}
pub(crate) use shared;

/// Exclusive use of what a mutex guards, during which the process is not forked.
pub(crate) struct Guard<'a, T> {
    guard: MutexGuard<'a, T>,
    /// Dropped after the lock is.
    _section: Section,
}

/// Locks a mutex, poisoned or not: every critical section of this crate leaves its data consistent.
///
/// A critical section is short, and calls neither guests nor code of the host's: a fork waits for it
/// ([`fork`]).
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Guard<'_, T> {
    let section = Section::enter();
    Guard { guard: mutex.lock().unwrap_or_else(PoisonError::into_inner), _section: section }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

/// Returns a value that the first thread to need it computes. No fork interrupts that.
pub(crate) fn force<T>(lazy: &LazyLock<T>) -> &T {
    let _section = Section::enter();
    LazyLock::force(lazy)
}

/// Returns a number that no other living thread has, and that is never 0.
#[cfg(not(loom))]
#[inline]
pub(crate) fn this_thread() -> usize {
    thread_local!(static MARK: Cell<u8> = const { Cell::new(0) });
    MARK.with(|mark| ptr::from_ref(mark).addr())
}

/// As above. The model's threads are numbered, because each run of it must take the same steps.
#[cfg(loom)]
pub(crate) fn this_thread() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    shared! {
        static LAST: AtomicUsize = AtomicUsize::new(0);
    }
    loom::thread_local!(static NUMBER: usize = LAST.fetch_add(1, Relaxed) + 1);
    NUMBER.with(|number| *number)
}
