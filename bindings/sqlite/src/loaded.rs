//! The table `callbox_loaded`: what a connection has loaded, and how it fares.
#![allow(unsafe_code, reason = "is a virtual table of SQLite's")]

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use libsqlite3_sys::{
    SQLITE_ERROR, SQLITE_OK, SQLITE_VTAB_DIRECTONLY, sqlite3, sqlite3_context, sqlite3_index_info,
    sqlite3_module, sqlite3_value, sqlite3_vtab, sqlite3_vtab_cursor,
};

use crate::connection::{Connection, lock};
use crate::fault::{Result, catch};
use crate::load::in_force;
use crate::value::{Answer, respond};

const COLUMNS: &std::ffi::CStr =
    c"CREATE TABLE x(name TEXT, kind TEXT, guest TEXT, export TEXT, sha256 TEXT, \
    calls INTEGER, failure TEXT)";

/// SQLite's table, followed by what this extension adds.
#[repr(C)]
struct Table {
    base: sqlite3_vtab,
    connection: Arc<Connection>,
}

#[repr(C)]
struct Cursor {
    base: sqlite3_vtab_cursor,
    rows: Vec<[Answer; 7]>,
    at: usize,
}

/// Without `xCreate` the table is there without a statement that creates it.
static MODULE: sqlite3_module = {
    // SAFETY: numbers and options of function pointers are zero and `None`.
    let mut module: sqlite3_module = unsafe { std::mem::zeroed() };
    module.xConnect = Some(connect);
    module.xBestIndex = Some(best_index);
    module.xDisconnect = Some(disconnect);
    module.xOpen = Some(open);
    module.xClose = Some(close);
    module.xFilter = Some(filter);
    module.xNext = Some(next);
    module.xEof = Some(eof);
    module.xColumn = Some(column);
    module.xRowid = Some(rowid);
    module
};

/// Registers the table.
pub(crate) fn register(connection: &Arc<Connection>) -> Result<()> {
    let data = Arc::into_raw(connection.clone()).cast_mut().cast();
    let (api, db, name) = (&connection.api, connection.db, c"callbox_loaded".as_ptr());
    // SAFETY: the module's functions take a `Connection`, which lives until SQLite calls `destroy`; it does
    // so if this fails, too.
    let code = unsafe { (api.create_module_v2)(db, name, &MODULE, data, Some(destroy)) };
    if code == SQLITE_OK { Ok(()) } else { Err(connection.fault(code)) }
}

fn rows(connection: &Connection) -> Vec<[Answer; 7]> {
    let text = |text: &str| Answer::Text(text.to_owned());
    let number = |number| Answer::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let failure = |failure: Option<String>| failure.map_or(Answer::Null, Answer::Text);
    let mut rows = Vec::new();
    for collation in in_force(connection) {
        let order = collation.order();
        let (guest, export, sha256) = match &order {
            Some(order) => {
                (text(&order.source.place), text(order.compare.export()), text(&order.source.sha256))
            }
            None => (Answer::Null, Answer::Null, Answer::Null),
        };
        let (calls, failed) = (number(collation.calls()), failure(collation.failure()));
        rows.push([text(&collation.name), text("collation"), guest, export, sha256, calls, failed]);
    }
    let functions: Vec<_> = lock(&connection.functions).iter().filter_map(std::sync::Weak::upgrade).collect();
    for function in functions {
        let scalar = function.scalar();
        let (guest, sha256) = (text(&scalar.source.place), text(&scalar.source.sha256));
        let export = text(scalar.callback.export());
        let (calls, failed) = (number(function.calls()), failure(function.failure()));
        rows.push([text(&function.name), text("function"), guest, export, sha256, calls, failed]);
    }
    rows
}

/// Does what SQLite asks for; its code.
fn coded(act: impl FnOnce() -> c_int) -> c_int {
    catch(|| Ok(act())).unwrap_or(SQLITE_ERROR)
}

/// # Safety
///
/// SQLite passes the connection, what [`register`] passed, and a place for the table.
unsafe extern "C" fn connect(
    db: *mut sqlite3,
    data: *mut c_void,
    _: c_int,
    _: *const *const c_char,
    place: *mut *mut sqlite3_vtab,
    _: *mut *mut c_char,
) -> c_int {
    let data = data.cast::<Connection>().cast_const();
    // SAFETY: SQLite has not destroyed it.
    unsafe { Arc::increment_strong_count(data) };
    // SAFETY: the count is that of the line before.
    let connection = unsafe { Arc::from_raw(data) };
    coded(|| {
        // SAFETY: SQLite is connecting the table, and the text ends with a NUL.
        let code = unsafe { (connection.api.declare_vtab)(db, COLUMNS.as_ptr()) };
        if code != SQLITE_OK {
            return code;
        }
        // SAFETY: as above; this operation takes no more arguments.
        let code = unsafe { (connection.api.vtab_config)(db, SQLITE_VTAB_DIRECTONLY) };
        if code != SQLITE_OK {
            return code;
        }
        let table = Box::new(Table { base: sqlite3_vtab::default(), connection });
        // SAFETY: SQLite passes a place.
        unsafe { place.write(Box::into_raw(table).cast()) };
        SQLITE_OK
    })
}

