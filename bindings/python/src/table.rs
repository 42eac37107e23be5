//! The callback table.

use callbox::CallbackTable;
use pyo3::prelude::*;

/// A callback that native code may call now, and who holds it.
#[pyclass(frozen, module = "callbox")]
pub(crate) struct Registration {
    /// The slot of the table.
    #[pyo3(get)]
    slot: usize,
    /// The name of the guest's export.
    #[pyo3(get)]
    export: String,
    /// The name of the guest's module.
    #[pyo3(get)]
    module: String,
    /// The prototype by which C calls it.
    #[pyo3(get)]
    prototype: String,
    /// How often C has called it.
    #[pyo3(get)]
    calls: u64,
    /// How many of these calls failed.
    #[pyo3(get)]
    failures: u64,
    /// How many leases hold it.
    #[pyo3(get)]
    leases: usize,
    line: String,
}

#[pymethods]
impl Registration {
    fn __repr__(&self) -> String {
        format!("<{}>", self.line)
    }
}

/// Returns the callbacks that native code may call now, in the order of their slots.
#[pyfunction]
pub(crate) fn table() -> Vec<Registration> {
    let registration = |found: callbox::Registration| Registration {
        line: callbox::escape(found.to_string()),
        slot: found.key.slot(),
        export: found.export,
        module: found.module,
        prototype: found.prototype.to_string(),
        calls: found.calls,
        failures: found.failures,
        leases: found.leases,
    };
    CallbackTable.iter().map(registration).collect()
}

/// Returns how many calls have come through pointers after their end. They were answered with 0, or with the
/// callback's fallback.
#[pyfunction]
pub(crate) fn late_calls() -> u64 {
    CallbackTable.late_calls()
}
