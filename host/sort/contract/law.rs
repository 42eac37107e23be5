//! The laws of a comparator's contract, and answers that break one.

use std::cmp::Ordering;

use crate::error::GuestBacktrace;

/// A law of the contract that a comparator's answers have to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Law {
    /// It answers about any two values: it neither traps nor exceeds a limit.
    Total,
    /// It only reads the values that it gets.
    ReadOnly,
    /// The same question has the same answer, at any time and in any guest.
    Deterministic,
    /// A value equals itself.
    Reflexive,
    /// Swapping two values reverses the answer.
    Antisymmetric,
    /// If a first value comes before a second one and that before a third one, or after, so does the first
    /// and the third.
    Transitive,
    /// If a first value equals a second one and that a third one, the first equals the third.
    EqualityTransitive,
    /// Values that equal each other compare alike with any third one.
    Congruent,
    /// The guest's [sort keys](crate::SortKey), where it makes them, are in the order of their values.
    Keys,
}

impl Law {
    /// Returns the adjective for an order that keeps the law, like "transitive".
    pub fn name(self) -> &'static str {
        match self {
            Law::Total => "total",
            Law::ReadOnly => "read-only",
            Law::Deterministic => "deterministic",
            Law::Reflexive => "reflexive",
            Law::Antisymmetric => "antisymmetric",
            Law::Transitive => "transitive",
            Law::EqualityTransitive => "transitive in equality",
            Law::Congruent => "congruent",
            Law::Keys => "in step with its keys",
        }
    }

    /// Returns the law as a clause, like "an item must equal itself".
    pub fn sentence(self) -> &'static str {
        match self {
            Law::Total => "any two items must have an answer",
            Law::ReadOnly => "the items must not be written into",
            Law::Deterministic => "an answer must stay the same",
            Law::Reflexive => "an item must equal itself",
            Law::Antisymmetric => "turning the items round must turn the answer round",
            Law::Transitive => "answers must follow from each other",
            Law::EqualityTransitive => "items that equal the same item must equal each other",
            Law::Congruent => "equal items must compare alike with a third one",
            Law::Keys => "sort keys must be in the order of their items",
        }
    }

    /// Returns the law that the answers about a first and a second value, the second and a third, and the
    /// first and the third break together.
    pub(super) fn broken_by([ab, bc, ac]: [Ordering; 3]) -> Option<Law> {
        let (expected, law) = match (ab, bc) {
            (Ordering::Equal, Ordering::Equal) => (Ordering::Equal, Law::EqualityTransitive),
            (Ordering::Equal, other) | (other, Ordering::Equal) => (other, Law::Congruent),
            (one, other) if one == other => (one, Law::Transitive),
            _ => return None,
        };
        (ac != expected).then_some(law)
    }

    /// Returns the questions that show whether values break the law, as places of the values.
    pub(super) fn questions(self) -> &'static [[usize; 2]] {
        match self {
            Law::Reflexive => &[[0, 0]],
            Law::Antisymmetric => &[[0, 1], [1, 0]],
            Law::Total | Law::ReadOnly | Law::Deterministic | Law::Keys => &[[0, 1]],
            Law::Transitive | Law::EqualityTransitive | Law::Congruent => &[[0, 1], [1, 2], [0, 2]],
        }
    }

    /// Returns whether answers to the [questions](Law::questions) break the law.
    pub(super) fn is_broken_by(self, answers: &[Ordering]) -> bool {
        match (self, answers) {
            (Law::Reflexive, [answer]) => answer.is_ne(),
            (Law::Antisymmetric, [answer, swapped]) => *answer != swapped.reverse(),
            (_, [ab, bc, ac]) => Law::broken_by([*ab, *bc, *ac]) == Some(self),
            _ => false,
        }
    }
}

/// Outcome of a question about two values, or about one that is named twice: for its sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// The answer.
    Answer(Ordering),
    /// The guest failed.
    Failure {
        /// How: "trapped: integer divide by zero", "spent all its fuel, 1000 units".
        how: String,
        /// The place in the guest, if it trapped.
        backtrace: GuestBacktrace,
    },
    /// The guest wrote into its copy of a value.
    Written {
        /// Place of the value among the two.
        which: usize,
        /// The bytes that it left there.
        left: Vec<u8>,
    },
    /// The sort key of the value.
    Key(Vec<u8>),
}

/// A question of a [`Violation`], and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// Places of both values among those of the violation.
    pub values: [usize; 2],
    /// Outcome of the question.
    pub reply: Reply,
}

/// A law that a comparator breaks, and a counterexample.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The law.
    pub law: Law,
    /// Up to three values that show it, the smallest that were found.
    pub values: Vec<Vec<u8>>,
    /// The questions, in an order that tells the story, and what came of them.
    pub asked: Vec<Asked>,
    /// Numbers of the items that showed it first, from 0, one for each value; empty if some of those values
    /// were drawn.
    pub items: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_answers_break_a_law_exactly_where_no_order_of_three_values_has_them() {
        let answers = [Ordering::Less, Ordering::Equal, Ordering::Greater];
        let ranks = (0..27).map(|n: u8| [n % 3, n / 3 % 3, n / 9]);
        let orders: Vec<_> = ranks.map(|[a, b, c]| [a.cmp(&b), b.cmp(&c), a.cmp(&c)]).collect();
        for ab in answers {
            for bc in answers {
                for ac in answers {
                    let given = [ab, bc, ac];
                    assert_eq!(Law::broken_by(given).is_none(), orders.contains(&given), "{given:?}");
                }
            }
        }
    }
}
