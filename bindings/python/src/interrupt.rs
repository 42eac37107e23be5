//! Work without the interpreter's lock, and Ctrl-C during it.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::IntoPyDict;

use super::errors;

/// Python's main thread, as its module threading identifies threads: the only one that handles signals.
static MAIN_THREAD: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Number of calls of [`detached`] on this thread that have not returned.
    static DETACHED: Cell<usize> = const { Cell::new(0) };
    /// Number of times that Python's code runs in the middle of a guest's call.
    static IN_GUEST: Cell<usize> = const { Cell::new(0) };
    /// The exception of a signal's handler, to be raised by the call that a guest was stopped in.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Remembers which thread is the main one.
#[pyfunction]
fn find_main_thread(py: Python<'_>) -> PyResult<()> {
    let main = py.import("threading")?.call_method0("main_thread")?.getattr("ident")?;
    MAIN_THREAD.store(main.extract()?, Relaxed);
    Ok(())
}

/// Remembers which thread is the main one, in forked children as well: there it is the one that forked.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    find_main_thread(module.py())?;
    let after = [("after_in_child", wrap_pyfunction!(find_main_thread, module)?)];
    let after = after.into_py_dict(module.py())?;
    module.py().import("os")?.call_method("register_at_fork", (), Some(&after))?;
    Ok(())
}

fn is_main_thread() -> bool {
    // SAFETY: it has no preconditions.
    #[allow(unsafe_code, reason = "asks which thread this is, as Python does")]
    let this = unsafe { libc::pthread_self() };
    this as u64 == MAIN_THREAD.load(Relaxed)
}

/// Does work that may run a guest, without the interpreter's lock. If the handler of a signal raises an
/// exception meanwhile, the guest is stopped, and the exception takes the place of the outcome.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> callbox::Result<T> + Send,
) -> PyResult<T> {
    let inside = Inside::enter();
    let outcome = py.detach(work);
    drop(inside);
    match RAISED.take() {
        Some(raised) => Err(raised),
        None => outcome.map_err(errors::exception),
    }
}

/// A call of [`detached`] in progress.
struct Inside;

impl Inside {
    fn enter() -> Inside {
        DETACHED.set(DETACHED.get() + 1);
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DETACHED.set(DETACHED.get() - 1);
    }
}

/// Python's code in the middle of a guest's call on this thread.
pub(crate) struct InGuest;

impl InGuest {
    pub(crate) fn enter() -> InGuest {
        IN_GUEST.set(IN_GUEST.get() + 1);
        InGuest
    }

    /// Returns whether Python's code runs in the middle of a guest's call, and so perhaps of native code's.
    pub(crate) fn is_entered() -> bool {
        IN_GUEST.get() > 0
    }
}

impl Drop for InGuest {
    fn drop(&mut self) {
        IN_GUEST.set(IN_GUEST.get() - 1);
    }
}

/// Runs the handlers of signals that have arrived; returns whether one raised an exception, or what prints
/// for the guest has. A running guest asks it about every 10 ms.
pub(crate) fn is_raised() -> bool {
    let waits = RAISED.with_borrow(Option::is_some);
    if waits || !is_main_thread() {
        return waits;
    }
    let inside = InGuest::enter();
    let raised = Python::try_attach(|py| py.check_signals().map_err(|error| raise(py, error)).is_err());
    drop(inside);
    raised.unwrap_or(false) || pending().is_some()
}

/// Has an exception raised: by the call of this package that is in progress, or else, where other native code
/// called a function pointer, by Python as soon as that returns.
pub(crate) fn raise(py: Python<'_>, error: PyErr) {
    if DETACHED.get() > 0 {
        RAISED.set(Some(error));
        return;
    }
    if is_main_thread() && pending().is_none() && ask_for_raise_pending() {
        // Python calls the function on this thread, which is here.
        *pending() = Some(error);
    } else {
        error.write_unraisable(py, None);
    }
}

/// Has Python call [`raise_pending`]; returns false where too many other functions wait for that.
fn ask_for_raise_pending() -> bool {
    // SAFETY: the function takes no argument, and Python calls it on the main thread with its lock held.
    #[allow(unsafe_code, reason = "has Python call a function at its next line")]
    let refused = unsafe { pyo3::ffi::Py_AddPendingCall(Some(raise_pending), ptr::null_mut()) };
    refused == 0
}

fn pending() -> MutexGuard<'static, Option<PyErr>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An exception of a signal's handler that waits for native code to return to Python.
static PENDING: Mutex<Option<PyErr>> = Mutex::new(None);

/// Raises the exception that waits. Python calls it between two lines of the main thread.
extern "C" fn raise_pending(_: *mut c_void) -> c_int {
    let pending = pending().take();
    let raised = Python::try_attach(|py| pending.map(|error| error.restore(py)).is_some());
    if raised.unwrap_or(false) { -1 } else { 0 }
}
