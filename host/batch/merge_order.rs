//! The sequence of comparisons that glibc's `qsort` makes, up to its last merge.

use std::ops::Range;

use crate::answers::AnswerSet;
use crate::error::Result;
use crate::memory::try_with_capacity;

/// A top-down merge sort that halves as glibc's does; the caller supplies the answers. Small parts of the
/// array, its blocks, are sorted in one step.
pub(super) struct MergeOrder {
    pub(super) step: Step,
    /// The parts still to be sorted, the next on top: start, length, and whether both halves are sorted.
    stack: Vec<(usize, usize, bool)>,
    /// Maximum number of elements in a block.
    block: usize,
    /// Where pointers are sorted: the indices of the elements, in the order of the pointers.
    pub(super) pointers: Option<PointerOrder>,
}

/// The current step, in positions from the start of the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An untouched part is to be sorted.
    Block {
        start: usize,
        len: usize,
    },
    /// Two runs are being merged: their fronts, and the start and end of the right one.
    Merge {
        left: usize,
        right: usize,
        middle: usize,
        end: usize,
    },
    Done,
}

/// The order of pointers to elements.
pub(super) struct PointerOrder {
    pub(super) indices: Vec<u32>,
    merged: Vec<u32>,
}

impl MergeOrder {
    /// Creates the order for `len` elements, in blocks of at most `block`. `pointers`: whether C sorts
    /// pointers to them.
    pub(super) fn new(len: usize, block: usize, pointers: bool) -> Result<MergeOrder> {
        let pointers = if pointers { Some(PointerOrder::new(len)?) } else { None };
        let mut plan = MergeOrder { step: Step::Done, stack: vec![(0, len, false)], block, pointers };
        plan.begin();
        Ok(plan)
    }

    /// Returns the indices of the two elements of the next comparison.
    pub(super) fn next(&self) -> Option<[usize; 2]> {
        match self.step {
            Step::Done => None,
            Step::Block { start, mut len } => {
                while len > 3 {
                    len /= 2;
                }
                // Of three, the two of the right half are sorted first.
                Some([start + len - 2, start + len - 1])
            }
            Step::Merge { left, right, .. } => Some(self.elements([left, right])),
        }
    }

    /// Returns the indices of the elements that are, or are pointed to, at these positions.
    pub(super) fn elements(&self, at: [usize; 2]) -> [usize; 2] {
        match &self.pointers {
            Some(pointers) => at.map(|at| pointers.indices[at] as usize),
            None => at,
        }
    }

    /// Advances a merge by these answers, at most as many as use up one of the two runs.
    pub(super) fn advance(&mut self, answers: AnswerSet) {
        let Step::Merge { left, right, middle, end } = &mut self.step else { return };
        let fronts = [*left, *right];
        [*left, *right] = after(fronts, answers);
        if let Some(PointerOrder { indices, merged }) = &mut self.pointers {
            pick(indices, fronts, answers, merged);
            if left == middle || right == end {
                put_back(&mut indices[..*right], *left..*middle, merged);
            }
        }
        if left == middle || right == end {
            self.begin();
        }
    }

    /// Advances past a sorted block.
    pub(super) fn block_is_sorted(&mut self) {
        self.begin();
    }

    fn begin(&mut self) {
        self.step = Step::Done;
        while let Some((start, len, halves_sorted)) = self.stack.pop() {
            let (half, middle) = (len / 2, start + len / 2);
            if halves_sorted {
                self.step = Step::Merge { left: start, right: middle, middle, end: start + len };
                return;
            }
            if (2..=self.block).contains(&len) {
                self.step = Step::Block { start, len };
                return;
            }
            if len > self.block {
                let halves = [(middle, len - half, false), (start, half, false)];
                self.stack.push((start, len, true));
                self.stack.extend(halves);
            }
        }
    }
}

impl PointerOrder {
    fn new(len: usize) -> Result<PointerOrder> {
        let what = "the order of pointers";
        let mut indices = try_with_capacity(len, what)?;
        indices.extend((0..len).map(|at| at as u32));
        Ok(PointerOrder { indices, merged: try_with_capacity(len, what)? })
    }
}

