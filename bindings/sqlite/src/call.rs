//! The functions of SQL, as SQLite calls them.
#![allow(unsafe_code, reason = "registers functions with SQLite, and is called by it")]

use std::ffi::{CString, c_int, c_void};
use std::slice;
use std::sync::{Arc, OnceLock};

use libsqlite3_sys::{
    SQLITE_DETERMINISTIC, SQLITE_DIRECTONLY, SQLITE_INNOCUOUS, SQLITE_OK, SQLITE_UTF8, sqlite3_context,
    sqlite3_value,
};

use crate::api::{self, Api};
use crate::connection::Connection;
use crate::fault::{Fault, Result, catch};
use crate::value::{Answer, Value, respond};

/// A function of SQL.
pub(crate) trait SqlFunction: Send + Sync {
    /// Returns its result for as many values as it was registered for.
    fn answer(&self, values: &[Value<'_>]) -> Result<Answer>;
}

/// Places that a function may be called from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flags {
    /// Statements of the program; no view, trigger or index of a file.
    Direct,
    /// Statements, views and triggers, unless the schema is not trusted.
    Guest,
    /// Everywhere, also indexes: one value has one answer.
    Key,
}

type Data = Arc<dyn SqlFunction>;

/// SQLite's functions, for each copy of SQLite in the process. What SQLite passes to a function does not say
/// which copy it is of, so that each has functions of its own to call.
static LIBRARIES: [OnceLock<Api>; CALLS.len()] = [const { OnceLock::new() }; CALLS.len()];

const CALLS: [api::Function; 8] =
    [call::<0>, call::<1>, call::<2>, call::<3>, call::<4>, call::<5>, call::<6>, call::<7>];

/// Numbers a copy of SQLite.
pub(crate) fn library(api: Api) -> Result<Api> {
    for (number, known) in LIBRARIES.iter().enumerate() {
        let found = known.get_or_init(|| Api { library: number, ..api });
        if std::ptr::fn_addr_eq(found.user_data, api.user_data) {
            return Ok(*found);
        }
    }
    Err(Fault::new("this process has too many copies of SQLite"))
}

/// Registers a function of so many arguments; -1 for any number.
pub(crate) fn register(
    connection: &Connection,
    name: &str,
    arity: c_int,
    flags: Flags,
    function: Data,
) -> Result<()> {
    let name = CString::new(name).map_err(|_| Fault::new("a name has no NUL"))?;
    let flags = SQLITE_UTF8
        | match flags {
            Flags::Direct => SQLITE_DIRECTONLY,
            Flags::Guest => 0,
            Flags::Key => SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
        };
    let data = Box::into_raw(Box::new(function)).cast();
    let (api, db, call) = (&connection.api, connection.db, Some(CALLS[connection.api.library]));
    let destroy = Some(destroy as _);
    // SAFETY: both functions take a `Data`, which lives until SQLite calls `destroy`; it does so if this
    // fails, too.
    let code =
        unsafe { (api.create_function_v2)(db, name.as_ptr(), arity, flags, data, call, None, None, destroy) };
    if code == SQLITE_OK { Ok(()) } else { Err(connection.fault(code)) }
}

/// # Safety
///
/// SQLite, the copy of this number, passes a context of this call, and its values.
unsafe extern "C" fn call<const LIBRARY: usize>(
    context: *mut sqlite3_context,
    count: c_int,
    values: *mut *mut sqlite3_value,
) {
    let Some(api) = LIBRARIES[LIBRARY].get() else { return };
    // SAFETY: SQLite passes its context.
    let data = unsafe { (api.user_data)(context) }.cast::<Data>();
    // SAFETY: `register` passed it, and SQLite has not destroyed it. It may meanwhile: this has its own.
    let function = unsafe { (*data).clone() };
    let outcome = catch(|| {
        let values = match usize::try_from(count) {
            // SAFETY: SQLite passes this many values.
            Ok(count) if count > 0 => unsafe { slice::from_raw_parts(values, count) },
            _ => &[],
        };
        let mut read = Vec::with_capacity(values.len());
        for value in values {
            // SAFETY: the call is in progress as long as `read` lives. SQLite passes each value once.
            read.push(unsafe { Value::read(api, *value) }?);
        }
        function.answer(&read)
    });
    // SAFETY: the context is that of this call.
    unsafe { respond(api, context, outcome) };
    let _ = catch(|| {
        drop(function);
        Ok(())
    });
}

/// # Safety
///
/// SQLite passes what it was given, once.
unsafe extern "C" fn destroy(data: *mut c_void) {
    // SAFETY: it comes from `Box::into_raw` in `register`.
    let function = unsafe { Box::from_raw(data.cast::<Data>()) };
    let _ = catch(|| {
        drop(function);
        Ok(())
    });
}
