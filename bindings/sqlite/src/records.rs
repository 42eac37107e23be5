//! The table callbox_index of each database: under which guest the indexes of a collation were built.
#![allow(unsafe_code, reason = "asks SQLite for names and versions of databases")]

use std::ffi::{CStr, CString, c_int};
use std::ptr;

use libsqlite3_sys::{SQLITE_FCNTL_DATA_VERSION, SQLITE_OK};

use crate::connection::Connection;
use crate::fault::{Fault, Result};
use crate::index::{dependents, schemas};
use crate::sql::quoted;

const TABLE: &str = "callbox_index(name TEXT PRIMARY KEY NOT NULL, sha256 TEXT NOT NULL) WITHOUT ROWID";

/// A database as it was at some time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    name: CString,
    file: CString,
    /// SQLite's count of its changes.
    version: u32,
}

/// A database's word about a guest.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It names the guest.
    Same,
    /// It names none, and no index depends on the collation.
    None,
    /// It names another, and no index depends on the collation.
    Other,
}

/// Returns what a database says about the guest with this hash under the name of a collation. `loaded` is
/// the hash of the one that the connection has.
///
/// # Errors
///
/// An index was built under another guest, or it is not known under which.
pub(crate) fn judge(
    connection: &Connection,
    schema: &str,
    name: &str,
    sha256: &str,
    loaded: Option<&str>,
) -> Result<Verdict> {
    let recorded = match schema {
        // Its tables are those of this connection alone.
        "temp" => loaded.map(str::to_owned),
        _ => recorded(connection, schema, name)?,
    };
    if recorded.as_deref() == Some(sha256) {
        return Ok(Verdict::Same);
    }
    let dependents = dependents(connection, schema, name)?;
    match (recorded, dependents.first()) {
        (None, None) => Ok(Verdict::None),
        (Some(_), None) => Ok(Verdict::Other),
        (Some(other), Some(index)) => Err(Fault::new(format!(
            "{index} was built under another guest than this one (sha256 {}, and this is {}); load that one, \
             or rebuild it: SELECT callbox_reindex(GUEST, '{name}')",
            short(&other),
            short(sha256)
        ))),
        (None, Some(index)) => Err(Fault::new(format!(
            "it is not known under which guest {index} was built; rebuild it: \
             SELECT callbox_reindex(GUEST, '{name}')"
        ))),
    }
}

/// Returns the hash that a database has for the name of a collation.
fn recorded(connection: &Connection, schema: &str, name: &str) -> Result<Option<String>> {
    if !has_table(connection, schema)? {
        return Ok(None);
    }
    let sql = format!("SELECT sha256 FROM {}.callbox_index WHERE name = ?1", quoted(schema));
    let found = connection.query(&sql, &[name.to_ascii_lowercase().as_str()], |row| row.text(0))?;
    Ok(found.into_iter().next().flatten())
}

/// Returns whether a database has the table; an error if it has something else of that name, or triggers and
/// indexes on it, which a hostile file may.
fn has_table(connection: &Connection, schema: &str) -> Result<bool> {
    let sql = format!("SELECT name, tbl_name, sql FROM {}.sqlite_master", quoted(schema));
    let mut count = 0;
    let mut is_ours = true;
    connection.query(&sql, &[], |row| {
        let is = |column| row.text(column).is_some_and(|text| text.eq_ignore_ascii_case("callbox_index"));
        if is(0) || is(1) {
            count += 1;
            is_ours &= row.text(2).is_some_and(|sql| sql.strip_prefix("CREATE TABLE ") == Some(TABLE));
        }
    })?;
    match (count, is_ours) {
        (0, _) => Ok(false),
        (1, true) => Ok(true),
        _ => Err(Fault::new(format!(
            "\"callbox_index\" in {} is not the table that Callbox makes; rename what is there",
            callbox::escape(schema)
        ))),
    }
}

/// Records the guest under which a database's indexes are built from now on.
pub(crate) fn record(connection: &Connection, schema: &str, name: &str, sha256: &str) -> Result<()> {
    let exists = has_table(connection, schema)?;
    let schema = quoted(schema);
    if !exists {
        connection.execute(&format!("CREATE TABLE {schema}.{TABLE}"), &[])?;
    }
    let sql = format!("INSERT OR REPLACE INTO {schema}.callbox_index VALUES (?1, ?2)");
    connection.execute(&sql, &[name.to_ascii_lowercase().as_str(), sha256])
}

