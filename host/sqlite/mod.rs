//! SQLite's callbacks with guests behind them: collations, scalar functions, authorizers.
//!
//! A function's failure is the statement's error, and an authorizer that fails denies. A statement whose
//! collation fails is interrupted, or ends as if the texts were equal: [`Collation::check`] tells, and writes
//! that compare belong in a transaction that is committed after it. The newest registration is in
//! force, and the end of one never ends another.
//!
//! ```
//! use callbox::{CType, Limits, Prototype, Sandbox, rusqlite, sqlite};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let guest = Sandbox::new(Limits::default())?.bundled("version")?;
//! let version = guest.callback("compare_bytes", Prototype::comparator(CType::Void))?;
//!
//! let db = rusqlite::Connection::open_in_memory()?;
//! let collation = sqlite::create_collation(&db, "version", &version)?;
//! db.execute_batch("CREATE TABLE tag (name TEXT COLLATE version);
//!     INSERT INTO tag VALUES ('v1.10'), ('v1.9'), ('v1.2');")?;
//! let names = db.prepare("SELECT name FROM tag ORDER BY name")?
//!     .query_map([], |row| row.get(0))?
//!     .collect::<rusqlite::Result<Vec<String>>>();
//! let names = collation.check(names)?;        // the guest's failure, if there was one
//! assert_eq!(names, ["v1.2", "v1.9", "v1.10"]);
//! # Ok(()) }
//! ```
//!
//! Errors are rusqlite's; an error of this crate is wrapped in a
//! [`UserFunctionError`](rusqlite::Error::UserFunctionError).
//!
//! # An index outlives its guest
//!
//! An index keeps the order that a collation had when its rows were inserted. Another version of the guest
//! may have another order, and SQLite would fail to find rows by the index. Store
//! [`Module::sha256`](crate::Module::sha256) with an index (`callbox inspect` prints it), and run `REINDEX`
//! when it changes.

mod arguments;
mod authorizer;
mod collation;
mod function;
mod policies;
mod value;

pub use authorizer::{Authorizer, set_authorizer};
pub use collation::{Collation, create_collation};
pub use function::create_scalar_function;

use crate::error::Error;

/// Converts an error of this crate to one of rusqlite's.
fn wrapped(error: impl Into<Error>) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(error.into()))
}

/// Converts SQLite's result code of a registration.
fn check_code(code: std::ffi::c_int) -> rusqlite::Result<()> {
    use rusqlite::ffi::{Error, SQLITE_BUSY, SQLITE_MISUSE, SQLITE_OK};
    let reason = match code {
        SQLITE_OK => return Ok(()),
        SQLITE_BUSY => Some("a statement is running; finish or drop it first"),
        SQLITE_MISUSE => {
            Some("SQLite takes names of at most 255 bytes, and functions of at most 1,000 arguments")
        }
        _ => None,
    };
    Err(rusqlite::Error::SqliteFailure(Error::new(code), reason.map(str::to_owned)))
}
