//! Natural order: runs of digits compare as numbers of any length, other text by bytes.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{digits, skip_zeros};

callbox_guest::compare_bytes!(natural);

fn natural(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (in_a, in_b) = (digits(a), digits(b));
        let order = if in_a > 0 && in_b > 0 {
            let (x, y) = (skip_zeros(&a[..in_a]), skip_zeros(&b[..in_b]));
            a = &a[in_a..];
            b = &b[in_b..];
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            match (a.split_first(), b.split_first()) {
                (Some((x, rest_a)), Some((y, rest_b))) => {
                    a = rest_a;
                    b = rest_b;
                    x.cmp(y)
                }
                _ => return a.len().cmp(&b.len()),
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
