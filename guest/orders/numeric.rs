//! `LC_ALL=C sort -n`: the decimal number at the start of a line.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{compare_numbers, skip_blanks, Key, Number};

callbox_guest::compare_bytes!(numeric);
callbox_guest::sort_key!(key);

fn numeric(a: &[u8], b: &[u8]) -> Ordering {
    // Reads the digits before the point, and the rest only if they do not decide.
    let (x, y) = match (skip_blanks(a), skip_blanks(b)) {
        ([b'-', x @ ..], [b'-', y @ ..]) => (y, x),
        ([b'-', ..], _) | (_, [b'-', ..]) => return in_full(a, b),
        whole => whole,
    };
    let (mut x, mut y) = (x, y);
    let order = compare_numbers(&mut x, &mut y, 0);
    if order == Ordering::Equal && (x.first() == Some(&b'.') || y.first() == Some(&b'.')) {
        return in_full(a, b);
    }
    order
}

#[cold]
#[inline(never)]
fn in_full(a: &[u8], b: &[u8]) -> Ordering {
    Number::of(a).order(&Number::of(b))
}

fn key(line: &[u8], key: &mut Key) {
    key.push_decimal(&Number::of(line));
}
