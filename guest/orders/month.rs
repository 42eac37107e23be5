//! `LC_ALL=C sort -M`: the English name of a month, by its first three letters.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{skip_blanks, Key};

callbox_guest::compare_bytes!(by_month);
callbox_guest::sort_key!(key);

fn by_month(a: &[u8], b: &[u8]) -> Ordering {
    month(a).cmp(&month(b))
}

/// Returns 1 to 12 for a month, and 0, which comes first, for anything else.
fn month(line: &[u8]) -> u8 {
    let name = match skip_blanks(line) {
        [a, b, c, ..] => [a.to_ascii_uppercase(), b.to_ascii_uppercase(), c.to_ascii_uppercase()],
        _ => return 0,
    };
    match &name {
        b"JAN" => 1,
        b"FEB" => 2,
        b"MAR" => 3,
        b"APR" => 4,
        b"MAY" => 5,
        b"JUN" => 6,
        b"JUL" => 7,
        b"AUG" => 8,
        b"SEP" => 9,
        b"OCT" => 10,
        b"NOV" => 11,
        b"DEC" => 12,
        _ => 0,
    }
}

fn key(line: &[u8], key: &mut Key) {
    key.push(month(line));
}
