//! A report of the callback table at the end of the process.
#![allow(unsafe_code, reason = "registers a function that the C library calls at the end of the process")]

use std::sync::OnceLock;

use super::{CallbackTable, TableReport};
use crate::error::{Error, Result, panics};

type Receiver = Box<dyn Fn(&TableReport) + Send + Sync>;

static RECEIVER: OnceLock<Receiver> = OnceLock::new();

impl CallbackTable {
    /// Has `receive` called when the process exits by `exit` or a return from `main`, with what is still lent
    /// then, and what was called late; not where there is nothing of either. The first receiver stays, and
    /// later ones are dropped. A panic of it is discarded.
    ///
    /// ```
    /// # fn main() -> callbox::Result<()> {
    /// callbox::CallbackTable.report_at_exit(|report| eprintln!("still lent:\n{report}"))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NoMemory`] where the C library has none to remember it.
    pub fn report_at_exit(self, receive: impl Fn(&TableReport) + Send + Sync + 'static) -> Result<()> {
        if RECEIVER.set(Box::new(receive)).is_err() {
            return Ok(());
        }
        // SAFETY: the function may be called at any time, and nothing leaves it but by returning.
        match unsafe { libc::atexit(report) } {
            0 => Ok(()),
            _ => Err(Error::NoMemory { bytes: size_of::<Receiver>(), what: "a report at exit" }),
        }
    }
}

extern "C" fn report() {
    let told = panics::catch(|| {
        let report = CallbackTable.report();
        if let Some(receive) = RECEIVER.get().filter(|_| !report.is_empty()) {
            receive(&report);
        }
    });
    drop(told); // the message of a panic, which nobody is left to take
}
