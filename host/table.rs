//! Slots and generational keys; safe code that knows no wasm.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names what a slot holds now; once the slot has moved on, it names nothing. As slotmap's keys
/// do, it fits a `void *` ([`Key::as_u64`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    slot: u32,
    generation: NonZeroU32,
}

impl Key {
    /// Which slot, and so which trampoline.
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    /// Both parts in one number that is never 0, for a C library's user data.
    pub fn as_u64(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.slot)
    }

    /// The key that [`Key::as_u64`] told; `None` for a number that it never tells.
    pub fn from_u64(number: u64) -> Option<Key> {
        let generation = NonZeroU32::new((number >> 32) as u32)?;
        Some(Key { slot: number as u32, generation })
    }
}

/// `N` slots. A slot that is given back goes to the end of the queue, so that it is lent again
/// only after every other free slot has been.
pub(crate) struct Table<T, const N: usize> {
    slots: [Slot<T>; N],
    queue: Mutex<Queue>,
}

struct Slot<T> {
    held: Mutex<Held<T>>,
    late: AtomicU64,
}

struct Held<T> {
    generation: NonZeroU32,
    value: Option<Arc<T>>,
}

struct Queue {
    /// Slots from here on have never been lent.
    untouched: usize,
    returned: VecDeque<u32>,
    retired: usize,
}

impl<T, const N: usize> Table<T, N> {
    pub(crate) const fn new() -> Self {
        assert!(N <= u32::MAX as usize);
        Table {
            slots: [const {
                let held = Held { generation: NonZeroU32::MIN, value: None };
                Slot { held: Mutex::new(held), late: AtomicU64::new(0) }
            }; N],
            queue: Mutex::new(Queue { untouched: 0, returned: VecDeque::new(), retired: 0 }),
        }
    }

    /// Takes the slot that has been free for longest; `None` if there is none.
    pub(crate) fn insert(&self, value: Arc<T>) -> Option<Key> {
        let mut queue = lock(&self.queue);
        let slot = if queue.untouched < N {
            queue.untouched += 1;
            queue.untouched as u32 - 1
        } else {
            queue.returned.pop_front()?
        };
        let mut held = lock(&self.slots[slot as usize].held);
        held.value = Some(value);
        Some(Key { slot, generation: held.generation })
    }

    /// What a slot holds, whatever its generation: this is all that a C function pointer can say.
    /// A call on an empty slot is counted.
    pub(crate) fn at(&self, slot: usize) -> Option<Arc<T>> {
        let value = lock(&self.slots[slot].held).value.clone();
        if value.is_none() {
            self.count_late(slot);
        }
        value
    }

    /// Counts a call that nobody may answer.
    pub(crate) fn count_late(&self, slot: usize) {
        self.slots[slot].late.fetch_add(1, Relaxed);
    }

    /// `None` once the slot has moved on, even if it holds something new.
    pub(crate) fn get(&self, key: Key) -> Option<Arc<T>> {
        let held = lock(&self.slots.get(key.slot())?.held);
        held.value.clone().filter(|_| held.generation == key.generation)
    }

    /// Empties the slot and puts it at the end of the queue.
    pub(crate) fn remove(&self, key: Key) -> Option<Arc<T>> {
        self.take(key, false)
    }

    /// Empties the slot for good.
    pub(crate) fn retire(&self, key: Key) -> Option<Arc<T>> {
        self.take(key, true)
    }

    fn take(&self, key: Key, retire: bool) -> Option<Arc<T>> {
        // The queue is locked first, as `insert` does.
        let mut queue = lock(&self.queue);
        let mut held = lock(&self.slots.get(key.slot())?.held);
        if held.generation != key.generation {
            return None;
        }
        let value = held.value.take()?;
        match held.generation.checked_add(1) {
            Some(next) if !retire => {
                held.generation = next;
                queue.returned.push_back(key.slot);
            }
            // Its keys are used up, or the caller wants no other callback ever to answer there.
            _ => queue.retired += 1,
        }
        Some(value)
    }

    /// Slots that are held now.
    pub(crate) fn len(&self) -> usize {
        let queue = lock(&self.queue);
        queue.untouched - queue.returned.len() - queue.retired
    }

    /// Calls that came when their slot was empty.
    pub(crate) fn late_calls(&self) -> u64 {
        self.slots.iter().map(|slot| slot.late.load(Relaxed)).sum()
    }

