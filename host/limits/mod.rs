//! The limits of a guest.

mod table;

use std::fmt;
use std::time::Duration;

pub use table::{Limit, Limits};

/// A limit that was exceeded, for the error's sentence.
pub(crate) struct Exceeded<'a> {
    /// The export, or the thing that was counted.
    pub(crate) subject: &'a str,
    /// The amount that was found or asked for, where it is known; bytes with their unit.
    pub(crate) found: String,
    /// The limit, with its unit.
    pub(crate) limit: LimitText,
}

/// The unit in which [`Limits::get`] and [`Limits::set`] count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitUnit {
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Nanoseconds,
    /// Elements of a table.
    Elements,
    /// Units of fuel, functions, locals and everything else that has no unit of its own.
    Count,
}

/// Binary units of bytes, the largest first.
const BYTES: [(u64, &str); 3] = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];

/// Units of time in nanoseconds, the largest first.
const TIMES: [(u64, &str); 5] =
    [(60_000_000_000, "m"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];

impl LimitUnit {
    /// Formats an amount as a person would type it as the value of an option: `64M`, `10m`, `10^12`, and an
    /// amount of bytes that is not round in digits alone.
    ///
    /// ```
    /// use callbox::LimitUnit;
    /// assert_eq!(LimitUnit::Bytes.format(64 << 20), "64M");
    /// assert_eq!(LimitUnit::Bytes.format(1000), "1000");
    /// assert_eq!(LimitUnit::Nanoseconds.format(90_000_000_000), "90s");
    /// assert_eq!(LimitUnit::Count.format(1_000_000_000_000), "10^12");
    /// ```
    pub fn format(self, amount: u64) -> String {
        let scaled = |units: &[(u64, &str)]| {
            let unit = units.iter().find(|(size, _)| amount >= *size && amount.is_multiple_of(*size));
            unit.map(|(size, unit)| format!("{}{unit}", amount / size))
        };
        let round = match self {
            LimitUnit::Bytes => scaled(&BYTES),
            LimitUnit::Nanoseconds => scaled(&TIMES).or(Some("0s".to_owned())),
            LimitUnit::Elements | LimitUnit::Count => match amount.checked_ilog10() {
                Some(power @ 6..) if amount == 10_u64.pow(power) => Some(format!("10^{power}")),
                _ => None,
            },
        };
        round.unwrap_or_else(|| amount.to_string())
    }
}

/// Formats an amount of bytes for a message: `64M`, or `1000 bytes` where it is not round.
pub(crate) fn size(bytes: usize) -> String {
    LimitText { number: bytes as u64, unit: LimitUnit::Bytes }.to_string()
}

/// Types of limits.
trait LimitValue: Copy {
    fn to_u64(self) -> u64;
    /// Converts a number, saturating one that does not fit.
    fn from_u64(number: u64) -> Self;
}

impl LimitValue for u64 {
    fn to_u64(self) -> u64 {
        self
    }

    fn from_u64(number: u64) -> u64 {
        number
    }
}

impl LimitValue for usize {
    fn to_u64(self) -> u64 {
        self as u64
    }

    fn from_u64(number: u64) -> usize {
        usize::try_from(number).unwrap_or(usize::MAX)
    }
}

impl LimitValue for Duration {
    fn to_u64(self) -> u64 {
        u64::try_from(self.as_nanos()).unwrap_or(u64::MAX)
    }

    fn from_u64(nanoseconds: u64) -> Duration {
        Duration::from_nanos(nanoseconds)
    }
}

/// An amount as text, with its unit.
pub(crate) struct LimitText {
    number: u64,
    unit: LimitUnit,
}

impl Limits {
    /// Returns a limit as text.
    pub(crate) fn text_of(&self, limit: Limit) -> LimitText {
        LimitText { number: self.get(limit), unit: limit.unit() }
    }

    /// Returns the sentence that says that a limit was exceeded.
    pub(crate) fn exceeded(&self, limit: Limit, subject: &str, found: u64) -> String {
        let found = match limit.unit() {
            LimitUnit::Bytes => LimitText { number: found, unit: LimitUnit::Bytes }.to_string(),
            _ => found.to_string(),
        };
        limit.exceeded(Exceeded { subject, found, limit: self.text_of(limit) })
    }

    /// Returns each limit with its value as text, such as `memory 64M`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        Limit::ALL.iter().map(|limit| {
            let name = limit.name();
            format!("{} {}", name.strip_suffix("_size").unwrap_or(name), self.text_of(*limit))
        })
    }
}

impl fmt::Display for LimitText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.unit.format(self.number);
        let unit = match self.unit {
            LimitUnit::Bytes if amount.ends_with(|last: char| last.is_ascii_digit()) => " bytes",
            LimitUnit::Elements => " elements",
            _ => "",
        };
        write!(f, "{amount}{unit}")
    }
}

impl fmt::Display for Limits {
    /// Writes one line: `fuel 1000, deadline 1m, memory 64M, …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_set_and_got_by_its_name() {
        for (at, limit) in (1000..).zip(Limit::ALL) {
            let limits = Limits::default().set(*limit, at);
            assert_eq!(limits.get(*limit), at, "{}", limit.name());
            for other in Limit::ALL.iter().filter(|other| *other != limit) {
                assert_eq!(limits.get(*other), Limits::default().get(*other), "{}", other.name());
            }
        }
    }

    #[test]
    fn an_amount_is_shown_with_the_largest_unit_that_divides_it() {
        for (unit, amount, text) in [
            (LimitUnit::Bytes, 0, "0 bytes"),
            (LimitUnit::Bytes, 1023, "1023 bytes"),
            (LimitUnit::Bytes, 3 << 10, "3K"),
            (LimitUnit::Bytes, (1 << 20) + 1, "1048577 bytes"),
            (LimitUnit::Bytes, 4 << 30, "4G"),
            (LimitUnit::Bytes, u64::MAX, "18446744073709551615 bytes"),
            (LimitUnit::Nanoseconds, 0, "0s"),
            (LimitUnit::Nanoseconds, 1_500_000_000, "1500ms"),
            (LimitUnit::Nanoseconds, 600_000_000_000, "10m"),
            (LimitUnit::Nanoseconds, 1_000_001, "1000001ns"),
            (LimitUnit::Elements, 10_000, "10000 elements"),
            (LimitUnit::Count, 0, "0"),
            (LimitUnit::Count, 100_000, "100000"),
            (LimitUnit::Count, 1_000_000, "10^6"),
            (LimitUnit::Count, 2_000_000, "2000000"),
        ] {
            assert_eq!(LimitText { number: amount, unit }.to_string(), text);
        }
    }

    #[test]
    fn a_limit_that_is_too_large_to_say_is_the_largest() {
        let deadline = Limits::default().deadline(Duration::MAX);
        assert_eq!(deadline.get(Limit::Deadline), u64::MAX);
        assert_eq!(Limits::default().set(Limit::Memory, u64::MAX).get_memory(), usize::MAX);
    }
}
