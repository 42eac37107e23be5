//! LC_ALL=C `sort -V`: GNU's version sort.
//!
//! As documented: a text is split into runs of non-digits and runs of digits. In non-digits, `~`
//! sorts before the end of the text, the end before letters, and letters before everything else;
//! digits compare as numbers. Suffixes such as `.tar.gz` are ignored at first, and count only if
//! the rest is equal. The empty text, `.`, `..`, and names with a leading point come first, in
//! this order.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

use callbox_guest::{common_prefix, compare_numbers, skip_zeros, Key};

callbox_guest::compare_bytes!(version);
callbox_guest::sort_key!(key);

// Weights among the non-digits.
const DIGIT: i32 = 0;
const END: i32 = -1;
const TILDE: i32 = -2;
const POINT: i32 = b'.' as i32 + 256;

fn version(a: &[u8], b: &[u8]) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let at = common_prefix(rest_a, rest_b);
        let (at_a, at_b) = (a.len() - rest_a.len() + at, b.len() - rest_b.len() + at);
        let (x, y) = (weight(rest_a, at), weight(rest_b, at));
        // A single digit may go on with the number before it, or begin one where the other text ends.
        let goes_on = || rest_a.get(at.wrapping_sub(1)).map_or(false, u8::is_ascii_digit);
        let number = (x == DIGIT || y == DIGIT) && (x == y || x == END || y == END || goes_on());
        let order = if number { compare_numbers(&mut rest_a, &mut rest_b, at) } else { x.cmp(&y) };
        if order != Ordering::Equal && is_plain(a, b, at_a, x, y) {
            return order;
        }
        if order != Ordering::Equal || !number {
            return with_ranks(a, b, at_a, at_b, order);
        }
    }
}

/// Returns `true` if neither text is among those that come first, and no suffix begins before the first
/// difference or at it; returns `false` also if that would take long to find out.
fn is_plain(a: &[u8], b: &[u8], at: usize, x: i32, y: i32) -> bool {
    if x == POINT || y == POINT || a.is_empty() || b.is_empty() || a[0] == b'.' {
        return false;
    }
    // In a suffix a letter or `~` follows each point, and no other characters are below the digits.
    let mut same = a.get(..at).unwrap_or_default();
    while let [before @ .., c] = same {
        if *c < b'0' {
            // Of `~` and a digit, the suffix comes first as well.
            let digit = match a.get(same.len()) {
                Some(c) if same.len() < at => c.is_ascii_digit(),
                _ => x.max(y) == DIGIT,
            };
            return *c != b'.' || digit;
        }
        same = before;
    }
    true
}

/// Compares texts of which the `whole` parts differ, first at `at_a` and `at_b`. Seldom called, so kept
/// small, which saves compile time.
#[cold]
#[inline(never)]
fn with_ranks(a: &[u8], b: &[u8], at_a: usize, at_b: usize, whole: Ordering) -> Ordering {
    let ranks = rank(a).cmp(&rank(b));
    if ranks != Ordering::Equal || whole == Ordering::Equal {
        return ranks;
    }
    let (end_a, end_b) = (without_suffix(a), without_suffix(b));
    match (end_a < at_a, end_b < at_b) {
        // The rest is the same, or only one text ends before a point that both have.
        (true, true) => whole,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ if end_a == at_a => match skip_zeros(b.get(at_b..end_b).unwrap_or_default()).first() {
            None | Some(b'~') => whole,
            _ => Ordering::Less,
        },
        _ if end_b == at_b => with_ranks(b, a, at_b, at_a, whole.reverse()).reverse(),
        _ => whole,
    }
}

/// Returns a text's rank, which decides before its parts do.
#[inline(never)]
fn rank(text: &[u8]) -> usize {
    match (text.first(), text.last()) {
        (Some(b'.'), Some(b'.')) if text.len() <= 2 => text.len(),
        (Some(b'.'), _) => 3,
        (Some(_), _) => 4,
        _ => 0,
    }
}

/// Returns the length of a text without its final match of `(\.[A-Za-z~][A-Za-z0-9~]*)*`. As in coreutils
/// 9.1, the match may be the whole name of a hidden file; 9.2 and later keep such names whole.
#[inline(never)]
fn without_suffix(text: &[u8]) -> usize {
    let mut end = text;
    loop {
        let mut start = end;
        while let [before @ .., b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'~'] = start {
            start = before;
        }
        match (start, end.get(start.len())) {
            ([before @ .., b'.'], Some(first)) if !first.is_ascii_digit() => end = before,
            _ => return end.len(),
        }
    }
}

/// Returns the weight of a character among the non-digits.
#[inline(always)]
fn weight(text: &[u8], at: usize) -> i32 {
    let c = text.get(at).map_or(END, |c| i32::from(*c));
    if c == END || (i32::from(b'a')..=i32::from(b'z')).contains(&(c | 0x20)) {
        c
    } else if (c ^ i32::from(b'0')) as u32 <= 9 {
        DIGIT
    } else if c == i32::from(b'~') {
        TILDE
    } else {
        c + 256
    }
}

/// Writes the rank; the parts without the suffix, then those of the suffix.
///
/// `~` is the least byte, then come numbers, letters, and others with their high bit set.
#[inline(never)]
fn key(text: &[u8], key: &mut Key) {
    key.push(rank(text) as u8);
    let (whole, suffix) = text.split_at(without_suffix(text).min(text.len()));
    let (mut number, mut zero) = (false, false);
    for mut rest in [whole, suffix] {
        if zero {
            key.push(b'0'); // the suffix of `a0` is not that of `a`, which is equal without it
        }
        while let Some((&c, after)) = rest.split_first() {
            number = c.is_ascii_digit();
            if number {
                let before = key.len();
                rest = key.push_number(rest);
                zero = key.len() == before + 1;
                continue;
            }
            zero = false;
            if c > b'~' {
                key.push(0xff);
            }
            key.push(match c {
                b'~' => 0,
                b'a'..=b'z' | b'A'..=b'Z' | 0x7f.. => c,
                _ => c | 0x80,
            });
            rest = after;
        }
        // The end is an endless row of zeros, of which one after a number is enough, and otherwise two: then
        // follow `~` below them, or a byte above.
        if !number {
            key.push(b'0');
        }
        key.push(b'0');
    }
}
