//! Orders of text.
#![allow(unsafe_code, reason = "registers callbacks with SQLite, which calls them")]

use std::cmp::Ordering;
use std::ffi::{CString, c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use libsqlite3_sys::{SQLITE_BUSY, SQLITE_OK, SQLITE_UTF8, SQLITE_UTF16BE, SQLITE_UTF16LE};

use crate::connection::{Connection, lock};
use crate::fault::{Fault, Result, catch};
use crate::order::Order;
use crate::records::{self, Seen};

/// A collation that SQLite has. Its name stays, and its guest can be another: SQLite refuses to replace a
/// collation inside a statement, and functions are called in statements.
pub(crate) struct Collation {
    pub(crate) connection: Arc<Connection>,
    pub(crate) name: String,
    /// Whether SQLite has not destroyed it.
    in_force: AtomicBool,
    /// Whether SQLite has the function of its sort keys.
    pub(crate) has_key: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: u64,
    order: Option<Arc<Order>>,
    condition: Condition,
    /// The last statement's failure, until another guest is loaded.
    failure: Option<String>,
    /// The databases when their records were last looked at.
    seen: Arc<Vec<Seen>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Condition {
    #[default]
    Well,
    /// Its indexes are being built anew: failures are kept, and the statement runs to its end.
    Rebuilding,
    /// It has failed while they were.
    RebuildFailed,
    /// It has failed, and the statement fails.
    Told,
    /// It has failed, and the statement may not have noticed. The next one will.
    Untold,
}

impl Collation {
    /// Registers a collation with SQLite, which has no order yet.
    pub(crate) fn register(connection: &Arc<Connection>, name: &str) -> Result<Arc<Collation>> {
        let collation = Arc::new(Collation {
            connection: connection.clone(),
            name: name.to_owned(),
            in_force: AtomicBool::new(true),
            has_key: AtomicBool::new(false),
            state: Mutex::default(),
        });
        let text = CString::new(name).map_err(|_| Fault::new("a name has no NUL"))?;
        let (api, db, none) = (&connection.api, connection.db, ptr::null_mut());
        let refused = |code| match code {
            SQLITE_BUSY => Fault::new(format!(
                "the connection has another collation \"{name}\", which is not Callbox's; choose another name"
            )),
            code => connection.fault(code),
        };
        // SQLite has a collation for each encoding, and calls the one of the database's: those of others
        // would stay in force there.
        for encoding in [SQLITE_UTF16LE, SQLITE_UTF16BE] {
            // SAFETY: null pointers remove the collation, and the connection is open.
            let code = unsafe { (api.create_collation_v2)(db, text.as_ptr(), encoding, none, None, None) };
            if code != SQLITE_OK {
                return Err(refused(code));
            }
        }
        let context = Arc::into_raw(collation.clone()).cast_mut().cast();
        let destructor = Some(destroy as _);
        // SAFETY: both functions take a `Collation`, which lives until SQLite calls `destroy`.
        let code = unsafe {
            (api.create_collation_v2)(db, text.as_ptr(), SQLITE_UTF8, context, Some(order), destructor)
        };
        if code != SQLITE_OK {
            // SAFETY: this is the one registration function that does not call the destructor when it fails.
            unsafe { destroy(context) };
            return Err(refused(code));
        }
        let mut all = lock(&connection.collations);
        all.retain(|known| known.strong_count() > 0);
        all.push(Arc::downgrade(&collation));
        Ok(collation)
    }

    pub(crate) fn is_in_force(&self) -> bool {
        self.in_force.load(Relaxed)
    }

    pub(crate) fn calls(&self) -> u64 {
        lock(&self.state).calls
    }

    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.state).failure.clone()
    }

    pub(crate) fn order(&self) -> Option<Arc<Order>> {
        lock(&self.state).order.clone()
    }

    /// Has another guest compare from now on, and forgets failures. `seen` are the databases before their
    /// records were looked at.
    pub(crate) fn set(&self, order: Option<Arc<Order>>, seen: Vec<Seen>) {
        let mut state = lock(&self.state);
        let before = std::mem::replace(&mut state.order, order);
        (state.condition, state.failure, state.seen) = (Condition::Well, None, Arc::new(seen));
        drop(state);
        drop(before); // after the lock
    }

    /// Begins to keep failures until [`Collation::rebuilt`] returns them.
    pub(crate) fn rebuilding(&self) {
        lock(&self.state).condition = Condition::Rebuilding;
    }

    /// Returns the failure since [`Collation::rebuilding`].
    pub(crate) fn rebuilt(&self) -> Result<()> {
        let state = lock(&self.state);
        match state.condition {
            Condition::RebuildFailed => Err(Fault::new(state.failure.clone().unwrap_or_default())),
            _ => Ok(()),
        }
    }

    /// Compares two texts, unless [`Collation::compare_if_well`] has. What SQLite makes of the answer after a
    /// failure does not matter: the statement fails, or the next one does.
    fn compare(&self, compared: Option<Result<Ordering>>, a: &[u8], b: &[u8]) -> c_int {
        let ask = || self.ready().and_then(|order| Ok(order.compare.compare(a, b)?));
        match compared.unwrap_or_else(ask) {
            Ok(order) => order as c_int,
            Err(fault) => {
                self.fail(fault.message);
                0
            }
        }
    }

    /// Compares two texts where [`Collation::ready`] has nothing to do, which is in almost every call. No
    /// guest can call back while the state is locked.
    fn compare_if_well(&self, a: &[u8], b: &[u8]) -> Option<Result<Ordering>> {
        let mut state = lock(&self.state);
        state.calls += 1;
        let State { order: Some(order), condition: Condition::Well, seen, .. } = &*state else { return None };
        let is_ready = self.connection.is_on_its_thread() && !self.connection.has_changed(seen);
        is_ready.then(|| Ok(order.compare.compare(a, b)?))
    }

    /// Returns the order, if it can be asked. An error without a text is about a failure that is known.
    pub(crate) fn ready(&self) -> Result<Arc<Order>> {
        let (order, condition, seen) = {
            let state = lock(&self.state);
            (state.order.clone(), state.condition, state.seen.clone())
        };
        let told = || Fault::new("");
        let Some(order) = order else {
            return Err(Fault::new(format!("no guest is loaded as \"{}\"; load one", self.name)));
        };
        match condition {
            Condition::Rebuilding => return Ok(order),
            Condition::RebuildFailed => return Err(told()),
            _ if !self.connection.is_on_its_thread() => {
                return Err(Fault::new(
                    "SQLite may sort in threads of its own, where no failure can be reported; \
                     set PRAGMA threads = 0",
                ));
            }
            Condition::Well => {}
            Condition::Told if self.connection.is_failing() => return Err(told()),
            Condition::Told => {
                let fresh = Arc::new(order.fresh()?);
                let mut state = lock(&self.state);
                state.order = Some(fresh.clone());
                state.condition = Condition::Well;
                drop(state);
                return self.looked_at(fresh, &seen);
            }
            Condition::Untold => return Err(told()),
        }
        self.looked_at(order, &seen)
    }

    /// Returns the order, if the databases' records are those that it was loaded with.
    fn looked_at(&self, order: Arc<Order>, seen: &[Seen]) -> Result<Arc<Order>> {
        if self.connection.has_changed(seen) {
            let now = self.connection.look()?;
            records::check(&self.connection, &self.name, &order.source.sha256)?;
            lock(&self.state).seen = Arc::new(now);
        }
        Ok(order)
    }

    /// Keeps a failure of a function, whose statement fails by its error. Returns the error.
    pub(crate) fn failed(&self, fault: Fault) -> Fault {
        let mut state = lock(&self.state);
        if fault.message.is_empty() {
            state.condition = match state.condition {
                Condition::Untold => Condition::Told,
                other => other,
            };
            return Fault { message: state.failure.clone().unwrap_or_default(), ..fault };
        }
        state.failure = Some(fault.message.clone());
        state.condition = match state.condition {
            Condition::Rebuilding => Condition::RebuildFailed,
            Condition::Well => Condition::Told,
            other => other,
        };
        fault
    }

    /// Keeps a failure, and makes the statement fail.
    fn fail(&self, text: String) {
        let before = {
            let mut state = lock(&self.state);
            if !text.is_empty() {
                state.failure = Some(text.clone());
            }
            let before = state.condition;
            if before == Condition::Rebuilding {
                state.condition = Condition::RebuildFailed;
            }
            before
        };
        if matches!(before, Condition::Rebuilding | Condition::RebuildFailed) {
            return;
        }
        if before == Condition::Well && !text.is_empty() {
            self.connection.log(&format!("{}: {text}", self.name));
        }
        let told = self.connection.fail_statement();
        if !told {
            self.connection.interrupt();
        }
        lock(&self.state).condition = if told { Condition::Told } else { Condition::Untold };
    }
}

