//! Numbers of the command line, as people write them: `1_000_000`, `1e6`, `10^6`, `1.5M`.

use std::num::NonZeroUsize;

/// Units, each a thousand times the one before; of bytes, 1,024 times.
const UNITS: &str = "KMGTPE";

/// The reason why a text is no number.
enum Problem {
    NoNumber,
    Negative,
    NotWhole,
    TooLarge,
}

/// Parses a count: 1K is 1,000.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let (number, divisor) = fraction(text, 1000).map_err(|problem| problem.of_count())?;
    if number % divisor != 0 {
        return Err(Problem::NotWhole.of_count());
    }
    u64::try_from(number / divisor).map_err(|_| Problem::TooLarge.of_count())
}

/// Parses a size in bytes: 1K is 1,024, and a part of a byte is dropped.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let bare = text.strip_suffix(['B', 'b']).unwrap_or(text);
    let bare = bare.strip_suffix(['i', 'I']).unwrap_or(bare);
    let size = fraction(bare, 1024)
        .and_then(|(number, divisor)| u64::try_from(number / divisor).map_err(|_| Problem::TooLarge));
    size.map_err(|problem| problem.tell("expected a size, like 16M, 1.5G or 1000000"))
}

/// Parses a count that is not 0.
pub(super) fn positive(text: &str) -> Result<NonZeroUsize, String> {
    let number = usize::try_from(count(text)?).map_err(|_| Problem::TooLarge.of_count())?;
    NonZeroUsize::new(number).ok_or_else(|| "expected a number from 1 on".to_owned())
}

/// Returns a number, a power, or a number with a unit, as a numerator and a denominator.
fn fraction(text: &str, unit: u128) -> Result<(u128, u128), Problem> {
    let text = text.replace(['_', ' '], "");
    if text.starts_with('-') {
        return Err(Problem::Negative);
    }
    if let Some((base, power)) = text.split_once('^') {
        return Ok((raise(digits(base)?, digits(power)?)?, 1));
    }
    let (text, power) = match text.char_indices().next_back() {
        // A small e begins an exponent.
        Some((at, last)) if last != 'e' => match UNITS.find(last.to_ascii_uppercase()) {
            Some(power) => (&text[..at], power as u128 + 1),
            None => (&text[..], 0),
        },
        _ => (&text[..], 0),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = raise(10, digits(exponent.strip_prefix('+').unwrap_or(exponent))?)?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let part = part.trim_end_matches('0');
    let number = digits(&format!("{whole}{part}"))?.checked_mul(exponent).ok_or(Problem::TooLarge)?;
    let number = number.checked_mul(raise(unit, power)?).ok_or(Problem::TooLarge)?;
    Ok((number, raise(10, part.len() as u128).map_err(|_| Problem::NotWhole)?))
}

/// Parses decimal digits, at least one.
fn digits(text: &str) -> Result<u128, Problem> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::NoNumber);
    }
    text.parse().map_err(|_| Problem::TooLarge)
}

fn raise(base: u128, power: u128) -> Result<u128, Problem> {
    let power = u32::try_from(power).map_err(|_| Problem::TooLarge)?;
    base.checked_pow(power).ok_or(Problem::TooLarge)
}

impl Problem {
    fn of_count(self) -> String {
        self.tell("expected a whole number, like 1000000, 1e6, 10^6 or 1M")
    }

    fn tell(self, expected: &str) -> String {
        match self {
            Problem::NoNumber => expected.to_owned(),
            Problem::Negative => format!("it is less than 0; {expected}"),
            Problem::NotWhole => format!("it is not whole; {expected}"),
            Problem::TooLarge => format!("it is too large; the most that can be said is {}", u64::MAX),
        }
    }
}
