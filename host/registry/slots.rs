//! Slots and generational keys; safe code that knows no wasm.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Names what a slot holds now; once the slot has moved on, it names nothing. As slotmap's keys
/// do, it fits a `void *` ([`SlotKey::as_u64`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotKey {
    slot: u32,
    generation: NonZeroU32,
}

impl SlotKey {
    /// Returns how often the slot had been given back when it was lent, plus one.
    pub(super) fn generation(self) -> NonZeroU32 {
        self.generation
    }

    /// Which slot, and so which function pointer.
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    /// Both parts in one number that is never 0, for a C library's user data.
    pub fn as_u64(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.slot)
    }

    /// The key that [`SlotKey::as_u64`] told; `None` for a number that it never tells.
    pub fn from_u64(number: u64) -> Option<SlotKey> {
        let generation = NonZeroU32::new((number >> 32) as u32)?;
        Some(SlotKey { slot: number as u32, generation })
    }
}

/// So many slots at most. A slot that is given back goes to the end of the queue, so that it is lent
/// again only after every other free slot has been.
pub(crate) struct SlotTable<T: 'static> {
    /// The number of its first slot; keys of several tables do not meet.
    first: u32,
    capacity: u32,
    /// Where the slot of this number is, counted from the table's first. Slots stay for ever.
    place: fn(usize) -> &'static Slot<T>,
    queue: Mutex<Queue<T>>,
}

/// What a function pointer leads to: a holding that comes and goes.
pub(crate) struct Slot<T> {
    state: Mutex<SlotState<T>>,
    late: AtomicU64,
}

struct SlotState<T> {
    generation: NonZeroU32,
    value: Option<Arc<T>>,
}

struct Queue<T: 'static> {
    /// Slots that have been lent before, or are now.
    touched: Vec<&'static Slot<T>>,
    returned: VecDeque<u32>,
    retired: usize,
}

impl<T> Slot<T> {
    pub(crate) const fn new() -> Slot<T> {
        let state = SlotState { generation: NonZeroU32::MIN, value: None };
        Slot { state: Mutex::new(state), late: AtomicU64::new(0) }
    }

    /// What it holds, whatever its generation: this is all that a C function pointer can say.
    /// A call while it is empty is counted.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        let value = lock(&self.state).value.clone();
        if value.is_none() {
            self.count_late();
        }
        value
    }

    /// The same for who knows the generation; `None` for any other one.
    pub(crate) fn get_by(&self, key: SlotKey) -> Option<Arc<T>> {
        let state = lock(&self.state);
        state.value.clone().filter(|_| state.generation == key.generation)
    }

    /// Counts a call that nobody may answer.
    pub(crate) fn count_late(&self) {
        self.late.fetch_add(1, Relaxed);
    }
}

impl<T> SlotTable<T> {
    /// An empty table of slots that are numbered from `first` on.
    pub(crate) const fn new(first: u32, capacity: u32, place: fn(usize) -> &'static Slot<T>) -> Self {
        let queue = Queue { touched: Vec::new(), returned: VecDeque::new(), retired: 0 };
        SlotTable { first, capacity, place, queue: Mutex::new(queue) }
    }

    /// Takes the slot that has been free for longest; `None` if there is none.
    pub(crate) fn insert(&self, value: Arc<T>) -> Option<SlotKey> {
        let mut queue = lock(&self.queue);
        let at = queue.touched.len() as u32;
        let at = if at < self.capacity {
            queue.touched.push((self.place)(at as usize));
            at
        } else {
            queue.returned.pop_front()?
        };
        let mut state = lock(&queue.touched[at as usize].state);
        state.value = Some(value);
        Some(SlotKey { slot: self.first + at, generation: state.generation })
    }

    /// Where in the table the slot of a key of its own is.
    #[cfg(feature = "libffi")]
    pub(crate) fn position(&self, key: SlotKey) -> usize {
        key.slot() - self.first as usize
    }

    fn slot(&self, queue: &Queue<T>, key: SlotKey) -> Option<&'static Slot<T>> {
        let at = key.slot.checked_sub(self.first)?;
        queue.touched.get(at as usize).copied()
    }

    /// A slot that has been lent before, by its place in the table.
    #[cfg(any(feature = "libffi", test, fuzzing))]
    pub(crate) fn touched(&self, at: usize) -> Option<&'static Slot<T>> {
        lock(&self.queue).touched.get(at).copied()
    }

    /// `None` once the slot has moved on, even if it holds something new.
    pub(crate) fn get(&self, key: SlotKey) -> Option<Arc<T>> {
        let slot = self.slot(&lock(&self.queue), key)?;
        slot.get_by(key)
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
        // The queue is locked first, as `insert` does.
        let mut queue = lock(&self.queue);
        let mut state = lock(&self.slot(&queue, key)?.state);
        if state.generation != key.generation {
            return None;
        }
        let value = state.value.take()?;
        match state.generation.checked_add(1) {
            Some(next) if !retire => {
                state.generation = next;
                queue.returned.push_back(key.slot - self.first);
            }
            // Its keys are used up, or the caller wants no other callback ever to answer there.
            _ => queue.retired += 1,
        }
        Some(value)
    }

    /// Slots that are held now.
    pub(crate) fn len(&self) -> usize {
        let queue = lock(&self.queue);
        queue.touched.len() - queue.returned.len() - queue.retired
    }

    /// Calls that came when their slot was empty.
    pub(crate) fn late_calls(&self) -> u64 {
        lock(&self.queue).touched.iter().map(|slot| slot.late.load(Relaxed)).sum()
    }

    /// What is held, in the order of slots. It is a snapshot: no lock is held while it is used.
    pub(crate) fn snapshot(&self) -> Vec<(SlotKey, Arc<T>)> {
        let touched = lock(&self.queue).touched.clone();
        let state = |(at, slot): (usize, &'static Slot<T>)| {
            let state = lock(&slot.state);
            let key = SlotKey { slot: self.first + at as u32, generation: state.generation };
            state.value.clone().map(|value| (key, value))
        };
        touched.into_iter().enumerate().filter_map(state).collect()
    }
}

#[cfg(test)]
mod tests;
