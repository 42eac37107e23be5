//! Prepared answers: computed before C makes the comparisons.

use std::cell::{Cell, RefCell};
use std::ffi::c_int;

/// Answers in the order in which C will need them.
#[derive(Debug)]
pub(crate) struct PreparedAnswers {
    /// Addresses of the elements that C compares next, where addresses suffice; 0 where no answer remains.
    /// Two cells, because a processor stalls when it reads two words at once of which it has just written
    /// one.
    a: Cell<usize>,
    b: Cell<usize>,
    /// Remaining bits of this merge's answers, and a set bit after the last; 1 or 0 where none remains.
    answers: Cell<u64>,
    width: usize,
    match_by: MatchBy,
    /// As `a` and `b`, where addresses do not suffice.
    listed: [Cell<usize>; 2],
    /// Positions of both elements in `rest.elements`; for [`MatchBy::Contents`], the addresses that
    /// correspond to index 0.
    listed_at: [Cell<usize>; 2],
    rest: RefCell<Rest>,
}

/// The criterion by which a comparison of C's is recognized as the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchBy {
    /// By the elements' addresses: the array holds the elements in their order.
    Address,
    /// By addresses and contents: unknown code may change an element between two comparisons of it, which
    /// makes the prepared answer stale.
    Contents,
    /// By listed addresses: C sorts pointers to the elements.
    Pointer,
}

impl MatchBy {
    /// Returns [`MatchBy::Contents`] for the widths that it is for.
    pub(crate) fn contents(width: usize) -> Option<MatchBy> {
        matches!(width, 1 | 2 | 4 | 8).then_some(MatchBy::Contents)
    }
}

/// Up to 63 answers of one merge, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnswerSet {
    /// A bit for each answer, the first the lowest, and above them a set bit as the mark of their end. An
    /// answer is 1 where the element of the right run comes first.
    bits: u64,
}

/// The merges after the current one, and their elements.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    merges: Vec<Merge>,
    next: usize,
    /// The elements of each merge: their addresses, or their contents.
    pub(crate) elements: Vec<u64>,
}

/// A merge, or a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merge {
    /// Addresses of the first elements of its runs.
    pub(crate) fronts: [usize; 2],
    /// Positions of these in the list of elements, if there is one.
    pub(crate) listed: [usize; 2],
    /// Its answers, at least one.
    pub(crate) answers: AnswerSet,
}

impl AnswerSet {
    /// Takes a set as a kernel writes it: the mark is below the first answer, the last one is the highest
    /// bit.
    pub(crate) fn new(written: u64) -> AnswerSet {
        let unused = written.trailing_zeros() + 1;
        let mark = 1_u64.unbounded_shl(u64::BITS.saturating_sub(unused));
        AnswerSet { bits: written.unbounded_shr(unused) | mark }
    }

    /// Returns a set of one answer.
    #[cfg(test)]
    pub(crate) fn one(right: bool) -> AnswerSet {
        AnswerSet { bits: u64::from(right) | 2 }
    }

    /// Returns the number of answers.
    pub(crate) fn len(self) -> usize {
        self.bits.ilog2() as usize
    }

    /// Returns the number of answers that put the element of the right run first.
    pub(crate) fn rights(self) -> usize {
        self.bits.count_ones() as usize - 1
    }

    /// Returns the answers: 1 where the element of the right run comes first, 0 otherwise.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..self.len()).map(move |nth| (self.bits >> nth & 1) as usize)
    }
}

impl PreparedAnswers {
    /// Creates an empty list, for elements of `width` bytes.
    pub(crate) fn new(width: usize, match_by: MatchBy) -> PreparedAnswers {
        let [a, b] = [const { Cell::new(0) }; 2];
        let [listed, listed_at] = [const { [const { Cell::new(0) }; 2] }; 2];
        let (answers, rest) = (Cell::new(0), RefCell::default());
        PreparedAnswers { a, b, answers, width, match_by, listed, listed_at, rest }
    }

    pub(crate) fn match_by(&self) -> MatchBy {
        self.match_by
    }

    /// Takes the next answer if it is for these addresses: 1 where the second element comes first, -1
    /// otherwise. Only for [`MatchBy::Address`].
    #[inline]
    pub(crate) fn take_at(&self, a: usize, b: usize) -> Option<c_int> {
        if self.a.get() != a || self.b.get() != b {
            return None;
        }
        let answers = self.answers.get();
        let right = (answers & 1) as usize;
        self.answers.set(answers >> 1);
        if answers >> 1 == 1 {
            return Some(self.next_merge(right));
        }
        let step = self.width & right.wrapping_neg();
        self.a.set(a + self.width - step);
        self.b.set(b + step);
        Some(sign(right))
    }

    /// Returns whether the next prepared answer is for these addresses. Then both are inside the array,
    /// because the prepared addresses were computed from it.
    pub(crate) fn expects(&self, a: usize, b: usize) -> bool {
        let next = match self.match_by {
            MatchBy::Address => [self.a.get(), self.b.get()],
            MatchBy::Contents | MatchBy::Pointer => self.listed.each_ref().map(Cell::get),
        };
        next == [a, b] && self.answers.get() > 1
    }

