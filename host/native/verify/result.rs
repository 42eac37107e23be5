//! The result that is verified.

use std::cmp::Ordering;

use crate::batch::Rules;
use crate::callback::Callback;

/// The result of a sort. Its items are identified by their places in it.
pub(crate) struct SortResult<'r, 'i> {
    pub(crate) len: usize,
    pub(crate) keys: &'r [VerifiedKey<'r>],
    /// Returns the bytes of an item's key: the number of the key, from 0, and the place of the item.
    pub(crate) key: &'r dyn Fn(usize, usize) -> &'i [u8],
    /// Returns an item's bytes, which decide where the keys do not, as `rules` say.
    pub(crate) item: &'r dyn Fn(usize) -> &'i [u8],
    pub(crate) rules: Rules,
    /// The number of each item in the input, which decides where nothing else does; `None` if it is unknown.
    pub(crate) numbers: Option<&'r [u32]>,
    /// The places that begin a run of items that the guests called equal, ascending; `None` if they have not
    /// been asked.
    pub(crate) firsts: Option<&'r [u32]>,
}

/// A key of the order of a result.
#[derive(Clone, Copy)]
pub(crate) struct VerifiedKey<'r> {
    pub(crate) callback: &'r Callback,
    pub(crate) reverse: bool,
}

/// A verdict of all guests about two items: the answer of the first key's guest that did not call them equal,
/// or of the last key's.
#[derive(Clone, Copy)]
pub(super) struct Verdict {
    pub(super) key: usize,
    pub(super) answer: Ordering,
}

impl Verdict {
    /// Returns what the guest of a key said, which is not after the one that decided.
    pub(super) fn of(self, key: usize) -> Ordering {
        if key == self.key { self.answer } else { Ordering::Equal }
    }
}

impl VerifiedKey<'_> {
    /// Returns the order that an answer about this key means, and the other way round.
    fn directed(self, answer: Ordering) -> Ordering {
        if self.reverse { answer.reverse() } else { answer }
    }
}

impl<'i> SortResult<'_, 'i> {
    pub(super) fn items(&self, [a, b]: [usize; 2]) -> [&'i [u8]; 2] {
        [(self.item)(a), (self.item)(b)]
    }

    pub(super) fn keys_of(&self, key: usize, [a, b]: [usize; 2]) -> [&'i [u8]; 2] {
        [(self.key)(key, a), (self.key)(key, b)]
    }

    /// Returns the answer of the verdict's guest that the result stands for, if this one is against it.
    pub(super) fn against(
        &self,
        [a, b]: [usize; 2],
        verdict: Verdict,
        firsts: Option<&[u32]>,
    ) -> Option<Ordering> {
        let Verdict { key, answer } = verdict;
        if a > b {
            let turned = Verdict { key, answer: answer.reverse() };
            return self.against([b, a], turned, firsts).map(Ordering::reverse);
        }
        let [item, later] = self.items([a, b]);
        let same_run = firsts.map(|firsts| run_of(firsts, a) == run_of(firsts, b));
        let mut order = match self.keys[key].directed(answer) {
            Ordering::Equal => self.rules.apply(Ordering::Equal, item, later),
            order => order,
        };
        if let Some(numbers) = self.numbers {
            order = order.then(numbers[a].cmp(&numbers[b]));
        }
        if order.is_le() && same_run.is_none_or(|same| same == answer.is_eq()) {
            return None;
        }
        let forward = self.keys[key].directed(Ordering::Less);
        Some(if same_run.unwrap_or(item == later) { Ordering::Equal } else { forward })
    }
}

/// Returns the number of the run of equal items that has this place.
fn run_of(firsts: &[u32], place: usize) -> usize {
    firsts.partition_point(|first| *first as usize <= place)
}
