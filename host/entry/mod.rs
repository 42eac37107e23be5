//! What a slot of the callback table holds, and the tables.

mod registry;
mod view;

use std::ffi::c_int;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bounds::Bounds;
use crate::callback::{Answer, Callback};
use crate::error::{Error, Result};
#[cfg(feature = "libffi")]
use crate::sandbox::Budget;
use crate::table::{Key, Table};

#[cfg(feature = "libffi")]
pub(crate) use registry::new_table;
use registry::{NEUTRALS, TABLE};
pub(crate) use registry::{SLOTS, comparator, neutral};
pub use view::{CallbackTable, Registration};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for the order of two elements given as bytes, from any thread.
pub(crate) type SharedAsk = Box<dyn Fn(&[u8], &[u8]) -> Answer + Send + Sync>;

/// One loan of a callback to native code.
pub(crate) struct Entry {
    pub(crate) callback: Callback,
    pub(crate) lent: Lent,
    /// Calls on the thread that began the native call, which nobody else counts, and on others.
    calls: AtomicU64,
    foreign_calls: AtomicU64,
    failures: AtomicU64,
    leases: AtomicUsize,
    failed: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// What any thread may do with the slot.
pub(crate) enum Lent {
    /// Nothing: a native call of ours is in progress, which only its own thread may make.
    Alone,
    /// Compare elements inside these bounds.
    Elements { bounds: Bounds, ask: SharedAsk },
    /// Call it with whatever its prototype passes, on this budget or each time on a new one.
    #[cfg(feature = "libffi")]
    Values { budget: Option<Arc<Budget>> },
}

impl Entry {
    pub(crate) fn new(callback: Callback, lent: Lent) -> Entry {
        Entry {
            callback,
            lent,
            calls: AtomicU64::new(0),
            foreign_calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            leases: AtomicUsize::new(1),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// What C gets from a comparator in place of an answer. Our own native calls go on with "equal", with
    /// which their loops run out.
    pub(crate) fn neutral(&self) -> c_int {
        match (&self.lent, &self.callback.terms().fallback) {
            (Lent::Alone, _) | (_, None) => 0,
            (_, Some(bytes)) => bytes.first_chunk().map_or(0, |bytes| c_int::from_ne_bytes(*bytes)),
        }
    }

    /// Counts a call, on any thread.
    pub(crate) fn count(&self) {
        self.foreign_calls.fetch_add(1, Relaxed);
    }

    /// Counts a call on the thread that began the native call: no other one does, so that it needs no
    /// exclusive access.
    #[inline]
    pub(crate) fn count_alone(&self) {
        self.calls.store(self.calls.load(Relaxed) + 1, Relaxed);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Relaxed) + self.foreign_calls.load(Relaxed)
    }

    /// Keeps the first failure, as far as the lender's hook leaves it; later ones are its echoes.
    pub(crate) fn fail(&self, error: Error) {
        self.failures.fetch_add(1, Relaxed);
        let kept = match &self.callback.terms().on_failure {
            None => Some(error),
            Some(hook) => panic::catch_unwind(AssertUnwindSafe(|| hook(error)))
                .unwrap_or_else(|panic| Some(Error::panicked(self.callback.export(), &*panic))),
        };
        if let Some(error) = kept {
            lock(&self.failure).get_or_insert(error);
            self.failed.store(true, Relaxed);
        }
    }

    /// Whether a failure is kept, so that the guest is not to be asked again.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    /// Takes the first failure out; the next call asks the guest again.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        let failure = lock(&self.failure).take();
        self.failed.store(false, Relaxed);
        failure
    }
}

/// A shared holding of one slot; the last one to go gives the slot back.
pub(crate) struct Loan {
    table: &'static Table<Entry>,
    key: Key,
    entry: Arc<Entry>,
}

impl Loan {
    /// Takes a free slot of the comparators'.
    pub(crate) fn new(entry: Entry) -> Result<Loan> {
        let neutral = entry.neutral();
        let loan = Loan::new_in(&TABLE, entry)?;
        NEUTRALS[loan.key.slot()].store(neutral, Relaxed);
        Ok(loan)
    }

    /// Takes a free slot of a table.
    pub(crate) fn new_in(table: &'static Table<Entry>, entry: Entry) -> Result<Loan> {
        let entry = Arc::new(entry);
        let key = table.insert(entry.clone()).ok_or(Error::TableFull { capacity: SLOTS })?;
        Ok(Loan { table, key, entry })
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// What is known of the loan, for who wants to ask after its end.
    #[cfg(feature = "sqlite")]
    pub(crate) fn shared_entry(&self) -> Arc<Entry> {
        self.entry.clone()
    }

    /// Gives the slot up for good, whoever else holds it.
    pub(crate) fn retire(self) {
        self.table.retire(self.key);
    }
}

impl fmt::Debug for Loan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Registration::of(self.key, &self.entry))
    }
}

impl Clone for Loan {
    fn clone(&self) -> Loan {
        self.entry.leases.fetch_add(1, Relaxed);
        Loan { table: self.table, key: self.key, entry: self.entry.clone() }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if self.entry.leases.fetch_sub(1, Relaxed) == 1 {
            self.table.remove(self.key); // a retired key finds nothing
        }
    }
}
