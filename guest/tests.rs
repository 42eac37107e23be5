//! The helpers against naive ones, on texts of the lengths that they treat in different ways.

extern crate std;

use core::cmp::Ordering;
use std::vec::Vec;

use crate::{common_prefix, compare, compare_numbers, digits, skip_zeros};

/// Returns pairs with the same prefix, each text in a box of its length, where Miri sees what is read.
fn pairs() -> Vec<(Vec<u8>, Vec<u8>)> {
    let endings: [&[u8]; 12] =
        [b"", b"\0", b"\xff", b"0", b"00", b"9", b"10", b"12345678", b"a", b"0a", b"a\0bcdefgh", b"x9"];
    let mut pairs = Vec::new();
    for prefix in 0..=18 {
        for fill in [b"abcdefghijklmnopqr", b"000000000000000000", b"a.0012345678901000"] {
            for a in endings {
                for b in endings {
                    let text = |ending: &[u8]| [&fill[..prefix], ending].concat();
                    pairs.push((text(a), text(b)));
                }
            }
        }
    }
    pairs
}

#[test]
fn common_prefix_is_that_of_single_bytes() {
    for (a, b) in pairs() {
        let naive = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        assert_eq!(common_prefix(&a, &b), naive, "{a:?} {b:?}");
    }
}

#[test]
fn compare_is_the_order_of_slices() {
    for (a, b) in pairs() {
        assert_eq!(compare(&a, &b), a.cmp(&b), "{a:?} {b:?}");
    }
}

#[test]
fn compare_numbers_is_the_order_of_values() {
    for (a, b) in pairs() {
        let at = common_prefix(&a, &b);
        let start = at - a[..at].iter().rev().take_while(|c| c.is_ascii_digit()).count();
        let naive = |text: &[u8]| {
            let number = skip_zeros(&text[start..start + digits(&text[start..])]).to_vec();
            (number.len(), number)
        };
        let (mut rest_a, mut rest_b) = (&a[..], &b[..]);
        let order = compare_numbers(&mut rest_a, &mut rest_b, at);
        assert_eq!(order, naive(&a).cmp(&naive(&b)), "{a:?} {b:?}");
        if order == Ordering::Equal {
            assert_eq!(rest_a, &a[start + digits(&a[start..])..], "{a:?} {b:?}");
            assert_eq!(rest_b, &b[start + digits(&b[start..])..], "{a:?} {b:?}");
        }
    }
}

#[test]
fn compare_numbers_has_nothing_to_read_behind_the_end() {
    let (mut a, mut b): (&[u8], &[u8]) = (b"12", b"123");
    assert_eq!(compare_numbers(&mut a, &mut b, 5), Ordering::Equal);
    assert_eq!((a, b), (&b""[..], &b""[..]));
}
