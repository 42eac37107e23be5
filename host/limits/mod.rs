//! The limits of a guest.

mod table;

use std::fmt;
use std::time::Duration;

pub use table::{Limit, Limits};

/// A limit that was exceeded, for the error's sentence.
pub(crate) struct Exceeded<'a> {
    /// The export, or the thing that was counted.
    pub(crate) subject: &'a str,
    /// The amount that was found or asked for, where it is known.
    pub(crate) found: u64,
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

/// A limit as text, with its unit.
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
        limit.exceeded(Exceeded { subject, found, limit: self.text_of(limit) })
    }

    /// Returns each limit with its value as text, such as `memory 67108864 bytes`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        Limit::ALL.iter().map(|limit| {
            let name = limit.name();
            format!("{} {}", name.strip_suffix("_size").unwrap_or(name), self.text_of(*limit))
        })
    }
}

impl fmt::Display for LimitText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            LimitUnit::Bytes => write!(f, "{} bytes", self.number),
            LimitUnit::Elements => write!(f, "{} elements", self.number),
            LimitUnit::Nanoseconds => write!(f, "{:?}", Duration::from_nanos(self.number)),
            LimitUnit::Count => write!(f, "{}", self.number),
        }
    }
}

impl fmt::Display for Limits {
    /// Writes one line: `fuel 1000, deadline 60s, memory 67108864 bytes, …`.
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
    fn a_limit_that_is_too_large_to_say_is_the_largest() {
        let deadline = Limits::default().deadline(Duration::MAX);
        assert_eq!(deadline.get(Limit::Deadline), u64::MAX);
        assert_eq!(Limits::default().set(Limit::Memory, u64::MAX).get_memory(), usize::MAX);
    }
}
