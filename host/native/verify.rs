//! The check of a sort's result: a fresh guest is asked about pairs of it.
//!
//! A sort asks about as few pairs as it can, and follows the answers. A comparator that contradicts itself
//! is therefore seldom found out by the sort's own questions, and never by asking about neighbours of the
//! result alone, which a merge sort has compared. So the pairs are taken at all distances.

use std::cmp::Ordering;
use std::sync::Arc;

use super::sampling::Random;
use crate::batch::Rules;
use crate::callback::{Answer, Callback, Session};
use crate::error::{ContradictionError, Result};
use crate::memory::try_with_capacity;
use crate::sandbox::Budget;

/// How many pairs of a sort's result a fresh guest is asked about. An answer against the result is an
/// error, and nothing is written.
///
/// The answers are not counted among the sort's comparisons, but are paid from its budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verify {
    /// None.
    Off,
    /// 1,000 pairs, or one for every 2,000 comparisons of the sort where that is more, at all distances, the
    /// same for each run; every pair, both ways, of up to 45 items.
    ///
    /// A comparator that lies about one pair in 300 is found out in 96 of 100 sorts. Lies about a few pairs
    /// of many are mostly missed, and so are those about a single item of many.
    #[default]
    Sample,
    /// Every pair, both ways: the result is right for each of them, or an error. Quadratic; of 10,000 items
    /// it takes 100 million answers.
    Full,
}

/// Minimum number of pairs that are sampled.
const MIN_PAIRS: u64 = 1000;

/// Number of a sort's comparisons for each pair that is sampled.
const COMPARISONS_PER_PAIR: u64 = 2000;

/// Maximum number of times that a guest is asked the same question, to find out whether it keeps state.
const MAX_REPEATED: u64 = 10_000;

/// Number of guests that are asked the same question after another one, to find out whether they keep state.
const FRESH_GUESTS: u64 = 8;

/// The result of a sort. Its items are identified by their places in it.
pub(crate) struct SortResult<'r> {
    pub(crate) len: usize,
    pub(crate) item: &'r dyn Fn(usize) -> &'r [u8],
    pub(crate) rules: Rules,
    /// The number of each item in the input, which decides where nothing else does; `None` if it is unknown.
    pub(crate) numbers: Option<&'r [u32]>,
    /// The places that begin a run of items that the guest called equal, ascending; `None` if the guest has
    /// not been asked.
    pub(crate) firsts: Option<&'r [u32]>,
}

impl<'r> SortResult<'r> {
    /// Creates a result of this length; `item` returns an item by its place.
    pub(crate) fn new(len: usize, item: &'r dyn Fn(usize) -> &'r [u8], rules: Rules) -> SortResult<'r> {
        SortResult { len, item, rules, numbers: None, firsts: None }
    }

    fn items(&self, [a, b]: [usize; 2]) -> [&'r [u8]; 2] {
        [(self.item)(a), (self.item)(b)]
    }

    /// Returns the answer about two items that the result stands for, if this answer is against it.
    fn against(&self, [a, b]: [usize; 2], answer: Ordering, firsts: Option<&[u32]>) -> Option<Ordering> {
        if a > b {
            return self.against([b, a], answer.reverse(), firsts).map(Ordering::reverse);
        }
        let [item, later] = self.items([a, b]);
        let same_run = firsts.map(|firsts| run_of(firsts, a) == run_of(firsts, b));
        let mut order = self.rules.apply(answer, item, later);
        if let Some(numbers) = self.numbers {
            order = order.then(numbers[a].cmp(&numbers[b]));
        }
        if order.is_le() && same_run.is_none_or(|same| same == answer.is_eq()) {
            return None;
        }
        let forward = if self.rules.reverse { Ordering::Greater } else { Ordering::Less };
        Some(if same_run.unwrap_or(item == later) { Ordering::Equal } else { forward })
    }
}

/// Returns the number of the run of equal items that has this place.
fn run_of(firsts: &[u32], place: usize) -> usize {
    firsts.partition_point(|first| *first as usize <= place)
}

