//! `LC_ALL=C sort`: byte order.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

callbox_guest::compare_bytes!(bytes);

fn bytes(a: &[u8], b: &[u8]) -> Ordering {
    a.cmp(b)
}
