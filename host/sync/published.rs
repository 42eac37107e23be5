//! A value that threads use without waiting, while others take it away.

use std::ops::Deref;

use super::{Arc, shared};

#[cfg(not(loom))]
use arc_swap::{ArcSwapOption, Guard};
#[cfg(loom)]
use model::{ArcSwapOption, Guard};

/// A value in a place that any thread may read or change at any time.
///
/// Reading it waits for nothing and writes to memory of the reading thread only, so that readers do not
/// contend. A value that is taken away lives until its last reader has dropped it, which needs no other one
/// to return. No step waits for another thread, so a forked child finds every value usable.
pub(crate) struct Published<T>(ArcSwapOption<T>);

/// This thread's use of what was [published](Published) when it was loaded.
pub(crate) struct Loaded<T>(Guard<Option<Arc<T>>>);

impl<T> Published<T> {
    shared! {
        pub(crate) const fn empty() -> Published<T> {
            Published(ArcSwapOption::const_empty())
        }
    }

    /// Returns the value of now.
    #[inline]
    pub(crate) fn load(&self) -> Loaded<T> {
        Loaded(self.0.load())
    }

    /// Publishes another value, or none, and returns the one before.
    pub(crate) fn replace(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
        self.0.swap(value)
    }
}

impl<T> Loaded<T> {
    /// Returns the value, for use after this is dropped.
    pub(crate) fn to_owned(&self) -> Option<Arc<T>> {
        self.0.clone()
    }
}

impl<T> Deref for Loaded<T> {
    type Target = Option<Arc<T>>;

    #[inline]
    fn deref(&self) -> &Option<Arc<T>> {
        &self.0
    }
}

/// Stands for the crate arc-swap in the models, which do not look into it.
#[cfg(loom)]
mod model {
    use std::ops::Deref;

    use crate::sync::{Arc, Mutex};

    pub(super) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

    pub(super) struct Guard<T>(T);

    impl<T> ArcSwapOption<T> {
        pub(super) fn const_empty() -> ArcSwapOption<T> {
            ArcSwapOption(Mutex::new(None))
        }

        pub(super) fn load(&self) -> Guard<Option<Arc<T>>> {
            Guard(self.0.lock().unwrap().clone())
        }

        pub(super) fn swap(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
            std::mem::replace(&mut *self.0.lock().unwrap(), value)
        }
    }

    impl<T> Deref for Guard<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }
}