/// # Safety
///
/// SQLite passes its table.
unsafe extern "C" fn best_index(_: *mut sqlite3_vtab, _: *mut sqlite3_index_info) -> c_int {
    SQLITE_OK // it has no index
}

/// # Safety
///
/// SQLite passes its table, once.
unsafe extern "C" fn disconnect(table: *mut sqlite3_vtab) -> c_int {
    // SAFETY: it comes from `connect`.
    let table = unsafe { Box::from_raw(table.cast::<Table>()) };
    coded(|| {
        drop(table);
        SQLITE_OK
    })
}

/// # Safety
///
/// SQLite passes its table, and a place for a cursor.
unsafe extern "C" fn open(_: *mut sqlite3_vtab, place: *mut *mut sqlite3_vtab_cursor) -> c_int {
    let cursor = Box::new(Cursor { base: sqlite3_vtab_cursor::default(), rows: Vec::new(), at: 0 });
    // SAFETY: SQLite passes a place.
    unsafe { place.write(Box::into_raw(cursor).cast()) };
    SQLITE_OK
}

/// # Safety
///
/// SQLite passes its cursor, once.
unsafe extern "C" fn close(cursor: *mut sqlite3_vtab_cursor) -> c_int {
    // SAFETY: it comes from `open`.
    drop(unsafe { Box::from_raw(cursor.cast::<Cursor>()) });
    SQLITE_OK
}

/// # Safety
///
/// SQLite passes its cursor, which it has put on its table.
unsafe extern "C" fn filter(
    cursor: *mut sqlite3_vtab_cursor,
    _: c_int,
    _: *const c_char,
    _: c_int,
    _: *mut *mut sqlite3_value,
) -> c_int {
    // SAFETY: it comes from `open`, and nothing else uses it.
    let cursor = unsafe { &mut *cursor.cast::<Cursor>() };
    // SAFETY: the table comes from `connect`.
    let table = unsafe { &*cursor.base.pVtab.cast::<Table>() };
    coded(|| {
        cursor.rows = rows(&table.connection);
        cursor.at = 0;
        SQLITE_OK
    })
}

/// # Safety
///
/// SQLite passes its cursor.
unsafe extern "C" fn next(cursor: *mut sqlite3_vtab_cursor) -> c_int {
    // SAFETY: it comes from `open`, and nothing else uses it.
    let cursor = unsafe { &mut *cursor.cast::<Cursor>() };
    cursor.at += 1;
    SQLITE_OK
}

/// # Safety
///
/// SQLite passes its cursor.
unsafe extern "C" fn eof(cursor: *mut sqlite3_vtab_cursor) -> c_int {
    // SAFETY: it comes from `open`.
    let cursor = unsafe { &*cursor.cast::<Cursor>() };
    c_int::from(cursor.at >= cursor.rows.len())
}

/// # Safety
///
/// SQLite passes its cursor, and a context for the result.
unsafe extern "C" fn column(
    cursor: *mut sqlite3_vtab_cursor,
    context: *mut sqlite3_context,
    column: c_int,
) -> c_int {
    // SAFETY: it comes from `open`.
    let cursor = unsafe { &*cursor.cast::<Cursor>() };
    // SAFETY: the table comes from `connect`.
    let table = unsafe { &*cursor.base.pVtab.cast::<Table>() };
    coded(|| {
        let row = cursor.rows.get(cursor.at);
        let cell = row.and_then(|row| row.get(usize::try_from(column).ok()?)).cloned();
        // SAFETY: the context is that of this call.
        unsafe { respond(&table.connection.api, context, Ok(cell.unwrap_or(Answer::Null))) };
        SQLITE_OK
    })
}

/// # Safety
///
/// SQLite passes its cursor, and a place for the number of the row.
unsafe extern "C" fn rowid(cursor: *mut sqlite3_vtab_cursor, place: *mut i64) -> c_int {
    // SAFETY: it comes from `open`.
    let cursor = unsafe { &*cursor.cast::<Cursor>() };
    // SAFETY: SQLite passes a place.
    unsafe { place.write(i64::try_from(cursor.at).unwrap_or(i64::MAX)) };
    SQLITE_OK
}

/// # Safety
///
/// SQLite passes what [`register`] passed, once.
unsafe extern "C" fn destroy(data: *mut c_void) {
    // SAFETY: it comes from `Arc::into_raw` in `register`.
    let connection = unsafe { Arc::from_raw(data.cast::<Connection>().cast_const()) };
    let _ = catch(|| {
        drop(connection);
        Ok(())
    });
}
