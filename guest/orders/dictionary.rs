//! `LC_ALL=C sort -d`: only letters, digits and blanks count.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

callbox_guest::compare_bytes!(dictionary);

fn dictionary(a: &[u8], b: &[u8]) -> Ordering {
    let counts = |c: &&u8| c.is_ascii_alphanumeric() || matches!(c, b' ' | b'\t' | b'\n');
    a.iter().filter(counts).cmp(b.iter().filter(counts))
}
