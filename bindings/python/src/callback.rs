//! Exports that have been checked against prototypes.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use super::elements::Elements;
use super::guest::Made;
use super::interrupt::detached;
use super::lease::Lease;
use super::process::PerProcess;
use super::retained::Retained;

/// An export of a guest that was checked against a prototype.
#[pyclass(frozen, module = "callbox")]
pub(crate) struct Callback {
    checked: Arc<Checked>,
}

/// A callback, and how a forked child makes its own.
pub(crate) struct Checked {
    made: Arc<Made>,
    export: String,
    prototype: callbox::Prototype,
    callback: PerProcess<callbox::Callback>,
}

impl Checked {
    /// Returns the callback of this process. The interpreter's lock must not be held.
    pub(crate) fn callback(&self) -> callbox::Result<callbox::Callback> {
        self.callback.get(|| self.made.guest()?.callback(&self.export, self.prototype.clone()))
    }
}

impl Callback {
    pub(crate) fn new(py: Python<'_>, made: Arc<Made>, export: &str, prototype: &str) -> PyResult<Callback> {
        let callback = detached(py, || made.guest()?.callback(export, prototype.parse()?))?;
        Ok(Callback::of(made, callback))
    }

    pub(crate) fn of(made: Arc<Made>, callback: callbox::Callback) -> Callback {
        let (export, prototype) = (callback.export().to_owned(), callback.prototype().clone());
        let callback = PerProcess::new(callback);
        Callback { checked: Arc::new(Checked { made, export, prototype, callback }) }
    }

    pub(crate) fn checked(&self) -> Arc<Checked> {
        self.checked.clone()
    }
}

#[pymethods]
impl Callback {
    /// The name of the export.
    #[getter]
    fn export(&self) -> &str {
        &self.checked.export
    }

    /// The prototype, as C writes it.
    #[getter]
    fn prototype(&self) -> String {
        self.checked.prototype.to_string()
    }

    /// How often the guest was called through this callback.
    #[getter]
    fn calls(&self, py: Python<'_>) -> PyResult<u64> {
        detached(py, || Ok(self.checked.callback()?.calls()))
    }

    /// How many of these calls failed.
    #[getter]
    fn failures(&self, py: Python<'_>) -> PyResult<u64> {
        detached(py, || Ok(self.checked.callback()?.failures()))
    }

    /// Compares two elements, given as bytes; returns -1, 0 or 1.
    fn compare(&self, py: Python<'_>, a: PyBackedBytes, b: PyBackedBytes) -> PyResult<i32> {
        detached(py, || Ok(self.checked.callback()?.compare(&a, &b)? as i32))
    }

    /// Lends the callback, with a private copy of a buffer, to native code that sorts it until it
    /// returns:
    ///
    ///     with compare.lend(ia) as lease:
    ///         qsort(lease.base, len(lease), lease.width, lease.pointer)
    ///
    /// Leaving the block writes the copy back, or raises the guest's failure and leaves the buffer as it was.
    fn lend(&self, buffer: &Bound<'_, PyAny>) -> PyResult<Lease> {
        Lease::new(buffer.py(), self.checked(), Elements::of(buffer)?)
    }

    /// Lends the callback to native code that keeps the pointer, until what this returns is collected.
    ///
    /// `width` is the size of an element in bytes, for a comparator whose prototype says void.
    #[pyo3(signature = (*, width=None))]
    fn retain(&self, py: Python<'_>, width: Option<usize>) -> PyResult<Retained> {
        Retained::new(py, &self.checked, width)
    }

    fn __repr__(&self) -> String {
        let Checked { export, prototype, .. } = &*self.checked;
        format!("<Callback \"{}\": {prototype}>", callbox::escape(export))
    }
}
