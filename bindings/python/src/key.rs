//! Comparisons one at a time: keys for Python's own sorts, and collations for sqlite3.

use std::cmp::Ordering;
use std::sync::Arc;

use pyo3::basic::CompareOp;
use pyo3::prelude::*;

use super::callback::{Callback, Checked};
use super::interrupt::detached;
use super::values::run_of;

/// A key function: `list.sort(key=guest.key())`.
#[pyclass(frozen, module = "callbox")]
pub(crate) struct Key {
    checked: Arc<Checked>,
}

impl Key {
    pub(crate) fn new(callback: Callback) -> Key {
        Key { checked: callback.checked() }
    }
}

#[pymethods]
impl Key {
    fn __call__(&self, value: &Bound<'_, PyAny>) -> PyResult<Keyed> {
        let (run, _) = run_of(value)?;
        Ok(Keyed { checked: self.checked.clone(), run: run.into_owned() })
    }
}

/// A value that a guest compares.
#[pyclass(frozen, module = "callbox")]
pub(crate) struct Keyed {
    checked: Arc<Checked>,
    run: Vec<u8>,
}

#[pymethods]
impl Keyed {
    fn __richcmp__(&self, py: Python<'_>, other: &Bound<'_, Keyed>, op: CompareOp) -> PyResult<bool> {
        let other = other.get();
        Ok(op.matches(compare(py, &self.checked, &self.run, &other.run)?))
    }
}

/// A function that compares two texts, for `create_collation` of sqlite3.
#[pyclass(frozen, module = "callbox")]
pub(crate) struct Collation {
    checked: Arc<Checked>,
}

impl Collation {
    pub(crate) fn new(callback: Callback) -> Collation {
        Collation { checked: callback.checked() }
    }
}

#[pymethods]
impl Collation {
    fn __call__(&self, py: Python<'_>, a: &str, b: &str) -> PyResult<i32> {
        Ok(compare(py, &self.checked, a.as_bytes(), b.as_bytes())? as i32)
    }
}

fn compare(py: Python<'_>, checked: &Checked, a: &[u8], b: &[u8]) -> PyResult<Ordering> {
    detached(py, || checked.callback()?.compare(a, b))
}
