//! Answers before they are asked for.
//!
//! glibc's `qsort` is a merge sort, and which two elements it compares next follows from their number
//! and from the answers. So the guest can be asked many of these questions in one go, in the order in
//! which they will come, and C gets its answers from what is in hand: a way into the sandbox takes
//! longer than a comparison. C is not trusted to ask them: each call is checked as ever, and with the
//! first one that was not foreseen this ends.

mod plan;
mod ready;
mod window;

use std::hint::black_box;
use std::rc::Rc;

use crate::callback::{Answer, AskHeld, Callback, Held};
use crate::resident::Rules;
use plan::{Now, Plan};
pub(crate) use ready::{Look, Ready};
use ready::{Merge, list};
use window::Window;

/// From so many elements on it is worth asking, with a kernel at hand.
pub(crate) const WORTH_ASKING: usize = 16;

/// A part of the array of at most so many elements is sorted in one go.
const BLOCK: usize = 64;

/// So many elements of either run are looked at in a merge: half of the answers that fit are about each
/// of them, and more or less by chance.
const AT_ONCE: usize = 40;

/// A cache line.
const WIDE: usize = 64;

/// Wider elements glibc sorts by pointers to them.
pub(crate) const WIDEST_DIRECT: usize = 32;

/// Foresees a sort of a whole array.
pub(crate) struct Ahead {
    window: Window,
    ready: Rc<Ready>,
    plan: Plan,
    merges: Vec<(u64, u32)>,
    ended: bool,
}

impl Ahead {
    /// `None` where it is not worth while.
    pub(crate) fn new(
        callback: &Callback,
        held: &mut Held<'_>,
        rules: Rules,
        [len, width]: [usize; 2],
        ready: &Rc<Ready>,
    ) -> Option<Ahead> {
        let window = Window::new(callback, held, rules, [len, width])?;
        let pointers = ready.look() == Look::Pointers;
        if pointers && u32::try_from(len).is_err() {
            return None;
        }
        let plan = Plan::new(len, window.most, pointers).ok()?;
        Some(Ahead { window, ready: ready.clone(), plan, merges: Vec::new(), ended: false })
    }

    /// The order of two elements of an array, for which there was no answer ready; `ask` asks the guest for
    /// it alone.
    pub(crate) fn ask(
        &mut self,
        held: &mut Held<'_>,
        ask: &mut AskHeld<'_>,
        array: &[u8],
        [a, b]: [&[u8]; 2],
    ) -> Answer {
        if !self.ended {
            let [a, b] = [a, b].map(|element| element.as_ptr().addr());
            match self.look_ahead(held, array, [a, b]) {
                Err(_) if self.ready.look() == Look::Contents => {} // C might never have come to that
                outcome => outcome?,
            }
            if self.ready.expects(a, b) {
                return Ok(self.ready.take());
            }
            self.ended = true;
        }
        ask(held, a, b)
    }

    /// Asks the questions that come next, if C asks for what is to be asked now.
    fn look_ahead(&mut self, held: &mut Held<'_>, array: &[u8], at: [usize; 2]) -> Answer<()> {
        let Ahead { window, ready, plan, merges, .. } = self;
        let (base, width) = (array.as_ptr().addr(), window.width);
        let address = |element: usize| base + element * width;
        let foreseen = plan.next().map(|next| next.map(address)) == Some(at);
        let look = ready.look();
        // Whatever is in hand was not asked for.
        ready.refill(|rest| match plan.now {
            _ if !foreseen => Ok(()),
            Now::Done => Ok(()),
            Now::Block { start, len } => {
                let elements = &array[start * width..][..len * width];
                if !window.block(held, elements, merges)? {
                    return Ok(());
                }
                // What is where in the block, at the beginning of each merge.
                let mut now: Vec<u64> = Vec::new();
                match look {
                    Look::Places => {}
                    Look::Contents => list(elements, width, &mut now),
                    Look::Pointers => now.extend((start..start + len).map(|at| address(at) as u64)),
                }
                let (mut answers, mut room) = (merges.iter(), Vec::with_capacity(now.len()));
                plan::merges(0, len, &mut |[from, middle, end]| {
                    let &(answers, count) = answers.next().unwrap_or(&(0, 0));
                    let listed = rest.elements.len();
                    if let Some(now) = now.get_mut(from..end) {
                        rest.elements.extend_from_slice(now);
                        plan::merge(now, middle - from, (answers, count), &mut room);
                    }
                    let at = [from, middle].map(|at| address(start + at));
                    rest.push(Merge { at, listed: [listed, listed + middle - from], answers, count });
                });
                if let Some(numbers) = &mut plan.pointers {
                    let number = |at: u64| ((at as usize - base) / width) as u32;
                    numbers.order[start..][..len].iter_mut().zip(now).for_each(|(n, at)| *n = number(at));
                }
                plan.block_is_sorted();
                Ok(())
            }
            Now::Merge { left, right, middle, end } => {
                let counts = [middle - left, end - right].map(|count| count.min(window.most).min(AT_ONCE));
                let runs = [left..left + counts[0], right..right + counts[1]];
                let numbers = plan.pointers.as_ref().map(|numbers| &numbers.order);
                if let Some(numbers) = numbers {
                    let all = runs.iter().flat_map(|run| &numbers[run.clone()]);
                    rest.elements.extend(all.map(|&at| address(at as usize) as u64));
                }
                let answers = window.merge(held, counts, |places| {
                    for (run, place) in runs.into_iter().zip(places) {
                        match numbers {
                            Some(numbers) => gather(array, &numbers[run], place, width),
                            None => place.copy_from_slice(&array[run.start * width..run.end * width]),
                        }
                        if look == Look::Contents {
                            list(place, width, &mut rest.elements);
                        }
                    }
                })?;
                if let Some((answers, count)) = answers {
                    let at = [left, right].map(address);
                    rest.push(Merge { at, listed: [0, counts[0]], answers, count });
                    plan.answered(answers, count);
                }
                Ok(())
            }
        })
    }
}

/// Copies elements of these numbers.
fn gather(array: &[u8], numbers: &[u32], to: &mut [u8], width: usize) {
    // If each were waited for before the next is asked for, this would take several times as long.
    black_box(numbers.iter().fold(0, |sum, &at| sum ^ array[at as usize * width]));
    let element = |at: u32| &array[at as usize * width..][..width];
    if width == WIDE {
        // Compiled for the width that records most often have.
        for (to, &at) in to.as_chunks_mut::<WIDE>().0.iter_mut().zip(numbers) {
            *to = *element(at).first_chunk().unwrap_or(&[0; WIDE]);
        }
    } else {
        for (to, &at) in to.chunks_exact_mut(width).zip(numbers) {
            to.copy_from_slice(element(at));
        }
    }
}
