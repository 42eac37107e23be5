//! Functions of Python's that get the text of guests.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

use super::interrupt::{self, InGuest};

/// How long the end of the interpreter waits for functions that print.
const LONGEST: Duration = Duration::from_secs(5);

/// The functions that run now, and whether no more may begin.
struct Printing {
    /// The process that counts: a forked child has none of its parent's threads.
    process: u32,
    running: usize,
    is_over: bool,
}

static PRINTING: Mutex<Printing> = Mutex::new(Printing { process: 0, running: 0, is_over: false });
static ENDED: Condvar = Condvar::new();

fn printing() -> MutexGuard<'static, Printing> {
    let mut now = PRINTING.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if now.process != process {
        *now = Printing { process, running: 0, is_over: false };
    }
    now
}

/// Hands a guest's text to a function. What that raises stops the guest.
pub(crate) fn told(print: &Py<PyAny>, text: &[u8]) {
    let mut now = printing();
    if now.is_over {
        return; // an interpreter that is ending has nobody to tell
    }
    now.running += 1;
    drop(now);
    let inside = InGuest::enter();
    Python::try_attach(|py| {
        if let Err(error) = print.call1(py, (String::from_utf8_lossy(text),)) {
            interrupt::raise(py, error);
        }
    });
    drop(inside);
    let mut now = printing();
    now.running = now.running.saturating_sub(1);
    drop(now);
    ENDED.notify_all();
}

/// Waits for functions that print, and lets no more begin. Python ends a thread that takes its lock after
/// this, and no thread can be ended in the middle of Rust's code.
#[pyfunction]
fn finish_printing(py: Python<'_>) {
    py.detach(|| {
        let mut now = printing();
        now.is_over = true;
        let ended = ENDED.wait_timeout_while(now, LONGEST, |now| now.running > 0);
        drop(ended);
    });
}

/// Has the end of the interpreter wait.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let finish = wrap_pyfunction!(finish_printing, module)?;
    module.py().import("atexit")?.call_method1("register", (finish,))?;
    Ok(())
}
