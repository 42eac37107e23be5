//! Natural order: runs of digits compare as numbers of any length, other text by bytes.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{common_prefix, compare_numbers, Key};

callbox_guest::compare_bytes!(natural);
callbox_guest::sort_key!(key);

fn natural(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let at = common_prefix(a, b);
        let (x, y) = (a.get(at), b.get(at));
        let digits = is_digit(x) + is_digit(y) + is_digit(a.get(at.wrapping_sub(1)));
        if digits < 2 {
            return x.cmp(&y);
        }
        let order = compare_numbers(&mut a, &mut b, at);
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn is_digit(c: Option<&u8>) -> u8 {
    u8::from(matches!(c, Some(b'0'..=b'9')))
}

fn key(mut line: &[u8], key: &mut Key) {
    while let Some((&c, after)) = line.split_first() {
        line = if c.is_ascii_digit() {
            key.push_number(line)
        } else {
            key.push(c);
            after
        };
    }
}
