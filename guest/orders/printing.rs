//! `LC_ALL=C sort -i`: only printing characters count, which are ASCII's and the space.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

callbox_guest::compare_bytes!(printing);

fn printing(a: &[u8], b: &[u8]) -> Ordering {
    let prints = |c: &&u8| matches!(c, b' '..=b'~');
    a.iter().filter(prints).cmp(b.iter().filter(prints))
}
