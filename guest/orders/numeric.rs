//! `LC_ALL=C sort -n`: the decimal number at the start of a line.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::Number;

callbox_guest::compare_bytes!(numeric);

fn numeric(a: &[u8], b: &[u8]) -> Ordering {
    Number::of(a).order(&Number::of(b))
}