    /// What is held, in the order of slots. It is a snapshot: no lock is held while it is used.
    pub(crate) fn snapshot(&self) -> Vec<(Key, Arc<T>)> {
        let held = |(at, slot): (usize, &Slot<T>)| {
            let held = lock(&slot.held);
            let key = Key { slot: at as u32, generation: held.generation };
            held.value.clone().map(|value| (key, value))
        };
        self.slots.iter().enumerate().filter_map(held).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every critical section leaves its data whole, so a panic elsewhere changes nothing here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table<const N: usize>() -> Table<u32, N> {
        Table::new()
    }

    #[test]
    fn a_stale_key_finds_nothing_even_where_something_new_lives() {
        let table = table::<1>();
        let old = table.insert(Arc::new(1)).unwrap();
        assert_eq!(table.remove(old).as_deref(), Some(&1));
        let new = table.insert(Arc::new(2)).unwrap();
        assert_eq!(old.slot(), new.slot());
        assert_eq!(table.get(old), None);
        assert_eq!(table.remove(old), None);
        assert_eq!(table.get(new).as_deref(), Some(&2));
    }

    #[test]
    fn a_slot_comes_back_only_after_every_other_free_one() {
        let table = table::<4>();
        let kept = table.insert(Arc::new(0)).unwrap();
        let first = table.insert(Arc::new(1)).unwrap();
        table.remove(first);
        let mut lent = Vec::new();
        for _ in 0..3 {
            let key = table.insert(Arc::new(2)).unwrap();
            lent.push(key.slot());
            table.remove(key);
        }
        assert_eq!(lent, [2, 3, first.slot()]);
        assert!(table.get(kept).is_some());
    }

    #[test]
    fn a_retired_slot_never_comes_back() {
        let table = table::<2>();
        let gone = table.insert(Arc::new(1)).unwrap();
        table.retire(gone);
        for _ in 0..5 {
            let key = table.insert(Arc::new(2)).unwrap();
            assert_ne!(key.slot(), gone.slot());
            table.remove(key);
        }
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_full_table_says_so() {
        let table = table::<2>();
        let key = table.insert(Arc::new(1)).unwrap();
        assert!(table.insert(Arc::new(2)).is_some());
        assert!(table.insert(Arc::new(3)).is_none());
        table.remove(key);
        assert!(table.insert(Arc::new(3)).is_some());
    }

    #[test]
    fn a_call_on_an_empty_slot_is_counted() {
        let table = table::<2>();
        let key = table.insert(Arc::new(1)).unwrap();
        assert!(table.at(key.slot()).is_some());
        table.remove(key);
        assert!(table.at(key.slot()).is_none());
        assert!(table.at(key.slot()).is_none());
        assert_eq!(table.late_calls(), 2);
    }

    #[test]
    fn a_key_survives_the_way_through_a_void_pointer() {
        let table = table::<3>();
        for value in 0..3 {
            let key = table.insert(Arc::new(value)).unwrap();
            assert_eq!(Key::from_u64(key.as_u64()), Some(key));
        }
        assert_eq!(Key::from_u64(7), None);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert,
        Remove(usize),
        Retire(usize),
    }

    proptest! {
        /// The model is a plain list of who holds which key, and the order in which slots came back.
        #[test]
        fn any_sequence_of_operations_does_what_a_list_would(
            steps in proptest::collection::vec(
                prop_oneof![
                    3 => Just(Step::Insert),
                    2 => (0usize..8).prop_map(Step::Remove),
                    1 => (0usize..8).prop_map(Step::Retire),
                ],
                0..60,
            )
        ) {
            let table = table::<5>();
            let mut held: Vec<(Key, u32)> = Vec::new();
            let mut free: VecDeque<usize> = (0..5).collect();
            for (n, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert => {
                        let key = table.insert(Arc::new(n as u32));
                        prop_assert_eq!(key.map(Key::slot), free.pop_front());
                        held.extend(key.map(|key| (key, n as u32)));
                    }
                    Step::Remove(i) if i < held.len() => {
                        let (key, value) = held.remove(i);
                        prop_assert_eq!(table.remove(key).map(|v| *v), Some(value));
                        free.push_back(key.slot());
                    }
                    Step::Retire(i) if i < held.len() => {
                        let (key, value) = held.remove(i);
                        prop_assert_eq!(table.retire(key).map(|v| *v), Some(value));
                    }
                    _ => {}
                }
                prop_assert_eq!(table.len(), held.len());
                for (key, value) in &held {
                    prop_assert_eq!(table.get(*key).map(|v| *v), Some(*value));
                }
                prop_assert_eq!(table.snapshot().len(), held.len());
            }
        }
    }
}
