//! The safe form of a function pointer for native code that works on an array until it returns.
//!
//! A lease of the library's stays on its thread, which keeps it under a number. On another thread, or after
//! the end, the number finds nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use callbox::ArrayLease;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::callback::Checked;
use super::elements::Elements;
use super::errors;
use super::interrupt::{InGuest, detached};
use super::retained::Pointer;
use super::values;

thread_local! {
    /// The thread's leases, by their numbers. They end with the thread.
    static LEASES: RefCell<HashMap<u64, ArrayLease<'static>>> = RefCell::default();
}

/// Leases that were collected on another thread. Their own thread ends them when it lends again.
static ORPHANS: Mutex<Vec<(ThreadId, u64)>> = Mutex::new(Vec::new());

/// The number of the last lease; no number is used again.
static LAST: AtomicU64 = AtomicU64::new(0);

fn orphans() -> MutexGuard<'static, Vec<(ThreadId, u64)>> {
    ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A callback lent with a private copy of a buffer: what `with callback.lend(buffer) as lease` binds.
///
/// It stays on the thread that made it. All calls share one budget, whose clock starts when it is made.
#[pyclass(frozen, weakref, module = "callbox")]
pub(crate) struct Lease {
    number: u64,
    thread: ThreadId,
    elements: Elements,
}

impl Lease {
    pub(crate) fn new(py: Python<'_>, checked: Arc<Checked>, elements: Elements) -> PyResult<Lease> {
        elements.check_writable()?;
        let (bytes, width) = (elements.copied(py)?, elements.width());
        let callback = detached(py, || checked.callback())?;
        let lease = callback.lend_copy(&bytes, width).map_err(errors::exception)?;
        let (number, thread) = (LAST.fetch_add(1, Relaxed) + 1, thread::current().id());
        let mut ended = Vec::new();
        orphans().retain(|(of, number)| {
            let own = *of == thread;
            ended.extend(own.then_some(*number));
            !own
        });
        LEASES.with_borrow_mut(|leases| {
            ended.iter().for_each(|number| drop(leases.remove(number)));
            leases.insert(number, lease);
        });
        Ok(Lease { number, thread, elements })
    }

    /// Looks at the library's lease.
    fn with<T>(&self, look: impl FnOnce(&mut ArrayLease<'static>) -> T) -> PyResult<T> {
        self.check_thread()?;
        let found = LEASES.with_borrow_mut(|leases| leases.get_mut(&self.number).map(look));
        found.ok_or_else(|| PyValueError::new_err("the lease has ended"))
    }

    fn check_thread(&self) -> PyResult<()> {
        if self.thread == thread::current().id() {
            return Ok(());
        }
        Err(PyValueError::new_err("the lease belongs to another thread"))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // In the middle of a call, native code still works on the copy.
        if self.thread == thread::current().id() && !InGuest::is_entered() {
            let _ = LEASES.try_with(|leases| leases.borrow_mut().remove(&self.number));
        } else {
            orphans().push((self.thread, self.number));
        }
    }
}

#[pymethods]
impl Lease {
    /// The address of the private copy.
    #[getter]
    fn base(&self) -> PyResult<Pointer> {
        self.with(|lease| Pointer(lease.base().addr()))
    }

    /// The size of an element in bytes.
    #[getter]
    fn width(&self) -> usize {
        self.elements.width()
    }

    /// The function pointer, for native code on this thread and others, until the block is left.
    #[getter]
    fn pointer(&self) -> PyResult<Pointer> {
        self.with(|lease| Pointer(lease.pointer() as usize))
    }

    /// How often native code has called it.
    #[getter]
    fn calls(&self) -> PyResult<u64> {
        self.with(|lease| lease.calls())
    }

    fn __len__(&self) -> PyResult<usize> {
        self.with(|lease| lease.len())
    }

    fn __enter__(this: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        this.get().with(|_| ())?;
        Ok(this)
    }

    /// Writes the copy back, or raises the guest's failure. After an exception in the block nothing is
    /// written.
    fn __exit__(
        &self,
        py: Python<'_>,
        exception: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        self.check_thread()?;
        if InGuest::is_entered() {
            return Err(PyValueError::new_err("native code is working with the lease; it ends after that"));
        }
        let lease = LEASES.with_borrow_mut(|leases| leases.remove(&self.number));
        let Some(lease) = lease else { return Ok(false) };
        if exception.is_none() {
            let mut bytes = values::with_capacity(lease.len() * lease.width())?;
            bytes.resize(lease.len() * lease.width(), 0);
            lease.finish_into(&mut bytes).map_err(errors::exception)?;
            self.elements.overwrite(py, &bytes)?;
        }
        Ok(false)
    }
}
