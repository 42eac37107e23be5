//! `LC_ALL=C sort -i`: only printing characters count, which are ASCII's and the space.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{common_prefix, Key};

callbox_guest::compare_bytes!(printing);
callbox_guest::sort_key!(key);

fn printing(a: &[u8], b: &[u8]) -> Ordering {
    let at = common_prefix(a, b);
    let (a, b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
    a.iter().filter(prints).cmp(b.iter().filter(prints))
}

fn prints(c: &&u8) -> bool {
    matches!(c, b' '..=b'~')
}

fn key(line: &[u8], key: &mut Key) {
    line.iter().filter(prints).for_each(|c| key.push(*c));
}
