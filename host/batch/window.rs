//! The memory area that passes elements to a kernel, for many comparisons in one entry.

use std::hint::black_box;

use super::{MAX_BLOCK_ELEMENTS, MIN_ELEMENTS, Rules, to_u32};
use crate::answers::MergeAnswers;
use crate::callback::{Answer, Callback, Session};
use crate::kernel::ItemRepr;
use crate::memory::Extent;
use crate::sandbox::{BlockPlaces, CompareShape, KernelInstance, MergePlaces};

/// Minimum number of elements for which compiling a kernel pays. Fuzz targets get kernels for fewer.
const MIN_ELEMENTS_TO_COMPILE: usize = if cfg!(fuzzing) { MIN_ELEMENTS } else { 20_000 };

/// Approximate number of comparisons per element of an array of that size.
const CALLS_PER_ELEMENT: u64 = 16;

/// Maximum size in bytes of each of two runs.
const MAX_RUN_BYTES: usize = 16 << 10;

/// Width in bytes of the number of an item, and of a line in the kernel's memory.
const NUMBER_WIDTH: usize = size_of::<u32>();
const LINE_WIDTH: usize = 8;

/// Offsets in the kernel's memory: the items of two runs or of a block, scratch space for a block, the
/// answers of a block, and their end.
const ITEMS_AT: usize = 0;
const SCRATCH_AT: usize = ITEMS_AT + 16 * MAX_BLOCK_ELEMENTS;
const ANSWERS_AT: usize = SCRATCH_AT + 16 * MAX_BLOCK_ELEMENTS;
const END_AT: usize = ANSWERS_AT + 16 * MAX_BLOCK_ELEMENTS;

/// A function that returns the item of a number; `None` where there is none.
pub(crate) type ItemOf<'i> = &'i dyn Fn(u32) -> Option<&'i [u8]>;

/// A kernel beside a guest, and the memory area for its elements.
pub(super) struct Window<'i> {
    kernel: KernelInstance,
    export: String,
    pub(super) width: usize,
    /// Maximum number of elements in each run, and in a block.
    pub(super) max_elements: usize,
    /// Whether elements go into the guest's memory, and not the kernel's.
    in_guest: bool,
    /// Whether the comparator's code is inlined into the kernel, and so has no state.
    inlined: bool,
    /// The items to compare, where the elements of the array are their numbers.
    pub(super) items: Option<ItemOf<'i>>,
}

