//! SQL values: the arguments of a function and its result.
#![allow(unsafe_code, reason = "reads the values that SQLite passes, and returns others")]

use std::ffi::c_int;
use std::slice;

use libsqlite3_sys::{
    SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_NOMEM, SQLITE_TEXT, SQLITE_TRANSIENT, sqlite3_context,
    sqlite3_value,
};

use crate::api::Api;
use crate::fault::{Fault, Result};

/// An argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'v> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'v [u8]),
    Blob(&'v [u8]),
}

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl<'v> Value<'v> {
    /// Reads an argument, once: its type, then the text or blob, which may convert it, then the length.
    ///
    /// # Safety
    ///
    /// The value is an argument of a call by SQLite which is in progress during `'v`, and nothing else
    /// converts it.
    pub(crate) unsafe fn read(api: &Api, value: *mut sqlite3_value) -> Result<Value<'v>> {
        // SAFETY: the caller passes a value of SQLite's.
        Ok(match unsafe { (api.value_type)(value) } {
            // SAFETY: as above.
            SQLITE_INTEGER => Value::Integer(unsafe { (api.value_int64)(value) }),
            // SAFETY: as above.
            SQLITE_FLOAT => Value::Real(unsafe { (api.value_double)(value) }),
            SQLITE_TEXT => {
                // SAFETY: as above.
                let text = unsafe { (api.value_text)(value) };
                if text.is_null() {
                    return Err(no_memory()); // an empty text is no null pointer
                }
                // SAFETY: SQLite has just returned the text of this value.
                Value::Text(unsafe { run(api, value, text) }?)
            }
            SQLITE_BLOB => {
                // SAFETY: as above.
                let len = unsafe { (api.value_bytes)(value) };
                // SAFETY: as above. It expands a zeroblob.
                let blob = unsafe { (api.value_blob)(value) };
                // SAFETY: SQLite has just returned the blob of this value.
                let run = unsafe { run(api, value, blob.cast()) }?;
                if usize::try_from(len) != Ok(run.len()) {
                    return Err(no_memory());
                }
                Value::Blob(run)
            }
            _ => Value::Null,
        })
    }

    /// Returns the text of an argument that has to be one.
    pub(crate) fn text(&self, what: &str) -> Result<&'v str> {
        match self {
            Value::Text(bytes) => {
                std::str::from_utf8(bytes).map_err(|_| Fault::new(format!("{what} is not UTF-8")))
            }
            _ => Err(Fault::new(format!("{what} has to be a text"))),
        }
    }

    /// Returns SQL's name of the type.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "NULL",
            Value::Integer(_) => "an integer",
            Value::Real(_) => "a real number",
            Value::Text(_) => "a text",
            Value::Blob(_) => "a blob",
        }
    }
}

/// Returns the bytes that a value has been converted to.
///
/// # Safety
///
/// As [`Value::read`]; `at` is what SQLite has returned last for the value.
unsafe fn run<'v>(api: &Api, value: *mut sqlite3_value, at: *const u8) -> Result<&'v [u8]> {
    // SAFETY: the caller passes a value of SQLite's.
    let len = unsafe { (api.value_bytes)(value) };
    match usize::try_from(len) {
        Ok(0) => Ok(&[]), // an empty blob is a null pointer
        // SAFETY: SQLite returned this many bytes, which stay until its call returns.
        Ok(len) if !at.is_null() => Ok(unsafe { slice::from_raw_parts(at, len) }),
        _ => Err(no_memory()),
    }
}

fn no_memory() -> Fault {
    Fault { code: SQLITE_NOMEM, message: "out of memory".to_owned() }
}

/// Returns a result to SQLite, or an error with its sentence.
///
/// # Safety
///
/// SQLite passes the context in a call that is in progress.
pub(crate) unsafe fn respond(api: &Api, context: *mut sqlite3_context, outcome: Result<Answer>) {
    let len = |bytes: &[u8]| c_int::try_from(bytes.len()).unwrap_or(c_int::MAX);
    match outcome {
        // SAFETY: the caller passes a context of SQLite's.
        Ok(Answer::Null) => unsafe { (api.result_null)(context) },
        // SAFETY: as above.
        Ok(Answer::Integer(value)) => unsafe { (api.result_int64)(context, value) },
        // SAFETY: as above.
        Ok(Answer::Real(value)) => unsafe { (api.result_double)(context, value) },
        Ok(Answer::Text(text)) => {
            let len = len(text.as_bytes());
            // SAFETY: as above; SQLite copies this many bytes.
            unsafe { (api.result_text)(context, text.as_ptr().cast(), len, SQLITE_TRANSIENT()) }
        }
        Ok(Answer::Blob(blob)) => {
            let len = len(&blob);
            // SAFETY: as above.
            unsafe { (api.result_blob)(context, blob.as_ptr().cast(), len, SQLITE_TRANSIENT()) }
        }
        // SAFETY: as above.
        Err(fault) if fault.primary() == SQLITE_NOMEM => unsafe { (api.result_error_nomem)(context) },
        Err(fault) => {
            let len = len(fault.message.as_bytes());
            // SAFETY: as above.
            unsafe { (api.result_error)(context, fault.message.as_ptr().cast(), len) };
            // SAFETY: as above. It keeps the message.
            unsafe { (api.result_error_code)(context, fault.code) }
        }
    }
}