/// Checks that no database has, meanwhile, an index that was built under another guest than the one that the
/// connection has loaded, nor a record by which one may be.
pub(crate) fn check(connection: &Connection, name: &str, sha256: &str) -> Result<()> {
    for schema in schemas(connection)? {
        match judge(connection, &schema, name, sha256, Some(sha256))? {
            Verdict::Same | Verdict::None => {}
            // Nothing can be built in it.
            Verdict::Other if connection.is_readonly(&schema) => {}
            Verdict::Other => {
                return Err(Fault::new(format!(
                    "another connection has loaded another guest as \"{name}\", and the table callbox_index \
                     of {} names that one; load this one again, or that one",
                    callbox::escape(&schema)
                )));
            }
        }
    }
    Ok(())
}

impl Connection {
    /// Returns whether a database cannot be written.
    pub(crate) fn is_readonly(&self, schema: &str) -> bool {
        let Ok(schema) = CString::new(schema) else { return true };
        // SAFETY: the connection is open, and the name ends with a NUL.
        unsafe { (self.api.db_readonly)(self.db, schema.as_ptr()) != 0 }
    }

    /// Returns whether databases have come, gone or been changed since they were seen. Where SQLite cannot
    /// name them, one that has come is not noticed.
    pub(crate) fn has_changed(&self, seen: &[Seen]) -> bool {
        // Asked at each comparison: SQLite finds the main database without its name, and that one is never
        // another file; nobody else has the temporary one.
        let has_come = self.api.db_name.is_some() && self.name_at(seen.len() as c_int).is_some();
        has_come
            || seen.iter().zip(0..).any(|(known, at)| match (at, known.name.to_bytes()) {
                (0, _) => self.version(None) != known.version,
                (_, b"temp") => false,
                _ => {
                    let gone = self.api.db_name.is_some() && self.name_at(at) != Some(known.name.as_c_str());
                    gone || self.version(Some(&known.name)) != known.version
                        || self.file(&known.name) != known.file.as_c_str()
                }
            })
    }

    /// Returns the databases as they are now.
    pub(crate) fn look(&self) -> Result<Vec<Seen>> {
        let seen = |schema: String| -> Result<Seen> {
            let name = CString::new(schema).map_err(|_| Fault::new("a schema's name has a NUL"))?;
            let (file, version) = (self.file(&name).to_owned(), self.version(Some(&name)));
            Ok(Seen { name, file, version })
        };
        match self.api.db_name {
            None => schemas(self)?.into_iter().map(seen).collect(),
            Some(_) => {
                let names = (0..).map_while(|at| self.name_at(at));
                names.map(|name| seen(name.to_string_lossy().into_owned())).collect()
            }
        }
    }

    fn name_at(&self, at: c_int) -> Option<&CStr> {
        // SAFETY: the connection is open.
        let name = unsafe { (self.api.db_name?)(self.db, at) };
        // SAFETY: a name ends with a NUL, and stays until its database is detached, which none is while
        // SQLite calls this extension.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })
    }

    /// Returns the name of a database's file; an empty one if it has none.
    fn file(&self, schema: &CStr) -> &CStr {
        // SAFETY: the connection is open.
        let file = unsafe { (self.api.db_filename)(self.db, schema.as_ptr()) };
        // SAFETY: as of a name.
        if file.is_null() { c"" } else { unsafe { CStr::from_ptr(file) } }
    }

    /// Returns the count of all changes of a database; without a name, of the main one.
    fn version(&self, schema: Option<&CStr>) -> u32 {
        let mut version = 0_u32;
        let place = (&raw mut version).cast();
        let schema = schema.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the connection is open, and the place holds an unsigned int, as this operation wants.
        let code = unsafe { (self.api.file_control)(self.db, schema, SQLITE_FCNTL_DATA_VERSION, place) };
        if code == SQLITE_OK { version } else { 0 }
    }
}

/// Returns the first digits of a hash.
fn short(sha256: &str) -> String {
    callbox::escape(sha256.chars().take(16).collect::<String>())
}