impl<'i> Window<'i> {
    /// Instantiates a kernel beside the guest; `None` where that would not pay, or where the guest has an
    /// import, through which it could detect the lookahead.
    pub(super) fn new(
        callback: &Callback,
        session: &mut Session<'_>,
        rules: Rules,
        Extent { len, width }: Extent,
        items: Option<ItemOf<'i>>,
    ) -> Option<Window<'i>> {
        let max_elements = MAX_BLOCK_ELEMENTS.min(MAX_RUN_BYTES / width);
        if len < MIN_ELEMENTS || max_elements < MIN_ELEMENTS {
            return None;
        }
        let repr = match (callback.shape(), callback.number(), items) {
            (Some(CompareShape::Slices), _, Some(_)) => ItemRepr::Lines,
            (_, _, Some(_)) => return None,
            (Some(CompareShape::Scalars), Some(number), _) => ItemRepr::Values(number),
            (Some(CompareShape::Slices), ..) => ItemRepr::Records { width: to_u32(width).ok()? },
            _ => ItemRepr::Addresses { width: to_u32(width).ok()? },
        };
        let (export, spec) = (callback.export(), callback.kernel_spec(rules, repr, true));
        let turn = session.turn();
        let min = if turn.has_cached_kernel(export, &spec) { MIN_ELEMENTS } else { MIN_ELEMENTS_TO_COMPILE };
        // Past calls predict future ones: count them towards the threshold.
        let past = callback.calls() / CALLS_PER_ELEMENT;
        if (len as u64).saturating_add(past) < min as u64 || !callback.guest().module().imports().is_empty() {
            return None;
        }
        let kernel = turn.cached_kernel(export, &spec)?;
        let in_guest = spec.sees_guest();
        turn.kernel_memory(&kernel, END_AT).ok()?;
        if in_guest && items.is_none() {
            turn.staging_area(export, &kernel, 2 * max_elements * width)?;
        }
        let (inlined, export) = (spec.inline.is_some(), export.to_owned());
        Some(Window { kernel, export, width, max_elements, in_guest, inlined, items })
    }

    /// Makes the comparisons of a merge of two runs of `counts` elements, which `fill` writes. Returns `None`
    /// where the current comparison has to be made on its own.
    pub(super) fn merge(
        &self,
        session: &mut Session<'_>,
        counts: [usize; 2],
        fill: impl FnOnce([&mut [u8]; 2]),
    ) -> Answer<Option<MergeAnswers>> {
        let [left_len, right_len] = counts.map(|count| count * self.width);
        let Some((left, area)) = self.area(session, left_len + right_len) else { return Ok(None) };
        let Some(runs) = area.split_at_mut_checked(left_len) else { return Ok(None) };
        fill(runs.into());
        self.merge_at(session, left, [left_len, right_len])
    }

    /// As [`Window::merge`], for items, of which both runs have the numbers. Returns `None` also for items that
    /// do not exist, or that the guest has no room for.
    pub(super) fn merge_items(
        &self,
        session: &mut Session<'_>,
        runs: [&[u8]; 2],
    ) -> Answer<Option<MergeAnswers>> {
        let runs = runs.map(|run| self.fitting(run));
        if !self.stage_items(session, runs) {
            return Ok(None);
        }
        self.merge_at(session, ITEMS_AT as u32, runs.map(|run| run.len() / NUMBER_WIDTH * LINE_WIDTH))
    }

    /// Makes the comparisons of a merge of two adjacent runs of so many bytes.
    fn merge_at(
        &self,
        session: &mut Session<'_>,
        left: u32,
        [left_len, right_len]: [usize; 2],
    ) -> Answer<Option<MergeAnswers>> {
        let right = left + left_len as u32;
        let places = MergePlaces { left, left_end: right, right, right_end: right + right_len as u32 };
        let answers = session.turn().merge_answers(&self.export, &self.kernel, places);
        let answers = self.or_ask_alone(answers)?;
        session.count(answers.map_or(0, |answers| answers.count.into()));
        Ok(answers)
    }

    /// Returns the first numbers of a run whose items fit in [`MAX_RUN_BYTES`], at least one.
    fn fitting<'r>(&self, run: &'r [u8]) -> &'r [u8] {
        let mut bytes = 0;
        let fits = |number: &u32| {
            bytes += self.item(*number).map_or(0, <[u8]>::len);
            bytes <= MAX_RUN_BYTES
        };
        let count = numbers(run).take_while(fits).count().max(1);
        &run[..count * NUMBER_WIDTH]
    }

    fn item(&self, number: u32) -> Option<&'i [u8]> {
        self.items.and_then(|item_of| item_of(number))
    }

    /// Copies items into the guest's memory, and writes where they are to the kernel's. Returns whether that was
    /// possible.
    fn stage_items(&self, session: &mut Session<'_>, runs: [&[u8]; 2]) -> bool {
        let all = || runs.into_iter().flat_map(numbers).map(|number| self.item(number));
        let (mut bytes, mut touched) = (0, 0);
        for item in all() {
            let Some(item) = item else { return false };
            bytes += item.len();
            // Touches all items before copying any: to wait for each in turn would take several times as long.
            touched ^= item.first().copied().unwrap_or(0);
        }
        black_box(touched);
        let turn = session.turn();
        let Some((base, area)) = turn.staging_area(&self.export, &self.kernel, bytes.max(1)) else {
            return false;
        };
        let (mut at, mut lines) = (0, [[0; LINE_WIDTH]; 2 * MAX_BLOCK_ELEMENTS]);
        for (line, item) in lines.iter_mut().zip(all().flatten()) {
            area[at..][..item.len()].copy_from_slice(item);
            // Both fit in 32 bits, because the item is in the guest's memory.
            *line = (u64::from(base + at as u32) | (item.len() as u64) << 32).to_le_bytes();
            at += item.len();
        }
        let count = (runs[0].len() + runs[1].len()) / NUMBER_WIDTH;
        let Ok(memory) = turn.kernel_memory(&self.kernel, 0) else { return false };
        memory[ITEMS_AT..][..count * LINE_WIDTH].copy_from_slice(lines[..count].as_flattened());
        true
    }

    /// Makes the comparisons of a sort of these elements, and stores the answers of each merge in `merges`.
    /// Returns whether that was possible.
    pub(super) fn sort_block(
        &self,
        session: &mut Session<'_>,
        elements: &[u8],
        merges: &mut Vec<MergeAnswers>,
    ) -> Answer<bool> {
        merges.clear();
        let len = (elements.len() / self.width) as u32;
        if self.items.is_some() {
            if !self.stage_items(session, [elements, &[]]) {
                return Ok(false);
            }
        } else {
            let Some((place, area)) = self.area(session, elements.len()) else { return Ok(false) };
            area.copy_from_slice(elements);
            if self.in_guest {
                let items = (0..len).map(|at| place + at * self.width as u32);
                let Ok(memory) = session.turn().kernel_memory(&self.kernel, 0) else { return Ok(false) };
                for (to, item) in memory[ITEMS_AT..].as_chunks_mut().0.iter_mut().zip(items) {
                    *to = item.to_le_bytes();
                }
            }
        }
        let places = BlockPlaces {
            items: ITEMS_AT as u32,
            scratch: SCRATCH_AT as u32,
            answers: ANSWERS_AT as u32,
            len,
        };
        let found = session.turn().sort_block(&self.export, &self.kernel, places);
        let Some(found) = self.or_ask_alone(found)? else { return Ok(false) };
        merges.extend(found.as_chunks::<16>().0.iter().map(|merge| {
            let [bits, count] =
                [0, 8].map(|at| merge[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight)));
            MergeAnswers { bits, count: count as u32 }
        }));
        session.count(merges.iter().map(|merge| u64::from(merge.count)).sum());
        Ok(true)
    }

    /// Returns `None` for a failure of an inlined comparator: it fails again when that comparison is made on
    /// its own, and then as the guest's failure.
    fn or_ask_alone<T>(&self, answers: Answer<T>) -> Answer<Option<T>> {
        match answers {
            Ok(answers) => Ok(Some(answers)),
            Err(_) if self.inlined => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns a memory area for elements of `size` bytes in all, and its address.
    fn area<'s>(&self, session: &'s mut Session<'_>, size: usize) -> Option<(u32, &'s mut [u8])> {
        let turn = session.turn();
        if self.in_guest {
            return turn.staging_area(&self.export, &self.kernel, size);
        }
        let memory = turn.kernel_memory(&self.kernel, 0).ok()?;
        Some((ITEMS_AT as u32, memory.get_mut(ITEMS_AT..)?.get_mut(..size)?))
    }
}

/// Returns the numbers in a part of an array.
fn numbers(elements: &[u8]) -> impl Iterator<Item = u32> + '_ {
    elements.as_chunks().0.iter().map(|number| u32::from_ne_bytes(*number))
}
