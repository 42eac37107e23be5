//! `LC_ALL=C sort -d`: only letters, digits and blanks count.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::common_prefix;

callbox_guest::compare_bytes!(dictionary);

fn dictionary(a: &[u8], b: &[u8]) -> Ordering {
    let counts = |c: &&u8| c.is_ascii_alphanumeric() || matches!(c, b' ' | b'\t' | b'\n');
    let at = common_prefix(a, b);
    let (a, b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
    a.iter().filter(counts).cmp(b.iter().filter(counts))
}
