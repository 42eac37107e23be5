//! Authorizers: permission for the actions of a statement.

use std::fmt;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ffi};

use super::policies::{Authorize, Registered};
use super::wrapped;
use crate::callback::Callback;
use crate::error::Error;
use crate::lease::RetainedLease;
use crate::prototype::check_fn_pointer;

/// A registration of an authorizer, which ends when this is dropped. Until then the authorizer is in force,
/// unless a newer one is.
pub struct Authorizer<'db> {
    db: &'db Connection,
    registered: Registered,
    kept: RetainedLease<Authorize>,
}

/// Registers a guest that authorizes the actions of statements while they are prepared. The prototype of the
/// callback is SQLite's: `int (void *, int action, const char *, const char *, const char *, const char *)`;
/// it returns `SQLITE_OK` (0), `SQLITE_DENY` (1) or `SQLITE_IGNORE` (2), by which a column reads as NULL and
/// is not updated. Any other answer denies the action. If the guest fails, the action is denied, whatever
/// fallback was set, until the failure has been [taken](Authorizer::take_failure).
///
/// The newest [`Authorizer`] that lives is in force: another one replaces it, and it decides again when the
/// newer ones have been dropped, in whatever order. Statements that were prepared before are then authorized
/// again when they next begin, and one that is running may fail. After the last one, everything is allowed,
/// with one exception: if rusqlite's `Connection::authorizer` was set before the first, everything is denied
/// until it is set again, because SQLite does not return an authorizer that has been replaced. One that was
/// set by `sqlite3_set_authorizer` itself cannot be seen, and has to be set again in the same way; one that
/// is set after the newest [`Authorizer`] stays, whichever is dropped.
///
/// # Errors
///
/// [`TypeError::Pointer`](crate::TypeError::Pointer) if the callback has another prototype,
/// [`Error::TableFull`] and [`Error::NoMemory`], and SQLite's errors. The authorizer so far stays in force.
#[track_caller]
pub fn set_authorizer<'db>(db: &'db Connection, authorize: &Callback) -> rusqlite::Result<Authorizer<'db>> {
    check_fn_pointer::<Authorize>(authorize.prototype()).map_err(wrapped)?;
    let denying = authorize.clone().fallback(ffi::SQLITE_DENY).map_err(wrapped)?;
    let kept = denying.retain_as::<Authorize>().map_err(wrapped)?;
    let registered = Registered::new(db, kept.clone())?;
    Ok(Authorizer { db, registered, kept })
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
        if self.registered.end() {
            // The policy that follows may deny actions that this one allowed. SQLite prepares all
            // statements again after a change of this option, which is set back at once. A change of the
            // authorizer would do so as well, but might replace one of the embedder's.
            let option = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
            let expired = self.db.db_config(option).and_then(|set| {
                self.db.set_db_config(option, !set)?;
                self.db.set_db_config(option, set)
            });
            debug_assert!(expired.is_ok(), "SQLite has the option since 3.20");
        }
    }
}

impl fmt::Debug for Authorizer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorizer({:?})", self.kept)
    }
}
