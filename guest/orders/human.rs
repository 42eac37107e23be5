//! `LC_ALL=C sort -h`: numbers with a unit, such as 2K or 1G; the unit decides first. R and Q are units
//! since coreutils 9.2; k is the only one in lower case.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{Key, Number};

callbox_guest::compare_bytes!(human);
callbox_guest::sort_key!(key);

fn human(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Number::of(a), Number::of(b));
    unit(&a).cmp(&unit(&b)).then_with(|| a.order(&b))
}

/// Returns the power of a number's unit, negated for a negative number. Zero has no unit.
fn unit(number: &Number) -> i32 {
    let power = match number.rest.first() {
        _ if number.is_zero() => 0,
        Some(b'K' | b'k') => 1,
        Some(b'M') => 2,
        Some(b'G') => 3,
        Some(b'T') => 4,
        Some(b'P') => 5,
        Some(b'E') => 6,
        Some(b'Z') => 7,
        Some(b'Y') => 8,
        Some(b'R') => 9,
        Some(b'Q') => 10,
        _ => 0,
    };
    if number.negative {
        -power
    } else {
        power
    }
}

fn key(line: &[u8], key: &mut Key) {
    let number = Number::of(line);
    key.push((unit(&number) + 10) as u8);
    key.push_decimal(&number);
}
