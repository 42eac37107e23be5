//! The limits of a guest.

use std::time::Duration;

use callbox::{Limit, LimitUnit};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Limits of a guest, each with a default that suits a comparator.
///
/// Fuel (about one unit an instruction) and `timeout` (in seconds) are the budget of one native call, or of
/// each call by C where C keeps the pointer; sizes are in bytes.
///
/// >>> callbox.Limits(fuel=1_000_000, timeout=0.5).as_dict()["timeout"]
/// 0.5
#[pyclass(frozen, eq, module = "callbox", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Limits(pub(crate) callbox::Limits);

/// Returns the name of a limit here: Python says timeout, as its own functions do.
pub(crate) fn name(limit: Limit) -> &'static str {
    match limit {
        Limit::Deadline => "timeout",
        other => other.name(),
    }
}

fn by_name(text: &str) -> Option<Limit> {
    Limit::ALL.iter().copied().find(|limit| name(*limit) == text)
}

fn number(limit: Limit, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let invalid = |_| PyValueError::new_err(format!("{} cannot be negative or infinite", name(limit)));
    if limit.unit() == LimitUnit::Nanoseconds {
        let seconds =
            Duration::try_from_secs_f64(value.extract()?).map_err(|error| invalid(error.to_string()))?;
        return Ok(u64::try_from(seconds.as_nanos()).unwrap_or(u64::MAX));
    }
    value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyTypeError>(value.py()) { error } else { invalid(error.to_string()) }
    })
}

#[pymethods]
impl Limits {
    #[new]
    #[pyo3(signature = (**limits))]
    fn new(limits: Option<&Bound<'_, PyDict>>) -> PyResult<Limits> {
        let mut all = callbox::Limits::default();
        for (key, value) in limits.into_iter().flatten() {
            let key: String = key.extract()?;
            let limit = by_name(&key).ok_or_else(|| {
                let names: Vec<_> = Limit::ALL.iter().copied().map(name).collect();
                PyTypeError::new_err(format!("there is no limit \"{key}\"; there are {}", names.join(", ")))
            })?;
            all = all.set(limit, number(limit, &value)?);
        }
        Ok(Limits(all))
    }

    /// Returns each limit by its name.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for limit in Limit::ALL {
            let value = self.0.get(*limit);
            match limit.unit() {
                LimitUnit::Nanoseconds => {
                    all.set_item(name(*limit), Duration::from_nanos(value).as_secs_f64())?;
                }
                _ => all.set_item(name(*limit), value)?,
            }
        }
        Ok(all)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let all = self.as_dict(py)?;
        let one = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| format!("{key}={value}");
        Ok(format!("Limits({})", all.into_iter().map(one).collect::<Vec<_>>().join(", ")))
    }
}