/// # Safety
///
/// SQLite passes the context that it was given, and two texts with their lengths in bytes.
unsafe extern "C" fn order(
    context: *mut c_void,
    a_len: c_int,
    a: *const c_void,
    b_len: c_int,
    b: *const c_void,
) -> c_int {
    let context = context.cast::<Collation>().cast_const();
    let bytes = |at: *const c_void, len: c_int| match usize::try_from(len) {
        // SAFETY: SQLite vouches for its texts until this function returns.
        Ok(len) if len > 0 && !at.is_null() => unsafe { slice::from_raw_parts(at.cast::<u8>(), len) },
        _ => &[],
    };
    let (a, b) = (bytes(a, a_len), bytes(b, b_len));
    // SAFETY: `register` passed the context, and SQLite has not destroyed it. Nothing of the program's runs
    // meanwhile that could have it do so.
    let compared = catch(|| Ok(unsafe { &*context }.compare_if_well(a, b)));
    if let Ok(Some(Ok(order))) = compared {
        return order as c_int;
    }
    // SAFETY: as above.
    unsafe { Arc::increment_strong_count(context) };
    // SAFETY: the count is that of the line before. SQLite may destroy its own during what follows.
    let collation = unsafe { Arc::from_raw(context) };
    catch(|| Ok(collation.compare(compared?, a, b))).unwrap_or_else(|panic| {
        let _ = catch(|| {
            collation.fail(panic.message);
            Ok(())
        });
        0
    })
}

/// # Safety
///
/// SQLite passes the context that it was given, once.
unsafe extern "C" fn destroy(context: *mut c_void) {
    // SAFETY: it comes from `Arc::into_raw` in `register`.
    let collation = unsafe { Arc::from_raw(context.cast::<Collation>().cast_const()) };
    collation.in_force.store(false, Relaxed);
    let _ = catch(|| {
        drop(collation);
        Ok(())
    });
}
