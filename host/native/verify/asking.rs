//! Asking fresh guests about pairs of a result.

use std::cmp::Ordering;
use std::sync::Arc;

use super::found::Found;
use super::result::{SortResult, Verdict};
use super::sampling::Random;
use crate::callback::{Answer, Callback, Session};
use crate::error::Result;
use crate::memory::try_with_capacity;
use crate::sandbox::{Budget, Shares};

/// The sessions with fresh guests, one for each key.
pub(super) struct Asking<'a, 'r, 'i> {
    result: &'a SortResult<'r, 'i>,
    sessions: Vec<Session<'a>>,
    random: Random,
    asked: u64,
}

/// Asks fresh guests about a result. Returns the number of pairs that they were asked about as well. No
/// session of the budget may be open.
pub(super) fn with_fresh_guests<T>(
    result: &SortResult<'_, '_>,
    budget: &Arc<Budget>,
    work: impl FnOnce(&mut Asking<'_, '_, '_>) -> Answer<T>,
) -> Result<(u64, T)> {
    let shares = Shares::new(budget, result.keys.len());
    let fresh: Vec<_> =
        result.keys.iter().map(|key| Ok(key.callback.fresh()?.unobserved())).collect::<Result<_>>()?;
    let mut asking = Asking::new(result, &fresh, &shares)?;
    let outcome = work(&mut asking)?;
    Ok((asking.asked, outcome))
}

impl<'a, 'r, 'i> Asking<'a, 'r, 'i> {
    /// Begins a session with each guest.
    fn new(
        result: &'a SortResult<'r, 'i>,
        guests: &'a [Callback],
        shares: &Shares<'_>,
    ) -> Result<Asking<'a, 'r, 'i>> {
        let sessions = guests.iter().enumerate();
        let sessions = sessions.map(|(at, guest)| guest.compare_session(shares.get(at)));
        let sessions = sessions.collect::<Result<_>>()?;
        Ok(Asking { result, sessions, random: Random::default(), asked: 0 })
    }

    /// Asks about every pair, both ways, one after the other. `firsts` are the places of the result that
    /// begin a run of equal items.
    pub(super) fn every_pair(&mut self, firsts: &[u32]) -> Answer<Option<Found>> {
        for a in 0..self.result.len {
            for pair in (a + 1..self.result.len).flat_map(|b| [[a, b], [b, a]]) {
                let (_, found) = self.judge(pair, Some(firsts))?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Returns for each place the number of the key by which its item differs from the one before it, or that
    /// of all keys where none does, by the answers about neighbours; `Err` where one is against the result.
    pub(super) fn neighbours(&mut self) -> Answer<Result<Vec<usize>, Found>> {
        let mut deciding = try_with_capacity(self.result.len, "the places of equal items")?;
        deciding.push(0);
        for place in 1..self.result.len {
            let (verdict, found) = self.judge([place - 1, place], self.result.firsts)?;
            if let Some(found) = found {
                return Ok(Err(found));
            }
            deciding.push(if verdict.answer.is_ne() { verdict.key } else { self.result.keys.len() });
        }
        Ok(Ok(deciding))
    }

    /// Takes `most` answers about pairs at all distances.
    pub(super) fn sample(&mut self, most: u64) -> Answer<Option<Found>> {
        let firsts = self.result.firsts;
        for turn in 0.. {
            if self.asked >= most {
                break;
            }
            let pair @ [a, b] = self.random.pair(turn, self.result.len);
            let (verdict, found) = self.judge(pair, firsts)?;
            if found.is_some() {
                return Ok(found);
            }
            let [item, other] = self.result.items(pair);
            if verdict.answer.is_ne() || firsts.is_some() || item == other {
                continue;
            }
            // Of items that are equal, both compare alike with any third.
            let c = self.random.around(pair, self.result.len);
            if pair.contains(&c) {
                continue;
            }
            let (first, found) = self.judge([a, c], None)?;
            if found.is_some() {
                return Ok(found);
            }
            let (second, found) = self.judge([b, c], None)?;
            if found.is_some() {
                return Ok(found);
            }
            // The first key of which they differ is that of the verdict that came first.
            let key = first.key.min(second.key);
            let answers = [first, second].map(|verdict| verdict.of(key));
            if answers[0] != answers[1] {
                return Ok(Some(Found::NotEqual { items: [a, b, c], key, answers }));
            }
        }
        Ok(None)
    }

    /// Asks about two items; returns the verdict, and the contradiction if it is against the result.
    pub(super) fn judge(
        &mut self,
        pair: [usize; 2],
        firsts: Option<&[u32]>,
    ) -> Answer<(Verdict, Option<Found>)> {
        let verdict = self.ask(pair)?;
        let Some(sorted) = self.result.against(pair, verdict, firsts) else { return Ok((verdict, None)) };
        let key = verdict.key;
        let [a, b] = self.result.keys_of(key, pair);
        self.asked += 1;
        let converse = self.sessions[key].compare(b, a)?;
        let answers = [verdict.answer, converse];
        Ok((verdict, Some(Found::AgainstResult { pair, key, sorted, answers })))
    }

    fn ask(&mut self, pair: [usize; 2]) -> Answer<Verdict> {
        self.asked += 1;
        let mut verdict = Verdict { key: 0, answer: Ordering::Equal };
        for (key, session) in self.sessions.iter_mut().enumerate() {
            let [a, b] = self.result.keys_of(key, pair);
            verdict = Verdict { key, answer: session.compare(a, b)? };
            if verdict.answer.is_ne() {
                break;
            }
        }
        Ok(verdict)
    }
}
