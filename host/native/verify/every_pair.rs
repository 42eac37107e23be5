//! The check of every pair of a result, in batches inside the sandbox where there are many.

use std::cmp::Ordering;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::asking::with_fresh_guests;
use super::found::Found;
use super::result::{SortResult, Verdict};
use crate::batch::{Finding, PairSearch};
use crate::error::{Error, Result};
use crate::limits::Limit;
use crate::memory::try_with_capacity;
use crate::sandbox::Budget;

/// Minimum number of pairs for which it pays to compile a kernel.
const MIN_PAIRS_IN_SANDBOX: u64 = 100_000;

/// Asks about every pair both ways, and about neighbours first, to learn which items are equal. Returns the
/// number of pairs that were asked about, and the first contradiction.
pub(super) fn every_pair(
    result: &SortResult<'_, '_>,
    budget: &Arc<Budget>,
    threads: NonZeroUsize,
) -> Result<(u64, Option<Found>)> {
    let (len, keys) = (result.len, result.keys.len());
    let firsts_of = |deciding: &[usize]| match result.firsts {
        Some(firsts) => firsts.to_vec(),
        None => (0..len as u32).filter(|at| deciding[*at as usize] < keys).collect(),
    };
    let few = (len as u64 * (len as u64 - 1) / 2) < MIN_PAIRS_IN_SANDBOX;
    let (mut asked, learnt) = with_fresh_guests(result, budget, |asking| {
        Ok(match asking.neighbours()? {
            Ok(deciding) if few => Err(asking.every_pair(&firsts_of(&deciding))?),
            Ok(deciding) => Ok(deciding),
            Err(found) => Err(Some(found)),
        })
    })?;
    let deciding = match learnt {
        Ok(deciding) => deciding,
        Err(found) => return Ok((asked, found)),
    };
    let firsts = &firsts_of(&deciding)[..];
    let one_by_one = |asked: u64| {
        let (more, found) = with_fresh_guests(result, budget, |asking| asking.every_pair(firsts))?;
        Ok((asked + more, found))
    };
    // Those that a key calls equal are compared by the next one.
    let mut ends = vec![len as u32; len];
    for (key, verified) in result.keys.iter().enumerate() {
        let runs = run_ends(&ends, |place| deciding[place] <= key);
        let mut items = try_with_capacity(len, "the keys of the result")?;
        items.extend((0..len).map(|place| (result.key)(key, place)));
        let search = PairSearch {
            callback: verified.callback,
            items: &items,
            runs: &runs,
            ends: &ends,
            forward: if verified.reverse { Ordering::Greater } else { Ordering::Less },
            budget,
            threads,
            until: None,
        };
        let (covered, finding) = match search.run() {
            Ok(outcome) => outcome,
            // The items do not fit beside the guest, all at once.
            Err(
                Error::Limit { limit: Limit::Memory, .. }
                | Error::Module(_)
                | Error::NoMemory { .. }
                | Error::ArrayTooLarge { .. },
            ) => return one_by_one(asked),
            Err(error) => return Err(error),
        };
        asked += 2 * covered.pairs;
        let ([a, b], [ab, ba]) = match finding {
            None => {
                ends = runs;
                continue;
            }
            Some(Finding::Answers { pair, answers }) => (pair, answers),
            // A guest that has written into the items has not answered about the result.
            Some(Finding::Written { .. }) => return one_by_one(asked),
            Some(Finding::Failure { error, .. }) if error.limit().is_some() => return Err(*error),
            Some(Finding::Failure { pair: [a, b], error }) => {
                // Asked about them alone, it fails with an error that names both.
                let alone = with_fresh_guests(result, budget, |asking| {
                    asking.judge([a, b], Some(firsts))?;
                    asking.judge([b, a], Some(firsts))
                });
                return Err(alone.err().unwrap_or(*error));
            }
        };
        let [both, swapped] = [[a, b], [b, a]];
        let (more, found) = with_fresh_guests(result, budget, |asking| {
            let (_, found) = asking.judge(both, Some(firsts))?;
            if found.is_some() { Ok(found) } else { Ok(asking.judge(swapped, Some(firsts))?.1) }
        })?;
        asked += more;
        // Asked alone, it may agree with the result: then it keeps state.
        let found = found.or_else(|| {
            let asked = [(both, [ab, ba]), (swapped, [ba, ab])];
            asked.into_iter().find_map(|(pair, answers)| {
                let verdict = Verdict { key, answer: answers[0] };
                let sorted = result.against(pair, verdict, Some(firsts))?;
                Some(Found::AgainstResult { pair, key, sorted, answers })
            })
        });
        return Ok((asked, found));
    }
    Ok((asked, None))
}

/// Returns for each place the end of its run: the next place that begins one, or that of `ends` if none does
/// before.
fn run_ends(ends: &[u32], begins: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut runs = ends.to_vec();
    for place in (0..ends.len().saturating_sub(1)).rev() {
        let next = place + 1;
        runs[place] = if begins(next) || next as u32 >= ends[place] { next as u32 } else { runs[next] };
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_key_end_where_it_decides_and_where_those_of_the_key_before_end() {
        let deciding = [0, 2, 1, 2, 0, 1];
        let by = |ends: &[u32], key: usize| run_ends(ends, |place| deciding[place] <= key);
        let first = by(&[6; 6], 0);
        assert_eq!(first, [4, 4, 4, 4, 6, 6]);
        assert_eq!(by(&first, 1), [2, 2, 4, 4, 5, 6]);
    }
}
