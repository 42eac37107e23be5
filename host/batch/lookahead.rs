//! Lookahead: one entry into WebAssembly makes many of the comparisons that C's `qsort` makes next.
//!
//! glibc's `qsort` is a merge sort: the next two elements that it compares follow from the length of the
//! array and from the answers so far. So the guest makes a batch of comparisons in the order in which C will
//! make them, and C gets its answers from the prepared ones: an entry into the sandbox takes longer than a
//! comparison. C is not trusted to follow that order. Each call is checked as always, and the first
//! unexpected one ends the lookahead.

use std::cmp::Ordering;
use std::hint::black_box;
use std::rc::Rc;

use super::Rules;
use super::failing_pair::{is_spent, with_items};
use super::merge_order::{self, MergeOrder, Step};
use super::window::{NumberedItems, Window};
use crate::answers::{AnswerSet, MatchBy, Merge, PreparedAnswers, list};
use crate::callback::{Answer, Callback, Session};
use crate::error::Error;
use crate::memory::Extent;

/// Bytes of a cache line.
const CACHE_LINE: usize = 64;

/// The lookahead of one sort of a whole array.
pub(crate) struct Lookahead<'i> {
    callback: Callback,
    window: Window<'i>,
    prepared: Rc<PreparedAnswers>,
    order: MergeOrder,
    rules: Rules,
    /// Answers of the current batch.
    sets: Vec<AnswerSet>,
    ended: bool,
}

