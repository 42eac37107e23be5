//! The memory area that passes elements to a kernel, for many comparisons in one entry.

use std::hint::black_box;

use smallvec::SmallVec;

use super::{MIN_ELEMENTS, Rules, to_u32};
use crate::answers::AnswerSet;
use crate::callback::{Answer, Callback, Session};
use crate::error::Error;
use crate::kernel::{ItemRepr, MIN_FULL_SET};
use crate::memory::Extent;
use crate::sandbox::{BlockPlaces, CompareShape, KernelInstance, MergePlaces};

/// Minimum number of elements for which compiling a kernel pays. Fuzz targets get kernels for fewer.
const MIN_ELEMENTS_TO_COMPILE: usize = if cfg!(fuzzing) { MIN_ELEMENTS } else { 20_000 };

/// Approximate number of comparisons per element of an array of that size.
const CALLS_PER_ELEMENT: u64 = 16;

/// Maximum number of elements of a block: a part of the array that one entry sorts whole; and of each of two
/// runs that one entry merges.
const MAX_BLOCK_ELEMENTS: usize = 8192;
const MAX_RUN_ELEMENTS: usize = 512;

/// As [`MAX_BLOCK_ELEMENTS`], where elements are listed in their order before each merge.
const MAX_LISTED_ELEMENTS: usize = 1024;

/// Maximum size in bytes of a block, and of each of two runs.
const MAX_BLOCK_BYTES: usize = 512 << 10;
const MAX_RUN_BYTES: usize = 64 << 10;

/// Share of a guest's memory that a block may take.
const BLOCKS_PER_MEMORY: usize = 16;

/// Width in bytes of the number of an item, and of a line in the kernel's memory.
const NUMBER_WIDTH: usize = size_of::<u32>();
const LINE_WIDTH: usize = 8;

/// Offset of the items in the kernel's memory; the scratch space follows, and the answers.
const ITEMS_AT: usize = 0;

/// Items of which C sorts the numbers.
#[derive(Clone, Copy)]
pub(crate) struct NumberedItems<'i> {
    /// Returns the item of a number; `None` where there is none.
    pub(crate) get: &'i dyn Fn(u32) -> Option<&'i [u8]>,
    /// Size of an item in bytes, on average.
    pub(crate) mean_bytes: usize,
}

/// A kernel beside a guest, and the memory area for its elements.
pub(super) struct Window<'i> {
    kernel: KernelInstance,
    export: String,
    pub(super) width: usize,
    /// Maximum number of elements in a block.
    pub(super) max_block: usize,
    /// Maximum number of elements in each of two runs.
    pub(super) max_run: usize,
    /// Offsets in the kernel's memory: the scratch space of a block, and the answers.
    scratch_at: usize,
    answers_at: usize,
    /// Whether elements go into the guest's memory, and not the kernel's.
    in_guest: bool,
    /// Whether the comparator's code is inlined into the kernel, and so has no state.
    inlined: bool,
    /// The items to compare, where the elements of the array are their numbers.
    pub(super) items: Option<NumberedItems<'i>>,
}

