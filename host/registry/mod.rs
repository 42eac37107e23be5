//! The slots that native code calls through, their entries, and the callback table.

mod at_exit;
mod counts;
#[cfg(unix)]
mod dump;
mod fallbacks;
mod peek;
mod report;
mod slots;
mod statics;
mod utc;

use std::ffi::c_int;
use std::fmt;
use std::panic::Location;
use std::time::SystemTime;

use crate::callback::{Answer, Callback, Session};
use crate::error::{Error, Result, panics};
use crate::memory::Bounds;
use crate::sandbox::Budget;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use crate::sync::{Arc, Mutex, barrier, lock};

use counts::Counts;
pub use report::{CallbackTable, LateCalls, Registration, TableReport};
pub use slots::SlotKey;
pub(crate) use slots::{Slot, SlotTable};
#[cfg(feature = "libffi")]
pub(crate) use statics::new_table;
use statics::{FALLBACKS, TABLE};
pub(crate) use statics::{SLOTS, comparator_slot, fallback, fallback_of};

/// A registered callback: the content of a slot while it is lent.
pub(crate) struct Entry {
    pub(crate) callback: Callback,
    pub(crate) access: Access,
    calls: Counts,
    failures: AtomicU64,
    leases: AtomicUsize,
    /// Number of the slot's key; 0 without a slot.
    slot: AtomicU64,
    failed: AtomicBool,
    failure: Mutex<Option<Error>>,
    /// Source that registers the callback.
    place: &'static Location<'static>,
    /// Time when a slot was lent for it.
    since: SystemTime,
}

/// Calls that a slot accepts from any thread. All of them share the budget; without one, each call has its
/// own.
pub(crate) enum Access {
    /// None: the function pointer is not lent to others. A native call of this crate is in progress, and only
    /// the thread that began it calls; or the entry is called without a pointer, as a collation is.
    CallingThread,
    /// Comparisons of elements inside these bounds.
    Comparator { bounds: Bounds, budget: Option<Arc<Budget>> },
    /// Calls with the arguments of the callback's prototype.
    Values { budget: Option<Arc<Budget>> },
}

impl Entry {
    /// Creates an entry that is registered by the caller, unless the callback says by whom.
    #[track_caller]
    pub(crate) fn new(callback: Callback, access: Access) -> Entry {
        Entry {
            calls: Counts::new(callback.max_instances()),
            place: callback.place().unwrap_or(Location::caller()),
            since: SystemTime::UNIX_EPOCH,
            callback,
            access,
            failures: AtomicU64::new(0),
            leases: AtomicUsize::new(1),
            slot: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// Returns the neutral answer, which C gets from a comparator when the guest gives none. Native calls of
    /// this crate continue with "equal", which ends their loops.
    pub(crate) fn neutral(&self) -> c_int {
        match (&self.access, &self.callback.policy().fallback) {
            (Access::CallingThread, _) | (_, None) => 0,
            (_, Some(bytes)) => bytes.first_chunk().map_or(0, |bytes| c_int::from_ne_bytes(*bytes)),
        }
    }

    /// Counts a call on the thread that began the native call. No other thread does, so the counter needs no
    /// atomic increment.
    #[inline]
    pub(crate) fn count_unshared(&self) {
        self.calls.on_own_thread();
    }

    /// Counts a call that reaches no guest, on any thread.
    pub(crate) fn count_refused(&self) {
        self.calls.refused();
    }

    /// Begins a session for one call, and counts the call. In its turn with a guest, this thread alone
    /// counts.
    #[inline(always)]
    pub(crate) fn call_session(&self, budget: Option<&Arc<Budget>>) -> Answer<Session<'_>> {
        match self.callback.call_session(budget) {
            Ok(session) => {
                self.calls.in_turn(session.instance());
                Ok(session)
            }
            Err(error) => Err(self.refused(error)),
        }
    }

    /// Compares two elements, whose width has been checked, by one call of the guest, which is counted.
    #[inline]
    pub(crate) fn compare(&self, budget: Option<&Arc<Budget>>, a: &[u8], b: &[u8]) -> Answer {
        let mut session = match self.callback.begin(budget) {
            Ok(session) => session,
            Err(error) => {
                self.callback.tell_refused([a, b], &error);
                return Err(self.refused(error));
            }
        };
        self.calls.in_turn(session.instance());
        session.compare(a, b)
    }

    #[cold]
    fn refused(&self, error: Box<Error>) -> Box<Error> {
        self.calls.refused();
        error
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.sum()
    }

    /// Returns the numbers of calls, failures, leases and guests. Takes no lock, for handlers of signals.
    fn numbers(&self) -> (u64, u64, usize, usize) {
        let (failures, leases) = (self.failures.load(Relaxed), self.leases.load(Relaxed));
        (self.calls(), failures, leases, self.callback.instances())
    }

    /// Returns the number of the slot's key, 0 if the entry has no slot.
    pub(crate) fn slot(&self) -> u64 {
        self.slot.load(Relaxed)
    }

    /// Records the first failure, unless the `on_failure` hook consumes it; later ones are dropped.
    pub(crate) fn fail(&self, error: Error) {
        let panicked = |message| Some(Error::panicked(self.callback.export(), message));
        if let Some(error) = self.tell(error).unwrap_or_else(panicked) {
            self.keep(error);
        }
    }

    /// Records a failure that ends the native call: the hook is told, but can neither consume it nor replace
    /// it by a panic.
    pub(crate) fn end(&self, failure: impl Fn() -> Error) {
        let told = self.tell(failure());
        self.keep(told.ok().flatten().unwrap_or_else(failure));
    }

    /// Counts a failure and returns the error to record, as the `on_failure` hook decides, or the message of
    /// the hook's panic.
    fn tell(&self, error: Error) -> Result<Option<Error>, String> {
        self.failures.fetch_add(1, Relaxed);
        match &self.callback.policy().on_failure {
            None => Ok(Some(error)),
            Some(hook) => panics::catch(|| hook(error)),
        }
    }

    fn keep(&self, error: Error) {
        let later = {
            let mut failure = lock(&self.failure);
            self.failed.store(true, Relaxed); // under the lock, so that it agrees with the failure
            match &*failure {
                None => failure.replace(error),
                Some(_) => Some(error),
            }
        };
        panics::discard(later); // a hook's error may hold anything
    }

    /// Returns `true` if a failure is recorded, after which the guest is not called again.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    /// Takes the recorded failure; the next call reaches the guest again.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        let mut failure = lock(&self.failure);
        self.failed.store(false, Relaxed);
        failure.take()
    }
}

