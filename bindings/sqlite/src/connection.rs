//! The state of a connection, which is there as long as SQLite has one of its functions.
#![allow(unsafe_code, reason = "asks SQLite, and is sent between threads as the connection is")]

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use callbox::{Config, Limits, Sandbox};
use libsqlite3_sys::{SQLITE_LIMIT_WORKER_THREADS, SQLITE_NOMEM, SQLITE_OK, sqlite3};

use crate::api::Api;
use crate::collation::Collation;
use crate::fault::Result;
use crate::function::Function;
use crate::limits;

/// Connections by their addresses. One that has been closed is no longer there.
static CONNECTIONS: Mutex<BTreeMap<usize, Weak<Connection>>> = Mutex::new(BTreeMap::new());

/// A statement that fails if [`Connection::fail_statement`] runs it.
const FAILING: &str = "SELECT callbox_fail()";

/// A connection, and what has been loaded into it. SQLite owns what is loaded; this only lists it.
pub(crate) struct Connection {
    pub(crate) api: Api,
    pub(crate) db: *mut sqlite3,
    pub(crate) limits: Mutex<Limits>,
    pub(crate) collations: Mutex<Vec<Weak<Collation>>>,
    pub(crate) functions: Mutex<Vec<Weak<Function>>>,
    /// Whether [`FAILING`] is run by this extension.
    failing: AtomicBool,
    /// The thread that was last seen to have the connection, as [`this_thread`] numbers it.
    last_thread: AtomicU64,
}

// SAFETY: the address is used in SQLite's calls of this extension only, by the thread that has the
// connection; `interrupt` and `limit` may be called by any. Everything else is behind locks.
unsafe impl Send for Connection {}
// SAFETY: as above.
unsafe impl Sync for Connection {}

/// Locks a mutex. What a panic left behind is whole, because locks are held for single assignments.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns this thread's number, which no other thread of the process ever has.
fn this_thread() -> u64 {
    static THREADS: AtomicU64 = AtomicU64::new(0);
    thread_local!(static NUMBER: u64 = THREADS.fetch_add(1, Relaxed) + 1);
    NUMBER.with(|number| *number)
}

impl Connection {
    /// Returns the state of a connection that has none yet.
    pub(crate) fn open(api: Api, db: *mut sqlite3) -> Option<Arc<Connection>> {
        let mut connections = lock(&CONNECTIONS);
        if connections.get(&db.addr()).is_some_and(|known| known.strong_count() > 0) {
            return None;
        }
        let connection = Arc::new(Connection {
            api,
            db,
            limits: Mutex::new(limits::defaults()),
            collations: Mutex::default(),
            functions: Mutex::default(),
            failing: AtomicBool::new(false),
            last_thread: AtomicU64::new(0),
        });
        connections.insert(db.addr(), Arc::downgrade(&connection));
        Some(connection)
    }

    /// Returns a sandbox with the limits that are set now. Its guests stop when the statement is interrupted,
    /// where SQLite lets that be seen.
    pub(crate) fn sandbox(&self) -> Result<Sandbox> {
        // The process is somebody else's, who may handle signals: a JVM, Go, Python's faulthandler.
        let mut config = Config::new(*lock(&self.limits)).signals_based_traps(false);
        if let Some(is_interrupted) = self.api.is_interrupted {
            let db = self.db.expose_provenance();
            config = config.interrupt_when(move || {
                // SAFETY: a guest runs in a call by SQLite, so that the connection is open.
                unsafe { is_interrupted(std::ptr::with_exposed_provenance_mut(db)) != 0 }
            });
        }
        Ok(Sandbox::new(config)?)
    }

    /// Returns the collation of this name that is in force.
    pub(crate) fn collation(&self, name: &str) -> Option<Arc<Collation>> {
        let all = lock(&self.collations);
        let mut alive = all.iter().filter_map(Weak::upgrade).filter(|known| known.is_in_force());
        alive.find(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// Makes the statement fail that is running, whatever SQLite does next. Returns whether it does.
    ///
    /// SQLite's comparisons have no way to report an error, and an interrupt is noticed between certain steps
    /// only. An allocation that failed is noticed everywhere: no row is returned and nothing is committed
    /// after it. A function reports one to SQLite, in a statement inside the one that is running.
    pub(crate) fn fail_statement(&self) -> bool {
        if !self.is_on_its_thread() {
            return false;
        }
        self.failing.store(true, Relaxed);
        let outcome = self.execute(FAILING, &[]);
        self.failing.store(false, Relaxed);
        outcome.is_err_and(|fault| fault.primary() == SQLITE_NOMEM)
    }

    /// Returns whether the statement that is running has been made to fail: nothing can be prepared before it
    /// has ended.
    pub(crate) fn is_failing(&self) -> bool {
        let outcome = self.query("SELECT 1", &[], |_| ());
        outcome.is_err_and(|fault| fault.primary() == SQLITE_NOMEM)
    }

    /// Returns whether `callbox_fail` is called by [`Connection::fail_statement`].
    pub(crate) fn fails_now(&self) -> bool {
        self.failing.load(Relaxed)
    }

    /// Interrupts what is running. Any thread may.
    pub(crate) fn interrupt(&self) {
        // SAFETY: a comparison runs inside a call on the connection, which is therefore open.
        unsafe { (self.api.interruptx)(self.db) }
    }

    /// Returns whether this thread has the connection, while a statement runs. Threads of a sorter do not
    /// have it: they may not run statements, nor wait for the connection, which waits for them.
    pub(crate) fn is_on_its_thread(&self) -> bool {
        let me = this_thread();
        // Threads of a sorter sort one run and end, and never have a connection.
        if self.last_thread.load(Relaxed) == me {
            return true;
        }
        let is = self.has_mutex();
        if is {
            self.last_thread.store(me, Relaxed);
        }
        is
    }

    fn has_mutex(&self) -> bool {
        // SAFETY: the connection is open.
        let mutex = unsafe { (self.api.db_mutex)(self.db) };
        if mutex.is_null() {
            // Without mutexes nothing tells threads apart, and no thread waits.
            return self.limit(SQLITE_LIMIT_WORKER_THREADS, -1) == 0;
        }
        // SAFETY: it is the connection's, and the thread that runs a statement has it already.
        if unsafe { (self.api.mutex_try)(mutex) } != SQLITE_OK {
            return false;
        }
        // SAFETY: it was taken in the line before.
        unsafe { (self.api.mutex_leave)(mutex) };
        true
    }

    /// Has SQLite sort without threads of its own, on which no failure can be reported.
    pub(crate) fn sort_without_threads(&self) {
        self.limit(SQLITE_LIMIT_WORKER_THREADS, 0);
    }

    fn limit(&self, id: c_int, value: c_int) -> c_int {
        // SAFETY: the connection is open.
        unsafe { (self.api.limit)(self.db, id, value) }
    }

    /// Tells SQLite's error log, where the program has one.
    pub(crate) fn log(&self, text: &str) {
        let text = std::ffi::CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default();
        // SAFETY: the format takes one text, which ends with a NUL.
        unsafe { (self.api.log)(libsqlite3_sys::SQLITE_ERROR, c"callbox: %s".as_ptr(), text.as_ptr()) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut connections = lock(&CONNECTIONS);
        // Another connection may have the address by now.
        if connections.get(&self.db.addr()).is_some_and(|known| known.strong_count() == 0) {
            connections.remove(&self.db.addr());
        }
    }
}
