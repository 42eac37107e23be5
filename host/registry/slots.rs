//! Slots and generational keys, in safe code that is independent of WebAssembly.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::panic::Location;

use crate::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sync::{Arc, Loaded, Mutex, Published, lock, shared};

use super::peek::{Peek, PlaceCell};

/// Generational key of a slot's content, which goes stale when the slot is released. Like slotmap's keys, it
/// fits in a `void *` ([`SlotKey::as_u64`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotKey {
    slot: u32,
    generation: NonZeroU32,
}

impl SlotKey {
    /// Returns the number of releases of the slot before it was lent, plus one.
    pub(super) fn generation(self) -> NonZeroU32 {
        self.generation
    }

    /// Returns the index of the slot, which identifies the function pointer.
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    /// Returns slot and generation as one number that is never 0, for a C library's user data.
    pub fn as_u64(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.slot)
    }

    /// Returns the key that [`SlotKey::as_u64`] turned into this number; `None` for a number that it never
    /// returns.
    pub fn from_u64(number: u64) -> Option<SlotKey> {
        let generation = NonZeroU32::new((number >> 32) as u32)?;
        Some(SlotKey { slot: number as u32, generation })
    }
}

/// A table of up to `capacity` slots. A released slot goes to the end of the queue, so that it is lent again
/// only after every other free slot.
pub(crate) struct SlotTable<T: 'static> {
    /// Index of the table's first slot; the keys of different tables are distinct.
    first: u32,
    capacity: u32,
    /// Returns the slot of a number. Slots are never freed.
    place: fn(usize) -> &'static Slot<T>,
    queue: Mutex<Queue<T>>,
}

/// The slot behind a function pointer, whose content changes with each lease.
pub(crate) struct Slot<T: 'static> {
    content: Published<T>,
    /// Changes only while the table's queue is locked, and only while the slot is empty.
    generation: AtomicU32,
    late: AtomicU64,
    /// As the content, for readers that may neither lock nor free anything.
    peek: Peek<T>,
    /// The place that has lent the slot, and the one of the lease that was released last.
    place: PlaceCell,
    released: PlaceCell,
}

struct Queue<T: 'static> {
    /// Slots that are lent or have been lent before.
    touched: Vec<&'static Slot<T>>,
    returned: VecDeque<u32>,
    retired: usize,
}

impl<T: 'static> Slot<T> {
    shared! {
        pub(crate) const fn new() -> Slot<T> {
            Slot {
                content: Published::empty(),
                generation: AtomicU32::new(1),
                late: AtomicU64::new(0),
                peek: Peek::new(),
                place: PlaceCell::new(),
                released: PlaceCell::new(),
            }
        }
    }

    /// Returns the content, whatever its generation: a C function pointer identifies only the slot. A call
    /// while the slot is empty is counted.
    #[inline]
    pub(crate) fn get(&self) -> Loaded<T> {
        let content = self.content.load();
        if content.get().is_none() {
            self.count_late();
        }
        content
    }

    /// Returns the content if it is of the key's generation.
    pub(crate) fn get_by(&self, key: SlotKey) -> Option<Loaded<T>> {
        let content = self.content.load();
        // Loaded after the content. The key was made in its generation, so that an older content is gone,
        // and the generation of a newer one had begun before that was published.
        (content.get().is_some() && self.generation() == key.generation).then_some(content)
    }

    fn generation(&self) -> NonZeroU32 {
        NonZeroU32::new(self.generation.load(Acquire)).unwrap_or(NonZeroU32::MAX)
    }

    /// Reads the content, if there is any. A handler of a signal may do it, if `read` may.
    #[cfg(unix)]
    pub(super) fn peek<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R>
    where
        T: Sync,
    {
        self.peek.read(read)
    }

    /// Returns the place that had lent the slot before its last release.
    pub(super) fn released_place(&self) -> Option<&'static Location<'static>> {
        self.released.get()
    }

    /// Returns the number of late calls.
    pub(super) fn late_calls(&self) -> u64 {
        self.late.load(Relaxed)
    }

    /// Counts a late call, which no callback may answer.
    #[cold]
    pub(crate) fn count_late(&self) {
        self.late.fetch_add(1, Relaxed);
    }
}

impl<T> SlotTable<T> {
    shared! {
        /// Creates an empty table of slots that are numbered from `first`.
        pub(crate) const fn new(first: u32, capacity: u32, place: fn(usize) -> &'static Slot<T>) -> Self {
            let queue = Queue { touched: Vec::new(), returned: VecDeque::new(), retired: 0 };
            SlotTable { first, capacity, place, queue: Mutex::new(queue) }
        }
    }