impl<'i> Window<'i> {
    /// Instantiates a kernel beside the guest; `None` where that would not pay, or where the guest has an
    /// import, through which it could detect the lookahead. `listed`: whether elements are listed in their
    /// order before each merge.
    pub(super) fn new(
        callback: &Callback,
        session: &mut Session<'_>,
        rules: Rules,
        Extent { len, width }: Extent,
        listed: bool,
        items: Option<NumberedItems<'i>>,
    ) -> Option<Window<'i>> {
        let bytes = items.map_or(width, |items| items.mean_bytes + 1);
        let limits = callback.guest().limits();
        let max_bytes = MAX_BLOCK_BYTES.min(limits.memory / BLOCKS_PER_MEMORY);
        let max_block = if listed { MAX_LISTED_ELEMENTS } else { MAX_BLOCK_ELEMENTS };
        let max_block = max_block.min(max_bytes / bytes).min(len);
        if max_block < MIN_ELEMENTS {
            return None;
        }
        let max_run = MAX_RUN_ELEMENTS.min(MAX_RUN_BYTES / bytes).clamp(1, max_block);
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
        let item = repr.width() as usize;
        let scratch_at = (ITEMS_AT + item * max_block.max(2 * max_run)).next_multiple_of(size_of::<u64>());
        let answers_at = (scratch_at + item * max_block).next_multiple_of(size_of::<u64>());
        turn.kernel_memory(&kernel, answers_at + size_of::<u64>() * max_sets(max_block)).ok()?;
        if in_guest && items.is_none() {
            turn.staging_area(export, &kernel, max_block.max(2 * max_run) * width)?;
        }
        let (inlined, export) = (spec.inline.is_some(), export.to_owned());
        Some(Window {
            kernel,
            export,
            width,
            max_block,
            max_run,
            scratch_at,
            answers_at,
            in_guest,
            inlined,
            items,
        })
    }

    /// Makes the comparisons of a merge of two runs of `counts` elements, which `fill` writes, and adds the
    /// answers to `sets`. Adds none where the current comparison has to be made on its own.
    pub(super) fn merge(
        &self,
        session: &mut Session<'_>,
        counts: [usize; 2],
        sets: &mut Vec<AnswerSet>,
        fill: impl FnOnce([&mut [u8]; 2]),
    ) -> Answer<()> {
        let [left_len, right_len] = counts.map(|count| count * self.width);
        let Some((left, area)) = self.area(session, left_len + right_len) else { return Ok(()) };
        let Some(runs) = area.split_at_mut_checked(left_len) else { return Ok(()) };
        fill(runs.into());
        self.merge_at(session, left, [left_len, right_len], sets)
    }

    /// As [`Window::merge`], for items, of which both runs have the numbers.
    pub(super) fn merge_items(
        &self,
        session: &mut Session<'_>,
        runs: [&[u8]; 2],
        sets: &mut Vec<AnswerSet>,
    ) -> Answer<()> {
        let runs = runs.map(|run| self.fitting(run));
        if !self.stage_items(session, runs) {
            return Ok(());
        }
        let lens = runs.map(|run| run.len() / NUMBER_WIDTH * LINE_WIDTH);
        self.merge_at(session, ITEMS_AT as u32, lens, sets)
    }

    /// Makes the comparisons of a merge of two adjacent runs of so many bytes.
    fn merge_at(
        &self,
        session: &mut Session<'_>,
        left: u32,
        [left_len, right_len]: [usize; 2],
        sets: &mut Vec<AnswerSet>,
    ) -> Answer<()> {
        let right = left + left_len as u32;
        let (right_end, answers) = (right + right_len as u32, self.answers_at as u32);
        let places = MergePlaces { left, left_end: right, right, right_end, answers };
        let found = session.turn().merge_answers(&self.export, &self.kernel, places);
        sets.extend(self.or_ask_alone(found)?.into_iter().flatten());
        session.count(sets.iter().map(|set| set.len() as u64).sum());
        Ok(())
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
        self.items.and_then(|items| (items.get)(number))
    }

    /// Copies items into the guest's memory, and writes where they are to the kernel's. Returns whether that
    /// was possible.
    fn stage_items(&self, session: &mut Session<'_>, runs: [&[u8]; 2]) -> bool {
        let all = || runs.into_iter().flat_map(numbers).map(|number| self.item(number));
        let (mut bytes, mut touched) = (0, 0);
        for item in all() {
            let Some(item) = item else { return false };
            bytes += item.len();
            // Touches all items before copying any: to wait for each in turn would take several times as
            // long.
            touched ^= item.first().copied().unwrap_or(0);
        }
        black_box(touched);
        let turn = session.turn();
        let Some((base, area)) = turn.staging_area(&self.export, &self.kernel, bytes.max(1)) else {
            return false;
        };
        let mut at = 0;
        // Both fit in 32 bits, because the items are in the guest's memory.
        let place = |at: usize, len: usize| {
            (u64::from(base.wrapping_add(at as u32)) | (len as u64) << 32).to_le_bytes()
        };
        let mut lines: SmallVec<[[u8; LINE_WIDTH]; 256]> = SmallVec::new();
        for item in all().flatten() {
            area[at..][..item.len()].copy_from_slice(item);
            lines.push(place(at, item.len()));
            at += item.len();
        }
        let Ok(memory) = turn.kernel_memory(&self.kernel, 0) else { return false };
        memory[ITEMS_AT..][..lines.len() * LINE_WIDTH].copy_from_slice(lines.as_flattened());
        true
    }

    /// Makes the comparisons of a sort of these elements, and adds the answers of each merge to `sets`. Adds
    /// none where that is not possible.
    pub(super) fn sort_block(
        &self,
        session: &mut Session<'_>,
        elements: &[u8],
        sets: &mut Vec<AnswerSet>,
    ) -> Answer<()> {
        let len = (elements.len() / self.width) as u32;
        if !self.stage_block(session, elements) {
            return Ok(());
        }
        let [items, scratch, answers] = [ITEMS_AT, self.scratch_at, self.answers_at].map(|at| at as u32);
        let places = BlockPlaces { items, scratch, answers, len };
        let found = session.turn().sort_block(&self.export, &self.kernel, places);
        sets.extend(self.or_ask_alone(found)?.into_iter().flatten());
        session.count(sets.iter().map(|set| set.len() as u64).sum());
        Ok(())
    }

    /// Copies the elements of a block, or their items, to where the kernel sorts them. Returns whether that
    /// was possible.
    fn stage_block(&self, session: &mut Session<'_>, elements: &[u8]) -> bool {
        if self.items.is_some() {
            return self.stage_items(session, [elements, &[]]);
        }
        let Some((base, area)) = self.area(session, elements.len()) else { return false };
        area.copy_from_slice(elements);
        if self.in_guest {
            let Ok(memory) = session.turn().kernel_memory(&self.kernel, 0) else { return false };
            let addresses = (base..).step_by(self.width).take(elements.len() / self.width);
            for (item, address) in memory[ITEMS_AT..].as_chunks_mut().0.iter_mut().zip(addresses) {
                *item = address.to_le_bytes();
            }
        }
        true
    }

    /// Returns `None` for a failure of an inlined comparator: it fails again when that comparison is made on
    /// its own, and then as the guest's failure.
    fn or_ask_alone<T>(&self, answers: Answer<T>) -> Answer<Option<T>> {
        match answers {
            Ok(answers) => Ok(Some(answers)),
            Err(error) if self.inlined && !matches!(*error, Error::Interrupted { .. }) => Ok(None),
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

/// Returns the maximum number of sets of answers of a block: one of each merge, and those that are full.
fn max_sets(block: usize) -> usize {
    let levels = block.max(2).ilog2() as usize + 1;
    block + block * levels / MIN_FULL_SET
}
