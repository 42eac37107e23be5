//! Tests of the native sorts and `bsearch` under inconsistent comparators, on the safe path and the unsafe
//! one.
//!
//! The answers come from closures instead of a guest: the subject is how C uses them, and how the
//! trampoline confines C.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io::Write as _;

use super::bsearch::search_by;
use super::qsort::call_sorter;
use super::{NativeSorter, sort_by};
use crate::callback::{Answer, Callback};
use crate::error::{Error, Result};
use crate::memory::{AddressRange, Bounds, ScratchArray};
use crate::trampoline::Ask;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod in_place;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod known_order;

const BOTH: [NativeSorter; 2] = [NativeSorter::Qsort, NativeSorter::Msvcrt];

/// Returns elements that are all different, as far as their width allows.
fn elements(count: usize, width: usize) -> ScratchArray {
    let mut scratch = ScratchArray::zeroed(count, width, usize::MAX).unwrap();
    for (at, element) in scratch.as_mut_slice().chunks_exact_mut(width).enumerate() {
        let number = &(at as u32).to_le_bytes()[..width.min(4)];
        element.fill(0xa5);
        element[..number.len()].copy_from_slice(number);
    }
    scratch
}

fn sorted(scratch: &ScratchArray) -> Vec<Vec<u8>> {
    let mut all: Vec<_> = scratch.as_slice().chunks_exact(scratch.width()).map(<[u8]>::to_vec).collect();
    all.sort();
    all
}

/// The checks that the trampoline makes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Checks {
    All,
    /// All but the check that the first of two elements is at the lower address.
    Range,
    None,
}

fn sort(
    checks: Checks,
    sorter: NativeSorter,
    scratch: &mut ScratchArray,
    callback: &Callback,
    ask: &mut dyn FnMut(&[u8], &[u8]) -> Answer,
) -> Result<()> {
    let (range, width) = (AddressRange::of(scratch.as_slice()), scratch.width());
    let ask: Box<Ask<'_>> = Box::new(|_, [a, b]| ask(a, b));
    let bounds = match checks {
        Checks::All => return sort_by(sorter, scratch, callback, None, ask),
        Checks::Range => Bounds::Known { a: range, b: range, width, ascending: false },
        Checks::None => Bounds::Trusted { width },
    };
    call_sorter(bounds, None, sorter, scratch, callback, ask)
}

/// Calls `run` with every possible sequence of answers: each time with a comparator that repeats the
/// previous answers up to some call, and changes the one there. After `free` calls it always answers
/// "less". Returns the number of sequences.
fn every_answer(free: usize, mut run: impl FnMut(&mut dyn FnMut() -> Ordering)) -> usize {
    const ANSWERS: [Ordering; 3] = [Ordering::Less, Ordering::Equal, Ordering::Greater];
    let mut script: Vec<usize> = Vec::new();
    for runs in 1.. {
        let mut calls = 0;
        run(&mut || {
            calls += 1;
            if calls > free {
                return Ordering::Less;
            }
            if calls > script.len() {
                script.push(0);
            }
            ANSWERS[script[calls - 1]]
        });
        script.truncate(calls);
        while script.last() == Some(&(ANSWERS.len() - 1)) {
            script.pop();
        }
        match script.last_mut() {
            Some(last) => *last += 1,
            None => return runs,
        }
    }
    unreachable!()
}

/// Prints a line even where the output of tests is captured.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Widths that glibc moves in different ways, and one for which it allocates its temporary array with
/// malloc even for two elements.
const WIDTHS: [usize; 9] = [1, 3, 4, 8, 12, 32, 33, 100, 1040];

type Liar = dyn FnMut(&[u8], &[u8]) -> Ordering;

/// The comparators of the first two rows of `docs/reliability.md`.
fn liars() -> Vec<(&'static str, Box<Liar>)> {
    let byte = |element: &[u8]| i32::from(element[0] as i8);
    let mut calls = 0u64;
    let mut seed = 7u64;
    vec![
        ("always less", Box::new(|_, _| Ordering::Less)),
        ("always greater", Box::new(|_, _| Ordering::Greater)),
        ("always equal", Box::new(|_, _| Ordering::Equal)),
        (
            "random",
            Box::new(move |_, _| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (seed >> 33).cmp(&(1 << 30))
            }),
        ),
        (
            "alternating",
            Box::new(move |_, _| {
                calls += 1;
                if calls.is_multiple_of(2) { Ordering::Less } else { Ordering::Greater }
            }),
        ),
        ("cyclic", Box::new(move |a, b| (byte(a) - byte(b)).rem_euclid(3).cmp(&1))),
        ("overflowing", Box::new(move |a, b| (byte(a) as i8).wrapping_sub(byte(b) as i8).cmp(&0))),
    ]
}

