//! Decimal numbers of any length at the start of a text.

use core::cmp::Ordering;

use crate::text::{digits, skip_blanks, skip_zeros};

/// A decimal number as `sort -n` reads it: blanks, a minus sign, digits, a point, digits, each
/// optional. Without digits it is zero.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    /// Whether the number is below zero.
    pub negative: bool,
    /// Digits before the point, without leading zeros.
    pub whole: &'a [u8],
    /// Digits after the point, without trailing zeros.
    pub fraction: &'a [u8],
    /// Text after the number.
    pub rest: &'a [u8],
}

impl<'a> Number<'a> {
    /// Reads the number at the start of `text`.
    pub fn of(text: &'a [u8]) -> Number<'a> {
        let text = skip_blanks(text);
        let (minus, text) = match text {
            [b'-', after @ ..] => (true, after),
            _ => (false, text),
        };
        let (whole, mut rest) = run_of_digits(text);
        let mut fraction: &[u8] = &[];
        if let [b'.', after @ ..] = rest {
            (fraction, rest) = run_of_digits(after);
        }
        while let Some((b'0', shorter)) = fraction.split_last() {
            fraction = shorter;
        }
        let whole = skip_zeros(whole);
        let negative = minus && !(whole.is_empty() && fraction.is_empty());
        Number { negative, whole, fraction, rest }
    }

    /// Returns `true` if the number is zero.
    pub fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    /// Compares two numbers by value.
    pub fn order(&self, other: &Number<'_>) -> Ordering {
        let size = self.whole.len().cmp(&other.whole.len());
        let size = size.then_with(|| self.whole.cmp(other.whole));
        let size = size.then_with(|| self.fraction.cmp(other.fraction));
        match (self.negative, other.negative) {
            (false, false) => size,
            (true, true) => size.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

fn run_of_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(digits(text).min(text.len())) // no code for a panic, as the compiler sees the bound
}
