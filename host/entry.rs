//! What a slot of the callback table holds, and the table as users see it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::bounds::Bounds;
use crate::callback::{Answer, Callback};
use crate::error::{Error, Result};
use crate::prototype::Prototype;
use crate::table::{Key, Table};

/// How many function pointers can be lent at once.
pub(crate) const SLOTS: usize = 1024;

/// The one table of the process. It is static because trampolines are: they are numbered
/// functions in this binary, and nothing executable is ever allocated.
pub(crate) static TABLE: Table<Entry, SLOTS> = Table::new();

/// Asks for the order of two elements given as bytes, from any thread.
pub(crate) type SharedAsk = Box<dyn Fn(&[u8], &[u8]) -> Answer + Send + Sync>;

/// One loan of a callback to native code.
pub(crate) struct Entry {
    pub(crate) callback: Callback,
    /// `None` while a native call of ours is in progress, which only its own thread may make.
    pub(crate) lent: Option<Lent>,
    /// Calls on the thread that began the native call, which nobody else counts, and on others.
    calls: AtomicU64,
    foreign_calls: AtomicU64,
    failures: AtomicU64,
    leases: AtomicUsize,
    failed: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// What any thread may do with the slot.
pub(crate) struct Lent {
    pub(crate) bounds: Bounds,
    pub(crate) ask: SharedAsk,
}

impl Entry {
    pub(crate) fn new(callback: Callback, lent: Option<Lent>) -> Entry {
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

    /// Keeps the first failure; later ones are its echoes.
    pub(crate) fn fail(&self, error: Error) {
        self.failures.fetch_add(1, Relaxed);
        self.kept().get_or_insert(error);
        self.failed.store(true, Relaxed);
    }

    /// Whether a failure is kept, so that the guest is not to be asked again.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    /// Takes the first failure out; the next call asks the guest again.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        let failure = self.kept().take();
        self.failed.store(false, Relaxed);
        failure
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A shared holding of one slot; the last one to go gives the slot back.
pub(crate) struct Loan {
    key: Key,
    entry: Arc<Entry>,
}

impl Loan {
    /// Takes a free slot.
    pub(crate) fn new(entry: Entry) -> Result<Loan> {
        let entry = Arc::new(entry);
        let key = TABLE.insert(entry.clone()).ok_or(Error::TableFull { capacity: SLOTS })?;
        Ok(Loan { key, entry })
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Gives the slot up for good, whoever else holds it.
    pub(crate) fn retire(self) {
        TABLE.retire(self.key);
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
        Loan { key: self.key, entry: self.entry.clone() }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if self.entry.leases.fetch_sub(1, Relaxed) == 1 {
            TABLE.remove(self.key); // a retired key finds nothing
        }
    }
}

/// The callbacks that native code holds function pointers to: a view of the process's one table.
///
/// Each slot belongs to one compiled-in trampoline. A released slot goes to the end of the queue,
/// so that a pointer that native code kept too long meets another callback only after every other
/// free slot has been lent once.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallbackTable;

/// One slot that is lent, for a leak report.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The slot and its generation.
    pub key: Key,
    /// The guest's export.
    pub export: String,
    /// The name of the guest's module.
    pub module: String,
    /// How C calls it.
    pub prototype: Prototype,
    /// How often C has called it.
    pub calls: u64,
    /// How many of these calls failed.
    pub failures: u64,
    /// How many leases hold it.
    pub leases: usize,
}

impl CallbackTable {
    /// Slots that are lent now.
    pub fn len(self) -> usize {
        TABLE.len()
    }

    /// Whether nothing is lent.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Slots there are.
    pub fn capacity(self) -> usize {
        SLOTS
    }

    /// Calls that came through a pointer after its release. They were answered with the neutral
    /// value.
    pub fn late_calls(self) -> u64 {
        TABLE.late_calls()
    }

    /// Who is registered, in the order of slots, as of now.
    pub fn iter(self) -> impl Iterator<Item = Registration> {
        TABLE.snapshot().into_iter().map(|(key, entry)| Registration::of(key, &entry))
    }

    /// What a key names; `None` once its lease is over.
    pub fn get(self, key: Key) -> Option<Registration> {
        TABLE.get(key).map(|entry| Registration::of(key, &entry))
    }
}

impl Registration {
    fn of(key: Key, entry: &Entry) -> Registration {
        Registration {
            key,
            export: entry.callback.export().to_owned(),
            module: entry.callback.guest().module().name().to_owned(),
            prototype: entry.callback.prototype().clone(),
            calls: entry.calls(),
            failures: entry.failures.load(Relaxed),
            leases: entry.leases.load(Relaxed),
        }
    }
}

impl fmt::Display for Registration {
    /// One line of a leak report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "slot {}: \"{}\" of {} as \"{}\", {} calls, {} failures, {} leases",
            self.key.slot(),
            self.export,
            self.module,
            self.prototype,
            self.calls,
            self.failures,
            self.leases,
        )
    }
}
