//! `LC_ALL=C sort -M`: the English name of a month, by its first three letters.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::skip_blanks;

callbox_guest::compare_bytes!(by_month);

const MONTHS: [&[u8; 3]; 12] =
    [b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"];

fn by_month(a: &[u8], b: &[u8]) -> Ordering {
    month(a).cmp(&month(b))
}

/// Returns 1 to 12 for a month, and 0, which comes first, for anything else.
fn month(line: &[u8]) -> usize {
    let name = match skip_blanks(line).get(..3) {
        Some(name) => name,
        None => return 0,
    };
    MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name)).map_or(0, |at| at + 1)
}