/// Asks a fresh guest about pairs of a sort's result; returns the number of its answers. `comparisons` is
/// the number of those that the sort has taken. No session of the budget may be open.
///
/// The guest is a fresh one because its state is then that at the beginning of the sort, whatever the sort's
/// questions have made of the other's.
pub(crate) fn verify(
    verify: Verify,
    result: &SortResult<'_>,
    callback: &Callback,
    budget: &Arc<Budget>,
    comparisons: u64,
) -> Result<u64> {
    if verify == Verify::Off || result.len < 2 {
        return Ok(0);
    }
    let fresh = callback.fresh()?;
    let mut asking =
        Asking { result, session: fresh.compare_session(budget)?, random: Random::default(), asked: 0 };
    let pairs = result.len as u128 * (result.len as u128 - 1) / 2;
    let found = if verify == Verify::Full || pairs <= MIN_PAIRS.into() {
        asking.every_pair()?
    } else {
        asking.sample(MIN_PAIRS.max(comparisons / COMPARISONS_PER_PAIR))?
    };
    let asked = asking.asked;
    drop(asking);
    match found {
        None => Ok(asked),
        Some(found) => Err(found.error(result, callback, budget, comparisons).into()),
    }
}

/// A contradiction, of items by their places.
enum Found {
    AgainstResult { pair: [usize; 2], sorted: Ordering, answers: [Ordering; 2] },
    NotEqual { items: [usize; 3], answers: [Ordering; 2] },
}

impl Found {
    fn error(
        self,
        result: &SortResult<'_>,
        callback: &Callback,
        budget: &Arc<Budget>,
        comparisons: u64,
    ) -> ContradictionError {
        let (pair, answer) = match self {
            Found::AgainstResult { pair, answers, .. } => (pair, answers[0]),
            Found::NotEqual { items: [a, b, _], .. } => ([a, b], Ordering::Equal),
        };
        let export = callback.export().to_owned();
        let show = |place: usize| callback.show((result.item)(place));
        if let Some(other) = another_answer(result, callback, budget, comparisons, pair, answer) {
            return ContradictionError::KeepsState {
                export,
                items: pair.map(show),
                answers: [answer, other],
            };
        }
        match self {
            Found::AgainstResult { pair, sorted, answers } => {
                ContradictionError::AgainstResult { export, items: pair.map(show), sorted, answers }
            }
            Found::NotEqual { items, answers } => {
                ContradictionError::NotEqual { export, items: items.map(show), answers }
            }
        }
    }
}

/// Asks several guests the question again to which `answer` was the answer; returns another answer, if one of
/// them gives it before it fails.
fn another_answer(
    result: &SortResult<'_>,
    callback: &Callback,
    budget: &Arc<Budget>,
    comparisons: u64,
    pair: [usize; 2],
    answer: Ordering,
) -> Option<Ordering> {
    let ask = |guest: &Callback, first: Option<[usize; 2]>, times: u64| {
        let mut session = guest.compare_session(budget).ok()?;
        let mut compare = |pair| {
            let [a, b] = result.items(pair);
            session.compare(a, b).ok()
        };
        if let Some(first) = first {
            compare(first)?;
        }
        (0..times).map_while(|_| compare(pair)).find(|other| *other != answer)
    };
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

/// The session with the fresh guest.
struct Asking<'a, 'r> {
    result: &'a SortResult<'r>,
    session: Session<'a>,
    random: Random,
    asked: u64,
}

impl Asking<'_, '_> {
    /// Asks about every pair both ways, and about neighbours first, to learn which items are equal.
    fn every_pair(&mut self) -> Answer<Option<Found>> {
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
            if answer.is_ne() {
                firsts.push(place as u32);
            }
        }
        Ok(Ok(firsts))
    }

    /// Takes `most` answers about pairs at all distances.
    fn sample(&mut self, most: u64) -> Answer<Option<Found>> {
        let firsts = self.result.firsts;
        for turn in 0.. {
            if self.asked >= most {
                break;
            }
            let pair @ [a, b] = self.random.pair(turn, self.result.len);
            let (answer, found) = self.judge(pair, firsts)?;
            if found.is_some() {
                return Ok(found);
            }
            let [item, other] = self.result.items(pair);
            if answer.is_ne() || firsts.is_some() || item == other {
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
            if found.is_some() || first != second {
                return Ok(found.or(Some(Found::NotEqual { items: [a, b, c], answers: [first, second] })));
            }
        }
        Ok(None)
    }

    /// Asks about two items; returns the answer, and the contradiction if it is against the result.
    fn judge(&mut self, pair: [usize; 2], firsts: Option<&[u32]>) -> Answer<(Ordering, Option<Found>)> {
        let answer = self.ask(pair)?;
        let Some(sorted) = self.result.against(pair, answer, firsts) else { return Ok((answer, None)) };
        let converse = self.ask([pair[1], pair[0]])?;
        Ok((answer, Some(Found::AgainstResult { pair, sorted, answers: [answer, converse] })))
    }

    fn ask(&mut self, pair: [usize; 2]) -> Answer {
        self.asked += 1;
        let [a, b] = self.result.items(pair);
        self.session.compare(a, b)
    }
}
