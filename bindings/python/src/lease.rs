//! The safe form of a function pointer for native code that works on an array until it returns.

use std::sync::Arc;

use callbox::ArrayLease;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::callback::Checked;
use super::elements::Elements;
use super::errors;
use super::retained::Pointer;

/// A callback lent with a private copy of a buffer: what `with callback.lend(buffer) as lease` binds.
///
/// It stays on the thread that made it. All calls share one budget, whose clock starts when it is made.
#[pyclass(unsendable, weakref, module = "callbox")]
pub(crate) struct Lease {
    /// `None` once it has ended.
    lease: Option<ArrayLease<'static>>,
    elements: Elements,
}

impl Lease {
    pub(crate) fn new(py: Python<'_>, checked: Arc<Checked>, elements: Elements) -> PyResult<Lease> {
        elements.check_writable()?;
        let (bytes, width) = (elements.copied(py), elements.width());
        let callback = super::interrupt::detached(py, || checked.callback())?;
        let lease = callback.lend_copy(&bytes, width).map_err(errors::exception)?;
        Ok(Lease { lease: Some(lease), elements })
    }

    fn open(&mut self) -> PyResult<&mut ArrayLease<'static>> {
        self.lease.as_mut().ok_or_else(|| PyValueError::new_err("the lease has ended"))
    }
}

#[pymethods]
impl Lease {
    /// The address of the private copy.
    #[getter]
    fn base(&mut self) -> PyResult<Pointer> {
        Ok(Pointer(self.open()?.base().addr()))
    }

    /// The size of an element in bytes.
    #[getter]
    fn width(&self) -> usize {
        self.elements.width()
    }

    /// The function pointer, for native code on this thread and others, until the block is left.
    #[getter]
    fn pointer(&mut self) -> PyResult<Pointer> {
        Ok(Pointer(self.open()?.pointer() as usize))
    }

    /// How often native code has called it.
    #[getter]
    fn calls(&mut self) -> PyResult<u64> {
        Ok(self.open()?.calls())
    }

    fn __len__(&mut self) -> PyResult<usize> {
        Ok(self.open()?.len())
    }

    fn __enter__(this: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        this.borrow_mut().open()?;
        Ok(this)
    }

    /// Writes the copy back, or raises the guest's failure. After an exception in the block nothing is
    /// written.
    fn __exit__(
        &mut self,
        py: Python<'_>,
        exception: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let Some(lease) = self.lease.take() else { return Ok(false) };
        if exception.is_none() {
            let mut bytes = vec![0; lease.len() * lease.width()];
            lease.finish_into(&mut bytes).map_err(errors::exception)?;
            self.elements.overwrite(py, &bytes)?;
        }
        Ok(false)
    }
}