#[test]
fn no_liar_gets_anything_but_a_permutation_out_of_any_sort() {
    let placeholder = Callback::placeholder();
    for sorter in BOTH {
        for width in WIDTHS {
            for count in [0, 1, 2, 3, 5, 8, 9, 10, 100, 1000] {
                for (name, mut liar) in liars() {
                    let mut scratch = elements(count, width);
                    let before = sorted(&scratch);
                    let outcome =
                        sort(Checks::All, sorter, &mut scratch, &placeholder, &mut |a, b| Ok(liar(a, b)));
                    match outcome {
                        Ok(()) => {}
                        Err(Error::OutOfBounds { .. }) if sorter == NativeSorter::Msvcrt => {}
                        Err(error) => panic!("{name}, {sorter:?}, {count} × {width}: {error}"),
                    }
                    assert_eq!(sorted(&scratch), before, "{name}, {sorter:?}, {count} × {width}");
                }
            }
        }
    }
}

/// The bounds end before the array does, so that every sort leaves them.
#[test]
#[cfg_attr(target_env = "musl", ignore = "there the process is aborted instead")]
#[cfg_attr(target_vendor = "apple", ignore = "its qsort is never left")]
fn every_sort_can_be_left_and_the_next_one_works() {
    let placeholder = Callback::placeholder();
    for sorter in BOTH {
        for count in [2, 9, 1000] {
            let mut scratch = elements(count, 4);
            let range = AddressRange::of(&scratch.as_slice()[4..]);
            let bounds = Bounds::Known { a: range, b: range, width: 4, ascending: false };
            let ask: Box<Ask<'_>> = Box::new(|_, [a, b]| Ok(a.cmp(b)));
            let outcome = call_sorter(bounds, None, sorter, &mut scratch, &placeholder, ask);
            assert!(matches!(outcome, Err(Error::OutOfBounds { .. })), "{sorter:?} {count}: {outcome:?}");
            sort(Checks::All, sorter, &mut scratch, &placeholder, &mut |a, b| Ok(a.cmp(b))).unwrap();
        }
    }
}

#[test]
fn every_sequence_of_answers_keeps_every_sort_of_up_to_five_elements_in_its_array() {
    let placeholder = Callback::placeholder();
    for sorter in BOTH {
        for width in [4, 40] {
            let runs: Vec<usize> = (0..=5)
                .map(|count| {
                    let before = sorted(&elements(count, width));
                    every_answer(usize::MAX, |answer| {
                        let mut scratch = elements(count, width);
                        sort(Checks::All, sorter, &mut scratch, &placeholder, &mut |_, _| Ok(answer()))
                            .unwrap();
                        assert_eq!(sorted(&scratch), before);
                    })
                })
                .collect();
            // `msvcrt` sorts eight or fewer by selection: always n (n - 1) / 2 comparisons.
            if sorter == NativeSorter::Msvcrt {
                assert_eq!(runs, [1, 1, 3, 27, 729, 59049]);
            }
        }
    }
}

#[test]
fn every_sequence_of_answers_keeps_bsearch_in_its_array() {
    let placeholder = Callback::placeholder();
    for count in 0..=9usize {
        let array = elements(count, 4);
        let mut found = HashMap::new();
        every_answer(usize::MAX, |answer| {
            let at =
                search_by(&[7; 4], array.as_slice(), &placeholder, Box::new(|_, _| Ok(answer()))).unwrap();
            *found.entry(at).or_insert(0) += 1;
        });
        // Each element is found by some sequence, and nothing else by any.
        let expected = (0..count).map(Some).chain([None]);
        assert!(expected.clone().all(|at| found.contains_key(&at)), "{count}: {found:?}");
        assert_eq!(found.len(), count + 1, "{count}: {found:?}");
    }
}

#[test]
fn a_failure_at_any_call_lets_the_sort_run_out_without_asking_again() {
    let placeholder = Callback::placeholder();
    for sorter in BOTH {
        for call in 1..=20 {
            let mut scratch = elements(9, 4);
            let before = sorted(&scratch);
            let mut asked = 0;
            let outcome = sort(Checks::All, sorter, &mut scratch, &placeholder, &mut |a, b| {
                asked += 1;
                if asked == call { Err(Box::new(Error::NotPermutation)) } else { Ok(b.cmp(a)) }
            });
            assert!(matches!(outcome, Err(Error::NotPermutation)) || asked < call, "{sorter:?} {call}");
            assert!(asked <= call);
            assert_eq!(sorted(&scratch), before);
        }
    }
}
