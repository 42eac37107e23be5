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
use super::merge_order::{self, MergeOrder, Step};
use super::window::{ItemOf, Window};
use crate::answers::{MatchBy, Merge, MergeAnswers, PreparedAnswers, list};
use crate::callback::{Answer, Callback, Session};
use crate::memory::Extent;

/// Maximum number of elements of either run that one entry merges: of the answers that fit, about half take
/// an element of each run, with some variation.
const MAX_MERGED_ELEMENTS: usize = 40;

/// Bytes of a cache line.
const CACHE_LINE: usize = 64;

/// The lookahead of one sort of a whole array.
pub(crate) struct Lookahead<'i> {
    window: Window<'i>,
    prepared: Rc<PreparedAnswers>,
    order: MergeOrder,
    rules: Rules,
    merges: Vec<MergeAnswers>,
    ended: bool,
}

impl<'i> Lookahead<'i> {
    /// Creates the lookahead for a sort of this extent; `None` where a batch would not pay. `items`: the items
    /// to compare, where the elements of the array are their numbers.
    pub(crate) fn new(
        callback: &Callback,
        session: &mut Session<'_>,
        rules: Rules,
        extent: Extent,
        prepared: &Rc<PreparedAnswers>,
        items: Option<ItemOf<'i>>,
    ) -> Option<Lookahead<'i>> {
        let window = Window::new(callback, session, rules, extent, items)?;
        let by_pointer = prepared.match_by() == MatchBy::Pointer;
        if by_pointer && u32::try_from(extent.len).is_err() {
            return None;
        }
        let order = MergeOrder::new(extent.len, window.max_elements, by_pointer).ok()?;
        let prepared = prepared.clone();
        Some(Lookahead { window, prepared, order, rules, merges: Vec::new(), ended: false })
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
                Err(_) if self.prepared.match_by() == MatchBy::Contents => {} // C might never compare these
                outcome => outcome?,
            }
            if self.prepared.expects(addresses[0], addresses[1]) {
                return Ok(Some(self.prepared.take()));
            }
            self.ended = true;
        }
        Ok(None)
    }

    /// Prepares the next answers, if C compares the expected elements.
    fn prepare(&mut self, session: &mut Session<'_>, array: &[u8], asked: [usize; 2]) -> Answer<()> {
        let Lookahead { window, prepared, order, merges, .. } = self;
        let (base, width) = (array.as_ptr().addr(), window.width);
        let address = |element: usize| base + element * width;
        let foreseen = order.next().map(|next| next.map(address)) == Some(asked);
        let match_by = prepared.match_by();
        // Leftover answers are dropped: C has not made their comparisons.
        prepared.refill(|rest| match order.step {
            _ if !foreseen => Ok(()),
            Step::Done => Ok(()),
            Step::Block { start, len } => {
                let elements = &array[start * width..][..len * width];
                if !window.sort_block(session, elements, merges)? {
                    return Ok(());
                }
                // The elements of the block, in their order when each merge begins.
                let mut listed: Vec<u64> = Vec::new();
                match match_by {
                    MatchBy::Address => {}
                    MatchBy::Contents => list(elements, width, &mut listed),
                    MatchBy::Pointer => listed.extend((start..start + len).map(|at| address(at) as u64)),
                }
                let (mut merges, mut scratch) = (merges.iter(), Vec::with_capacity(listed.len()));
                merge_order::merges(0, len, &mut |[from, middle, end]| {
                    let answers = merges.next().copied().unwrap_or_default();
                    let first = rest.elements.len();
                    if let Some(listed) = listed.get_mut(from..end) {
                        rest.elements.extend_from_slice(listed);
                        merge_order::merge(listed, middle - from, answers, &mut scratch);
                    }
                    let fronts = [from, middle].map(|at| address(start + at));
                    rest.push(Merge { fronts, listed: [first, first + middle - from], answers });
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
                let most = window.max_elements.min(MAX_MERGED_ELEMENTS);
                let counts = [middle - left, end - right].map(|count| count.min(most));
                let runs = [left..left + counts[0], right..right + counts[1]];
                let numbers = order.pointers.as_ref().map(|pointers| &pointers.indices);
                if let Some(numbers) = numbers {
                    let all = runs.iter().flat_map(|run| &numbers[run.clone()]);
                    rest.elements.extend(all.map(|&at| address(at as usize) as u64));
                }
                let [left_run, right_run] = &runs;
                let elements = [left_run, right_run].map(|run| &array[run.start * width..run.end * width]);
                if match_by == MatchBy::Contents {
                    elements.iter().for_each(|run| list(run, width, &mut rest.elements));
                }
                let answers = match window.items {
                    Some(_) => window.merge_items(session, elements)?,
                    None => window.merge(session, counts, |places| {
                        for ((run, elements), place) in runs.into_iter().zip(elements).zip(places) {
                            match numbers {
                                Some(numbers) => gather(array, &numbers[run], place, width),
                                None => place.copy_from_slice(elements),
                            }
                        }
                    })?,
                };
                if let Some(answers) = answers {
                    let fronts = [left, right].map(address);
                    rest.push(Merge { fronts, listed: [0, counts[0]], answers });
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
