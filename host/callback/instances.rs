//! The guests of a callback that has one for each thread, and the counts of each.

use super::{Answer, Callback, CallbackInner};
use crate::error::Error;
use crate::sandbox::Turn;
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};
use crate::sync::{Arc, InTurns, PerThread};

/// Maximum number of guests of a callback.
const MAX_INSTANCES: usize = 1024;

/// Numbers of calls of one guest, on cache lines of their own: its thread writes them, while other threads
/// read what is beside them.
#[repr(align(128))]
pub(super) struct Counters {
    /// Only a thread in its turn with the guest writes these two.
    calls: AtomicU64,
    failures: AtomicU64,
    /// Number of calls that got no turn, and so failed.
    refused: AtomicU64,
}

impl Counters {
    pub(super) fn new() -> Counters {
        Counters { calls: AtomicU64::new(0), failures: AtomicU64::new(0), refused: AtomicU64::new(0) }
    }

    /// Counts calls of a thread in its turn with the guest.
    #[inline]
    pub(super) fn in_turn(&self, calls: u64, failures: u64) {
        let add = |to: &AtomicU64, number| to.store(to.load(Relaxed) + number, Relaxed);
        add(&self.calls, calls);
        if failures > 0 {
            add(&self.failures, failures);
        }
    }

    #[cold]
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    fn calls(&self) -> u64 {
        self.calls.load(Relaxed) + self.refused.load(Relaxed)
    }

    fn failures(&self) -> u64 {
        self.failures.load(Relaxed) + self.refused.load(Relaxed)
    }
}

impl InTurns for CallbackInner {
    type Turn<'a> = (&'a CallbackInner, Turn<'a>);
    type Error = Box<Error>;

    fn turn(&self) -> Answer<Self::Turn<'_>> {
        Ok((self, self.guest.turn(&self.export, None)?))
    }

    #[inline(always)]
    fn try_turn(&self) -> Answer<Option<Self::Turn<'_>>> {
        Ok(self.guest.try_turn(&self.export)?.map(|turn| (self, turn)))
    }

    fn another(&self) -> Answer<Arc<CallbackInner>> {
        self.of_new_guest().map_err(Box::new)
    }

    fn reentrant(&self) -> Box<Error> {
        self.guest.reentrant(&self.export)
    }
}

impl Callback {
    /// Returns this callback with a guest for each calling thread, so that threads do not wait for each
    /// other, for exports that keep no state between calls: each guest has a memory and globals of its own.
    ///
    /// At most `guests` guests exist, between 1 and 1,024. The first one is this callback's; another is made,
    /// from the same module, when a thread first calls that has none. Once all exist, a further thread takes
    /// over one that no call is running in, or waits for a call to end, and later keeps to that one. So do
    /// threads that come after others have ended: a guest lives until the callback and its leases are
    /// dropped. Each guest has the [limits](crate::Limits) for itself, memory among them.
    ///
    /// This is for calls with a budget of their own: by pointers that are [retained](Callback::retain), by
    /// collations and functions of SQLite, and [from Rust](Callback::call). Calls that share a budget, as
    /// those of one sort or of a scoped lease do, all reach the first guest, in turns.
    ///
    /// A call from inside a call on the same thread is [`Error::Reentrant`], as ever, and a failure is
    /// recorded once for all guests. The call of a thread whose guest cannot be made fails with the reason.
    ///
    /// ```
    /// use callbox::{CallbackTable, Limits, Sandbox};
    /// use std::thread;
    /// # fn main() -> callbox::Result<()> {
    /// let guest = Sandbox::new(Limits::default())?.load("wat/good/ascending.wat")?;
    /// let compare = guest.callback("compare", "int (const int *, const int *)".parse()?)?.per_thread(8);
    /// let kept = compare.retain()?;
    /// thread::scope(|scope| {
    ///     for _ in 0..2 {
    ///         // SAFETY: both arguments point to an int.
    ///         let order = || unsafe { kept.pointer()((&raw const *&1).cast(), (&raw const *&2).cast()) };
    ///         scope.spawn(move || assert_eq!(order(), -1));
    ///     }
    /// });
    /// let registered = CallbackTable.get(kept.key()).unwrap();
    /// assert!(registered.calls == 2 && registered.instances <= 2);
    /// # Ok(()) }
    /// ```
    pub fn per_thread(mut self, guests: usize) -> Callback {
        let places = PerThread::new(self.inner.clone(), guests.min(MAX_INSTANCES));
        self.instances = Some(Arc::new(places));
        self
    }

    /// Returns the maximum number of guests behind the callback.
    pub(crate) fn max_instances(&self) -> usize {
        self.instances.as_ref().map_or(1, |instances| instances.len())
    }

    /// Returns the number of guests behind the callback so far.
    pub(crate) fn instances(&self) -> usize {
        self.instances.as_ref().map_or(1, |instances| instances.made().count())
    }

    /// Returns the number of calls of the guest through this callback.
    pub fn calls(&self) -> u64 {
        self.sum(Counters::calls)
    }

    /// Returns the number of these calls that failed.
    pub fn failures(&self) -> u64 {
        self.sum(Counters::failures)
    }

    fn sum(&self, number: impl Fn(&Counters) -> u64) -> u64 {
        match &self.instances {
            Some(instances) => instances.made().map(|made| number(&made.counters)).sum(),
            None => number(&self.inner.counters),
        }
    }
}
