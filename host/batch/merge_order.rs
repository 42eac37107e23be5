//! Which questions glibc's `qsort` asks, and in which order, until it merges no more.

use std::ops::Range;

use crate::answers::MergeAnswers;
use crate::error::Result;
use crate::memory::try_with_capacity;

/// A merge sort from the top down that halves as glibc's does; the answers come from outside. Small
/// parts of the array, its blocks, are sorted in one go.
pub(super) struct MergeOrder {
    pub(super) step: Step,
    /// What is still to be sorted, the next on top: where it begins, its length, and whether both its
    /// halves are sorted.
    stack: Vec<(usize, usize, bool)>,
    /// A block has at most so many elements.
    block: usize,
    /// Where pointers are sorted: the numbers of the elements, in the order of the pointers.
    pub(super) pointers: Option<PointerOrder>,
}

/// What is being done, in positions from the start of the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A part that has not been touched is to be sorted.
    Block {
        start: usize,
        len: usize,
    },
    /// Two runs are being merged; these are their fronts, where the right one began, and where it ends.
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
    pub(super) numbers: Vec<u32>,
    merged: Vec<u32>,
}

impl MergeOrder {
    /// For so many elements, in blocks of at most so many. `pointers`: whether they are sorted by pointers.
    pub(super) fn new(len: usize, block: usize, pointers: bool) -> Result<MergeOrder> {
        let pointers = if pointers { Some(PointerOrder::new(len)?) } else { None };
        let mut plan = MergeOrder { step: Step::Done, stack: vec![(0, len, false)], block, pointers };
        plan.begin();
        Ok(plan)
    }

    /// The positions, or numbers, of the two elements that the next question is about.
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

    /// Which elements are, or are pointed to, at these positions.
    pub(super) fn elements(&self, at: [usize; 2]) -> [usize; 2] {
        match &self.pointers {
            Some(pointers) => at.map(|at| pointers.numbers[at] as usize),
            None => at,
        }
    }

    /// Goes on after answers of a merge. There are no more than end one of the two runs.
    pub(super) fn answered(&mut self, answers: MergeAnswers) {
        let Step::Merge { left, right, middle, end } = &mut self.step else { return };
        let rights = answers.rights();
        let fronts = [*left, *right];
        (*left, *right) = (*left + answers.count as usize - rights, *right + rights);
        if let Some(PointerOrder { numbers, merged }) = &mut self.pointers {
            pick(numbers, fronts, answers, merged);
            if left == middle || right == end {
                put_back(&mut numbers[..*right], *left..*middle, merged);
            }
        }
        if left == middle || right == end {
            self.begin();
        }
    }

    /// Goes on after a block.
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
        let mut numbers = try_with_capacity(len, what)?;
        numbers.extend((0..len).map(|at| at as u32));
        Ok(PointerOrder { numbers, merged: try_with_capacity(len, what)? })
    }
}

/// Takes from two runs, the fronts of which are given, as the answers say.
fn pick<T: Copy>(numbers: &[T], mut fronts: [usize; 2], answers: MergeAnswers, merged: &mut Vec<T>) {
    for nth in 0..answers.count {
        let front = &mut fronts[(answers.bits >> nth & 1) as usize];
        merged.push(numbers[*front]);
        *front += 1;
    }
}

/// Puts merged numbers to the end of `numbers`, and what is left of the left run behind them. What is
/// left of the right run is in its place.
fn put_back<T: Copy>(numbers: &mut [T], left: Range<usize>, merged: &mut Vec<T>) {
    merged.extend_from_slice(&numbers[left]);
    let start = numbers.len() - merged.len();
    numbers[start..].copy_from_slice(merged);
    merged.clear();
}

/// Merges two runs, the right one from `middle` on, by all answers of their merge; `scratch` is empty.
pub(super) fn merge<T: Copy>(all: &mut [T], middle: usize, answers: MergeAnswers, scratch: &mut Vec<T>) {
    let rights = answers.rights();
    let left = answers.count as usize - rights;
    pick(all, [0, middle], answers, scratch);
    put_back(&mut all[..middle + rights], left..middle, scratch);
}

/// Tells `each` of all merges of a block, in their order: where its runs begin and where they end.
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

    /// All that a plan asks, by its numbers, until it is done; and the order at last.
    fn run(
        len: usize,
        block: usize,
        mut after: impl FnMut(usize, usize) -> bool,
    ) -> (Vec<[usize; 2]>, Vec<u32>) {
        let mut plan = MergeOrder::new(len, block, true).unwrap();
        let mut asked = Vec::new();
        while let Some(next) = plan.next() {
            let Step::Block { start, len } = plan.step else {
                asked.push(next);
                plan.answered(MergeAnswers { bits: after(next[0], next[1]).into(), count: 1 });
                continue;
            };
            let before = asked.len();
            let numbers = &mut plan.pointers.as_mut().unwrap().numbers[start..][..len];
            merges(0, len, &mut |[from, middle, end]| {
                let (mut l, mut r, mut answers, mut count) = (from, middle, 0, 0);
                while l < middle && r < end {
                    let [a, b] = [numbers[l], numbers[r]].map(|at| at as usize);
                    asked.push([a, b]);
                    let right_first = after(a, b);
                    answers |= u64::from(right_first) << count;
                    count += 1;
                    (l, r) = if right_first { (l, r + 1) } else { (l + 1, r) };
                }
                let answers = MergeAnswers { bits: answers, count };
                merge(&mut numbers[from..end], middle - from, answers, &mut Vec::new());
            });
            assert_eq!(asked[before], next);
            plan.block_is_sorted();
        }
        (asked, plan.pointers.unwrap().numbers)
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
