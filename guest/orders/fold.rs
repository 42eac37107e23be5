//! `LC_ALL=C sort -f`: byte order, with lower-case letters folded to upper case.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::common_prefix;

callbox_guest::compare_bytes!(fold);

fn fold(a: &[u8], b: &[u8]) -> Ordering {
    let upper = |c: &u8| c.to_ascii_uppercase();
    let at = common_prefix(a, b);
    let (a, b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
    a.iter().map(upper).cmp(b.iter().map(upper))
}
