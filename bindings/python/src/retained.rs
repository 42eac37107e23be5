//! Function pointers that native code keeps.

use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

use callbox::{RetainedLease, UntypedFn};
use pyo3::prelude::*;

use super::callback::Checked;
use super::errors;
use super::interrupt::detached;

/// The address of a function or of memory, as ctypes and cffi take it.
///
/// A function of ctypes takes it as it is, `int(pointer)` is the address itself, and cffi's
/// `ffi.cast("int (*)(int)", pointer)` makes one of its function pointers.
#[pyclass(frozen, eq, hash, module = "callbox")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Pointer(pub(crate) usize);

#[pymethods]
impl Pointer {
    fn __int__(&self) -> usize {
        self.0
    }

    fn __index__(&self) -> usize {
        self.0
    }

    /// The c_void_p that ctypes passes to C in its place.
    #[getter]
    fn _as_parameter_<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("ctypes")?.getattr("c_void_p")?.call1((self.0,))
    }

    fn __repr__(&self) -> String {
        format!("<Pointer {:#x}>", self.0)
    }
}

/// A function pointer that native code may keep and call from any thread, until this object is collected or
/// released. After that a call is answered with 0, and counted by `late_calls`.
///
/// It works on the caller's own memory: after a failure of the guest, or a lie, an array that C sorts through
/// it may be left half sorted, and a C library that trusts its comparator may leave the array.
/// `Callback.lend` keeps both from happening.
#[pyclass(frozen, weakref, module = "callbox")]
pub(crate) struct Retained {
    /// `None` once it has been released.
    lease: Mutex<Option<Kept>>,
    pointer: Pointer,
}

enum Kept {
    /// A comparator, whose pointer is the faster one.
    Comparator(RetainedLease),
    Other(RetainedLease<UntypedFn>),
}

macro_rules! each {
    ($kept:expr, $lease:ident => $body:expr) => {
        match $kept {
            Kept::Comparator($lease) => $body,
            Kept::Other($lease) => $body,
        }
    };
}

impl Retained {
    pub(crate) fn new(py: Python<'_>, checked: &Checked, width: Option<usize>) -> PyResult<Retained> {
        let kept = detached(py, || {
            let callback = checked.callback()?;
            Ok(match (callback.shape(), width) {
                (_, Some(width)) => Kept::Comparator(callback.retain_records(width)?),
                (Some(_), None) => Kept::Comparator(callback.retain()?),
                (None, None) => Kept::Other(callback.retain_as()?),
            })
        })?;
        let address = match &kept {
            Kept::Comparator(lease) => lease.pointer() as *const c_void,
            Kept::Other(lease) => lease.pointer().as_ptr(),
        };
        Ok(Retained { lease: Mutex::new(Some(kept)), pointer: Pointer(address.addr()) })
    }

    /// Takes the lease. A failure that nobody took is told as an exception that cannot be raised, as ctypes
    /// tells those of callbacks.
    fn end(&self, py: Python<'_>) -> Option<Kept> {
        let kept = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        if let Some(failure) = each!(&kept, lease => lease.take_failure()) {
            errors::exception(failure).write_unraisable(py, None);
        }
        Some(kept)
    }

    fn with<T>(&self, look: impl FnOnce(Option<&Kept>) -> T) -> T {
        look(self.lease.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }
}

impl Drop for Retained {
    fn drop(&mut self) {
        // An interpreter that is ending has nobody to tell.
        Python::try_attach(|py| drop(self.end(py)));
    }
}

#[pymethods]
impl Retained {
    /// The function pointer.
    #[getter]
    fn pointer(&self) -> Pointer {
        self.pointer
    }

    /// How often native code has called it; 0 after its release.
    #[getter]
    fn calls(&self) -> u64 {
        self.with(|kept| kept.map_or(0, |kept| each!(kept, lease => lease.calls())))
    }

    /// Returns the first failure since the last time, as an exception that is not raised, or None. The guest
    /// is called again afterwards; until then C gets 0.
    fn take_failure(&self) -> Option<PyErr> {
        let failure = self.with(|kept| kept.and_then(|kept| each!(kept, lease => lease.take_failure())));
        failure.map(errors::exception)
    }

    /// Ends the lease. The pointer stays safe to call.
    fn release(&self, py: Python<'_>) {
        drop(self.end(py));
    }

    /// Ends the lease, and never lends its pointer again: a late call can then never reach another callback.
    fn retire(&self, py: Python<'_>) {
        if let Some(kept) = self.end(py) {
            each!(kept, lease => lease.retire());
        }
    }

    fn __enter__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    /// Releases it.
    fn __exit__(
        &self,
        py: Python<'_>,
        _exception: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> bool {
        self.release(py);
        false
    }

    fn __repr__(&self) -> String {
        format!("<Retained {:#x}>", self.pointer.0)
    }
}
