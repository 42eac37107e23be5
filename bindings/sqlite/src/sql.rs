//! Statements of this extension's own, which run inside a call by SQLite.
#![allow(unsafe_code, reason = "calls SQLite")]

use std::ffi::{CStr, c_int};
use std::ptr;
use std::slice;

use libsqlite3_sys::{SQLITE_DONE, SQLITE_OK, SQLITE_ROW, SQLITE_TOOBIG, SQLITE_TRANSIENT, sqlite3_stmt};

use crate::connection::Connection;
use crate::fault::{Fault, Result};

/// A statement, which is finalized when this is dropped.
struct Statement<'c> {
    connection: &'c Connection,
    at: *mut sqlite3_stmt,
}

/// A row of a result.
pub(crate) struct Row<'s>(&'s Statement<'s>);

impl Connection {
    /// Runs a statement that returns no rows.
    pub(crate) fn execute(&self, sql: &str, values: &[&str]) -> Result<()> {
        self.query(sql, values, |_| ()).map(|_: Vec<()>| ())
    }

    /// Returns what `read` makes of each row of a statement.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        values: &[&str],
        mut read: impl FnMut(&Row<'_>) -> T,
    ) -> Result<Vec<T>> {
        let statement = self.prepare(sql)?;
        for (at, value) in (1..).zip(values) {
            statement.bind(at, value)?;
        }
        let mut rows = Vec::new();
        while statement.step()? {
            rows.push(read(&Row(&statement)));
        }
        Ok(rows)
    }

    fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        let mut at = ptr::null_mut();
        let len = c_int::try_from(sql.len()).map_err(|_| self.fault(SQLITE_TOOBIG))?;
        // SAFETY: the connection is open while SQLite calls this extension, and the text has this length.
        let code =
            unsafe { (self.api.prepare_v2)(self.db, sql.as_ptr().cast(), len, &raw mut at, ptr::null_mut()) };
        if code == SQLITE_OK { Ok(Statement { connection: self, at }) } else { Err(self.fault(code)) }
    }

    /// Returns SQLite's last error. A code without its message is told apart by the number.
    pub(crate) fn fault(&self, code: c_int) -> Fault {
        // SAFETY: the connection is open.
        let text = unsafe { (self.api.errmsg)(self.db) };
        let message = if text.is_null() {
            format!("SQLite's error {code}")
        } else {
            // SAFETY: SQLite's message ends with a NUL, and stays until the next call on the connection.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        };
        Fault { code, message }
    }

    /// Returns whether no transaction is open.
    pub(crate) fn is_autocommit(&self) -> bool {
        // SAFETY: the connection is open.
        unsafe { (self.api.get_autocommit)(self.db) != 0 }
    }

    /// Returns the number of statements that have begun and not ended.
    pub(crate) fn running(&self) -> usize {
        self.statements().len()
    }

    /// Returns the statements that have begun and not ended.
    fn statements(&self) -> Vec<*mut sqlite3_stmt> {
        let (mut found, mut at) = (Vec::new(), ptr::null_mut());
        loop {
            // SAFETY: `at` is null or a statement that the connection has.
            at = unsafe { (self.api.next_stmt)(self.db, at) };
            if at.is_null() {
                return found;
            }
            // SAFETY: as above.
            if unsafe { (self.api.stmt_busy)(at) } != 0 {
                found.push(at);
            }
        }
    }

    /// Returns whether a query of the program calls a function itself. SQLite up to 3.40 calls it for a CHECK
    /// constraint of a file as well, whatever `SQLITE_DIRECTONLY` says: when a row is written or checked.
    pub(crate) fn is_called_by_query(&self, function: &str) -> bool {
        let running = self.statements();
        // SAFETY: the connection has the statement.
        let is_readonly = |at: &*mut sqlite3_stmt| unsafe { (self.api.stmt_readonly)(*at) } != 0;
        let calls = |at: &*mut sqlite3_stmt| {
            // SAFETY: as above.
            let sql = unsafe { (self.api.sql)(*at) };
            if sql.is_null() {
                return false;
            }
            // SAFETY: the text of a statement ends with a NUL, and stays as long as the statement.
            let sql = unsafe { CStr::from_ptr(sql) }.to_string_lossy().to_ascii_lowercase();
            let word = sql.split_ascii_whitespace().next().unwrap_or_default();
            ["select", "values", "with"].iter().any(|query| word.starts_with(query)) && sql.contains(function)
        };
        running.iter().all(is_readonly) && running.iter().any(calls)
    }
}

impl Statement<'_> {
    fn bind(&self, at: c_int, value: &str) -> Result<()> {
        let len = c_int::try_from(value.len()).map_err(|_| self.connection.fault(SQLITE_TOOBIG))?;
        let text = value.as_ptr().cast();
        // SAFETY: the statement is not finalized, and SQLite copies the text.
        let code = unsafe { (self.connection.api.bind_text)(self.at, at, text, len, SQLITE_TRANSIENT()) };
        if code == SQLITE_OK { Ok(()) } else { Err(self.connection.fault(code)) }
    }

    /// Returns whether there is another row.
    fn step(&self) -> Result<bool> {
        // SAFETY: the statement is not finalized.
        match unsafe { (self.connection.api.step)(self.at) } {
            SQLITE_ROW => Ok(true),
            SQLITE_DONE => Ok(false),
            code => Err(self.connection.fault(code)),
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: nothing uses the statement afterwards. The error of the last step has been told.
        unsafe { (self.connection.api.finalize)(self.at) };
    }
}

impl Row<'_> {
    /// Returns a column as text; `None` for NULL.
    pub(crate) fn text(&self, column: c_int) -> Option<String> {
        let (api, at) = (&self.0.connection.api, self.0.at);
        // SAFETY: the statement has just returned a row.
        let text = unsafe { (api.column_text)(at, column) };
        // SAFETY: as above.
        let len = usize::try_from(unsafe { (api.column_bytes)(at, column) }).ok()?;
        if text.is_null() {
            return None;
        }
        // SAFETY: SQLite has just returned so many bytes.
        let bytes = unsafe { slice::from_raw_parts(text, len) };
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Returns a name as SQL quotes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
