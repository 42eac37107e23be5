//! Authorizers: who may do what in a statement.
#![allow(unsafe_code, reason = "registers a callback with SQLite, which calls it")]

use std::ffi::{c_char, c_int, c_void};
use std::fmt;
use std::ptr;

use rusqlite::{Connection, ffi};

use super::{registered, wrapped};
use crate::callback::Callback;
use crate::error::Error;
use crate::lease::RetainedLease;

type Authorize = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
) -> c_int;

/// An authorizer that SQLite asks for as long as this lives.
pub struct Authorizer<'db> {
    db: &'db Connection,
    kept: RetainedLease<Authorize>,
}

/// Has a guest asked, while statements are prepared, whether they may do what they are going to do. Its prototype is
/// SQLite's: `int (void *, int action, const char *, const char *, const char *, const char *)`; it answers
/// `SQLITE_OK` (0), `SQLITE_DENY` (1) or `SQLITE_IGNORE` (2).
///
/// A guest that fails denies, whatever fallback was declared.
///
/// # Errors
///
/// [`TypeError::Pointer`](crate::TypeError::Pointer) where the callback has another prototype, and SQLite's.
pub fn set_authorizer<'db>(db: &'db Connection, authorize: &Callback) -> rusqlite::Result<Authorizer<'db>> {
    let denying = authorize.clone().fallback(ffi::SQLITE_DENY).map_err(wrapped)?;
    let kept = denying.retain_as::<Authorize>().map_err(wrapped)?;
    // SAFETY: the connection is only used to register.
    let handle = unsafe { db.handle() };
    // SAFETY: the pointer is of SQLite's type, and is taken back before its lease ends.
    let code = unsafe { ffi::sqlite3_set_authorizer(handle, Some(kept.pointer()), ptr::null_mut()) };
    registered(code)?;
    Ok(Authorizer { db, kept })
}

impl Authorizer<'_> {
    /// Takes the first failure since the last time, if there was one; the next statement asks the guest
    /// again.
    pub fn take_failure(&self) -> Option<Error> {
        self.kept.take_failure()
    }

    /// How often SQLite has asked.
    pub fn calls(&self) -> u64 {
        self.kept.calls()
    }
}

impl Drop for Authorizer<'_> {
    fn drop(&mut self) {
        // SAFETY: the connection is borrowed, so it is open.
        let handle = unsafe { self.db.handle() };
        // SAFETY: nobody is asked from now on.
        unsafe { ffi::sqlite3_set_authorizer(handle, None, ptr::null_mut()) };
    }
}

impl fmt::Debug for Authorizer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorizer({:?})", self.kept)
    }
}
