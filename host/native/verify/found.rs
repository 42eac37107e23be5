//! A contradiction that was found, and what kind it is.

use std::cmp::Ordering;
use std::sync::Arc;

use super::result::{SortResult, Verdict};
use super::sampling::Random;
use crate::callback::Callback;
use crate::error::ContradictionError;
use crate::sandbox::Budget;

/// Maximum number of times that a guest is asked the same question, to find out whether it keeps state.
const MAX_REPEATED: u64 = 10_000;

/// Number of guests that are asked the same question after another one, to find out whether they keep state.
const FRESH_GUESTS: u64 = 8;

/// A contradiction of one key's guest. Items are given by their places.
pub(super) enum Found {
    AgainstResult { pair: [usize; 2], key: usize, sorted: Ordering, answers: [Ordering; 2] },
    NotEqual { items: [usize; 3], key: usize, answers: [Ordering; 2] },
}

impl Found {
    pub(super) fn error(
        self,
        result: &SortResult<'_, '_>,
        budget: &Arc<Budget>,
        comparisons: u64,
    ) -> ContradictionError {
        let (pair, key, answer) = match self {
            Found::AgainstResult { pair, key, answers, .. } => (pair, key, answers[0]),
            Found::NotEqual { items: [a, b, _], key, .. } => ([a, b], key, Ordering::Equal),
        };
        let callback = result.keys[key].callback;
        let export = callback.name_among(result.keys.len());
        let show = |place: usize| callback.show((result.key)(key, place));
        let verdict = Verdict { key, answer };
        if let Some(other) = another_answer(result, budget, comparisons, pair, verdict) {
            return ContradictionError::KeepsState {
                export,
                items: pair.map(show),
                answers: [answer, other],
            };
        }
        match self {
            Found::AgainstResult { pair, sorted, answers, .. } => {
                ContradictionError::AgainstResult { export, items: pair.map(show), sorted, answers }
            }
            Found::NotEqual { items, answers, .. } => {
                ContradictionError::NotEqual { export, items: items.map(show), answers }
            }
        }
    }
}

/// Asks several guests of the verdict's key the question again; returns another answer, if one of them gives
/// it before it fails.
fn another_answer(
    result: &SortResult<'_, '_>,
    budget: &Arc<Budget>,
    comparisons: u64,
    pair: [usize; 2],
    Verdict { key, answer }: Verdict,
) -> Option<Ordering> {
    let ask = |guest: &Callback, first: Option<[usize; 2]>, times: u64| {
        let mut session = guest.compare_session(budget).ok()?;
        let mut compare = |pair| {
            let [a, b] = result.keys_of(key, pair);
            session.compare(a, b).ok()
        };
        if let Some(first) = first {
            compare(first)?;
        }
        (0..times).map_while(|_| compare(pair)).find(|other| *other != answer)
    };
    let callback = &result.keys[key].callback.clone().unobserved();
    // The guest of the callback, which may have sorted, and a fresh one are asked as often as the sort has
    // asked: an answer may depend on the number of the questions before it.
    let times = comparisons.clamp(1, MAX_REPEATED);
    let mut random = Random::default();
    // Or on the first question.
    let mut firsts = (0..FRESH_GUESTS).map(|turn| Some(random.pair(turn, result.len)));
    ask(callback, None, times)
        .or_else(|| ask(&callback.fresh().ok()?, None, times))
        .or_else(|| firsts.find_map(|first| ask(&callback.fresh().ok()?, first, 1)))
}
