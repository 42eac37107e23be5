//! `LC_ALL=C sort -g`: the number at the start of a line, as `strtold` reads it on x86-64.
//!
//! A number is decimal or, after `0x`, hexadecimal, with or without an exponent; or `inf`; or `nan`.
//! Numbers compare as GNU sort's do there: rounded to a `long double`, which has 64 bits, overflows
//! to infinity and underflows to zero. Lines without a number come first, as equals; then `nan`, then
//! `-nan`, as in coreutils 9.1; later versions swap the two. As in those, `nan(1)` equals `nan`: 9.1
//! tells them apart, and orders equal NaNs by what happens to be on its stack.
#![cfg_attr(target_arch = "wasm32", no_std)]

use core::cmp::Ordering;

#[path = "general/big.rs"]
mod big;

use callbox_guest::Key;

use big::{Big, Rounded, INFINITY, ZERO_SIZE};

callbox_guest::compare_bytes!(general);
callbox_guest::sort_key!(key);

/// An exponent that no length of digits brings back into range.
const HUGE: i64 = 1_000_000_000_000_000;

/// Digits in [`Number::prefix`].
const PREFIX: usize = 18;

// Ranks: what decides before the value does.
const NOTHING: u8 = 0;
const NAN: u8 = 1;
const NEGATIVE_NAN: u8 = 2;
const NEGATIVE: u8 = 3;
const ZERO: u8 = 4;
const POSITIVE: u8 = 5;

/// A number's rank and its absolute value, 0.DIGITS × 10^magnitude or 0.DIGITS × 2^magnitude.
#[derive(Clone, Copy)]
struct Number<'a> {
    rank: u8,
    /// 10 or 16.
    base: u32,
    magnitude: i64,
    /// Digits from the first that is not zero, and perhaps the point.
    digits: &'a [u8],
    /// How many digits there are.
    count: usize,
    /// The first digits of a decimal number, up to [`PREFIX`].
    prefix: u64,
    /// Whether there is more to the number than those.
    more: bool,
}

fn general(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Number::of(a), Number::of(b));
    a.rank.cmp(&b.rank).then_with(|| match a.rank {
        NEGATIVE => size(&b, &a),
        POSITIVE => size(&a, &b),
        _ => Ordering::Equal,
    })
}

/// Compares absolute values.
///
/// Decimal numbers of 18 digits are further apart than numbers of 64 bits, as 10^18 < 2^63; multiples
/// of 10^-4950 are further apart than the least numbers. So rounding keeps any two of them apart, and
/// with them any two numbers that they separate.
fn size(a: &Number, b: &Number) -> Ordering {
    if a.is_plain() && b.is_plain() {
        let (x, y) = (a.floor(), b.floor());
        match (x.magnitude, x.prefix).cmp(&(y.magnitude, y.prefix)) {
            Ordering::Less if !x.more || x.is_far_below(&y) => return Ordering::Less,
            Ordering::Greater if !y.more || y.is_far_below(&x) => return Ordering::Greater,
            Ordering::Equal if !x.more && !y.more => return Ordering::Equal,
            _ => {}
        }
    }
    rounded_size(a, b)
}

#[cold]
#[inline(never)]
fn rounded_size(a: &Number, b: &Number) -> Ordering {
    if a.base == b.base && a.magnitude == b.magnitude && a.digits == b.digits {
        return Ordering::Equal; // saves the work for lines that are the same
    }
    rounded(a).cmp(&rounded(b))
}

impl<'a> Number<'a> {
    fn of(line: &'a [u8]) -> Number<'a> {
        let mut text = line;
        while let [b' ' | b'\t'..=b'\r', rest @ ..] = text {
            text = rest;
        }
        let (negative, text) = sign(text);
        let (base, text) = match text {
            [b'0', b'x' | b'X', rest @ ..] if starts_with_digit(rest, 16) => (16, rest),
            _ if starts_with_digit(text, 10) => (10, text),
            _ => return Number::of_word(negative, text),
        };
        let mut number = Number { base, ..Number::new(ZERO) };
        let rest = number.read_digits(text);
        if number.count == 0 {
            return number;
        }
        let bits = if base == 16 { 4 } else { 1 };
        number.magnitude = number.magnitude * bits + exponent(rest, if base == 16 { b'p' } else { b'e' });
        if number.is_plain() || number.magnitude > 0 || rounded(&number) != ZERO_SIZE {
            number.rank = if negative { NEGATIVE } else { POSITIVE };
        }
        number
    }

    fn new(rank: u8) -> Number<'a> {
        Number { rank, base: 10, magnitude: HUGE, digits: b"1", count: 0, prefix: 0, more: false }
    }