/// Returns the fronts of two runs after these answers.
pub(super) fn after([left, right]: [usize; 2], answers: AnswerSet) -> [usize; 2] {
    let rights = answers.rights();
    [left + answers.len() - rights, right + rights]
}

/// Appends to `merged` the elements that the answers select from two runs, starting at `fronts`.
pub(super) fn pick<T: Copy>(numbers: &[T], mut fronts: [usize; 2], answers: AnswerSet, merged: &mut Vec<T>) {
    for right in answers.iter() {
        let front = &mut fronts[right];
        merged.push(numbers[*front]);
        *front += 1;
    }
}

/// Writes `merged`, followed by the rest of the left run, to the end of `numbers`. The rest of the right
/// run is already in place.
pub(super) fn put_back<T: Copy>(numbers: &mut [T], left: Range<usize>, merged: &mut Vec<T>) {
    merged.extend_from_slice(&numbers[left]);
    let start = numbers.len() - merged.len();
    numbers[start..].copy_from_slice(merged);
    merged.clear();
}

/// Calls `each` for all merges of a block, in their order, with the starts of both runs and their end.
pub(super) fn merges(from: usize, len: usize, each: &mut impl FnMut([usize; 3])) {
    if len > 1 {
        let middle = from + len / 2;
        merges(from, len / 2, each);
        merges(middle, len - len / 2, each);
        each([from, middle, from + len]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns all comparisons of a plan, by indices, until it is done, and the final order.
    fn run(
        len: usize,
        block: usize,
        mut swap: impl FnMut(usize, usize) -> bool,
    ) -> (Vec<[usize; 2]>, Vec<u32>) {
        let mut plan = MergeOrder::new(len, block, true).unwrap();
        let mut asked = Vec::new();
        while let Some(next) = plan.next() {
            let Step::Block { start, len } = plan.step else {
                asked.push(next);
                plan.advance(AnswerSet::one(swap(next[0], next[1])));
                continue;
            };
            let before = asked.len();
            let numbers = &mut plan.pointers.as_mut().unwrap().indices[start..][..len];
            merges(0, len, &mut |[from, middle, end]| {
                let (mut fronts, mut merged) = ([from, middle], Vec::new());
                while let [l, r] = fronts
                    && l < middle
                    && r < end
                {
                    let [a, b] = [numbers[l], numbers[r]].map(|at| at as usize);
                    asked.push([a, b]);
                    let answer = AnswerSet::one(swap(a, b));
                    pick(numbers, fronts, answer, &mut merged);
                    fronts = after(fronts, answer);
                }
                put_back(&mut numbers[..fronts[1]], fronts[0]..middle, &mut merged);
            });
            assert_eq!(asked[before], next);
            plan.block_is_sorted();
        }
        (asked, plan.pointers.unwrap().indices)
    }

    proptest! {
        #[test]
        fn it_sorts_as_a_stable_sort_does_and_asks_the_same_whatever_its_blocks(
            keys in proptest::collection::vec(0u8..9, 0..150), block in 1usize..65,
        ) {
            let (asked, order) = run(keys.len(), block, |a, b| keys[a] > keys[b]);
            let mut naive: Vec<u32> = (0..keys.len() as u32).collect();
            naive.sort_by_key(|&at| keys[at as usize]);
            prop_assert_eq!(order, naive);
            prop_assert_eq!(asked, run(keys.len(), 1, |a, b| keys[a] > keys[b]).0);
        }

        #[test]
        fn whatever_it_is_told_nothing_gets_lost(len in 0usize..150, block in 1usize..65, answers: u64) {
            let mut at = 0;
            let (_, mut order) = run(len, block, |_, _| {
                at += 1;
                answers >> (at % 61) & 1 == 1
            });
            order.sort();
            prop_assert_eq!(order, (0..len as u32).collect::<Vec<_>>());
        }
    }
}
