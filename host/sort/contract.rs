//! Checks whether a comparator keeps its contract, and finds a counterexample if not.

use std::cmp::Ordering;

use super::columns::Columns;
use super::worker::Worker;
use super::{Items, Job};
use crate::callback::Session;
use crate::error::Result;
use crate::memory::try_with_capacity;

/// Answers of a comparator that cannot all be true. Items are given by their numbers, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contradiction {
    /// An item is not equal to itself.
    NotReflexive {
        /// The item.
        item: usize,
        /// The answer about the item and itself.
        answer: Ordering,
    },
    /// Two comparisons of the same items had different answers.
    NotDeterministic {
        /// The items, in the order of the arguments.
        items: [usize; 2],
        /// Both answers.
        answers: [Ordering; 2],
    },
    /// Swapping two items does not reverse the answer.
    NotAntisymmetric {
        /// The items.
        items: [usize; 2],
        /// The answers about the two items, and about the two swapped.
        answers: [Ordering; 2],
    },
    /// The first is not after the second, nor the second after the third, but the first is after
    /// the third.
    NotTransitive {
        /// The items.
        items: [usize; 3],
        /// The answers about first and second, second and third, first and third.
        answers: [Ordering; 3],
    },
}

/// The result of a check of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Number of items that were compared with each other, every pair both ways.
    pub items: usize,
    /// The first contradiction, if there was one.
    pub contradiction: Option<Contradiction>,
}

impl Job {
    /// Compares up to `sample` items, evenly spread, with each other, each pair both ways and once more, and
    /// searches for answers that contradict each other in one, two or three items.
    ///
    /// # Errors
    ///
    /// As [`Job::sort`].
    pub fn check_contract(&self, items: &Items<'_>, sample: usize) -> Result<Checked> {
        let (chosen, columns) = (spread(items.len(), sample), Columns::of(&self.keys, items)?);
        let contradiction = self.compare_with(columns.with(items), |worker| worker.contradiction(&chosen))?;
        Ok(Checked { items: chosen.len(), contradiction })
    }
}

impl<'a> Worker<'a, Session<'a>> {
    fn contradiction(&mut self, chosen: &[usize]) -> Result<Option<Contradiction>> {
        use Contradiction::*;
        let (items, n) = (self.items.column(0), chosen.len());
        let mut said = try_with_capacity(n * n, "the answers")?;
        said.resize(n * n, Ordering::Equal);
        for (row, &a) in chosen.iter().enumerate() {
            for (column, &b) in chosen.iter().enumerate() {
                said[row * n + column] = self.compare_key(0, items.get(a), items.get(b))?;
            }
        }
        for (row, &a) in chosen.iter().enumerate() {
            if said[row * n + row].is_ne() {
                return Ok(Some(NotReflexive { item: a, answer: said[row * n + row] }));
            }
            for (column, &b) in chosen.iter().enumerate().take(row) {
                let (ab, ba) = (said[row * n + column], said[column * n + row]);
                if ab != ba.reverse() {
                    return Ok(Some(NotAntisymmetric { items: [a, b], answers: [ab, ba] }));
                }
                let again = self.compare_key(0, items.get(a), items.get(b))?;
                if again != ab {
                    return Ok(Some(NotDeterministic { items: [a, b], answers: [ab, again] }));
                }
            }
        }
        Ok(intransitive(&said, n).map(|[a, b, c]| NotTransitive {
            items: [chosen[a], chosen[b], chosen[c]],
            answers: [said[a * n + b], said[b * n + c], said[a * n + c]],
        }))
    }
}

/// Returns up to `sample` numbers below `len`, evenly spread.
fn spread(len: usize, sample: usize) -> Vec<usize> {
    let n = len.min(sample);
    (0..n).map(|i| (i as u128 * len as u128 / n as u128) as usize).collect()
}

/// Returns three items whose answers are not transitive, from an antisymmetric table of `n × n` answers.
fn intransitive(said: &[Ordering], n: usize) -> Option<[usize; 3]> {
    // In a weak order, the number of items before an item gives its place. Only where the places do not
    // explain every answer are three items searched for.
    let before = |a: usize| (0..n).filter(|b| said[a * n + b].is_gt()).count();
    let place: Vec<_> = (0..n).map(before).collect();
    let explained = |a: usize, b: usize| said[a * n + b] == place[a].cmp(&place[b]);
    if (0..n).all(|a| (0..n).all(|b| explained(a, b))) {
        return None;
    }
    let triples = (0..n).flat_map(|a| (0..n).flat_map(move |b| (0..n).map(move |c| [a, b, c])));
    let mut wrong = triples
        .filter(|&[a, b, c]| said[a * n + b].is_le() && said[b * n + c].is_le() && said[a * n + c].is_gt());
    wrong.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(said: &[Ordering], n: usize) -> bool {
        (0..n).any(|a| {
            (0..n).any(|b| {
                (0..n).any(|c| said[a * n + b].is_le() && said[b * n + c].is_le() && said[a * n + c].is_gt())
            })
        })
    }

    proptest! {
        #[test]
        fn a_triple_is_found_exactly_where_there_is_one(upper in proptest::collection::vec(-1i32..=1, 15)) {
            let n = 6;
            let mut said = vec![Ordering::Equal; n * n];
            let mut upper = upper.into_iter();
            for a in 0..n {
                for b in 0..a {
                    let order = upper.next().unwrap().cmp(&0);
                    said[a * n + b] = order;
                    said[b * n + a] = order.reverse();
                }
            }
            prop_assert_eq!(intransitive(&said, n).is_some(), naive(&said, n));
        }

        #[test]
        fn a_spread_is_ascending_and_within(len in 0usize..10_000, sample in 0usize..300) {
            let chosen = spread(len, sample);
            prop_assert_eq!(chosen.len(), len.min(sample));
            prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(chosen.iter().all(|&at| at < len));
        }
    }
}
