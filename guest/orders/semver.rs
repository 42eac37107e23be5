//! Precedence of Semantic Versioning 2.0.0, with or without a leading `v`; build metadata does not
//! count. Lines that are not such a version come first, as equals.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{digits, Key};

callbox_guest::compare_bytes!(semver);
callbox_guest::sort_key!(key);

// Bytes of keys, which come after those that a number begins with.
const WORD: u8 = b'9' + 1;
const RELEASE: u8 = b'9' + 2;

struct Version<'a> {
    numbers: [&'a [u8]; 3],
    /// Identifiers after the `-`, with the points between them; empty for a release.
    pre: &'a [u8],
}

fn semver(a: &[u8], b: &[u8]) -> Ordering {
    match (version(a), version(b)) {
        (Some(a), Some(b)) => precedence(&a, &b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn version(line: &[u8]) -> Option<Version<'_>> {
    let mut rest = line.strip_prefix(b"v").unwrap_or(line);
    let mut numbers: [&[u8]; 3] = [b""; 3];
    for (place, number) in numbers.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (digits, after) = rest.split_at(digits(rest));
        if !is_number(digits) {
            return None;
        }
        *number = digits;
        rest = after;
    }
    let plus = rest.iter().position(|&c| c == b'+').unwrap_or(rest.len());
    let (pre, build) = rest.split_at(plus);
    let dash = pre.strip_prefix(b"-");
    if dash.is_none() && !pre.is_empty() {
        return None;
    }
    let good_pre =
        dash.map_or(true, |pre| identifiers(pre).all(|id| is_identifier(id) && !has_leading_zero(id)));
    let good_build = build.is_empty() || identifiers(&build[1..]).all(is_identifier);
    Some(Version { numbers, pre: dash.unwrap_or_default() }).filter(|_| good_pre && good_build)
}

fn precedence(a: &Version, b: &Version) -> Ordering {
    for (x, y) in a.numbers.iter().zip(&b.numbers) {
        let order = by_value(x, y);
        if order != Ordering::Equal {
            return order;
        }
    }
    match (a.pre.is_empty(), b.pre.is_empty()) {
        (false, false) => {}
        (a, b) => return a.cmp(&b), // a release comes after its pre-releases
    }
    let (mut a, mut b) = (identifiers(a.pre), identifiers(b.pre));
    loop {
        let order = match (a.next(), b.next()) {
            (Some(x), Some(y)) => match (is_digits(x), is_digits(y)) {
                (true, true) => by_value(x, y),
                (false, false) => x.cmp(y),
                (x, y) => y.cmp(&x), // numbers come before words
            },
            (None, None) => return Ordering::Equal,
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn identifiers(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&c| c == b'.')
}

/// Compares two numbers without leading zeros.
fn by_value(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn is_number(digits: &[u8]) -> bool {
    !digits.is_empty() && (digits[0] != b'0' || digits.len() == 1)
}

fn is_identifier(id: &[u8]) -> bool {
    !id.is_empty() && id.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-')
}

fn is_digits(id: &[u8]) -> bool {
    id.iter().all(u8::is_ascii_digit)
}

fn has_leading_zero(id: &[u8]) -> bool {
    is_digits(id) && !is_number(id)
}

fn key(line: &[u8], key: &mut Key) {
    let version = match version(line) {
        Some(version) => version,
        None => return, // no bytes come first
    };
    version.numbers.iter().for_each(|number| part(number, key));
    if version.pre.is_empty() {
        key.push(RELEASE);
    } else {
        identifiers(version.pre).for_each(|id| part(id, key));
    }
}

/// Writes a number, which begins with a digit, or a word.
#[inline(never)]
fn part(id: &[u8], key: &mut Key) {
    if is_digits(id) {
        key.push_number(id);
    } else {
        key.push(WORD);
        key.push_text(id);
    }
}
