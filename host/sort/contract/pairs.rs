//! The search among all pairs of items: sorted, and then asked about in batches inside the sandbox.

use std::cmp::Ordering;

use super::Checked;
use super::asking::Interview;
use super::law::{Asked, Law, Reply, Violation};
use super::order::{self, spread};
use super::search::{Search, Value};
use super::violation::{Differs, built};
use crate::batch::{Finding, PairSearch};
use crate::error::{Error, Result};
use crate::limits::Limit;

/// A result, unless a violation was found on the way to it.
type OrViolation<T> = std::result::Result<T, Option<Violation>>;

impl Search<'_> {
    /// Searches all pairs of items, which are more than a few.
    pub(super) fn pairs(&mut self, values: &[Value<'_>], checked: &mut Checked) -> Result<Option<Violation>> {
        let order = match self.sorted(values)? {
            Ok(order) => order,
            Err(violation) => return Ok(violation),
        };
        let mut values: Vec<_> = order.into_iter().map(|at| values[at]).collect();
        loop {
            let runs = match self.runs(&values)? {
                Ok(runs) => runs,
                Err(violation) => return Ok(violation),
            };
            let items: Vec<_> = values.iter().map(|value| value.bytes).collect();
            let search = PairSearch {
                callback: self.callback,
                items: &items,
                runs: &runs,
                ends: &vec![items.len() as u32; items.len()],
                forward: Ordering::Less,
                budget: &self.callback.guest().new_budget(),
                threads: self.how.threads,
                until: self.until,
            };
            match search.run() {
                Ok((covered, finding)) => {
                    self.asked += 2 * covered.pairs;
                    (checked.items, checked.pairs, checked.stopped) =
                        (values.len(), covered.pairs, covered.stopped);
                    return match finding {
                        Some(finding) => self.explained(finding, &values),
                        None => self.keys(&values, |place| runs[place] as usize > place + 1),
                    };
                }
                // They do not fit beside the guest all at once: half of them may.
                Err(
                    Error::Limit { limit: Limit::Memory, .. }
                    | Error::Module(_)
                    | Error::NoMemory { .. }
                    | Error::ArrayTooLarge { .. },
                ) if values.len() > 2 => {
                    let half = spread(values.len(), values.len() / 2);
                    values = half.into_iter().map(|at| values[at]).collect();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sorts the values by the answers of a fresh guest.
    fn sorted(&mut self, values: &[Value<'_>]) -> Result<OrViolation<Vec<usize>>> {
        let interview = Interview::new(self.callback)?;
        let mut failed = None;
        let order = order::sorted(values.len(), &mut |a, b| {
            if failed.is_some() || self.is_over() {
                return Ok(Ordering::Equal);
            }
            Ok(self.ask(&interview, values, [a, b])?.unwrap_or_else(|told| {
                failed = Some((told, [a, b]));
                Ordering::Equal
            }))
        })?;
        match failed {
            Some((told, pair)) => Ok(Err(self.failed(told, values, pair)?)),
            None if self.stopped => Ok(Err(None)),
            None => Ok(Ok(order)),
        }
    }

    /// Asks about each value and itself, and the next one. Returns for each place the end of the run of equal
    /// values.
    fn runs(&mut self, values: &[Value<'_>]) -> Result<OrViolation<Vec<u32>>> {
        let interview = Interview::new(self.callback)?;
        let (mut runs, mut end) = (vec![0; values.len()], values.len());
        for place in (0..values.len()).rev() {
            if self.is_over() {
                return Ok(Err(None));
            }
            for next in [place, place + 1] {
                if next == values.len() {
                    continue;
                }
                match self.ask(&interview, values, [place, next])? {
                    Ok(Ordering::Equal) => {}
                    Ok(_) if next > place => end = next,
                    Ok(answer) => {
                        return Ok(Err(self.violation(Law::Reflexive, &[values[place]], &[answer])?));
                    }
                    Err(told) => return Ok(Err(self.failed(told, values, [place, next])?)),
                }
            }
            runs[place] = end as u32;
        }
        Ok(Ok(runs))
    }

    /// Returns the violation behind a finding among sorted values.
    fn explained(&mut self, finding: Finding, values: &[Value<'_>]) -> Result<Option<Violation>> {
        match finding {
            Finding::Answers { pair: [a, b], answers } => {
                let law = Law::Antisymmetric;
                if law.is_broken_by(&answers) {
                    return self.violation(law, &[values[a], values[b]], &answers);
                }
                // The values from one to the other are in order step by step, and yet those two are not: so
                // there is a step after which the first one and the others part.
                let interview = Interview::new(self.callback)?;
                let mut before = Ordering::Equal;
                for at in a + 1..=b {
                    let [step, now] = [[at - 1, at], [a, at]].map(|pair| self.ask(&interview, values, pair));
                    let (step, now) = match (step?, now?) {
                        (Ok(step), Ok(now)) => (step, now),
                        (Err(told), _) => return self.failed(told, values, [at - 1, at]),
                        (_, Err(told)) => return self.failed(told, values, [a, at]),
                    };
                    if at > a + 1
                        && let Some(law) = Law::broken_by([before, step, now])
                    {
                        let three = [values[a], values[at - 1], values[at]];
                        return self.violation(law, &three, &[before, step, now]);
                    }
                    before = now;
                }
                if before != answers[0] {
                    let differs = Differs { pair: [a, b], answers: [answers[0], before] };
                    return self.keeps_state(values, differs).map(Some);
                }
                // The others were not what they had been when the values were sorted by them.
                let asked = vec![Asked { values: [0, 1], reply: Reply::Answer(before) }];
                Ok(Some(built(Law::Deterministic, &[values[a], values[b]], asked)))
            }
            Finding::Failure { pair: [a, b], error } => match *error {
                Error::Trap { .. } | Error::Limit { .. } => {
                    for pair in [[a, b], [b, a]] {
                        let interview = Interview::new(self.callback)?;
                        if let Err(told) = self.ask(&interview, values, pair)? {
                            return self.failed(told, values, pair);
                        }
                    }
                    Err(*error)
                }
                _ => Err(*error),
            },
            Finding::Written { item, left } => {
                let interview = Interview::new(self.callback)?;
                for other in 0..values.len() {
                    for pair in [[item, other], [other, item]] {
                        if let Err(told) = self.ask(&interview, values, pair)? {
                            return self.failed(told, values, pair);
                        }
                    }
                }
                let asked = vec![Asked { values: [0, 0], reply: Reply::Written { which: 0, left } }];
                Ok(Some(built(Law::ReadOnly, &[values[item]], asked)))
            }
        }
    }
}
