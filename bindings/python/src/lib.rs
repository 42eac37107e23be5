//! `callbox._callbox`, the compiled half of the Python package `callbox`: thin, over Callbox's public
//! library.
//!
//! Three rules keep it safe. Guests run without the interpreter's lock ([`interrupt::detached`]), because a
//! guest may wait for its turn, and what prints for it waits for the lock. Memory of Python's objects is
//! copied while the lock is held, except Arrow's, which nobody may change. What belongs to a process is made
//! anew in a forked child ([`process::PerProcess`]).

mod arrow;
mod callback;
mod elements;
mod errors;
mod guest;
mod interrupt;
mod key;
mod lease;
mod limits;
mod order;
mod print;
mod process;
mod retained;
mod table;
mod values;

use pyo3::prelude::*;

/// The compiled half of the package callbox.
#[pymodule(gil_used = false)]
mod _callbox {
    #[pymodule_export]
    use super::callback::Callback;
    #[pymodule_export]
    use super::errors::{ContradictionError, Error, GuestError, LimitError, RefusedError};
    #[pymodule_export]
    use super::guest::{Guest, bundled, load, loads};
    #[pymodule_export]
    use super::key::{Collation, Key};
    #[pymodule_export]
    use super::lease::Lease;
    #[pymodule_export]
    use super::limits::Limits;
    #[pymodule_export]
    use super::order::Contradiction;
    #[pymodule_export]
    use super::retained::{Pointer, Retained};
    #[pymodule_export]
    use super::table::{Registration, late_calls, table};
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        interrupt::register(module)?;
        print::register(module)?;
        let names: Vec<_> = callbox::bundled::BUNDLED.iter().map(|guest| guest.name).collect();
        module.add("BUNDLED", pyo3::types::PyTuple::new(module.py(), names)?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
