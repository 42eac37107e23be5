//! Random short comparators: those that a kernel inlines, and those that it calls, get the order that a
//! reference interpreter of their instructions gives, from every sorter.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::cell::Cell;

use callbox::{Limits, Sandbox};

use crate::support::Random;
use crate::support::agreement::{Tally, check};
use crate::support::comparators::{Choices, Comparator};

/// Number of comparators of a module.
const BATCH: usize = 50;

/// Number of elements that is enough for lookahead in the C library's qsort.
const FORESEEN: usize = 20_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[test]
fn every_sorter_agrees_with_a_reference_interpreter() {
    let count = setting("CALLBOX_COMPARATORS", 250) as usize;
    let mut random = Random(setting("CALLBOX_SEED", 11));
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    let mut tally = Tally::default();
    while tally.comparators < count {
        let mut bytes = || (0..600).map(|_| random.next() as u8).collect::<Vec<_>>();
        let comparators: Vec<_> = (0..BATCH).map(|_| Comparator::generate(&mut Choices(&bytes()))).collect();
        let bytes: Vec<u8> = (0..200).flat_map(|_| bytes()).collect();
        let seldom = Cell::new(0);
        check(&sandbox, &comparators, &mut Choices(&bytes), &mut tally, |comparator, traps| {
            // Only lookahead inlines what reads the guest's memory.
            let reads = comparator.reads() && !comparator.is_bound_to_its_module();
            let nth = seldom.replace(seldom.get() + 1);
            (reads && traps || nth % if reads { 3 } else { 16 } == 0).then_some(FORESEEN)
        });
    }
    let all = tally.comparators;
    assert!(tally.orders > all / 8 && tally.liars > all / 8 && tally.traps > all / 40, "{tally:?}");
    assert!(tally.states > all / 100 && tally.unknown < all / 10, "{tally:?}");
    assert!(tally.foreseen > all / 20 && tally.foreseen_traps > all / 100, "{tally:?}");
}
