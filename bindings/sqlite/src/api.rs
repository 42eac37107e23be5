//! SQLite's functions, from the table that it hands to the entry point.
#![allow(unsafe_code, reason = "reads SQLite's table, and calls SQLite")]

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use libsqlite3_sys::{
    sqlite3, sqlite3_api_routines, sqlite3_context, sqlite3_module, sqlite3_mutex, sqlite3_stmt,
    sqlite3_value,
};

/// Oldest version of SQLite with `SQLITE_DIRECTONLY`.
const OLDEST: c_int = 3_031_000;

pub(crate) type Destructor = Option<unsafe extern "C" fn(*mut c_void)>;

pub(crate) type Compare =
    unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int;

pub(crate) type Function = unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value);

type Step = unsafe extern "C" fn(*mut sqlite3_context, c_int, *mut *mut sqlite3_value);

type Final = unsafe extern "C" fn(*mut sqlite3_context);

pub(crate) type Malloc = unsafe extern "C" fn(c_int) -> *mut c_void;

macro_rules! functions {
    (
        $($name:ident: ($($arg:ty),* $(; $dots:tt)?) $(-> $result:ty)?;)*
        --- $($since:literal $new:ident: ($($new_arg:ty),*) -> $new_result:ty;)*
    ) => {
        /// SQLite's functions.
        #[derive(Clone, Copy)]
        #[allow(missing_debug_implementations, reason = "a table of functions")]
        pub(crate) struct Api {
            /// Number of the library among those of the process.
            pub(crate) library: usize,
            $(pub(crate) $name: unsafe extern "C" fn($($arg),* $(, $dots)?) $(-> $result)?,)*
            $(pub(crate) $new: Option<unsafe extern "C" fn($($new_arg),*) -> $new_result>,)*
        }

        impl Api {
            /// Reads the table as far as SQLite's version has it. The error is a sentence, and the allocator
            /// that SQLite frees it with, if there is one.
            ///
            /// # Safety
            ///
            /// SQLite passes its table, or a null pointer.
            pub(crate) unsafe fn read(
                table: *const sqlite3_api_routines,
            ) -> Result<Api, Option<(Malloc, String)>> {
                if table.is_null() {
                    return Err(None);
                }
                // SAFETY: each version's table begins with these, as SQLite promises.
                let Some(malloc) = (unsafe { (*table).malloc }) else { return Err(None) };
                // SAFETY: as above.
                let Some(version) = (unsafe { (*table).libversion_number }) else { return Err(None) };
                // SAFETY: it takes no arguments.
                let version = unsafe { version() };
                if version < OLDEST {
                    let text = format!("Callbox needs SQLite 3.31 or newer, and this is {version}");
                    return Err(Some((malloc, text)));
                }
                let omitted = |name| Some((malloc, format!("this SQLite was built without sqlite3_{name}")));
                Ok(Api {
                    library: 0,
                    $(
                        // SAFETY: all of these are older than `OLDEST`.
                        $name: unsafe { (*table).$name }.ok_or_else(|| omitted(stringify!($name)))?,
                    )*
                    $(
                        $new: if version >= $since {
                            // SAFETY: the table of this version has it.
                            unsafe { (*table).$new }
                        } else {
                            None
                        },
                    )*
                })
            }
        }
    };
}

functions! {
    malloc: (c_int) -> *mut c_void;
    create_function_v2: (
        *mut sqlite3, *const c_char, c_int, c_int, *mut c_void,
        Option<Function>, Option<Step>, Option<Final>, Destructor
    ) -> c_int;
    create_collation_v2: (
        *mut sqlite3, *const c_char, c_int, *mut c_void, Option<Compare>, Destructor
    ) -> c_int;
    create_module_v2: (
        *mut sqlite3, *const c_char, *const sqlite3_module, *mut c_void, Destructor
    ) -> c_int;
    declare_vtab: (*mut sqlite3, *const c_char) -> c_int;
    vtab_config: (*mut sqlite3, c_int; ...) -> c_int;
    user_data: (*mut sqlite3_context) -> *mut c_void;
    value_type: (*mut sqlite3_value) -> c_int;
    value_int64: (*mut sqlite3_value) -> i64;
    value_double: (*mut sqlite3_value) -> f64;
    value_text: (*mut sqlite3_value) -> *const u8;
    value_blob: (*mut sqlite3_value) -> *const c_void;
    value_bytes: (*mut sqlite3_value) -> c_int;
    result_int64: (*mut sqlite3_context, i64);
    result_double: (*mut sqlite3_context, f64);
    result_null: (*mut sqlite3_context);
    result_text: (*mut sqlite3_context, *const c_char, c_int, Destructor);
    result_blob: (*mut sqlite3_context, *const c_void, c_int, Destructor);
    result_error: (*mut sqlite3_context, *const c_char, c_int);
    result_error_code: (*mut sqlite3_context, c_int);
    result_error_nomem: (*mut sqlite3_context);
    prepare_v2: (
        *mut sqlite3, *const c_char, c_int, *mut *mut sqlite3_stmt, *mut *const c_char
    ) -> c_int;
    bind_text: (*mut sqlite3_stmt, c_int, *const c_char, c_int, Destructor) -> c_int;
    step: (*mut sqlite3_stmt) -> c_int;
    finalize: (*mut sqlite3_stmt) -> c_int;
    column_text: (*mut sqlite3_stmt, c_int) -> *const u8;
    column_bytes: (*mut sqlite3_stmt, c_int) -> c_int;
    errmsg: (*mut sqlite3) -> *const c_char;
    interruptx: (*mut sqlite3);
    limit: (*mut sqlite3, c_int, c_int) -> c_int;
    db_mutex: (*mut sqlite3) -> *mut sqlite3_mutex;
    mutex_try: (*mut sqlite3_mutex) -> c_int;
    mutex_leave: (*mut sqlite3_mutex);
    get_autocommit: (*mut sqlite3) -> c_int;
    next_stmt: (*mut sqlite3, *mut sqlite3_stmt) -> *mut sqlite3_stmt;
    stmt_busy: (*mut sqlite3_stmt) -> c_int;
    stmt_readonly: (*mut sqlite3_stmt) -> c_int;
    sql: (*mut sqlite3_stmt) -> *const c_char;
    db_readonly: (*mut sqlite3, *const c_char) -> c_int;
    db_filename: (*mut sqlite3, *const c_char) -> *const c_char;
    file_control: (*mut sqlite3, *const c_char, c_int, *mut c_void) -> c_int;
    log: (c_int, *const c_char; ...);
---
    3_039_000 db_name: (*mut sqlite3, c_int) -> *const c_char;
    3_041_000 is_interrupted: (*mut sqlite3) -> c_int;
}

/// Stores a message for SQLite, which frees it.
///
/// # Safety
///
/// `malloc` is SQLite's, and `place` null or its place for a message.
pub(crate) unsafe fn tell(malloc: Malloc, place: *mut *mut c_char, text: &str) {
    let text = text.replace('\0', "\u{fffd}");
    let Ok(size) = c_int::try_from(text.len() + 1) else { return };
    if place.is_null() {
        return;
    }
    // SAFETY: the caller passes SQLite's allocator.
    let copy = unsafe { malloc(size) }.cast::<u8>();
    if copy.is_null() {
        return;
    }
    let text = [text.as_bytes(), &[0]].concat();
    // SAFETY: the copy has room for the text and a NUL.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), copy, text.len()) };
    // SAFETY: the caller passes the place.
    unsafe { place.write(copy.cast()) };
}