impl<'i> Lookahead<'i> {
    /// Creates the lookahead for a sort of this extent; `None` where a batch would not pay, or where the
    /// callback is observed, so that C asks itself. `items`: the items to compare, where the elements of the
    /// array are their numbers.
    pub(crate) fn new(
        callback: &Callback,
        session: &mut Session<'_>,
        rules: Rules,
        extent: Extent,
        prepared: &Rc<PreparedAnswers>,
        items: Option<NumberedItems<'i>>,
    ) -> Option<Lookahead<'i>> {
        if callback.is_observed() {
            return None;
        }
        let listed = prepared.match_by() != MatchBy::Address;
        let window = Window::new(callback, session, rules, extent, listed, items)?;
        let by_pointer = prepared.match_by() == MatchBy::Pointer;
        if by_pointer && u32::try_from(extent.len).is_err() {
            return None;
        }
        let order = MergeOrder::new(extent.len, window.max_block, by_pointer).ok()?;
        let (callback, prepared) = (callback.clone(), prepared.clone());
        Some(Lookahead { callback, window, prepared, order, rules, sets: Vec::new(), ended: false })
    }

    /// Returns the order of two elements of an array for which no answer was prepared.
    pub(crate) fn ask(&mut self, session: &mut Session<'_>, array: &[u8], [a, b]: [&[u8]; 2]) -> Answer {
        match self.ask_ahead(session, array, [a, b])? {
            Some(answer) => Ok(answer),
            None => Ok(self.rules.apply(session.compare(a, b)?, a, b)),
        }
    }

    /// As [`Lookahead::ask`], but returns `None` where the lookahead has ended.
    pub(crate) fn ask_ahead(
        &mut self,
        session: &mut Session<'_>,
        array: &[u8],
        [a, b]: [&[u8]; 2],
    ) -> Answer<Option<Ordering>> {
        if !self.ended {
            let addresses = [a, b].map(|element| element.as_ptr().addr());
            match self.prepare(session, array, addresses) {
                // C might never compare these, but whoever interrupts says so once, and what is spent is.
                Err(error)
                    if self.prepared.match_by() == MatchBy::Contents
                        && !matches!(*error, Error::Interrupted { .. })
                        && !is_spent(&error) => {}
                Err(error) => return Err(self.with_items(session, array, error)),
                Ok(()) => {}
            }
            if self.prepared.expects(addresses[0], addresses[1]) {
                return Ok(Some(self.prepared.take().cmp(&0)));
            }
            self.ended = true;
        }
        Ok(None)
    }

    /// Adds to a failure of the kernel the two items that it was asked about, as far as they are found.
    #[cold]
    fn with_items(&self, session: &mut Session<'_>, array: &[u8], error: Box<Error>) -> Box<Error> {
        let elements = array.chunks_exact(self.window.width);
        let items: Vec<_> = match self.window.items {
            Some(items) => elements
                .filter_map(|number| (items.get)(u32::from_ne_bytes(number.try_into().ok()?)))
                .collect(),
            None => elements.collect(),
        };
        with_items(&self.callback, session.turn().rest_of_budget(), error, &items)
    }

    /// Prepares the next answers, if C compares the expected elements.
    fn prepare(&mut self, session: &mut Session<'_>, array: &[u8], asked: [usize; 2]) -> Answer<()> {
        let Lookahead { window, prepared, order, sets, .. } = self;
        let (base, width) = (array.as_ptr().addr(), window.width);
        let address = |element: usize| base + element * width;
        let foreseen = order.next().map(|next| next.map(address)) == Some(asked);
        let match_by = prepared.match_by();
        sets.clear();
        // Leftover answers are dropped: C has not made their comparisons.
        prepared.refill(|rest| match order.step {
            _ if !foreseen => Ok(()),
            Step::Done => Ok(()),
            Step::Block { start, len } => {
                let elements = &array[start * width..][..len * width];
                window.sort_block(session, elements, sets)?;
                if sets.is_empty() {
                    return Ok(());
                }
                // The elements of the block, in their order when each merge begins.
                let mut listed: Vec<u64> = Vec::new();
                match match_by {
                    MatchBy::Address => {}
                    MatchBy::Contents => list(elements, width, &mut listed),
                    MatchBy::Pointer => listed.extend((start..start + len).map(|at| address(at) as u64)),
                }
                let (mut sets, mut merged) = (sets.iter(), Vec::with_capacity(listed.len()));
                merge_order::merges(0, len, &mut |[from, middle, end]| {
                    let first = rest.elements.len();
                    let is_listed = !listed.is_empty();
                    if is_listed {
                        rest.elements.extend_from_slice(&listed[from..end]);
                    }
                    let mut fronts = [from, middle];
                    while fronts[0] < middle && fronts[1] < end {
                        let Some(&answers) = sets.next() else { break };
                        rest.push(Merge {
                            fronts: fronts.map(|at| address(start + at)),
                            listed: fronts.map(|at| first + at - from),
                            answers,
                        });
                        if is_listed {
                            merge_order::pick(&listed, fronts, answers, &mut merged);
                        }
                        fronts = merge_order::after(fronts, answers);
                    }
                    if is_listed {
                        merge_order::put_back(&mut listed[..fronts[1]], fronts[0]..middle, &mut merged);
                    }
                });
                if let Some(pointers) = &mut order.pointers {
                    let number = |at: u64| ((at as usize - base) / width) as u32;
                    let numbers = pointers.indices[start..][..len].iter_mut();
                    numbers.zip(listed).for_each(|(n, at)| *n = number(at));
                }
                order.block_is_sorted();
                Ok(())
            }
            Step::Merge { left, right, middle, end } => {
                let counts = [middle - left, end - right].map(|count| count.min(window.max_run));
                let runs = [left..left + counts[0], right..right + counts[1]];
                let numbers = order.pointers.as_ref().map(|pointers| &pointers.indices);
                if let Some(numbers) = numbers {
                    let all = runs.iter().flat_map(|run| &numbers[run.clone()]);
                    rest.elements.extend(all.map(|&at| address(at as usize) as u64));
                }
                let elements = runs.clone().map(|run| &array[run.start * width..run.end * width]);
                if match_by == MatchBy::Contents {
                    elements.iter().for_each(|run| list(run, width, &mut rest.elements));
                }
                match window.items {
                    Some(_) => window.merge_items(session, elements, sets)?,
                    None => window.merge(session, counts, sets, |places| {
                        for ((run, elements), place) in runs.into_iter().zip(elements).zip(places) {
                            match numbers {
                                Some(numbers) => gather(array, &numbers[run], place, width),
                                None => place.copy_from_slice(elements),
                            }
                        }
                    })?,
                }
                let mut fronts = [left, right];
                for &answers in sets.iter() {
                    rest.push(Merge {
                        fronts: fronts.map(address),
                        listed: [fronts[0] - left, counts[0] + fronts[1] - right],
                        answers,
                    });
                    fronts = merge_order::after(fronts, answers);
                    order.advance(answers);
                }
                Ok(())
            }
        })
    }
}

/// Copies the elements of these indices.
fn gather(array: &[u8], numbers: &[u32], to: &mut [u8], width: usize) {
    // Touches all elements before copying any: to wait for each in turn would take several times as long.
    black_box(numbers.iter().fold(0, |sum, &at| sum ^ array[at as usize * width]));
    let element = |at: u32| &array[at as usize * width..][..width];
    if width == CACHE_LINE {
        // Specialized for the most common width of records.
        for (to, &at) in to.as_chunks_mut::<CACHE_LINE>().0.iter_mut().zip(numbers) {
            *to = *element(at).first_chunk().unwrap_or(&[0; CACHE_LINE]);
        }
    } else {
        for (to, &at) in to.chunks_exact_mut(width).zip(numbers) {
            to.copy_from_slice(element(at));
        }
    }
}
