//! Callbox's errors as exceptions.

use callbox::{Error as Failure, Limit};
use pyo3::exceptions::{PyException, PyMemoryError, PyOSError};
use pyo3::prelude::*;

use super::limits;

pyo3::create_exception!(callbox, Error, PyException, "What every exception of Callbox's own is.");
pyo3::create_exception!(callbox, GuestError, Error, "The guest failed: it trapped, or called itself.");
pyo3::create_exception!(
    callbox,
    LimitError,
    GuestError,
    "The guest, or its module, exceeded a limit, whose name is in the attribute `limit`."
);
pyo3::create_exception!(
    callbox,
    ContradictionError,
    GuestError,
    "The guest's answers contradict each other, or the result of a sort."
);
pyo3::create_exception!(
    callbox,
    RefusedError,
    Error,
    "A module, an export, a prototype or values are not what can be served; nothing was called."
);

/// Returns the exception that tells of an error.
pub(crate) fn exception(failure: Failure) -> PyErr {
    let text = failure.to_string();
    match failure {
        Failure::Read { path, source } => match source.raw_os_error() {
            // With a number, Python chooses the class: FileNotFoundError, PermissionError.
            Some(code) => PyOSError::new_err((code, reason(&source), path.into_os_string())),
            None => PyOSError::new_err(text),
        },
        Failure::NoMemory { .. } => PyMemoryError::new_err(text),
        Failure::Contradiction(_) | Failure::OutOfBounds { .. } => ContradictionError::new_err(text),
        Failure::Module(_)
        | Failure::NotBundled { .. }
        | Failure::PrototypeSyntax { .. }
        | Failure::PrototypeUnserved { .. }
        | Failure::Type(_)
        | Failure::ElementMismatch { .. }
        | Failure::Items(_) => RefusedError::new_err(text),
        other => match other.limit() {
            Some(limit) => limit_error(limit, text),
            None => match other {
                Failure::Trap { .. } | Failure::Reentrant { .. } | Failure::Call(_) => {
                    GuestError::new_err(text)
                }
                _ => Error::new_err(text),
            },
        },
    }
}

/// Returns what the system says of an error, without the number that [`PyOSError`] adds.
fn reason(source: &std::io::Error) -> String {
    let text = source.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn limit_error(limit: Limit, text: String) -> PyErr {
    let error = LimitError::new_err(text);
    Python::attach(|py| {
        // Without the attribute the exception still says what happened.
        let _ = error.value(py).setattr("limit", limits::name(limit));
    });
    error
}
