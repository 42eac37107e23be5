//! Asking fresh guests about pairs of a result.

use std::cmp::Ordering;

use super::found::Found;
use super::result::{SortResult, Verdict};
use super::sampling::Random;
use crate::callback::{Answer, Callback, Session};
use crate::error::Result;
use crate::memory::try_with_capacity;
use crate::sandbox::Shares;

/// The sessions with fresh guests, one for each key.
pub(super) struct Asking<'a, 'r, 'i> {
    result: &'a SortResult<'r, 'i>,
    sessions: Vec<Session<'a>>,
    random: Random,
    asked: u64,
}

impl<'a, 'r, 'i> Asking<'a, 'r, 'i> {
    /// Begins a session with each guest.
    pub(super) fn new(
        result: &'a SortResult<'r, 'i>,
        guests: &'a [Callback],
        shares: &Shares<'_>,
    ) -> Result<Asking<'a, 'r, 'i>> {
        let sessions = guests.iter().enumerate();
        let sessions = sessions.map(|(at, guest)| guest.compare_session(shares.get(at)));
        let sessions = sessions.collect::<Result<_>>()?;
        Ok(Asking { result, sessions, random: Random::default(), asked: 0 })
    }

    /// Returns the number of pairs that were asked about.
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    /// Asks about every pair both ways, and about neighbours first, to learn which items are equal.
    pub(super) fn every_pair(&mut self) -> Answer<Option<Found>> {
        let len = self.result.len;
        let learnt;
        let firsts = match self.result.firsts {
            Some(firsts) => firsts,
            None => match self.runs()? {
                Ok(firsts) => {
                    learnt = firsts;
                    &learnt
                }
                Err(found) => return Ok(Some(found)),
            },
        };
        for a in 0..len {
            for b in a + 1..len {
                for pair in [[a, b], [b, a]] {
                    let (_, found) = self.judge(pair, Some(firsts))?;
                    if found.is_some() {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Returns the first place of each run of equal items, by the answers about neighbours; `Err` where one
    /// is against the result.
    fn runs(&mut self) -> Answer<Result<Vec<u32>, Found>> {
        let mut firsts = try_with_capacity(self.result.len, "the places of equal items")?;
        firsts.push(0);
        for place in 1..self.result.len {
            let (answer, found) = self.judge([place - 1, place], None)?;
            if let Some(found) = found {
                return Ok(Err(found));
            }
            if answer.answer.is_ne() {
                firsts.push(place as u32);
            }
        }
        Ok(Ok(firsts))
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
    fn judge(&mut self, pair: [usize; 2], firsts: Option<&[u32]>) -> Answer<(Verdict, Option<Found>)> {
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
