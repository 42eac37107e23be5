//! LC_ALL=C `sort -V`: GNU's version sort.
//!
//! As documented: a text is split into runs of non-digits and runs of digits. In non-digits, `~`
//! sorts before the end of the text, the end before letters, and letters before everything else;
//! digits compare as numbers. Suffixes such as `.tar.gz` are ignored at first, and count only if
//! the rest is equal. The empty text, `.`, `..`, and names with a leading point come first, in
//! this order.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{common_prefix, digits, skip_zeros};

callbox_guest::compare_bytes!(version);

fn version(a: &[u8], b: &[u8]) -> Ordering {
    in_place(a, b).unwrap_or_else(|| in_full(a, b))
}

/// Compares as GNU sort does. Seldom called, so kept small, which saves compile time.
#[cold]
#[inline(never)]
fn in_full(a: &[u8], b: &[u8]) -> Ordering {
    let first = rank(a).cmp(&rank(b));
    if first != Ordering::Equal {
        return first;
    }
    let (short_a, short_b) = (without_suffix(a), without_suffix(b));
    parts(short_a, short_b).then_with(|| parts(a, b))
}

/// As [`in_full`], but looks only at the first difference; returns `None` if that does not decide.
///
/// The common prefix does not matter, up to a run of digits that the first difference may be in. A
/// difference from there on also decides without the suffixes, if they begin after it.
fn in_place(a: &[u8], b: &[u8]) -> Option<Ordering> {
    if a.is_empty() || b.is_empty() || a[0] == b'.' || b[0] == b'.' {
        return None;
    }
    let differ = common_prefix(a, b);
    let same = a[..differ].iter().rev().take_while(|c| c.is_ascii_digit()).count();
    let (rest_a, rest_b) = (&a[differ - same..], &b[differ - same..]);
    let (decided_a, decided_b, order);
    if same == 0 && (is_text(rest_a) || is_text(rest_b)) {
        (decided_a, decided_b) = (rest_a.len().min(1), rest_b.len().min(1));
        order = weight(rest_a).cmp(&weight(rest_b));
    } else {
        let (zeros_a, zeros_b) = (skip_zeros(rest_a), skip_zeros(rest_b));
        let (in_a, in_b) = (digits(zeros_a), digits(zeros_b));
        (decided_a, decided_b) = (rest_a.len() - zeros_a.len() + in_a, rest_b.len() - zeros_b.len() + in_b);
        order = in_a.cmp(&in_b).then_with(|| zeros_a[..in_a].cmp(&zeros_b[..in_b]));
    }
    let before = differ - same;
    let behind = suffix_is_behind(a, before + decided_a) && suffix_is_behind(b, before + decided_b);
    if order != Ordering::Equal && behind {
        Some(order)
    } else {
        None
    }
}

/// Returns `true` if the suffix of a text begins at or after `from`; returns `false` also if that
/// would take long to find out.
#[inline(never)]
fn suffix_is_behind(text: &[u8], from: usize) -> bool {
    let rest = &text[from..];
    let mut point = false;
    for c in rest {
        // In a suffix a letter follows each point, and the other characters are letters or digits.
        let letter = c.is_ascii_alphabetic() || *c == b'~';
        if !letter && (point || !(c.is_ascii_digit() || *c == b'.')) {
            return true;
        }
        point = *c == b'.';
    }
    // All of the rest is a suffix, unless it ends in a point.
    point || ((rest.is_empty() || rest[0] == b'.') && without_suffix(&text[..from]).len() == from)
}

/// Returns a text's rank, which decides before its parts do.
fn rank(text: &[u8]) -> u8 {
    match text {
        b"" => 0,
        b"." => 1,
        b".." => 2,
        [b'.', ..] => 3,
        _ => 4,
    }
}

/// Returns a text without its final match of `(\.[A-Za-z~][A-Za-z0-9~]*)*`. As in coreutils 9.1, the
/// match may be the whole name of a hidden file; 9.2 and later keep such names whole.
#[inline(never)]
fn without_suffix(text: &[u8]) -> &[u8] {
    let mut end = text.len();
    loop {
        // One more suffix ends at `end` if it is a point, a letter, and then only `inside` characters.
        let inside = |c: &u8| c.is_ascii_alphanumeric() || *c == b'~';
        let start = end - text[..end].iter().rev().take_while(|c| inside(c)).count();
        let is_suffix = start < end && !text[start].is_ascii_digit();
        if !is_suffix || start == 0 || text[start - 1] != b'.' {
            return &text[..end];
        }
        end = start - 1;
    }
}

/// Compares runs of non-digits and of digits in turn.
#[inline(never)]
fn parts(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        while is_text(a) || is_text(b) {
            match (a.split_first(), b.split_first()) {
                (Some((x, rest_a)), Some((y, rest_b))) if x == y => {
                    a = rest_a;
                    b = rest_b;
                }
                // Different characters have different weights.
                _ => return weight(a).cmp(&weight(b)),
            }
        }
        a = skip_zeros(a);
        b = skip_zeros(b);
        let (in_a, in_b) = (digits(a), digits(b));
        let by_value = in_a.cmp(&in_b).then_with(|| a[..in_a].cmp(&b[..in_b]));
        if by_value != Ordering::Equal {
            return by_value;
        }
        a = &a[in_a..];
        b = &b[in_b..];
    }
    Ordering::Equal
}

fn is_text(text: &[u8]) -> bool {
    text.first().map_or(false, |c| !c.is_ascii_digit())
}

/// Returns the rank of the first character among the non-digits: 0 for a digit.
#[inline(never)]
fn weight(text: &[u8]) -> i32 {
    match text.first() {
        None => -1,
        Some(b'~') => -2,
        Some(c) if c.is_ascii_digit() => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    }
}
