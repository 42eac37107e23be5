//! Smaller values that still break a law.

use std::time::{Duration, Instant};

use super::form::{Field, Form, Number};
use crate::error::Result;

/// Maximum number of attempts, and of time.
const MAX_ATTEMPTS: usize = 4000;
const MAX_TIME: Duration = Duration::from_secs(5);

/// A search for smaller values, by trying.
pub(super) struct Shrinking<'f, F> {
    form: &'f Form,
    /// Returns whether values still show it.
    shows: F,
    attempts: usize,
    until: Option<Instant>,
}

impl<'f, F: FnMut(&[Vec<u8>]) -> Result<bool>> Shrinking<'f, F> {
    pub(super) fn new(form: &'f Form, shows: F) -> Shrinking<'f, F> {
        let until = Instant::now().checked_add(MAX_TIME);
        Shrinking { form, shows, attempts: 0, until }
    }

    /// Returns the smallest values that were found: none is smaller by one step.
    pub(super) fn shrink(mut self, mut values: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        loop {
            let before = values.clone();
            match self.form {
                Form::Runs { separator } => {
                    let separator = *separator;
                    self.shorten(&mut values)?;
                    self.simplify(&mut values, separator)?;
                }
                Form::Record { fields, .. } => {
                    for field in fields {
                        self.lower(&mut values, field)?;
                    }
                }
            }
            if values == before {
                return Ok(values);
            }
        }
    }

    /// Replaces the values by others, if those show it.
    fn attempt(&mut self, values: &mut Vec<Vec<u8>>, others: Vec<Vec<u8>>) -> Result<bool> {
        let over = self.until.is_some_and(|until| Instant::now() >= until);
        if others == *values || self.attempts >= MAX_ATTEMPTS || over {
            return Ok(false);
        }
        self.attempts += 1;
        let shows = (self.shows)(&others)?;
        if shows {
            *values = others;
        }
        Ok(shows)
    }

    /// Takes parts out of all runs, and of each, from long parts to single bytes.
    fn shorten(&mut self, values: &mut Vec<Vec<u8>>) -> Result<()> {
        self.by_parts(values, |run, from, to| {
            run.drain(from..to);
        })
    }

    /// Replaces digits by 0 and other bytes by a, from long parts to single bytes.
    fn simplify(&mut self, values: &mut Vec<Vec<u8>>, separator: Option<u8>) -> Result<()> {
        self.by_parts(values, |run, from, to| {
            for byte in &mut run[from..to] {
                let simple = if byte.is_ascii_digit() { b'0' } else { b'a' };
                *byte = if Some(simple) == separator { *byte } else { simple };
            }
        })
    }

    /// Changes the same part of all runs, and of each.
    fn by_parts(
        &mut self,
        values: &mut Vec<Vec<u8>>,
        change: impl Fn(&mut Vec<u8>, usize, usize),
    ) -> Result<()> {
        let longest = |values: &[Vec<u8>]| values.iter().map(Vec::len).max().unwrap_or(0);
        let mut size = longest(values);
        while size > 0 {
            let mut at = 0;
            while at < longest(values) {
                let all = 0..values.len();
                let each = all.clone().map(|which| which..which + 1);
                let mut changed = false;
                for which in [all.clone()].into_iter().chain(each) {
                    let mut others = values.clone();
                    for run in &mut others[which] {
                        let (from, to) = (at.min(run.len()), (at + size).min(run.len()));
                        change(run, from, to);
                    }
                    changed |= self.attempt(values, others)?;
                }
                // After a part was taken out, another one is at its place.
                if !changed {
                    at += size;
                }
            }
            size /= 2;
        }
        Ok(())
    }

    /// Brings a number of each element towards 0.
    fn lower(&mut self, values: &mut Vec<Vec<u8>>, field: &Field) -> Result<()> {
        for which in 0..values.len() {
            loop {
                let mut lower = field.number.lower(field.get(&values[which])).into_iter();
                let lowered = loop {
                    let Some(bits) = lower.next() else { break false };
                    let mut others = values.clone();
                    field.set(&mut others[which], bits);
                    if self.attempt(values, others)? {
                        break true;
                    }
                };
                if !lowered {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Number {
    /// Returns the bits of numbers that are simpler, the simplest first.
    fn lower(&self, bits: i128) -> Vec<i128> {
        match self {
            Number::OneOf { values, .. } => {
                values.iter().copied().take_while(|value| *value != bits).collect()
            }
            Number::Integer { .. } => lower_integer(bits),
            Number::Float { width: 4 } => {
                let number = f32::from_bits(bits as u32);
                let lower = lower_float(number.into()).into_iter().map(|number| number as f32);
                let rank = rank(number.into());
                lower.filter(|other| self::rank((*other).into()) < rank).map(|n| n.to_bits().into()).collect()
            }
            Number::Float { .. } => {
                let number = f64::from_bits(bits as u64);
                let lower = lower_float(number).into_iter();
                lower.filter(|other| rank(*other) < rank(number)).map(|n| n.to_bits().into()).collect()
            }
        }
    }
}

/// Returns 0, the number without its sign, and numbers between 0 and it, towards it.
fn lower_integer(number: i128) -> Vec<i128> {
    let mut lower = Vec::new();
    if number == 0 {
        return lower;
    }
    lower.push(0);
    if number < 0 {
        lower.push(-number); // the least number is still itself, in its width
    }
    let mut step = number / 2;
    while step != 0 {
        lower.push(number - step);
        step /= 2;
    }
    lower
}

/// Returns numbers that may be simpler.
fn lower_float(number: f64) -> Vec<f64> {
    let mut lower = vec![0.0, 1.0, 2.0, -1.0, number.abs(), f64::INFINITY, f64::NAN, number.trunc()];
    let mut step = number / 2.0;
    for _ in 0..64 {
        step = step.trunc();
        lower.push(number - step);
        lower.push((number - step).trunc());
        step /= 2.0;
    }
    lower
}

/// Returns what makes a number simpler than another: whole ones are simpler than others, small than large
/// ones, and a number than infinity and that than no number.
fn rank(number: f64) -> (u8, u64) {
    let magnitude = number.abs();
    let kind = match number {
        _ if number.is_nan() => 3,
        _ if number.is_infinite() => 2,
        _ if magnitude.trunc() != magnitude => 1,
        _ => 0,
    };
    (kind, magnitude.to_bits() << 1 | u64::from(number.is_sign_negative()))
}
