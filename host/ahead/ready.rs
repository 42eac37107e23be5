//! Answers in hand.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

/// Answers in the order in which C will ask for them.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The addresses that C asks about next. Apart, because a processor waits before it reads two words
    /// at once of which it has just written one.
    a: Cell<usize>,
    b: Cell<usize>,
    /// A bit for each answer of this merge, set where the right one comes first, and a set bit behind the
    /// last; 1 or 0 where there is none.
    answers: Cell<u64>,
    width: usize,
    look: Look,
    /// Where both are in the list of elements; where contents are listed, the address that the first of
    /// the list would have if the run went back so far.
    listed_a: Cell<usize>,
    listed_b: Cell<usize>,
    rest: RefCell<Rest>,
}

/// How to tell which elements a merge is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// By where they are: they lie in the array in their order.
    Places,
    /// By where they are, and by what is there: C that we do not know may change an element between
    /// two questions about it, and then the answer for what it was is not the answer. For elements that
    /// are a number of 1, 2, 4 or 8 bytes.
    Contents,
    /// By pointers, which are listed.
    Pointers,
}

/// What comes after the merge at hand, and what it takes to know its elements.
#[derive(Debug, Default)]
pub(super) struct Rest {
    merges: Vec<Merge>,
    next: usize,
    /// The elements of each merge: their addresses, or what they are.
    pub(super) elements: Vec<u64>,
}

/// A merge, or as much of it as is foreseen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Merge {
    /// The fronts of its runs.
    pub(super) at: [usize; 2],
    /// Where they are in the list of elements, if it is kept.
    pub(super) listed: [usize; 2],
    /// A bit for each answer, set where the right one comes first.
    pub(super) answers: u64,
    /// How many there are, at most 63.
    pub(super) count: u32,
}

impl Ready {
    pub(crate) fn new(width: usize, look: Look) -> Ready {
        let [a, b, listed_a, listed_b] = [const { Cell::new(0) }; 4];
        let (answers, rest) = (Cell::new(0), RefCell::default());
        Ready { a, b, answers, width, look, listed_a, listed_b, rest }
    }

    pub(super) fn look(&self) -> Look {
        self.look
    }

    /// Whether the answer for these addresses is in hand. Then both are inside the array, because the
    /// question was put together from it.
    #[inline]
    pub(crate) fn expects(&self, a: usize, b: usize) -> bool {
        self.a.get() == a && self.b.get() == b && self.answers.get() > 1
    }

    /// Whether these are still the elements that the answer is for.
    #[inline]
    pub(crate) fn is_about(&self, a: &[u8], b: &[u8]) -> bool {
        match self.width {
            4 => self.listed::<4>(&self.listed_a, a) && self.listed::<4>(&self.listed_b, b),
            8 => self.listed::<8>(&self.listed_a, a) && self.listed::<8>(&self.listed_b, b),
            2 => self.listed::<2>(&self.listed_a, a) && self.listed::<2>(&self.listed_b, b),
            1 => self.listed::<1>(&self.listed_a, a) && self.listed::<1>(&self.listed_b, b),
            _ => false,
        }
    }

    #[inline]
    fn listed<const WIDTH: usize>(&self, origin: &Cell<usize>, element: &[u8]) -> bool {
        let at = element.as_ptr().addr().wrapping_sub(origin.get()) / WIDTH;
        match (self.rest.borrow().elements.get(at), number::<WIDTH>(element)) {
            (Some(then), Some(now)) => *then == now,
            _ => false,
        }
    }

    /// The answer that is [expected](Ready::expects).
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
        if self.look == Look::Pointers {
            return self.follow(right);
        }
        order(right)
    }

    /// Goes on in the list of elements. This and the next return the order, so that whoever calls them has
    /// nothing left to do.
    #[inline(never)]
    fn follow(&self, right: usize) -> Ordering {
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
        let (mut at, mut fronts) = (merge.at, merge.listed);
        match self.look {
            Look::Places => {}
            Look::Contents => fronts = [0, 1].map(|run| at[run].wrapping_sub(fronts[run] * self.width)),
            Look::Pointers => at = fronts.map(|front| listed[front] as usize),
        }
        self.a.set(at[0]);
        self.b.set(at[1]);
        self.listed_a.set(fronts[0]);
        self.listed_b.set(fronts[1]);
        self.answers.set(merge.answers | 1 << merge.count);
    }

    /// Forgets all, and has `fill` say what comes next.
    pub(super) fn refill<T>(&self, fill: impl FnOnce(&mut Rest) -> T) -> T {
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

/// Elements of 1, 2, 4 or 8 bytes as numbers, added to a list.
pub(super) fn list(contents: &[u8], width: usize, to: &mut Vec<u64>) {
    // Compiled for each: a jump by width for each element would cost as much as the rest.
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
    /// Adds a merge, of at least one answer.
    pub(super) fn push(&mut self, merge: Merge) {
        self.merges.push(merge);
    }
}