    /// As [`SlotTable::lend`], for callers that have no other place than their own.
    #[cfg(any(test, fuzzing))]
    #[track_caller]
    pub(crate) fn insert(&self, value: Arc<T>) -> Option<SlotKey> {
        self.lend(value, Location::caller())
    }

    /// Fills the slot that has been free for longest; `None` if no slot is free. `place` is where the source
    /// asks for it.
    pub(crate) fn lend(&self, value: Arc<T>, place: &'static Location<'static>) -> Option<SlotKey> {
        let mut queue = lock(&self.queue);
        let at = queue.touched.len() as u32;
        let at = if at < self.capacity {
            queue.touched.push((self.place)((self.first + at) as usize));
            at
        } else {
            queue.returned.pop_front()?
        };
        let slot = queue.touched[at as usize];
        slot.place.set(place);
        slot.peek.show(&value);
        slot.content.replace(Some(value));
        Some(SlotKey { slot: self.first + at, generation: slot.generation() })
    }

    /// Returns the position in the table of the slot of one of its keys.
    #[cfg(feature = "libffi")]
    pub(crate) fn position(&self, key: SlotKey) -> usize {
        key.slot() - self.first as usize
    }

    fn slot(&self, queue: &Queue<T>, key: SlotKey) -> Option<&'static Slot<T>> {
        let at = key.slot.checked_sub(self.first)?;
        queue.touched.get(at as usize).copied()
    }

    /// Returns the slot at a position in the table, if it has been lent before.
    #[cfg(any(feature = "libffi", test, fuzzing))]
    pub(crate) fn touched(&self, at: usize) -> Option<&'static Slot<T>> {
        lock(&self.queue).touched.get(at).copied()
    }

    /// Returns the content that a key identifies; `None` once the slot has been released, even if it is lent
    /// again.
    pub(crate) fn get(&self, key: SlotKey) -> Option<Arc<T>> {
        let queue = lock(&self.queue);
        self.slot(&queue, key)?.get_by(key)?.to_owned()
    }

    /// Empties the slot and puts it at the end of the queue.
    pub(crate) fn remove(&self, key: SlotKey) -> Option<Arc<T>> {
        self.take(key, false)
    }

    /// Empties the slot for good.
    pub(crate) fn retire(&self, key: SlotKey) -> Option<Arc<T>> {
        self.take(key, true)
    }

    fn take(&self, key: SlotKey, retire: bool) -> Option<Arc<T>> {
        let mut queue = lock(&self.queue);
        let slot = self.slot(&queue, key)?;
        if slot.generation() != key.generation {
            return None;
        }
        let content = slot.content.replace(None)?;
        slot.peek.hide();
        slot.place.get().into_iter().for_each(|place| slot.released.set(place));
        match key.generation.checked_add(1) {
            Some(next) if !retire => {
                slot.generation.store(next.get(), Release);
                queue.returned.push_back(key.slot - self.first);
            }
            // The generations are exhausted, or the caller wants no other callback ever to answer there.
            _ => queue.retired += 1,
        }
        Some(content)
    }

    /// Holds the lock of the table.
    #[cfg(test)]
    pub(super) fn locked(&self) -> impl Sized {
        lock(&self.queue)
    }

    /// Returns the number of slots that are lent now.
    pub(crate) fn len(&self) -> usize {
        let queue = lock(&self.queue);
        queue.touched.len() - queue.returned.len() - queue.retired
    }

    /// Returns the number of late calls.
    pub(crate) fn late_calls(&self) -> u64 {
        lock(&self.queue).touched.iter().map(|slot| slot.late_calls()).sum()
    }

    /// Returns the number of late calls of the slot of one of the table's keys.
    pub(crate) fn late_calls_of(&self, key: SlotKey) -> u64 {
        self.slot(&lock(&self.queue), key).map_or(0, Slot::late_calls)
    }

    /// Returns the content of each lent slot, in slot order. The result is a snapshot: no lock is held while
    /// it is used.
    pub(crate) fn snapshot(&self) -> Vec<(SlotKey, Arc<T>)> {
        let queue = lock(&self.queue);
        let content = |(at, slot): (usize, &&'static Slot<T>)| {
            let key = SlotKey { slot: self.first + at as u32, generation: slot.generation() };
            slot.content.load().to_owned().map(|content| (key, content))
        };
        queue.touched.iter().enumerate().filter_map(content).collect()
    }
}

#[cfg(test)]
mod tests;
