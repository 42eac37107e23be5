//! Limits by their names: `fuel=1000000, timeout=500ms, memory=16M`.

use std::time::Duration;

use callbox::{Limit, LimitUnit, Limits};

use crate::fault::{Fault, Result};

/// Returns the limits of a guest until others are set: those of a comparison or a call of a function, not of
/// a statement.
pub(crate) fn defaults() -> Limits {
    Limits::default().fuel(1_000_000_000).deadline(Duration::from_secs(2))
}

fn name(limit: Limit) -> &'static str {
    match limit {
        Limit::Deadline => "timeout",
        other => other.name(),
    }
}

/// Returns `limits` with those that a text sets.
pub(crate) fn set(limits: Limits, text: &str) -> Result<Limits> {
    let mut set = limits;
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(|| {
            let part = callbox::escape(part);
            Fault::new(format!("\"{part}\" is no limit; expected NAME=VALUE, as in fuel=1000000"))
        })?;
        let (key, value) = (key.trim(), value.trim());
        let limit = Limit::ALL.iter().copied().find(|limit| name(*limit) == key).ok_or_else(|| {
            let names: Vec<_> = Limit::ALL.iter().copied().map(name).collect();
            let key = callbox::escape(key);
            Fault::new(format!("there is no limit \"{key}\"; there are {}", names.join(", ")))
        })?;
        let amount = amount(value, limit.unit()).filter(|amount| *amount > 0 || limit != Limit::Stack);
        let amount = amount.ok_or_else(|| {
            let like = match limit.unit() {
                LimitUnit::Bytes => "bytes, like 65536, 64K or 16M",
                LimitUnit::Nanoseconds => "a time, like 500ms, 2s or 1m",
                _ => "a number, like 1000000",
            };
            Fault::new(format!("{key} cannot be \"{}\"; expected {like}", callbox::escape(value)))
        })?;
        set = set.set(limit, amount);
    }
    Ok(set)
}

/// Parses an amount: digits, and a unit that the kind of limit has.
fn amount(text: &str, unit: LimitUnit) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, suffix) = text.split_at(digits);
    let factor = match (unit, suffix) {
        (LimitUnit::Nanoseconds, "ns") => 1,
        (LimitUnit::Nanoseconds, "us") => 1_000,
        (LimitUnit::Nanoseconds, "ms") => 1_000_000,
        (LimitUnit::Nanoseconds, "s") => 1_000_000_000,
        (LimitUnit::Nanoseconds, "m") => 60_000_000_000,
        (LimitUnit::Nanoseconds, _) => return None,
        (_, "") => 1,
        (LimitUnit::Bytes, "K") => 1 << 10,
        (LimitUnit::Bytes, "M") => 1 << 20,
        (LimitUnit::Bytes, "G") => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Returns all limits as a text that sets them.
pub(crate) fn text(limits: &Limits) -> String {
    let one = |limit: &Limit| {
        let amount = limits.get(*limit);
        let shown = match limit.unit() {
            LimitUnit::Count | LimitUnit::Elements => amount.to_string(),
            unit => unit.format(amount),
        };
        format!("{}={shown}", name(*limit))
    };
    Limit::ALL.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_text_of_all_limits_says_sets_them() {
        let some = set(defaults(), "fuel=7,memory = 1M , timeout=500ms").unwrap();
        assert_eq!((some.get_fuel(), some.get_memory()), (7, 1 << 20));
        assert_eq!(some.get_deadline(), Duration::from_millis(500));
        assert_eq!(text(&set(Limits::default(), &text(&some)).unwrap()), text(&some));
    }

    #[test]
    fn what_is_no_limit_changes_none_and_is_named() {
        for wrong in ["fuel", "fuel=", "fuel=-1", "fuel=1M", "timeout=5", "memory=1T", "speed=1", "stack=0"] {
            let refused = set(defaults(), &format!("fuel=1, {wrong}")).unwrap_err().message;
            assert!(refused.contains(wrong.split('=').next().unwrap()), "{refused}");
        }
        assert!(set(defaults(), "memory=99999999999G").is_err());
    }
}
