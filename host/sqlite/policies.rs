//! The authorizers of a connection, and the one function that SQLite calls for all of them.
//!
//! SQLite has one authorizer for each connection, and cannot tell which. A registration therefore never takes
//! that place away: SQLite calls [`authorize`] from the first registration on, and it asks the newest policy
//! that is still registered. The end of a registration removes its own policy from the list, and nothing
//! else.
#![allow(unsafe_code, reason = "is called by SQLite, and asks it for the data of a connection")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex};

use rusqlite::{Connection, ffi};

use super::check_code;
use crate::error::panics;
use crate::lease::RetainedLease;
use crate::sync::{force, lock};

/// SQLite's type of an authorizer.
pub(super) type Authorize = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
) -> c_int;

/// Policies by the number of their connection. SQLite has the number, not an address: one that outlives the
/// client data of its connection finds nothing here.
static CONNECTIONS: Mutex<BTreeMap<usize, Arc<Policies>>> = Mutex::new(BTreeMap::new());

static NEXT: AtomicUsize = AtomicUsize::new(1);

/// Name of the client data that holds the number. Each copy of this crate in the process has its own.
static NAME: LazyLock<CString> =
    LazyLock::new(|| CString::new(format!("callbox {:p}", &raw const CONNECTIONS)).unwrap_or_default());

/// Name under which rusqlite keeps the closure of `Connection::authorizer`.
const RUSQLITE: &CStr = c"sqlite3_set_authorizer";

/// The policies of one connection.
pub(super) struct Policies {
    /// Address of the connection.
    db: usize,
    /// Oldest first.
    registered: Mutex<Vec<Policy>>,
}

struct Policy {
    id: usize,
    kept: RetainedLease<Authorize>,
}

/// A registration; dropping it ends the registration, and no other.
pub(super) struct Registered {
    connection: Arc<Policies>,
    id: usize,
}

impl Registered {
    /// Registers a policy, which is in force once SQLite calls [`authorize`].
    pub(super) fn new(db: &Connection, kept: RetainedLease<Authorize>) -> rusqlite::Result<Registered> {
        // SAFETY: the handle is used while the connection is borrowed, and its address in calls by SQLite.
        let handle = unsafe { db.handle() };
        let (number, connection) = of_connection(handle)?;
        let id = NEXT.fetch_add(1, Relaxed);
        lock(&connection.registered).push(Policy { id, kept });
        let registered = Registered { connection, id };
        // SAFETY: `authorize` is of SQLite's type, takes any number, and exists as long as the process.
        let code = unsafe {
            ffi::sqlite3_set_authorizer(handle, Some(authorize), ptr::without_provenance_mut(number))
        };
        check_code(code).map(|()| registered)
    }

    /// Ends the registration. Returns whether it was in force among those of guests.
    pub(super) fn end(&self) -> bool {
        let mut registered = lock(&self.connection.registered);
        let at = registered.iter().position(|policy| policy.id == self.id);
        let ended = at.map(|at| (registered.len() == at + 1, registered.remove(at)));
        drop(registered); // before the lease, whose end takes other locks
        ended.is_some_and(|(newest, _)| newest)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.end();
    }
}

/// The policy in force.
enum InForce {
    None,
    /// The connection has an authorizer of rusqlite's, which SQLite no longer calls.
    Replaced,
    Guest(RetainedLease<Authorize>),
}

impl Policies {
    fn in_force(&self) -> InForce {
        if let Some(newest) = lock(&self.registered).last() {
            return InForce::Guest(newest.kept.clone());
        }
        let db = ptr::with_exposed_provenance_mut(self.db);
        // SAFETY: SQLite calls `authorize` from a call on the connection, which is therefore open.
        let closure = unsafe { ffi::sqlite3_get_clientdata(db, RUSQLITE.as_ptr()) };
        if closure.is_null() { InForce::None } else { InForce::Replaced }
    }
}

/// Returns the policies of a connection, and their number.
fn of_connection(db: *mut ffi::sqlite3) -> rusqlite::Result<(usize, Arc<Policies>)> {
    // SAFETY: the caller borrows the connection, and the name ends with a NUL.
    let number = unsafe { ffi::sqlite3_get_clientdata(db, force(&NAME).as_ptr()) }.addr();
    if let Some(known) = lock(&CONNECTIONS).get(&number) {
        return Ok((number, known.clone()));
    }
    let number = NEXT.fetch_add(1, Relaxed);
    let policies = Arc::new(Policies { db: db.expose_provenance(), registered: Mutex::default() });
    lock(&CONNECTIONS).insert(number, policies.clone());
    // SAFETY: as above; `forget` takes any number, and SQLite calls it if there is no memory, too.
    let code = unsafe {
        ffi::sqlite3_set_clientdata(
            db,
            force(&NAME).as_ptr(),
            ptr::without_provenance_mut(number),
            Some(forget),
        )
    };
    check_code(code).map(|()| (number, policies))
}

/// SQLite's destructor of the client data, when the connection closes.
unsafe extern "C" fn forget(number: *mut c_void) {
    let forgotten = lock(&CONNECTIONS).remove(&number.addr());
    panics::discard(forgotten); // after the lock, because leases end with it
}

/// The function that SQLite calls. It denies what no policy decides: an action of a connection that is
/// closing, an answer that is none, a failed guest.
///
/// # Safety
///
/// SQLite passes texts that end with a NUL, or null pointers, and is in a call on the connection.
unsafe extern "C" fn authorize(
    number: *mut c_void,
    action: c_int,
    a: *const c_char,
    b: *const c_char,
    database: *const c_char,
    trigger: *const c_char,
) -> c_int {
    let connection = lock(&CONNECTIONS).get(&number.addr()).cloned();
    match connection.map(|connection| connection.in_force()) {
        Some(InForce::None) => ffi::SQLITE_OK,
        Some(InForce::Replaced) | None => ffi::SQLITE_DENY,
        Some(InForce::Guest(kept)) => {
            // SAFETY: the texts are SQLite's until this returns, and the lease lives as long as `kept`.
            let answer = unsafe { kept.pointer()(ptr::null_mut(), action, a, b, database, trigger) };
            panics::discard(kept);
            match answer {
                ffi::SQLITE_OK | ffi::SQLITE_IGNORE => answer,
                _ => ffi::SQLITE_DENY,
            }
        }
    }
}
