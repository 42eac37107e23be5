//! Errors as SQL sees them. No panic crosses the border to SQLite.
#![allow(clippy::disallowed_methods, reason = "the one place that catches panics")]

use std::any::Any;
use std::ffi::c_int;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

use libsqlite3_sys::SQLITE_ERROR;

/// Why something has not been done: a sentence, and SQLite's code.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) code: c_int,
    pub(crate) message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Fault {
        Fault { code: SQLITE_ERROR, message: message.into() }
    }

    /// Returns SQLite's primary code.
    pub(crate) fn primary(&self) -> c_int {
        self.code & 0xff
    }
}

impl From<callbox::Error> for Fault {
    fn from(error: callbox::Error) -> Fault {
        Fault::new(error.to_string())
    }
}

/// Does what a function does that SQLite calls. Of a panic only its message is left; what else it carries is
/// leaked, because its destructor might panic as well.
pub(crate) fn catch<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload: Box<dyn Any + Send>| {
        let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        mem::forget(payload);
        let text = text.unwrap_or_else(|| "no message".to_owned());
        Err(Fault::new(format!("a panic: {text}; this is a bug in Callbox, please report it")))
    })
}
