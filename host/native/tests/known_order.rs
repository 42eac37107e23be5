//! Tests of what is known of glibc's `qsort`: the order of its comparisons, and what it does without memory.

use std::cmp::Ordering;

use super::super::NativeSorter;
use super::in_place::without_memory;
use super::{Checks, WIDTHS, elements, liars, sort, sorted};
use crate::answers::MatchBy;
use crate::batch::{MIN_ELEMENTS, Rules, glibc};
use crate::callback::Callback;
use crate::error::Error;
use crate::limits::Limits;
use crate::native::qsort::sort_by_guest;
use crate::sandbox::Sandbox;
use crate::skip::skip;

/// Merges as glibc does; `ask` gets the positions, or for pointers what they point to.
fn merge_sort(order: &mut [usize], from: usize, ask: &mut dyn FnMut([usize; 2], [usize; 2]) -> Ordering) {
    if order.len() < 2 {
        return;
    }
    let half = order.len() / 2;
    merge_sort(&mut order[..half], from, ask);
    merge_sort(&mut order[half..], from + half, ask);
    let (left, right) = (order[..half].to_vec(), order[half..].to_vec());
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        let after = ask([from + l, from + half + r], [left[l], right[r]]).is_gt();
        order[l + r] = if after { right[r] } else { left[l] };
        (l, r) = if after { (l, r + 1) } else { (l + 1, r) };
    }
    let rest = l + r;
    order[rest..].copy_from_slice(if l < left.len() { &left[l..] } else { &right[r..] });
}

#[test]
fn qsort_asks_in_the_known_order_whatever_it_is_told() {
    let placeholder = Callback::placeholder();
    let counts = (2..=70).chain([127, 128, 129, 255, 1000, 1025, 5000]);
    for (width, count) in counts.flat_map(|count| WIDTHS.map(|width| (width, count))) {
        let pointers = match glibc::foreseen_by(width) {
            Some(MatchBy::Address) => false,
            Some(MatchBy::Pointer) => true,
            _ => return skip("known-qsort", "the order of qsort's comparisons, which is not known here"),
        };
        for (name, mut liar) in liars() {
            let mut scratch = elements(count, width);
            let (mut asked, base) = (Vec::new(), scratch.as_slice().as_ptr().addr());
            sort(Checks::All, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |a, b| {
                let answer = liar(a, b);
                asked.push(([a, b].map(|at| (at.as_ptr().addr() - base) / width), answer));
                Ok(answer)
            })
            .unwrap();
            let (mut order, mut next) = ((0..count).collect::<Vec<_>>(), asked.into_iter());
            merge_sort(&mut order, 0, &mut |places, elements| {
                let (question, answer) = next.next().unwrap();
                assert_eq!(question, if pointers { elements } else { places }, "{name}: {count} of {width}");
                answer
            });
            assert!(next.next().is_none(), "{name}: {count} of {width}");
            assert_eq!(sorted(&scratch), sorted(&elements(count, width)));
        }
    }
}

#[test]
fn a_sort_without_its_temporary_stays_in_its_array_or_is_left() {
    let ended = without_memory("known_order::without_a_temporary", ("CALLBOX_REFUSE", "1"));
    assert!(ended.is_none_or(|status| status.success()));
}

#[test]
#[ignore = "runs with a preloaded library"]
fn without_a_temporary() {
    let placeholder = Callback::placeholder();
    for width in WIDTHS {
        for count in [2, 5, 100, 1000, 10_000] {
            for (name, mut liar) in liars() {
                let mut scratch = elements(count, width);
                let before = sorted(&scratch);
                let outcome =
                    sort(Checks::All, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |a, b| {
                        Ok(liar(a, b))
                    });
                let left = matches!(outcome, Err(Error::LeftMergePath { .. }));
                let may_leave = glibc::has_unsafe_path();
                assert!(outcome.is_ok() || left && may_leave, "{name}, {count} × {width}: {outcome:?}");
                assert_eq!(sorted(&scratch), before, "{name}, {count} × {width}");
            }
        }
    }
    // With a guest, and answers ahead that are for another sort than the one that C falls back to.
    let guest = Sandbox::new(Limits::default()).unwrap().bundled("u32").unwrap();
    let callback = guest.callback("compare_u32", "int (const unsigned *, const unsigned *)".parse().unwrap());
    let callback = callback.unwrap();
    for count in [MIN_ELEMENTS, 300, 30_000] {
        let mut scratch = elements(count, 4);
        let numbers: &mut [u32] = bytemuck::cast_slice_mut(scratch.as_mut_slice());
        numbers.iter_mut().for_each(|n| *n = n.wrapping_mul(0x9e37_79b9) >> 7);
        let before = sorted(&scratch);
        let mut session = callback.session(None).unwrap();
        match sort_by_guest(NativeSorter::Qsort, &mut scratch, &callback, &mut session, Rules::default()) {
            Err(Error::LeftMergePath { .. }) if glibc::has_unsafe_path() => {}
            outcome => {
                outcome.unwrap();
                let numbers: &[u32] = bytemuck::cast_slice(scratch.as_slice());
                assert!(numbers.is_sorted(), "{count}");
            }
        }
        assert_eq!(sorted(&scratch), before);
    }
}
