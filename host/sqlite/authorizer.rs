//! Authorizers: permission for the actions of a statement.
#![allow(unsafe_code, reason = "registers a callback with SQLite, which calls it")]

use std::ffi::{c_char, c_int, c_void};
use std::fmt;
use std::ptr;

use rusqlite::{Connection, ffi};

use super::{check_code, wrapped};
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

/// An authorizer that SQLite calls until this is dropped.
pub struct Authorizer<'db> {
    db: &'db Connection,
    kept: RetainedLease<Authorize>,
}

/// Registers a guest that authorizes the actions of statements while they are prepared. The prototype of the
/// callback is SQLite's: `int (void *, int action, const char *, const char *, const char *, const char *)`;
/// it returns `SQLITE_OK` (0), `SQLITE_DENY` (1) or `SQLITE_IGNORE` (2).
///
/// If the guest fails, the action is denied, whatever fallback was set.
///
/// # Errors
///
/// [`TypeError::Pointer`](crate::TypeError::Pointer) if the callback has another prototype, and SQLite's
/// errors.
pub fn set_authorizer<'db>(db: &'db Connection, authorize: &Callback) -> rusqlite::Result<Authorizer<'db>> {
    let denying = authorize.clone().fallback(ffi::SQLITE_DENY).map_err(wrapped)?;
    let kept = denying.retain_as::<Authorize>().map_err(wrapped)?;
    // SAFETY: the handle is used only to register.
    let handle = unsafe { db.handle() };
    // SAFETY: the pointer is of SQLite's type, and `Authorizer::drop` unregisters it before its lease ends.
    let code = unsafe { ffi::sqlite3_set_authorizer(handle, Some(kept.pointer()), ptr::null_mut()) };
    check_code(code)?;
    Ok(Authorizer { db, kept })
}

impl Authorizer<'_> {
    /// Takes the first failure since the last time, if any; the next statement calls the guest again.
    pub fn take_failure(&self) -> Option<Error> {
        self.kept.take_failure()
    }

    /// Returns the number of calls by SQLite.
    pub fn calls(&self) -> u64 {
        self.kept.calls()
    }
}

impl Drop for Authorizer<'_> {
    fn drop(&mut self) {
        // SAFETY: the connection is borrowed, so it is open.
        let handle = unsafe { self.db.handle() };
        // SAFETY: the null pointer unregisters the authorizer, which SQLite does not call from now on.
        unsafe { ffi::sqlite3_set_authorizer(handle, None, ptr::null_mut()) };
    }
}

impl fmt::Debug for Authorizer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorizer({:?})", self.kept)
    }
}
