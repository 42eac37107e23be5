//! Collations: orders of text.
#![allow(unsafe_code, reason = "registers a callback with SQLite, which calls it")]

use std::ffi::{CString, c_int, c_void};
use std::fmt;
use std::slice;
use std::sync::Arc;

use rusqlite::{Connection, ffi};

use super::{registered, wrapped};
use crate::callback::Callback;
use crate::error::Error;
use crate::registry::{Access, Entry, SlotHandle, SlotKey};
use crate::sandbox::CompareShape;
use crate::trampoline::{AnyThread, Neutral, cross};

/// A collation that SQLite has: what it has come to so far. The guest behind it lives until SQLite
/// destroys the collation, with or without this.
pub struct Collation {
    key: SlotKey,
    entry: Arc<Entry>,
}

/// The state of a collation that SQLite holds.
struct CollationContext {
    slot: SlotHandle,
    db: *mut ffi::sqlite3,
}

/// Adds a collation to a connection, or replaces one: `ORDER BY name COLLATE guest`. `compare` takes its elements as
/// slices of bytes ([`CompareShape::Slices`]), as the bundled guests for lines do; texts reach it in UTF-8.
///
/// Where the guest fails, the statement is interrupted, and so is every later one that asks it, until the
/// failure has been [taken](Collation::take_failure). SQLite may have returned a first row by then, and its
/// error says no more than "interrupted": [`Collation::check`] returns the failure itself.
///
/// # Errors
///
/// SQLite's, which refuses while a statement is running; [`Error::TableFull`]; [`Error::PrototypeUnserved`] where
/// the callback is not a comparator of that shape.
pub fn create_collation(db: &Connection, name: &str, compare: &Callback) -> rusqlite::Result<Collation> {
    if compare.shape() != Some(CompareShape::Slices) || compare.accepts(usize::MAX, None).is_err() {
        let reason = "a collation takes two runs of bytes; \
             register compare_bytes as \"int (const void *, const void *)\"";
        return Err(wrapped(Error::PrototypeUnserved { prototype: compare.prototype().to_string(), reason }));
    }
    let name = CString::new(name)?;
    let slot = SlotHandle::new(Entry::new(compare.clone(), Access::CallingThread)).map_err(wrapped)?;
    let collation = Collation { key: slot.key(), entry: slot.shared_entry() };
    // SAFETY: it is only used to register, and by SQLite's own calls of the collation, in which it lives.
    let connection = unsafe { db.handle() };
    let context = Box::into_raw(Box::new(CollationContext { slot, db: connection }));
    // SAFETY: both functions take a `CollationContext`, which stays until SQLite calls `destroy`.
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
        // SAFETY: this is the one registration whose failure leaves the destructor to us.
        unsafe { destroy(context.cast()) };
    }
    registered(code).map(|()| collation)
}

/// # Safety
///
/// SQLite passes the context that it was given, and two runs of bytes.
unsafe extern "C" fn order(
    context: *mut c_void,
    a_len: c_int,
    a: *const c_void,
    b_len: c_int,
    b: *const c_void,
) -> c_int {
    // SAFETY: it is the context that `create_collation` has left, and SQLite calls nothing after `destroy`.
    let CollationContext { slot, db } = unsafe { &*context.cast::<CollationContext>() };
    let bytes = |at: *const c_void, len: c_int| match usize::try_from(len) {
        // SAFETY: SQLite vouches for its texts, until we return.
        Ok(len) if len > 0 => unsafe { slice::from_raw_parts(at.cast::<u8>(), len) },
        _ => &[],
    };
    let (a, b) = (bytes(a, a_len), bytes(b, b_len));
    let entry = slot.entry();
    match cross::<AnyThread, _, _>(entry, || Ok(()), |()| entry.callback.ask(None, a, b)) {
        Ok(order) => order as c_int,
        Err(Neutral) => {
            // SAFETY: the connection is in a call of ours.
            unsafe { ffi::sqlite3_interrupt(*db) };
            0
        }
    }
}

/// # Safety
///
/// SQLite passes the context that it was given, once.
unsafe extern "C" fn destroy(context: *mut c_void) {
    // SAFETY: it comes from `Box::into_raw` in `create_collation`.
    drop(unsafe { Box::from_raw(context.cast::<CollationContext>()) });
}

impl Collation {
    /// What a statement that used the collation came to: the guest's failure if there was one, whatever SQLite made of it.
    ///
    /// # Errors
    ///
    /// The guest's failure, as a [`UserFunctionError`](rusqlite::Error::UserFunctionError); otherwise that of
    /// `outcome`.
    pub fn check<T>(&self, outcome: rusqlite::Result<T>) -> rusqlite::Result<T> {
        match self.take_failure() {
            Some(failure) => Err(wrapped(failure)),
            None => outcome,
        }
    }

    /// Takes the first failure since the last time, if there was one; the next statement asks the guest
    /// again.
    pub fn take_failure(&self) -> Option<Error> {
        self.entry.take_failure()
    }

    /// How often SQLite has asked.
    pub fn calls(&self) -> u64 {
        self.entry.calls()
    }

    /// What the slot is called in the [`CallbackTable`](crate::CallbackTable), as long as SQLite has the
    /// collation.
    pub fn key(&self) -> SlotKey {
        self.key
    }
}

impl fmt::Debug for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collation({:?})", self.entry.callback)
    }
}
