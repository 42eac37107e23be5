//! Answers before they are asked for.
//!
//! The C library's merge sort compares the fronts of two runs; which two elements it compares next
//! follows from the answer. So the guest can be asked many of these questions in one go, in the order in
//! which they will come, and C gets its answers from what is in hand: a way into the sandbox takes
//! longer than a comparison. C is not trusted to ask them: each call is checked as ever, and one that was
//! not foreseen begins anew.

use std::cell::Cell;
use std::cmp::Ordering;

use crate::callback::{Answer, AskHeld, Callback, Held};
use crate::kernel::Items;
use crate::resident::{Rules, small};
use crate::sandbox::{self, Shape};

/// From so many elements on it is worth compiling a kernel, and with a kernel at hand, asking it.
const WORTH_COMPILING: usize = 20_000;
const WORTH_ASKING: usize = 16;

/// So many questions go in at once.
const MOST: usize = 64;

/// Answers in hand, in the order in which C will ask for them.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    /// The addresses that C asks about next, if it goes on with this merge. Apart, because a processor
    /// waits before it reads two words at once of which it has just written one.
    next_a: Cell<usize>,
    next_b: Cell<usize>,
    /// A bit each: whether the right one comes first.
    answers: Cell<u64>,
    left: Cell<u32>,
    width: Cell<usize>,
}

impl Ready {
    /// The answer for these addresses, if it is in hand. Then both are inside the array, because the
    /// question was put together from it.
    #[inline]
    pub(crate) fn take(&self, a: usize, b: usize) -> Option<Ordering> {
        let left = self.left.get();
        if left == 0 || !self.expects(a, b) {
            return None;
        }
        let (answers, width) = (self.answers.get(), self.width.get());
        let right = (answers & 1) as usize;
        let step = width * right;
        self.next_a.set(a + width - step);
        self.next_b.set(b + step);
        self.answers.set(answers >> 1);
        self.left.set(left - 1);
        Some(if right == 1 { Ordering::Greater } else { Ordering::Less })
    }

    fn expects(&self, a: usize, b: usize) -> bool {
        self.next_a.get() == a && self.next_b.get() == b
    }
}

/// What it takes to have answers ready.
pub(crate) struct Ahead<'a> {
    ready: &'a Ready,
    kernel: sandbox::Resident,
    width: usize,
    /// Where in the guest's memory, or the kernel's, the next elements of both runs go.
    places: [u32; 2],
    in_guest: bool,
    taken_in: bool,
    export: String,
    /// Where the right run of the merge begins, and how many elements the left run has.
    middle: usize,
    run: usize,
}

impl<'a> Ahead<'a> {
    /// `None` where it is not worth while, or where the guest could tell: it has an import.
    pub(crate) fn new(
        callback: &Callback,
        held: &mut Held<'_>,
        rules: Rules,
        len: usize,
        width: usize,
        ready: &'a Ready,
    ) -> Option<Ahead<'a>> {
        if len < WORTH_ASKING {
            return None;
        }
        let items = match (callback.shape(), callback.number()) {
            (Shape::Scalars, Some(number)) => Items::Values(number),
            (Shape::Slices, _) => Items::Records { width: small(width).ok()? },
            _ => Items::Addresses { width: small(width).ok()? },
        };
        let (export, spec) = (callback.export(), callback.spec(rules, items, true));
        let turn = held.turn();
        let worth = if turn.has_resident(export, &spec) { WORTH_ASKING } else { WORTH_COMPILING };
        if len < worth || !callback.guest().module().imports().is_empty() {
            return None;
        }
        let kernel = turn.resident_for_good(export, &spec)?;
        let (in_guest, size) = (spec.sees_guest(), 2 * MOST * width);
        turn.kernel_memory(&kernel, size).ok()?;
        let first = if in_guest { turn.stage(export, size, |_| ()).ok()? } else { 0 };
        let places = [first, first + (MOST * width) as u32];
        ready.width.set(width);
        let (taken_in, export) = (spec.inline.is_some(), export.to_owned());
        Some(Ahead { ready, kernel, width, places, in_guest, taken_in, export, middle: 0, run: 0 })
    }

    /// The order of the elements that both runs of bytes begin with, for which there was no answer
    /// ready; `ask` asks the guest for it alone.
    pub(crate) fn ask(&mut self, held: &mut Held<'_>, ask: &mut AskHeld<'_>, a: &[u8], b: &[u8]) -> Answer {
        self.look_ahead(held, a, b)?;
        match self.ready.take(a.as_ptr().addr(), b.as_ptr().addr()) {
            Some(order) => Ok(order),
            None => ask(held, &a[..self.width], &b[..self.width]),
        }
    }

    /// Asks the questions that come next, if these two come now. A failure is that of the question at
    /// hand: C would have come to the one that failed.
    fn look_ahead(&mut self, held: &mut Held<'_>, a: &[u8], b: &[u8]) -> Answer<()> {
        let at = [a.as_ptr().addr(), b.as_ptr().addr()];
        if !self.ready.expects(at[0], at[1]) {
            // A new merge: its right run begins where the left one ends, and is as long, or longer by one.
            self.middle = at[1];
            self.run = at[1].saturating_sub(at[0]) / self.width;
        }
        self.ready.next_a.set(at[0]);
        self.ready.next_b.set(at[1]);
        self.ready.left.set(0);
        let left = self.middle.saturating_sub(at[0]) / self.width;
        let right = self.run.saturating_sub(at[1].saturating_sub(self.middle) / self.width);
        let counts =
            [(left, a), (right, b)].map(|(count, run)| count.clamp(1, MOST).min(run.len() / self.width));
        let bytes = counts.map(|count| count * self.width);
        let fill = |area: &mut [u8], second: usize| {
            area[..bytes[0]].copy_from_slice(&a[..bytes[0]]);
            area[second..][..bytes[1]].copy_from_slice(&b[..bytes[1]]);
        };
        let (second, turn) = (MOST * self.width, held.turn());
        let [from_a, from_b] = self.places;
        let area = match self.in_guest {
            true => turn.restage(&self.kernel, from_a, second + bytes[1]),
            false => turn.kernel_memory(&self.kernel, 0).ok(),
        };
        let Some(area) = area else { return Ok(()) };
        fill(area, second);
        let to = [from_a + bytes[0] as u32, from_b + bytes[1] as u32];
        let (answers, count) = match turn.ahead(&self.export, &self.kernel, self.places, to) {
            // Code that the kernel has taken in has no state. Asked again, it fails again, and then as
            // the guest's.
            Err(_) if self.taken_in => return Ok(()),
            outcome => outcome?,
        };
        held.count(count.into());
        self.ready.answers.set(answers);
        self.ready.left.set(count);
        Ok(())
    }
}
