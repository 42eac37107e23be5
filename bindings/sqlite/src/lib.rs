//! A loadable extension of SQLite: collations, scalar functions and sort keys that are exports of sandboxed
//! guests. `docs/sqlite.md` says what a user sees.

mod api; // SQLite's functions, from the table that it hands over
mod fault; // what SQL is told; no panic crosses the border
mod value; // SQL values
mod call; // functions that SQLite calls, and how they find SQLite
mod sql; // statements of this extension's own, inside those of the program
mod limits; // limits by their names
mod source; // guests: bundled, from a file, from a blob
mod connection; // what belongs to a connection: its limits, what it has loaded
mod index; // which indexes depend on an order, and under which guest they were built
mod records; // the table callbox_index, and whether it still says what it said
mod order; // a guest's order of text, and its sort keys
mod collation; // an order that SQLite has, and what happens when one fails
mod key; // sort keys as a function, for indexes on expressions
mod load; // callbox_load and callbox_reindex
mod invoke; // calls of prototypes that are known at run time
mod scalar; // SQL's values as arguments of an export
mod function; // functions of SQL that are exports
mod loaded; // the table callbox_loaded
mod register; // the functions that every connection gets

use std::ffi::{c_char, c_int};

use libsqlite3_sys::{SQLITE_ERROR, SQLITE_OK_LOAD_PERMANENTLY, sqlite3, sqlite3_api_routines};

use api::Api;
use connection::Connection;

/// The entry point. SQLite finds it by the name of the file.
///
/// # Safety
///
/// SQLite passes an open connection, a place for a message and its table of functions.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "exports a function, and is called by SQLite")]
pub unsafe extern "C" fn sqlite3_callboxsqlite_init(
    db: *mut sqlite3,
    message: *mut *mut c_char,
    routines: *const sqlite3_api_routines,
) -> c_int {
    // SAFETY: SQLite passes its table.
    let api = match unsafe { Api::read(routines) } {
        Ok(api) => api,
        // Without the table there is no allocator for a message.
        Err(None) => return SQLITE_ERROR,
        Err(Some((malloc, missing))) => {
            // SAFETY: `malloc` is SQLite's, and `message` its place.
            unsafe { api::tell(malloc, message, &missing) };
            return SQLITE_ERROR;
        }
    };
    let opened = fault::catch(|| {
        let api = call::library(api)?;
        match Connection::open(api, db) {
            Some(connection) => register::all(&connection),
            None => Ok(()), // it has been loaded into this connection before
        }
    });
    match opened {
        // The engine has threads, so the code has to stay.
        Ok(()) => SQLITE_OK_LOAD_PERMANENTLY,
        Err(fault) => {
            // SAFETY: as above.
            unsafe { api::tell(api.malloc, message, &fault.message) };
            SQLITE_ERROR
        }
    }
}
