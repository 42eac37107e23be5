//! Values that belong to one process, and are made anew in a forked child.

use std::sync::{Mutex, PoisonError};

/// A value of this process. A forked child makes its own at its first use, because nothing keeps the
/// deadlines of guests that it inherited.
pub(crate) struct PerProcess<T> {
    /// The process that made the first value. It takes no lock, so that none can be held at a fork.
    process: u32,
    first: T,
    childs: Mutex<Option<(u32, T)>>,
}

impl<T: Clone> PerProcess<T> {
    /// Creates the value of this process.
    pub(crate) fn new(value: T) -> PerProcess<T> {
        PerProcess { process: std::process::id(), first: value, childs: Mutex::new(None) }
    }

    /// Returns the value, or in a forked child one that `make` makes. The interpreter's lock must not be
    /// held, because `make` may run a guest.
    pub(crate) fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let process = std::process::id();
        if process == self.process {
            return Ok(self.first.clone());
        }
        let mut childs = self.childs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, value)) = &*childs
            && *of == process
        {
            return Ok(value.clone());
        }
        let value = make()?;
        // One of a process between is leaked: parts of it may be locked for ever.
        std::mem::forget(childs.replace((process, value.clone())));
        Ok(value)
    }
}
