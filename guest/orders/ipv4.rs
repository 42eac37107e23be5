//! The IPv4 address at the start of a line, by value; then the length of a `/prefix`, where no prefix
//! is the longest. Lines that do not start with an address come first, as equals.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{skip_blanks, Key};

callbox_guest::compare_bytes!(ipv4);
callbox_guest::sort_key!(key);

fn ipv4(a: &[u8], b: &[u8]) -> Ordering {
    network(a).cmp(&network(b))
}

/// Reads the address and the length of the prefix, in the lowest byte.
#[inline(never)]
fn network(line: &[u8]) -> Option<u64> {
    let mut rest = skip_blanks(line);
    let mut address = 0;
    for place in 0..4 {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (byte, after) = number(rest, 255)?;
        address = address << 8 | byte;
        rest = after;
    }
    let prefix = rest.strip_prefix(b"/").and_then(|rest| number(rest, 32));
    match (prefix, rest.first()) {
        (Some((length, _)), _) => Some(address << 8 | length),
        // The first four numbers of a longer dotted list are not an address.
        (None, Some(b'.')) => None,
        _ => Some(address << 8 | 32),
    }
}

/// Reads a decimal number of up to three digits, and up to `most`; returns it and the text after it.
fn number(text: &[u8], most: u64) -> Option<(u64, &[u8])> {
    let mut value = 0;
    let mut rest = text;
    while let [c @ b'0'..=b'9', after @ ..] = rest {
        value = value * 10 + u64::from(*c - b'0');
        rest = after;
        if text.len() - rest.len() > 3 {
            return None;
        }
    }
    Some((value, rest)).filter(|_| rest.len() < text.len() && value <= most)
}

/// Writes five bytes, or none, which come first.
fn key(line: &[u8], key: &mut Key) {
    if let Some(network) = network(line) {
        (0..5).rev().for_each(|at| key.push((network >> (8 * at)) as u8));
    }
}
