//! Numbers of calls, counted without an exclusive operation wherever a counter has one writer at a time.

use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Numbers of calls through an entry, by who may write.
pub(super) struct Counts {
    /// Calls on the thread that began the native call: no other thread writes.
    own_thread: AtomicU64,
    /// Calls in a turn with the callback's guest: only the thread whose turn it is writes.
    in_turn: AtomicU64,
    /// As `in_turn`, for each of several guests.
    in_turns: Box<[OwnLine]>,
    /// Calls on any thread that reached no guest.
    refused: AtomicU64,
}

/// A counter on cache lines of its own, which other threads do not read for something else.
#[repr(align(128))]
struct OwnLine(AtomicU64);

impl Counts {
    /// Creates counters for a callback with so many guests.
    pub(super) fn new(guests: usize) -> Counts {
        let several = if guests > 1 { guests } else { 0 };
        Counts {
            own_thread: AtomicU64::new(0),
            in_turn: AtomicU64::new(0),
            in_turns: (0..several).map(|_| OwnLine(AtomicU64::new(0))).collect(),
            refused: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn on_own_thread(&self) {
        add_as_one_writer(&self.own_thread);
    }

    /// Counts a call by the thread whose turn with this guest it is.
    #[inline]
    pub(super) fn in_turn(&self, guest: usize) {
        add_as_one_writer(self.in_turns.get(guest).map_or(&self.in_turn, |line| &line.0));
    }

    #[cold]
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn sum(&self) -> u64 {
        let in_turns: u64 = self.in_turns.iter().map(|line| line.0.load(Relaxed)).sum();
        [&self.own_thread, &self.in_turn, &self.refused].map(|count| count.load(Relaxed)).iter().sum::<u64>()
            + in_turns
    }
}

/// Adds one to a counter that no other thread changes meanwhile.
#[inline]
fn add_as_one_writer(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}
