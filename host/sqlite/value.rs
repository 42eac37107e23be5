//! SQL values, read as SQLite documents it.
#![allow(unsafe_code, reason = "reads the values that SQLite passes")]

use std::slice;

use rusqlite::types::ValueRef;
use rusqlite::{Error as Sql, ffi};

/// Reads a value, once: its type first, which is undefined after a conversion; then the text or blob, which
/// may convert the value to UTF-8, append a NUL, or expand a zeroblob; then the length of what that returned.
/// Nothing converts the value afterwards, so the run stays where it is. The length of a blob, which converts
/// nothing, is asked before as well: a zeroblob that could not be expanded looks like an empty blob.
///
/// # Errors
///
/// SQLite had no memory for the conversion.
///
/// # Safety
///
/// The value is an argument of a call by SQLite which is in progress during `'v`, and nothing but this
/// function converts it.
pub(super) unsafe fn read<'v>(value: *mut ffi::sqlite3_value) -> rusqlite::Result<ValueRef<'v>> {
    // SAFETY: the caller passes a value of SQLite's.
    Ok(match unsafe { ffi::sqlite3_value_type(value) } {
        // SAFETY: as above.
        ffi::SQLITE_INTEGER => ValueRef::Integer(unsafe { ffi::sqlite3_value_int64(value) }),
        // SAFETY: as above.
        ffi::SQLITE_FLOAT => ValueRef::Real(unsafe { ffi::sqlite3_value_double(value) }),
        ffi::SQLITE_TEXT => {
            // SAFETY: as above.
            let text = unsafe { ffi::sqlite3_value_text(value) };
            // A text is never a null pointer, not even an empty one.
            let text = if text.is_null() { Err(no_memory()) } else { Ok(text) }?;
            // SAFETY: `text` is what SQLite has just returned for this value.
            ValueRef::Text(unsafe { run(value, text) }?)
        }
        ffi::SQLITE_BLOB => {
            // SAFETY: as above.
            let len = unsafe { ffi::sqlite3_value_bytes(value) };
            // SAFETY: as above.
            let blob = unsafe { ffi::sqlite3_value_blob(value) };
            // SAFETY: `blob` is what SQLite has just returned for this value.
            let run = unsafe { run(value, blob.cast()) }?;
            let whole = usize::try_from(len) == Ok(run.len());
            ValueRef::Blob(if whole { Ok(run) } else { Err(no_memory()) }?)
        }
        _ => ValueRef::Null,
    })
}

/// Returns the run that the value has been converted to.
///
/// # Safety
///
/// As [`read`]; `at` is what `sqlite3_value_text` or `sqlite3_value_blob` has returned last.
unsafe fn run<'v>(value: *mut ffi::sqlite3_value, at: *const u8) -> rusqlite::Result<&'v [u8]> {
    // SAFETY: the caller passes a value of SQLite's, whose text is in UTF-8 by now, as the length is.
    let len = unsafe { ffi::sqlite3_value_bytes(value) };
    match usize::try_from(len) {
        Ok(0) => Ok(&[]), // an empty blob is a null pointer
        Ok(len) if !at.is_null() => {
            // SAFETY: SQLite returned this many bytes, which stay until its call returns or the value is
            // converted; the caller rules the latter out.
            Ok(unsafe { slice::from_raw_parts(at, len) })
        }
        _ => Err(no_memory()),
    }
}

/// Returns the error of SQLite for an allocation that failed.
pub(super) fn no_memory() -> Sql {
    Sql::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None)
}
