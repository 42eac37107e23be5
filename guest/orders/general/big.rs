//! Integers of many words, and how they are rounded.

use super::{digit, Number};

/// A number of 64 bits: its power of two and its factor, which has its top bit set, unless the power is
/// [`LEAST`].
pub(super) type Rounded = (i64, u64);

const LEAST: i64 = -16_445;
const MOST: i64 = 16_320;

pub(super) const ZERO_SIZE: Rounded = (LEAST, 0);
pub(super) const INFINITY: Rounded = (MOST + 1, 0);

/// Digits that matter.
///
/// The numbers where 64 bits round up or down are multiples of 2^-16446. Below 2^-16382 they have at
/// most 11,515 decimal digits, and fewer above, where the multiples are larger. A longer number that
/// agrees with one of them in all these digits is above it if any later digit is not zero, no matter
/// which; otherwise it is on the same side of it as its own first digits. Of hexadecimal digits, 24 are
/// plenty.
const MOST_DIGITS: usize = 11_520;
const MOST_HEX_DIGITS: usize = 24;

/// Words for so many digits; or for a power of five that is as long, and 66 bits more.
pub(super) const WORDS: usize = 1216;

/// As many fives as a word holds.
const FIVES: u32 = 13;
const FIVES_POWER: u32 = 1_220_703_125;

/// An integer, lowest word first.
pub(super) struct Big<'a> {
    words: &'a mut [u32],
    len: usize,
}

impl<'a> Big<'a> {
    /// Zero, with room for an integer in these words.
    pub(super) fn new(words: &'a mut [u32]) -> Big<'a> {
        Big { words, len: 0 }
    }

    /// Rounds a number that is in range, or nearly.
    pub(super) fn rounded(mut self, number: &Number) -> Rounded {
        let (count, mut inexact) = self.read(number.digits, number.base);
        if number.base == 16 {
            return self.round(number.magnitude - 4 * count, inexact);
        }
        // The rest is a power of ten: the power of two goes into the exponent.
        let tens = number.magnitude - count;
        let mut exponent = tens;
        let mut fives = tens.unsigned_abs() as u32;
        if tens < 0 {
            // 7/3 is more than the bits of a five. The quotient has 66 bits or more.
            let enough = (fives * 7 / 3 + 66) / 32 + 2;
            let words = enough.saturating_sub(self.len as u32);
            exponent -= 32 * i64::from(words);
            self.shift(words as usize);
        }
        while fives > 0 {
            let (step, power) = if fives >= FIVES { (FIVES, FIVES_POWER) } else { (1, 5) };
            fives -= step;
            if tens < 0 {
                inexact |= self.divide(power) != 0;
            } else {
                self.multiply(power, 0);
            }
        }
        self.round(exponent, inexact)
    }

    /// Reads digits; returns how many, and whether others follow that are not zero.
    fn read(&mut self, digits: &[u8], base: u32) -> (i64, bool) {
        let most = if base == 16 { MOST_HEX_DIGITS } else { MOST_DIGITS };
        let (mut count, mut inexact) = (0, false);
        let (mut factor, mut chunk) = (1, 0);
        for value in digits.iter().filter_map(|c| digit(*c, base)) {
            if count == most {
                inexact |= value != 0;
                continue;
            }
            count += 1;
            factor *= base;
            chunk = chunk * base + value;
            if factor > u32::MAX / 16 {
                self.multiply(factor, chunk);
                factor = 1;
                chunk = 0;
            }
        }
        self.multiply(factor, chunk);
        (count as i64, inexact)
    }

    fn multiply(&mut self, factor: u32, add: u32) {
        let mut carry = u64::from(add);
        for word in self.words.iter_mut().take(self.len) {
            carry += u64::from(*word) * u64::from(factor);
            *word = carry as u32;
            carry >>= 32;
        }
        if let (1.., Some(word)) = (carry, self.words.get_mut(self.len)) {
            *word = carry as u32;
            self.len += 1;
        }
    }

    /// Divides, and returns the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut rest = 0;
        for word in self.words.iter_mut().take(self.len).rev() {
            rest = rest << 32 | u64::from(*word);
            let quotient = rest.checked_div(u64::from(divisor)).unwrap_or(0);
            *word = quotient as u32;
            rest -= quotient * u64::from(divisor);
        }
        while self.len > 0 && self.word(self.len - 1) == 0 {
            self.len -= 1;
        }
        rest as u32
    }

    /// Multiplies by 2^32 so many times.
    fn shift(&mut self, words: usize) {
        for at in (0..self.len).rev() {
            let word = self.word(at);
            if let Some(to) = self.words.get_mut(at + words) {
                *to = word;
            }
        }
        for word in self.words.iter_mut().take(words) {
            *word = 0;
        }
        self.len += words;
    }

    fn word(&self, at: usize) -> u32 {
        self.words.get(at).copied().unwrap_or(0)
    }

    /// Returns the 64 bits from this one on.
    fn bits(&self, from: usize) -> u64 {
        let word = |at| u64::from(self.word(from / 32 + at));
        let low = word(0) | word(1) << 32;
        match from % 32 {
            0 => low,
            by => low >> by | word(2) << (64 - by),
        }
    }

    /// Rounds this × 2^exponent, plus something below that if it is inexact, to the nearest number, and
    /// to an even one in the middle.
    fn round(&self, exponent: i64, inexact: bool) -> Rounded {
        let length = match self.len {
            0 => return ZERO_SIZE,
            len => 32 * len as i64 - i64::from(self.word(len - 1).leading_zeros()),
        };
        let power = LEAST.max(exponent + length - 64);
        let cut = power - exponent;
        let (factor, up) = if cut <= 0 {
            (self.bits(0) << -cut, false)
        } else {
            let half = cut as usize - 1;
            let factor = self.bits(half + 1);
            let below = self.bits(half / 32 * 32) & ((1 << (half % 32)) - 1) != 0
                || self.words.iter().take(half / 32).any(|word| *word != 0);
            (factor, self.bits(half) & 1 == 1 && (inexact || below || factor & 1 == 1))
        };
        match factor.checked_add(u64::from(up)) {
            Some(factor) if power <= MOST => (power, factor),
            None if power < MOST => (power + 1, 1 << 63),
            _ => INFINITY,
        }
    }
}
