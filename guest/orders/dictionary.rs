//! `LC_ALL=C sort -d`: only letters, digits and blanks count.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{common_prefix, Key};

callbox_guest::compare_bytes!(dictionary);
callbox_guest::sort_key!(key);

fn dictionary(a: &[u8], b: &[u8]) -> Ordering {
    let at = common_prefix(a, b);
    let (a, b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
    a.iter().filter(counts).cmp(b.iter().filter(counts))
}

fn counts(c: &&u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b' ' | b'\t' | b'\n')
}

fn key(line: &[u8], key: &mut Key) {
    line.iter().filter(counts).for_each(|c| key.push(*c));
}
