//! Prepared answers: computed before C makes the comparisons.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

/// Answers in the order in which C will need them.
#[derive(Debug)]
pub(crate) struct PreparedAnswers {
    /// Addresses of the elements that C compares next. Two cells, because a processor stalls when it reads
    /// two words at once of which it has just written one.
    a: Cell<usize>,
    b: Cell<usize>,
    /// Remaining bits of this merge's answers, and a set bit after the last; 1 or 0 where none remains.
    answers: Cell<u64>,
    width: usize,
    match_by: MatchBy,
    /// Positions of both elements in `rest.elements`; for [`MatchBy::Contents`], the addresses that
    /// correspond to index 0.
    listed_a: Cell<usize>,
    listed_b: Cell<usize>,
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

/// The answers of one merge, or of its predicted part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MergeAnswers {
    /// A bit for each answer, the first the lowest; set where the element of the right run comes first.
    pub(crate) bits: u64,
    /// Number of answers, at most 63.
    pub(crate) count: u32,
}

/// The merges after the current one, and their elements.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    merges: Vec<Merge>,
    next: usize,
    /// The elements of each merge: their addresses, or their contents.
    pub(crate) elements: Vec<u64>,
}

/// A merge, or its predicted part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merge {
    /// Addresses of the first elements of its runs.
    pub(crate) fronts: [usize; 2],
    /// Positions of these in the list of elements, if there is one.
    pub(crate) listed: [usize; 2],
    /// Its answers, at least one.
    pub(crate) answers: MergeAnswers,
}

impl MergeAnswers {
    /// Returns the number of answers that put the element of the right run first.
    pub(crate) fn rights(self) -> usize {
        (self.bits & u64::MAX.unbounded_shr(u64::BITS - self.count)).count_ones() as usize
    }
}

impl PreparedAnswers {
    /// Creates an empty list, for elements of `width` bytes.
    pub(crate) fn new(width: usize, match_by: MatchBy) -> PreparedAnswers {
        let [a, b, listed_a, listed_b] = [const { Cell::new(0) }; 4];
        let (answers, rest) = (Cell::new(0), RefCell::default());
        PreparedAnswers { a, b, answers, width, match_by, listed_a, listed_b, rest }
    }

    pub(crate) fn match_by(&self) -> MatchBy {
        self.match_by
    }

    /// Returns whether the next prepared answer is for these addresses. Then both are inside the array,
    /// because the prepared addresses were computed from it.
    #[inline]
    pub(crate) fn expects(&self, a: usize, b: usize) -> bool {
        self.a.get() == a && self.b.get() == b && self.answers.get() > 1
    }

    /// Returns whether these are still the elements that the answer was computed from.
    #[inline]
    pub(crate) fn still_matches(&self, a: &[u8], b: &[u8]) -> bool {
        match self.width {
            4 => self.is_listed::<4>(&self.listed_a, a) && self.is_listed::<4>(&self.listed_b, b),
            8 => self.is_listed::<8>(&self.listed_a, a) && self.is_listed::<8>(&self.listed_b, b),
            2 => self.is_listed::<2>(&self.listed_a, a) && self.is_listed::<2>(&self.listed_b, b),
            1 => self.is_listed::<1>(&self.listed_a, a) && self.is_listed::<1>(&self.listed_b, b),
            _ => false,
        }
    }

    #[inline]
    fn is_listed<const WIDTH: usize>(&self, origin: &Cell<usize>, element: &[u8]) -> bool {
        let at = element.as_ptr().addr().wrapping_sub(origin.get()) / WIDTH;
        match (self.rest.borrow().elements.get(at), number::<WIDTH>(element)) {
            (Some(then), Some(now)) => *then == now,
            _ => false,
        }
    }

    /// Takes the [expected](PreparedAnswers::expects) answer.
    #[inline]
    pub(crate) fn take(&self) -> Ordering {
        let answers = self.answers.get();
        let right = (answers & 1) as usize;
        self.answers.set(answers >> 1);
        if answers >> 1 == 1 {
            return self.next_merge(right);
        }
        let step = self.width & right.wrapping_neg();
        self.a.set(self.a.get() + self.width - step);
        self.b.set(self.b.get() + step);
        if self.match_by == MatchBy::Pointer {
            return self.next_listed(right);
        }
        order(right)
    }

    /// Advances in the list of elements. This and `next_merge` return the order, so that they are tail calls.
    #[inline(never)]
    fn next_listed(&self, right: usize) -> Ordering {
        let (a, b) = (self.listed_a.get() + 1 - right, self.listed_b.get() + right);
        self.listed_a.set(a);
        self.listed_b.set(b);
        let listed = &self.rest.borrow().elements;
        if let (Some(&a), Some(&b)) = (listed.get(a), listed.get(b)) {
            self.a.set(a as usize);
            self.b.set(b as usize);
        }
        order(right)
    }

    #[inline(never)]
    fn next_merge(&self, right: usize) -> Ordering {
        let rest = &mut *self.rest.borrow_mut();
        if let Some(merge) = rest.merges.get(rest.next) {
            rest.next += 1;
            self.begin(merge, &rest.elements);
        }
        order(right)
    }

    fn begin(&self, merge: &Merge, listed: &[u64]) {
        let (mut at, mut fronts) = (merge.fronts, merge.listed);
        match self.match_by {
            MatchBy::Address => {}
            MatchBy::Contents => fronts = [0, 1].map(|run| at[run].wrapping_sub(fronts[run] * self.width)),
            MatchBy::Pointer => at = fronts.map(|front| listed[front] as usize),
        }
        self.a.set(at[0]);
        self.b.set(at[1]);
        self.listed_a.set(fronts[0]);
        self.listed_b.set(fronts[1]);
        self.answers.set(merge.answers.bits | 1 << merge.answers.count);
    }

    /// Drops every answer and lets `fill` add the next ones.
    pub(crate) fn refill<T>(&self, fill: impl FnOnce(&mut Rest) -> T) -> T {
        let rest = &mut *self.rest.borrow_mut();
        self.answers.set(0);
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

fn order(right: usize) -> Ordering {
    if right == 1 { Ordering::Greater } else { Ordering::Less }
}

impl Rest {
    /// Appends a merge.
    pub(crate) fn push(&mut self, merge: Merge) {
        self.merges.push(merge);
    }
}
