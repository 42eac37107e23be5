//! Sequences of operations on the callback table against a plain list.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use callbox::{SlotKey, fuzzing::Slots};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Insert,
    Remove(u8),
    Retire(u8),
    Get(u8),
    Call(u8),
    RoundTrip(u8),
}

fuzz_target!(|steps: Vec<Step>| {
    let table = Slots::new();
    let mut keys: Vec<SlotKey> = Vec::new(); // every key ever issued
    let mut held: Vec<(SlotKey, u32)> = Vec::new();
    let mut free: VecDeque<usize> = (0..5).collect();
    let mut late = 0;
    for (n, step) in (0u32..).zip(steps) {
        let key = |at: u8| keys.get(usize::from(at) % keys.len().max(1)).copied();
        let value = |key: SlotKey| held.iter().find(|(other, _)| *other == key).map(|(_, value)| *value);
        match step {
            Step::Insert => {
                let key = table.insert(n);
                assert_eq!(key.map(SlotKey::slot), free.pop_front());
                keys.extend(key);
                held.extend(key.map(|key| (key, n)));
            }
            Step::Remove(at) => {
                let Some(key) = key(at) else { continue };
                assert_eq!(table.remove(key), value(key));
                if value(key).is_some() {
                    free.push_back(key.slot());
                    held.retain(|(other, _)| *other != key);
                }
            }
            Step::Retire(at) => {
                let Some(key) = key(at) else { continue };
                assert_eq!(table.retire(key), value(key));
                held.retain(|(other, _)| *other != key);
            }
            Step::Get(at) => {
                let Some(key) = key(at) else { continue };
                assert_eq!(table.get(key), value(key));
            }
            Step::Call(slot) => {
                let slot = usize::from(slot % 5);
                let found = held.iter().find(|(key, _)| key.slot() == slot).map(|(_, value)| *value);
                let Some(at) = table.at(slot) else { continue };
                assert_eq!(at, found);
                late += u64::from(found.is_none());
            }
            Step::RoundTrip(at) => {
                let Some(key) = key(at) else { continue };
                assert_eq!(SlotKey::from_u64(key.as_u64()), Some(key));
            }
        }
        assert_eq!(table.len(), held.len());
        assert_eq!(table.late_calls(), late);
    }
});
