//! Values that each thread has one of, up to a number of them.

use super::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use super::{Arc, this_thread};

#[cfg(loom)]
use model::OnceLock;
#[cfg(not(loom))]
use std::sync::OnceLock;

/// Owner of a place without a value. No thread has these numbers.
const UNMADE: usize = 0;

/// Owner of a place whose last owner has left it.
const NOBODY: usize = usize::MAX;

/// Values that threads use in turns, each thread its own for as long as there are enough: a thread's is made
/// when it first asks. Once there is no place for another, a thread takes over one that is not in use, or
/// waits; the values of threads that have ended are taken over too.
pub(crate) struct PerThread<V> {
    places: Box<[Place<V>]>,
}

/// A place on cache lines of its own, since its thread writes there.
#[repr(align(128))]
struct Place<V> {
    /// The thread that had the last turn, as [`this_thread`] identifies it. It writes this in its turn.
    owner: AtomicUsize,
    value: OnceLock<Arc<V>>,
}

/// A value that threads use in turns.
pub(crate) trait InTurns: Sized {
    /// A thread's turn.
    type Turn<'a>
    where
        Self: 'a;

    /// Reason why there is none.
    type Error;

    /// Waits for this thread's turn.
    fn turn(&self) -> Result<Self::Turn<'_>, Self::Error>;

    /// Returns this thread's turn; `None` while it is another thread's.
    fn try_turn(&self) -> Result<Option<Self::Turn<'_>>, Self::Error>;

    /// Makes another such value.
    fn another(&self) -> Result<Arc<Self>, Self::Error>;

    /// Returns the error for a thread whose turn it is already.
    fn reentrant(&self) -> Self::Error;
}

/// A thread's turn, and the place of the value.
type Found<'a, V> = (usize, <V as InTurns>::Turn<'a>);

impl<V: InTurns> PerThread<V> {
    /// Creates places for at most `len` values; the first one exists.
    pub(crate) fn new(first: Arc<V>, len: usize) -> PerThread<V> {
        let place = |_| Place { owner: AtomicUsize::new(UNMADE), value: OnceLock::new() };
        let places: Box<[Place<V>]> = (0..len.max(1)).map(place).collect();
        places[0].owner.store(NOBODY, Relaxed);
        let _ = places[0].value.set(first);
        PerThread { places }
    }

    /// Returns the maximum number of values.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the values that have been made so far.
    pub(crate) fn made(&self) -> impl Iterator<Item = &V> {
        self.places.iter().filter_map(|place| Some(&**place.value.get()?))
    }

    /// Returns this thread's turn with its value, or with another one where it has none.
    ///
    /// # Errors
    ///
    /// Those of the values. A thread inside a turn gets no second one.
    #[inline]
    pub(crate) fn turn(&self) -> Result<Found<'_, V>, V::Error> {
        let me = this_thread();
        // During a turn, its thread owns that place and no other: a call from inside finds it.
        let owned = |at: &usize| self.places[*at].owner.load(Relaxed) == me;
        if let Some(at) = self.search_order(me).find(owned) {
            let place = &self.places[at];
            // The value is being made, and that has called back.
            let Some(value) = place.value.get() else { return Err(self.first().reentrant()) };
            if let Some(turn) = value.try_turn()? {
                return Ok((at, place.owned_by(me, turn)));
            }
            // A thread without a place is inside; only this thread writes its own number.
            let _ = place.owner.compare_exchange(me, NOBODY, Release, Relaxed);
        }
        self.turn_elsewhere(me)
    }

    #[cold]
    fn turn_elsewhere(&self, me: usize) -> Result<Found<'_, V>, V::Error> {
        let take = |owner: usize| {
            let places = &self.places;
            let taken = |at: &usize| places[*at].owner.compare_exchange(owner, me, Acquire, Relaxed).is_ok();
            self.search_order(me).find(taken)
        };
        if let Some(at) = take(NOBODY)
            && let Some(value) = self.places[at].value.get()
        {
            return Ok((at, self.places[at].owned_by(me, value.turn()?)));
        }
        if let Some(at) = take(UNMADE) {
            let place = &self.places[at];
            let unmade = Unmade(&place.owner);
            let _ = place.value.set(self.first().another()?);
            std::mem::forget(unmade);
            if let Some(value) = place.value.get() {
                return Ok((at, place.owned_by(me, value.turn()?)));
            }
        }
        let mut waiting = None;
        for at in self.search_order(me) {
            let place = &self.places[at];
            let Some(value) = place.value.get() else { continue };
            if let Some(turn) = value.try_turn()? {
                return Ok((at, place.owned_by(me, turn)));
            }
            waiting.get_or_insert((at, value));
        }
        let (at, value) = waiting.unwrap_or((0, self.first()));
        Ok((at, self.places[at].owned_by(me, value.turn()?)))
    }

    /// Returns the places in the order in which this thread looks at them. Threads begin at different ones.
    fn search_order(&self, me: usize) -> impl Iterator<Item = usize> {
        let len = self.places.len();
        // Marks of threads lie apart by pages as often as by a few bytes.
        let start = if len == 1 { 0 } else { ((me >> 12) ^ (me >> 3)) % len };
        (start..len).chain(0..start)
    }

    fn first(&self) -> &Arc<V> {
        self.places[0].value.get().expect("it exists from the beginning")
    }
}

impl<V> Place<V> {
    /// Writes the owner, in its turn.
    #[inline]
    fn owned_by<T>(&self, me: usize, turn: T) -> T {
        if self.owner.load(Relaxed) != me {
            self.owner.store(me, Relaxed);
        }
        turn
    }
}

/// Gives a place back if its value could not be made.
struct Unmade<'a>(&'a AtomicUsize);

impl Drop for Unmade<'_> {
    fn drop(&mut self) {
        self.0.store(UNMADE, Relaxed);
    }
}

/// The standard library's type, with an order of accesses that loom sees.
#[cfg(loom)]
mod model {
    use crate::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};

    pub(super) struct OnceLock<T> {
        value: std::sync::OnceLock<T>,
        set: AtomicBool,
    }

    impl<T> OnceLock<T> {
        pub(super) fn new() -> OnceLock<T> {
            OnceLock { value: std::sync::OnceLock::new(), set: AtomicBool::new(false) }
        }

        pub(super) fn get(&self) -> Option<&T> {
            if self.set.load(Acquire) { self.value.get() } else { None }
        }

        pub(super) fn set(&self, value: T) -> Result<(), T> {
            self.value.set(value)?;
            self.set.store(true, Release);
            Ok(())
        }
    }
}
