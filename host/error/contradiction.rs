//! Answers of a comparator that contradict each other.

use std::cmp::Ordering;

use super::escape;

/// The contradiction that was found in a comparator's answers. Items are shown as text: numbers in decimal,
/// anything else as escaped bytes, cut to a length that a person reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContradictionError {
    /// The kernel lost count of its elements, because the answers contradict each other.
    #[error(
        "\"{export}\" contradicts itself: no order fits its answers; \
         find a counterexample with `callbox check`", export = escape(export)
    )]
    NoOrder {
        /// The export behind the callback.
        export: String,
    },

    /// Asked again about two items of a sort's result, the comparator answered against it.
    #[error(
        "\"{export}\" contradicts itself: its answers to the sort made {a} {} {b}, but asked again it says \
         {a} {} {b} and {b} {} {a}; nothing was written back",
        sign(*sorted), sign(answers[0]), sign(answers[1]),
        a = items[0], b = items[1], export = escape(export)
    )]
    AgainstResult {
        /// The export behind the callback.
        export: String,
        /// Both items.
        items: [String; 2],
        /// The answer about the two that agrees with the sort's result.
        sorted: Ordering,
        /// The answers about the two items, and about the two swapped.
        answers: [Ordering; 2],
    },

    /// Two items that the comparator calls equal do not compare alike with a third.
    #[error(
        "\"{export}\" contradicts itself: it says {a} = {b}, but {a} {} {c} and {b} {} {c}; \
         nothing was written back", sign(answers[0]), sign(answers[1]),
        a = items[0], b = items[1], c = items[2], export = escape(export)
    )]
    NotEqual {
        /// The export behind the callback.
        export: String,
        /// The two items, and the third.
        items: [String; 3],
        /// The answers about the first and the third item, and about the second and the third.
        answers: [Ordering; 2],
    },

    /// The answer depends on more than the two items: a global, or memory that an earlier call wrote.
    #[error(
        "\"{export}\" keeps state: asked about the same items it says {a} {} {b}, and in another guest or at \
         another time {a} {} {b}; an answer must depend on its two items only; nothing was written back",
        sign(answers[0]), sign(answers[1]), a = items[0], b = items[1], export = escape(export)
    )]
    KeepsState {
        /// The export behind the callback.
        export: String,
        /// Both items.
        items: [String; 2],
        /// Two answers about them.
        answers: [Ordering; 2],
    },
}

/// Returns the sign that shows an answer between two items.
fn sign(answer: Ordering) -> char {
    match answer {
        Ordering::Less => '<',
        Ordering::Equal => '=',
        Ordering::Greater => '>',
    }
}
