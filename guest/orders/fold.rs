//! `LC_ALL=C sort -f`: byte order, with lower-case letters folded to upper case.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{common_prefix, Key};

callbox_guest::compare_bytes!(fold);
callbox_guest::sort_key!(key);

fn fold(a: &[u8], b: &[u8]) -> Ordering {
    let upper = |c: &u8| c.to_ascii_uppercase();
    let at = common_prefix(a, b);
    let (a, b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
    a.iter().map(upper).cmp(b.iter().map(upper))
}

fn key(line: &[u8], key: &mut Key) {
    line.iter().for_each(|c| key.push(c.to_ascii_uppercase()));
}