    /// Reads a word; infinity is a number that overflows.
    fn of_word(negative: bool, text: &[u8]) -> Number<'a> {
        let word = match text {
            [a, b, c, ..] => [a | 0x20, b | 0x20, c | 0x20], // in lower case
            _ => [0; 3],
        };
        Number::new(match (&word, negative) {
            (b"inf", false) => POSITIVE,
            (b"inf", true) => NEGATIVE,
            (b"nan", false) => NAN,
            (b"nan", true) => NEGATIVE_NAN,
            _ => NOTHING,
        })
    }

    /// Reads digits and a point, sets all but the rank, and returns the text after them.
    fn read_digits(&mut self, text: &'a [u8]) -> &'a [u8] {
        let mut rest = text;
        let mut point = false;
        self.magnitude = 0;
        self.digits = text;
        while let Some((&c, after)) = rest.split_first() {
            match digit(c, self.base) {
                Some(0) if self.count == 0 => self.magnitude -= i64::from(point),
                Some(digit) => {
                    if self.count == 0 {
                        self.digits = rest;
                    }
                    if self.count < PREFIX {
                        self.prefix = self.prefix.wrapping_mul(10).wrapping_add(u64::from(digit));
                    } else {
                        self.more |= digit != 0;
                    }
                    self.count += 1;
                    self.magnitude += i64::from(!point);
                }
                None if c == b'.' && !point => point = true,
                None => break,
            }
            rest = after;
        }
        self.digits = self.digits.get(..self.digits.len() - rest.len()).unwrap_or_default();
        rest
    }

    /// Returns `true` for a decimal number that neither overflows nor underflows.
    fn is_plain(&self) -> bool {
        self.base == 10 && self.magnitude > -4950 && self.magnitude < 4933
    }

    /// Returns the number of 18 digits, or the multiple of 10^-4950, at or below a plain number.
    fn floor(&self) -> Number<'a> {
        let prefix = self.prefix.wrapping_mul(tens(PREFIX.saturating_sub(self.count) as i64));
        let below = if self.magnitude < -4932 { prefix.checked_rem(self.unit()).unwrap_or(0) } else { 0 };
        Number { prefix: prefix - below, more: self.more || below != 0, ..*self }
    }

    /// Returns what the prefixes of such numbers differ by.
    fn unit(&self) -> u64 {
        tens(-4932 - self.magnitude)
    }

    /// Returns `true` if another such number lies between this one and a larger one.
    fn is_far_below(&self, other: &Number) -> bool {
        let next = self.prefix + self.unit();
        if next == 1_000_000_000_000_000_000 {
            (self.magnitude + 1, next / 10) < (other.magnitude, other.prefix)
        } else {
            (self.magnitude, next) < (other.magnitude, other.prefix)
        }
    }
}

/// Returns a power of ten; 1 if the exponent is negative.
#[inline(never)]
fn tens(exponent: i64) -> u64 {
    (0..exponent).fold(1, |power: u64, _| power.wrapping_mul(10))
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn digit(c: u8, base: u32) -> Option<u32> {
    let digit = if c.is_ascii_digit() { c - b'0' } else { (c | 0x20).wrapping_sub(b'a').saturating_add(10) };
    Some(u32::from(digit)).filter(|digit| *digit < base)
}

/// Returns `true` if a digit comes first, or second after a point.
fn starts_with_digit(text: &[u8], base: u32) -> bool {
    let text = text.strip_prefix(b".").unwrap_or(text);
    text.first().map_or(false, |c| digit(*c, base).is_some())
}

/// Reads an exponent, which is 0 if it has no digits, and no larger than about [`HUGE`].
fn exponent(text: &[u8], mark: u8) -> i64 {
    let (negative, mut text) = match text {
        [c, rest @ ..] if c | 0x20 == mark => sign(rest),
        _ => return 0,
    };
    let mut value = 0;
    while let [c @ b'0'..=b'9', rest @ ..] = text {
        if value < HUGE {
            value = value * 10 + i64::from(c - b'0');
        }
        text = rest;
    }
    if negative {
        -value
    } else {
        value
    }
}

/// Rounds an absolute value as x86-64 does.
#[cold]
#[inline(never)]
fn rounded(number: &Number) -> Rounded {
    // Up to the first of these, a value is below half of the least number.
    let (least, most) = if number.base == 16 { (-16_446, 16_390) } else { (-4951, 4934) };
    if number.magnitude <= least {
        return ZERO_SIZE;
    }
    if number.magnitude >= most {
        return INFINITY;
    }
    let few = number.count <= 36 && number.magnitude > -50 && number.magnitude < 50;
    if few || number.base == 16 {
        Big::new(&mut [0; 16]).rounded(number)
    } else {
        Big::new(&mut [0; big::WORDS]).rounded(number)
    }
}

/// Writes the rank, and for a number its rounded value.
fn key(line: &[u8], key: &mut Key) {
    let number = Number::of(line);
    key.push(number.rank);
    if matches!(number.rank, NEGATIVE | POSITIVE) {
        let (power, factor) = rounded(&number);
        let flip = if number.rank == NEGATIVE { u64::MAX } else { 0 };
        key.extend(&((power as u64 ^ flip) as u16 ^ 1 << 15).to_be_bytes()); // two bytes hold all powers
        key.push_u64(factor ^ flip);
    }
}
