//! Tests of the table against a plain list.

use super::*;
use proptest::prelude::*;

fn table<const N: u32>() -> SlotTable<u32> {
    SlotTable::new(7, N, |_| Box::leak(Box::new(Slot::new())))
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
    assert_eq!(lent, [9, 10, first.slot()]);
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
    let slot = table.touched(0).unwrap();
    assert_eq!(slot.get().get(), Some(&1));
    table.remove(key);
    assert!(slot.get().get().is_none());
    assert!(slot.get().get().is_none());
    assert_eq!(table.late_calls(), 2);
}

#[test]
fn a_key_survives_the_way_through_a_void_pointer() {
    let table = table::<3>();
    for value in 0..3 {
        let key = table.insert(Arc::new(value)).unwrap();
        assert_eq!(SlotKey::from_u64(key.as_u64()), Some(key));
    }
    assert_eq!(SlotKey::from_u64(7), None);
}

#[derive(Clone, Debug)]
enum Operation {
    Insert,
    Remove(usize),
    Retire(usize),
}

proptest! {
    /// The model is a plain list of the held keys with their values, and a queue of the free slots.
    #[test]
    fn any_sequence_of_operations_does_what_a_list_would(
        steps in proptest::collection::vec(
            prop_oneof![
                3 => Just(Operation::Insert),
                2 => (0usize..8).prop_map(Operation::Remove),
                1 => (0usize..8).prop_map(Operation::Retire),
            ],
            0..60,
        )
    ) {
        let table = table::<5>();
        let mut held: Vec<(SlotKey, u32)> = Vec::new();
        let mut free: VecDeque<usize> = (7..12).collect();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Operation::Insert => {
                    let key = table.insert(Arc::new(n as u32));
                    prop_assert_eq!(key.map(SlotKey::slot), free.pop_front());
                    held.extend(key.map(|key| (key, n as u32)));
                }
                Operation::Remove(i) if i < held.len() => {
                    let (key, value) = held.remove(i);
                    prop_assert_eq!(table.remove(key).map(|v| *v), Some(value));
                    free.push_back(key.slot());
                }
                Operation::Retire(i) if i < held.len() => {
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