    /// Returns whether these are still the elements that the answer was computed from.
    #[inline]
    pub(crate) fn still_matches(&self, a: &[u8], b: &[u8]) -> bool {
        let elements = &self.rest.borrow().elements[..];
        match self.width {
            4 => self.are_listed::<4>(elements, [a, b]),
            8 => self.are_listed::<8>(elements, [a, b]),
            2 => self.are_listed::<2>(elements, [a, b]),
            1 => self.are_listed::<1>(elements, [a, b]),
            _ => false,
        }
    }

    #[inline]
    fn are_listed<const WIDTH: usize>(&self, elements: &[u64], [a, b]: [&[u8]; 2]) -> bool {
        [(a, 0), (b, 1)].into_iter().all(|(element, run)| {
            let at = element.as_ptr().addr().wrapping_sub(self.listed_at[run].get()) / WIDTH;
            match (elements.get(at), number::<WIDTH>(element)) {
                (Some(then), Some(now)) => *then == now,
                _ => false,
            }
        })
    }

    /// Takes the [expected](PreparedAnswers::expects) answer, as [`PreparedAnswers::take_at`] does.
    #[inline]
    pub(crate) fn take(&self) -> c_int {
        if self.match_by == MatchBy::Address {
            return self.take_at(self.a.get(), self.b.get()).unwrap_or(0);
        }
        let answers = self.answers.get();
        let right = (answers & 1) as usize;
        self.answers.set(answers >> 1);
        if answers >> 1 == 1 {
            return self.next_merge(right);
        }
        let steps = [1 - right, right];
        match self.match_by {
            MatchBy::Pointer => {
                let elements = &self.rest.borrow().elements;
                for (run, step) in steps.into_iter().enumerate() {
                    let at = self.listed_at[run].get() + step;
                    self.listed_at[run].set(at);
                    self.listed[run].set(elements.get(at).map_or(0, |address| *address as usize));
                }
            }
            _ => {
                for (next, step) in self.listed.iter().zip(steps) {
                    next.set(next.get() + self.width * step);
                }
            }
        }
        sign(right)
    }

    /// Begins the next merge. Returns the answer of the one before, so that it is a tail call.
    #[inline(never)]
    fn next_merge(&self, right: usize) -> c_int {
        let rest = &mut *self.rest.borrow_mut();
        match rest.merges.get(rest.next) {
            Some(merge) => {
                rest.next += 1;
                self.begin(merge, &rest.elements);
            }
            None => self.a.set(0),
        }
        sign(right)
    }

    fn begin(&self, merge: &Merge, listed: &[u64]) {
        let (mut at, mut fronts) = (merge.fronts, merge.listed);
        match self.match_by {
            MatchBy::Address => {
                self.a.set(at[0]);
                self.b.set(at[1]);
            }
            MatchBy::Contents => fronts = [0, 1].map(|run| at[run].wrapping_sub(fronts[run] * self.width)),
            MatchBy::Pointer => at = fronts.map(|front| listed[front] as usize),
        }
        for run in [0, 1] {
            self.listed[run].set(at[run]);
            self.listed_at[run].set(fronts[run]);
        }
        self.answers.set(merge.answers.bits);
    }

    /// Drops every answer and lets `fill` add the next ones.
    pub(crate) fn refill<T>(&self, fill: impl FnOnce(&mut Rest) -> T) -> T {
        let rest = &mut *self.rest.borrow_mut();
        self.answers.set(0);
        self.a.set(0);
        rest.merges.clear();
        rest.elements.clear();
        let filled = fill(rest);
        rest.next = 1;
        if let Some(merge) = rest.merges.first() {
            self.begin(merge, &rest.elements);
        }
        filled
    }
}

/// Appends elements of 1, 2, 4 or 8 bytes to a list, as numbers.
pub(crate) fn list(contents: &[u8], width: usize, to: &mut Vec<u64>) {
    // Compiled for each width: a branch on the width for each element would take as long as the rest.
    match width {
        4 => to.extend(contents.chunks_exact(4).filter_map(number::<4>)),
        8 => to.extend(contents.chunks_exact(8).filter_map(number::<8>)),
        _ => to.extend(contents.chunks_exact(width).filter_map(content)),
    }
}

fn content(element: &[u8]) -> Option<u64> {
    match element.len() {
        8 => number::<8>(element),
        4 => number::<4>(element),
        2 => number::<2>(element),
        1 => number::<1>(element),
        _ => None,
    }
}

#[inline]
fn number<const WIDTH: usize>(element: &[u8]) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes[..WIDTH].copy_from_slice(element.first_chunk::<WIDTH>()?);
    Some(u64::from_le_bytes(bytes))
}

fn sign(right: usize) -> c_int {
    2 * right as c_int - 1
}

impl Rest {
    /// Appends a merge.
    pub(crate) fn push(&mut self, merge: Merge) {
        self.merges.push(merge);
    }
}
