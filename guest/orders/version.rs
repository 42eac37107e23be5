//! LC_ALL=C `sort -V`: GNU's version sort.
//!
//! By its documentation: a text is split into runs of non-digits and runs of digits. Non-digits
//! are compared with `~` before the end of the text, that before letters, those before everything
//! else; digits are compared as numbers. Suffixes like `.tar.gz` are left out at first and count
//! only where the rest is equal. The empty text, `.`, `..`, and names with a leading point come
//! first, in this order.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{digits, skip_zeros};

callbox_guest::compare_bytes!(version);

fn version(a: &[u8], b: &[u8]) -> Ordering {
    let first = rank(a).cmp(&rank(b));
    if first != Ordering::Equal {
        return first;
    }
    let (short_a, short_b) = (without_suffix(a), without_suffix(b));
    parts(short_a, short_b).then_with(|| parts(a, b))
}

/// What comes first, whatever its parts.
fn rank(text: &[u8]) -> u8 {
    match text {
        b"" => 0,
        b"." => 1,
        b".." => 2,
        [b'.', ..] => 3,
        _ => 4,
    }
}

/// Without what matches `(\.[A-Za-z~][A-Za-z0-9~]*)*` at the end. As in coreutils 9.1, that may be
/// the whole of a hidden file's name; 9.2 and later keep such names whole.
fn without_suffix(text: &[u8]) -> &[u8] {
    let mut end = text.len();
    loop {
        // One more suffix ends at `end`, if there is a point, a letter, and nothing else after it.
        let inside = |c: &u8| c.is_ascii_alphanumeric() || *c == b'~';
        let start = end - text[..end].iter().rev().take_while(|c| inside(c)).count();
        let is_suffix = start < end && !text[start].is_ascii_digit();
        if !is_suffix || start == 0 || text[start - 1] != b'.' {
            return &text[..end];
        }
        end = start - 1;
    }
}

/// Runs of non-digits and of digits in turn.
fn parts(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        while is_text(a) || is_text(b) {
            match (a.split_first(), b.split_first()) {
                (Some((x, rest_a)), Some((y, rest_b))) if x == y => {
                    a = rest_a;
                    b = rest_b;
                }
                // Different characters have different weights.
                _ => return weight(a).cmp(&weight(b)),
            }
        }
        a = skip_zeros(a);
        b = skip_zeros(b);
        let (in_a, in_b) = (digits(a), digits(b));
        let by_value = in_a.cmp(&in_b).then_with(|| a[..in_a].cmp(&b[..in_b]));
        if by_value != Ordering::Equal {
            return by_value;
        }
        a = &a[in_a..];
        b = &b[in_b..];
    }
    Ordering::Equal
}

fn is_text(text: &[u8]) -> bool {
    text.first().map_or(false, |c| !c.is_ascii_digit())
}

/// The place of the first character among the non-digits: 0 for a digit.
fn weight(text: &[u8]) -> i32 {
    match text.first() {
        None => -1,
        Some(b'~') => -2,
        Some(c) if c.is_ascii_digit() => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    }
}
