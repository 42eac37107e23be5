//! Collations: orders of text.
#![allow(unsafe_code, reason = "registers a callback with SQLite, which calls it")]

use std::ffi::{CString, c_int, c_void};
use std::fmt;
use std::ptr;
use std::slice;
use std::sync::Arc;

use rusqlite::{Connection, ffi};

use super::{check_code, wrapped};
use crate::callback::Callback;
use crate::error::{Error, panics};
use crate::registry::{Access, Entry, SlotHandle, SlotKey};
use crate::sandbox::CompareShape;
use crate::trampoline::{AnyThread, Neutral, cross};

/// A collation registered with SQLite: its failure and calls so far. The guest behind it lives until SQLite
/// destroys the collation, whether or not this is dropped.
pub struct Collation {
    key: SlotKey,
    entry: Arc<Entry>,
}

/// The state of a collation that SQLite holds.
struct CollationContext {
    slot: SlotHandle,
    db: *mut ffi::sqlite3,
}

impl CollationContext {
    fn for_call(&self) -> (Arc<Entry>, *mut ffi::sqlite3) {
        (self.slot.shared_entry(), self.db)
    }
}

/// Adds a collation to a connection: `ORDER BY name COLLATE guest`. `compare` takes its elements as byte
/// slices ([`CompareShape::Slices`]), as the bundled guests for lines do; texts reach it in UTF-8.
///
/// Another collation of the same name is replaced, whatever text encoding it was registered for. The
/// [`Collation`] of the replaced one decides nothing any more, and dropping either changes nothing.
///
/// If the guest fails, the statement is interrupted, and so is every later one that calls it, until the
/// failure has been [taken](Collation::take_failure). SQLite may have returned a first row by then, and its
/// error is only "interrupted": [`Collation::check`] returns the failure itself. SQLite looks for interrupts
/// between steps only, so a short statement may end with success, and have compared the texts as equal: let
/// writes that compare run in a transaction, and [check](Collation::check) before it is committed.
///
/// # Errors
///
/// SQLite's errors, as it refuses to replace a collation while a statement is running, and the collation so
/// far stays; an error if the name is `BINARY`, on whose order it relies; [`Error::TableFull`];
/// [`Error::PrototypeUnserved`] if the callback is not a comparator of that shape.
#[track_caller]
pub fn create_collation(db: &Connection, name: &str, compare: &Callback) -> rusqlite::Result<Collation> {
    if compare.shape() != Some(CompareShape::Slices) || compare.accepts(usize::MAX, None).is_err() {
        let reason = "a collation takes two runs of bytes; \
             register compare_bytes as \"int (const void *, const void *)\"";
        return Err(wrapped(Error::PrototypeUnserved { prototype: compare.prototype().to_string(), reason }));
    }
    if name.eq_ignore_ascii_case("BINARY") {
        let reason = "SQLite itself relies on the order of BINARY; give the collation another name";
        let misuse = ffi::Error::new(ffi::SQLITE_MISUSE);
        return Err(rusqlite::Error::SqliteFailure(misuse, Some(reason.to_owned())));
    }
    let name = CString::new(name)?;
    let slot = SlotHandle::new(Entry::new(compare.clone(), Access::CallingThread)).map_err(wrapped)?;
    let collation = Collation { key: slot.key(), entry: slot.shared_entry() };
    // SAFETY: the handle is used only to register, and in SQLite's own calls of the collation, while it is
    // alive.
    let connection = unsafe { db.handle() };
    // SQLite has a collation for each encoding, and calls the one of the database's: those of others would
    // stay in force there. It refuses the first of these calls, or none, while a statement is running.
    for encoding in [ffi::SQLITE_UTF16LE, ffi::SQLITE_UTF16BE] {
        let none = ptr::null_mut();
        // SAFETY: null pointers remove the collation, and the connection is open.
        let code = unsafe {
            ffi::sqlite3_create_collation_v2(connection, name.as_ptr(), encoding, none, None, None)
        };
        check_code(code)?;
    }
    let context = Box::into_raw(Box::new(CollationContext { slot, db: connection }));
    // SAFETY: both functions take a `CollationContext`, which lives until SQLite calls `destroy`.
    let code = unsafe {
        ffi::sqlite3_create_collation_v2(
            connection,
            name.as_ptr(),
            ffi::SQLITE_UTF8,
            context.cast(),
            Some(order),
            Some(destroy),
        )
    };
    if code != ffi::SQLITE_OK {
        // SAFETY: this is the one registration function that does not call the destructor when it fails.
        unsafe { destroy(context.cast()) };
    }
    check_code(code).map(|()| collation)
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
    // SAFETY: `create_collation` registered the context, and SQLite calls nothing after `destroy`. It may
    // destroy it during the call, if the host registers another from inside: the call has its own.
    let (entry, db) = unsafe { (*context.cast::<CollationContext>()).for_call() };
    let bytes = |at: *const c_void, len: c_int| match usize::try_from(len) {
        // SAFETY: SQLite vouches for its texts until this function returns.
        Ok(len) if len > 0 && !at.is_null() => unsafe { slice::from_raw_parts(at.cast::<u8>(), len) },
        _ => &[],
    };
    let (a, b) = (bytes(a, a_len), bytes(b, b_len));
    let answer = cross::<AnyThread, _, _>(&entry, || Ok(()), |()| entry.compare(None, a, b));
    panics::discard(entry);
    match answer {
        Ok(order) => order as c_int,
        Err(Neutral) => {
            // SAFETY: SQLite calls this function from a call on the connection, which is therefore open.
            unsafe { ffi::sqlite3_interrupt(db) };
            0
        }
    }
}

/// # Safety
///
/// SQLite passes the context that it was given, once.
unsafe extern "C" fn destroy(context: *mut c_void) {
    // SAFETY: it comes from `Box::into_raw` in `create_collation`.
    let context = unsafe { Box::from_raw(context.cast::<CollationContext>()) };
    panics::discard(context);
}

impl Collation {
    /// Returns the guest's failure, if there was one, instead of the `outcome` of a statement that used the
    /// collation, whatever SQLite made of it.
    ///
    /// # Errors
    ///
    /// The guest's failure, as a [`UserFunctionError`](rusqlite::Error::UserFunctionError); otherwise the
    /// error of `outcome`.
    pub fn check<T>(&self, outcome: rusqlite::Result<T>) -> rusqlite::Result<T> {
        match self.take_failure() {
            Some(failure) => Err(wrapped(failure)),
            None => outcome,
        }
    }

    /// Takes the first failure since the last time, if any; the next statement calls the guest again.
    pub fn take_failure(&self) -> Option<Error> {
        self.entry.take_failure()
    }

    /// Returns the number of calls by SQLite.
    pub fn calls(&self) -> u64 {
        self.entry.calls()
    }

    /// Returns the key of the slot in the [`CallbackTable`](crate::CallbackTable), which lists it as long as
    /// SQLite has the collation.
    pub fn key(&self) -> SlotKey {
        self.key
    }
}

impl fmt::Debug for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collation({:?})", self.entry.callback)
    }
}
