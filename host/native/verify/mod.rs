//! The check of a sort's result: a fresh guest is asked about pairs of it.
//!
//! A sort asks about as few pairs as it can, and follows the answers. A comparator that contradicts itself
//! is therefore seldom found out by the sort's own questions, and never by asking about neighbours of the
//! result alone, which a merge sort has compared. So the pairs are taken at all distances.

mod asking;
mod found;
mod result;
mod sampling;

pub(crate) use result::{SortResult, VerifiedKey};
#[cfg(feature = "spill")]
pub(crate) use sampling::Random;

use std::sync::Arc;

use crate::error::Result;
use crate::sandbox::{Budget, Shares};
use asking::Asking;

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

/// Asks fresh guests about pairs of a sort's result; returns the number of pairs. `comparisons` is the number
/// of those that the sort has taken. No session of the budget may be open.
///
/// The guests are fresh ones because their state is then that at the beginning of the sort, whatever the
/// sort's questions have made of the others'.
pub(crate) fn verify(
    verify: Verify,
    result: &SortResult<'_, '_>,
    budget: &Arc<Budget>,
    comparisons: u64,
) -> Result<u64> {
    if verify == Verify::Off || result.len < 2 {
        return Ok(0);
    }
    let shares = Shares::new(budget, result.keys.len());
    let fresh: Vec<_> =
        result.keys.iter().map(|key| Ok(key.callback.fresh()?.unobserved())).collect::<Result<_>>()?;
    let mut asking = Asking::new(result, &fresh, &shares)?;
    let pairs = result.len as u128 * (result.len as u128 - 1) / 2;
    let found = if verify == Verify::Full || pairs <= MIN_PAIRS.into() {
        asking.every_pair()?
    } else {
        asking.sample(MIN_PAIRS.max(comparisons / COMPARISONS_PER_PAIR))?
    };
    let asked = asking.asked();
    drop(asking);
    drop(shares);
    match found {
        None => Ok(asked),
        Some(found) => Err(found.error(result, budget, comparisons).into()),
    }
}
