//! The memory area that passes elements to a kernel, for many comparisons in one entry.

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

/// Offsets in the kernel's memory: the items of two runs or of a block, scratch space for a block, the
/// answers of a block, and their end.
const ITEMS_AT: usize = 0;
const SCRATCH_AT: usize = ITEMS_AT + 16 * MAX_BLOCK_ELEMENTS;
const ANSWERS_AT: usize = SCRATCH_AT + 16 * MAX_BLOCK_ELEMENTS;
const END_AT: usize = ANSWERS_AT + 16 * MAX_BLOCK_ELEMENTS;

/// A kernel beside a guest, and the memory area for its elements.
pub(super) struct Window {
    kernel: KernelInstance,
    export: String,
    pub(super) width: usize,
    /// Maximum number of elements in each run, and in a block.
    pub(super) max_elements: usize,
    /// Whether elements go into the guest's memory, and not the kernel's.
    in_guest: bool,
    /// Whether the comparator's code is inlined into the kernel, and so has no state.
    inlined: bool,
}

impl Window {
    /// Instantiates a kernel beside the guest; `None` where that would not pay, or where the guest has an
    /// import, through which it could detect the lookahead.
    pub(super) fn new(
        callback: &Callback,
        session: &mut Session<'_>,
        rules: Rules,
        Extent { len, width }: Extent,
    ) -> Option<Window> {
        let max_elements = MAX_BLOCK_ELEMENTS.min(MAX_RUN_BYTES / width);
        if len < MIN_ELEMENTS || max_elements < MIN_ELEMENTS {
            return None;
        }
        let items = match (callback.shape(), callback.number()) {
            (Some(CompareShape::Scalars), Some(number)) => ItemRepr::Values(number),
            (Some(CompareShape::Slices), _) => ItemRepr::Records { width: to_u32(width).ok()? },
            _ => ItemRepr::Addresses { width: to_u32(width).ok()? },
        };
        let (export, spec) = (callback.export(), callback.kernel_spec(rules, items, true));
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
        if in_guest {
            turn.staging_area(export, &kernel, 2 * max_elements * width)?;
        }
        let (inlined, export) = (spec.inline.is_some(), export.to_owned());
        Some(Window { kernel, export, width, max_elements, in_guest, inlined })
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
        let right = left + left_len as u32;
        let places = MergePlaces { left, left_end: right, right, right_end: right + right_len as u32 };
        let answers = session.turn().merge_answers(&self.export, &self.kernel, places);
        let answers = self.or_ask_alone(answers)?;
        session.count(answers.map_or(0, |answers| answers.count.into()));
        Ok(answers)
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
        let Some((place, area)) = self.area(session, elements.len()) else { return Ok(false) };
        area.copy_from_slice(elements);
        if self.in_guest {
            let items = (0..len).map(|at| place + at * self.width as u32);
            let Ok(memory) = session.turn().kernel_memory(&self.kernel, 0) else { return Ok(false) };
            for (to, item) in memory[ITEMS_AT..].as_chunks_mut().0.iter_mut().zip(items) {
                *to = item.to_le_bytes();
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
