//! What belongs to one process, and is made anew in a forked child.

use std::sync::{Mutex, PoisonError};

/// A value of this process. A forked child makes its own at its first use, because nothing keeps the
/// deadlines of guests that it inherited.
pub(crate) struct PerProcess<T>(Mutex<(u32, T)>);

impl<T: Clone> PerProcess<T> {
    /// Creates the value of this process.
    pub(crate) fn new(value: T) -> PerProcess<T> {
        PerProcess(Mutex::new((std::process::id(), value)))
    }

    /// Returns the value, or in a forked child one that `make` makes. The interpreter's lock must not be
    /// held, because `make` may run a guest.
    pub(crate) fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if made.0 != process {
            // The old value is leaked: parts of it may be locked for ever.
            std::mem::forget(std::mem::replace(&mut *made, (process, make()?)));
        }
        Ok(made.1.clone())
    }
}
