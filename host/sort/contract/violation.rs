//! From answers that break a law to a counterexample: asked again, told from state, made smaller.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use super::asking::{Interview, Told};
use super::law::{Asked, Law, Reply, Violation};
use super::search::{Search, Value};
use super::shrink::Shrinking;
use crate::error::Result;

/// Maximum number of times that a guest is asked the same question, to find out whether it keeps state.
const MAX_REPEATED: usize = 10_000;

/// Maximum time for that.
const MAX_TIME: Duration = Duration::from_secs(1);

/// A question about two of some values, and two answers to it that differ.
pub(super) struct Differs {
    pub(super) pair: [usize; 2],
    pub(super) answers: [Ordering; 2],
}

impl Search<'_> {
    /// Returns the violation of a guest that did not just answer about two of the values.
    ///
    /// # Errors
    ///
    /// The failure, if a fresh guest does not show it.
    pub(super) fn failed(
        &mut self,
        told: Told,
        values: &[Value<'_>],
        pair: [usize; 2],
    ) -> Result<Option<Violation>> {
        let pair = pair.map(|place| values[place]);
        let law = if let Told::Written { .. } = told { Law::ReadOnly } else { Law::Total };
        if let Some(violation) = self.violation(law, &pair, &[])? {
            return Ok(Some(violation));
        }
        match told {
            Told::Failed(error) => Err(*error),
            Told::Written { which, left } => {
                let asked = vec![Asked { values: [0, 1], reply: Reply::Written { which, left } }];
                Ok(Some(built(law, &pair, asked)))
            }
            Told::Answer(_) => Ok(None),
        }
    }

    /// Returns the violation of a law by these values, made smaller. `answers` are those to the law's
    /// questions that showed it, in the middle of others; where a fresh guest has other ones, it keeps state.
    pub(super) fn violation(
        &mut self,
        law: Law,
        values: &[Value<'_>],
        answers: &[Ordering],
    ) -> Result<Option<Violation>> {
        let bytes: Vec<_> = values.iter().map(|value| value.bytes.to_vec()).collect();
        let mut asked = self.story(law, &bytes)?;
        if let Some(differs) = self.differs(&bytes, &asked, answers)? {
            return self.keeps_state(values, differs).map(Some);
        }
        if !is_shown(law, &asked) {
            return Ok(unanswered(law, values, asked));
        }
        let mut violation = built(law, values, Vec::new());
        if self.how.shrink {
            let form = self.form.clone();
            let shrinking = Shrinking::new(&form, |values| Ok(is_shown(law, &self.story(law, values)?)));
            let smaller = shrinking.shrink(bytes)?;
            let again = self.story(law, &smaller)?;
            if is_shown(law, &again) {
                (violation.values, asked) = (smaller, again);
            }
        }
        violation.asked = asked;
        Ok(Some(violation))
    }

    /// Asks a fresh guest the questions of a law.
    fn story(&mut self, law: Law, values: &[Vec<u8>]) -> Result<Vec<Asked>> {
        let interview = Interview::new(self.callback)?;
        let asked = law.questions().iter().map(|&[a, b]| {
            self.asked += 1;
            let told = interview.ask(&values[a], &values[b])?;
            Ok(Asked { values: [a, b], reply: interview.reply(told) })
        });
        asked.collect()
    }

    /// Returns a question that was answered otherwise before, or that another fresh guest answers otherwise,
    /// asked in another order and twice.
    fn differs(
        &mut self,
        values: &[Vec<u8>],
        asked: &[Asked],
        answers: &[Ordering],
    ) -> Result<Option<Differs>> {
        for (Asked { values: pair, reply }, before) in asked.iter().zip(answers) {
            if let Reply::Answer(answer) = reply
                && answer != before
            {
                return Ok(Some(Differs { pair: *pair, answers: [*before, *answer] }));
            }
        }
        let interview = Interview::new(self.callback)?;
        for Asked { values: pair, reply } in asked.iter().rev().flat_map(|asked| [asked, asked]) {
            let Reply::Answer(answer) = reply else { continue };
            self.asked += 1;
            if let Told::Answer(again) = interview.ask(&values[pair[0]], &values[pair[1]])?
                && again != *answer
            {
                return Ok(Some(Differs { pair: *pair, answers: [*answer, again] }));
            }
        }
        Ok(None)
    }

    /// Returns the violation of a guest that keeps state: it answers a question otherwise at another time.
    pub(super) fn keeps_state(&mut self, values: &[Value<'_>], differs: Differs) -> Result<Violation> {
        let Differs { pair, answers } = differs;
        let pair = pair.map(|place| values[place]);
        let mut bytes = pair.map(|value| value.bytes.to_vec()).to_vec();
        let mut answers = answers;
        if let Some((times, both)) = self.changes(&bytes, MAX_REPEATED)? {
            answers = both;
            if self.how.shrink {
                let form = self.form.clone();
                let times = 2 * times;
                let shrinking = Shrinking::new(&form, |values| Ok(self.changes(values, times)?.is_some()));
                let smaller = shrinking.shrink(bytes.clone())?;
                if let Some((_, both)) = self.changes(&smaller, times)? {
                    (bytes, answers) = (smaller, both);
                }
            }
        }
        let asked = answers.map(|answer| Asked { values: [0, 1], reply: Reply::Answer(answer) });
        Ok(Violation { values: bytes, ..built(Law::Deterministic, &pair, asked.to_vec()) })
    }

    /// Returns after how many times a fresh guest answers the same question otherwise, and both answers.
    fn changes(&mut self, values: &[Vec<u8>], times: usize) -> Result<Option<(usize, [Ordering; 2])>> {
        let interview = Interview::new(self.callback)?;
        let (mut first, until) = (None, Instant::now().checked_add(MAX_TIME));
        for time in 1..=times {
            if until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
            self.asked += 1;
            let Told::Answer(answer) = interview.ask(&values[0], &values[1])? else { return Ok(None) };
            let before = *first.get_or_insert(answer);
            if before != answer {
                return Ok(Some((time, [before, answer])));
            }
        }
        Ok(None)
    }
}

/// Returns whether what came of the questions of a law shows that it is broken.
fn is_shown(law: Law, asked: &[Asked]) -> bool {
    let answer = |asked: &Asked| match asked.reply {
        Reply::Answer(answer) => Some(answer),
        _ => None,
    };
    match law {
        Law::Total => asked.iter().any(|asked| matches!(asked.reply, Reply::Failure { .. })),
        Law::ReadOnly => asked.iter().any(|asked| matches!(asked.reply, Reply::Written { .. })),
        _ => {
            let answers: Option<Vec<_>> = asked.iter().map(answer).collect();
            answers.is_some_and(|answers| law.is_broken_by(&answers))
        }
    }
}

/// Returns the violation of a fresh guest that did not just answer a question which another one has answered.
fn unanswered(law: Law, values: &[Value<'_>], asked: Vec<Asked>) -> Option<Violation> {
    if matches!(law, Law::Total | Law::ReadOnly) {
        return None;
    }
    let Asked { values: pair, reply } =
        asked.into_iter().find(|asked| !matches!(asked.reply, Reply::Answer(_)))?;
    let law = if let Reply::Written { .. } = reply { Law::ReadOnly } else { Law::Total };
    Some(built(law, &pair.map(|place| values[place]), vec![Asked { values: [0, 1], reply }]))
}

/// Returns a violation with the values as they are.
pub(super) fn built(law: Law, values: &[Value<'_>], asked: Vec<Asked>) -> Violation {
    let items: Option<Vec<_>> = values.iter().map(|value| value.item).collect();
    let values = values.iter().map(|value| value.bytes.to_vec()).collect();
    Violation { law, values, asked, items: items.unwrap_or_default() }
}