/// A reference-counted handle to a slot; dropping the last one releases the slot.
pub(crate) struct SlotHandle {
    table: &'static SlotTable<Entry>,
    key: SlotKey,
    entry: Arc<Entry>,
}

impl SlotHandle {
    /// Takes a free slot from the comparators' table.
    pub(crate) fn new(entry: Entry) -> Result<SlotHandle> {
        let neutral = entry.neutral();
        let handle = SlotHandle::new_in(&TABLE, entry)?;
        FALLBACKS[handle.key.slot()].record(handle.key.generation(), neutral);
        Ok(handle)
    }

    /// Takes a free slot from a table.
    pub(crate) fn new_in(table: &'static SlotTable<Entry>, entry: Entry) -> Result<SlotHandle> {
        if !matches!(entry.access, Access::CallingThread) {
            barrier::want(); // its calls pass light ones
        }
        let entry = Arc::new(Entry { since: SystemTime::now(), ..entry });
        let key = table.lend(entry.clone(), entry.place).ok_or(Error::TableFull { capacity: SLOTS })?;
        entry.slot.store(key.as_u64(), Relaxed);
        Ok(SlotHandle { table, key, entry })
    }

    pub(crate) fn key(&self) -> SlotKey {
        self.key
    }

    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Returns the entry, for callers that read it after the lease has ended.
    #[cfg(feature = "sqlite")]
    pub(crate) fn shared_entry(&self) -> Arc<Entry> {
        self.entry.clone()
    }

    /// Retires the slot for good, even if other handles to it exist.
    pub(crate) fn retire(self) {
        self.table.retire(self.key);
    }
}

impl fmt::Debug for SlotHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Registration::of(self.table, self.key, &self.entry))
    }
}

impl Clone for SlotHandle {
    fn clone(&self) -> SlotHandle {
        self.entry.leases.fetch_add(1, Relaxed);
        SlotHandle { table: self.table, key: self.key, entry: self.entry.clone() }
    }
}

impl Drop for SlotHandle {
    fn drop(&mut self) {
        if self.entry.leases.fetch_sub(1, Relaxed) == 1 {
            self.table.remove(self.key); // a retired key finds nothing
        }
    }
}
