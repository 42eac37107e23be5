//! Where elements are handed over, to ask many questions about them at once.

use super::{BLOCK, WORTH_ASKING};
use crate::callback::{Answer, Callback, Held};
use crate::kernel::Items;
use crate::resident::{Rules, small};
use crate::sandbox::{self, Shape};

/// From so many elements on it is worth compiling a kernel.
const WORTH_COMPILING: usize = 20_000;

/// Roughly so often is an element of such an array asked about.
const CALLS_AN_ELEMENT: u64 = 16;

/// So many bytes of elements are handed over for each of two runs.
const BYTES: usize = 16 << 10;

/// Where the items of two runs, or of a block, are in the kernel's memory; as much room as a block's have;
/// its answers; and where they end.
const ITEMS: usize = 0;
const ROOM: usize = ITEMS + 16 * BLOCK;
const ANSWERS: usize = ROOM + 16 * BLOCK;
const END: usize = ANSWERS + 16 * BLOCK;

/// A kernel beside a guest, and where the elements go.
pub(super) struct Window {
    kernel: sandbox::Resident,
    export: String,
    pub(super) width: usize,
    /// So many elements of each run at most, and of a block.
    pub(super) most: usize,
    /// Whether elements go into the guest's memory, and not the kernel's.
    in_guest: bool,
    /// Whether the comparator's code is the kernel's, and so has no state.
    taken_in: bool,
}

impl Window {
    /// `None` where it is not worth while, or where the guest could tell: it has an import.
    pub(super) fn new(
        callback: &Callback,
        held: &mut Held<'_>,
        rules: Rules,
        [len, width]: [usize; 2],
    ) -> Option<Window> {
        let most = BLOCK.min(BYTES / width);
        if len < WORTH_ASKING || most < WORTH_ASKING {
            return None;
        }
        let items = match (callback.shape(), callback.number()) {
            (Some(Shape::Scalars), Some(number)) => Items::Values(number),
            (Some(Shape::Slices), _) => Items::Records { width: small(width).ok()? },
            _ => Items::Addresses { width: small(width).ok()? },
        };
        let (export, spec) = (callback.export(), callback.spec(rules, items, true));
        let turn = held.turn();
        let worth = if turn.has_resident(export, &spec) { WORTH_ASKING } else { WORTH_COMPILING };
        // Who has been asked a lot is going to be asked a lot.
        let asked = callback.calls() / CALLS_AN_ELEMENT;
        if (len as u64).saturating_add(asked) < worth as u64
            || !callback.guest().module().imports().is_empty()
        {
            return None;
        }
        let kernel = turn.resident_for_good(export, &spec)?;
        let in_guest = spec.sees_guest();
        turn.kernel_memory(&kernel, END).ok()?;
        if in_guest {
            turn.room(export, &kernel, 2 * most * width)?;
        }
        let (taken_in, export) = (spec.inline.is_some(), export.to_owned());
        Some(Window { kernel, export, width, most, in_guest, taken_in })
    }

    /// Asks what a merge of two runs asks, of `counts` elements, which `fill` puts in their places. Returns a
    /// bit for each answer, set where the right one comes first, and how many there are. `None` where the
    /// question at hand is to be asked alone.
    pub(super) fn merge(
        &self,
        held: &mut Held<'_>,
        counts: [usize; 2],
        fill: impl FnOnce([&mut [u8]; 2]),
    ) -> Answer<Option<(u64, u32)>> {
        let [left, right] = counts.map(|count| count * self.width);
        let Some((place, area)) = self.area(held, left + right) else { return Ok(None) };
        let Some(runs) = area.split_at_mut_checked(left) else { return Ok(None) };
        fill(runs.into());
        let (middle, end) = (place + left as u32, place + (left + right) as u32);
        let answers = held.turn().ahead(&self.export, &self.kernel, [place, middle], [middle, end]);
        let answers = self.judged(answers)?;
        held.count(answers.map_or(0, |(_, count)| count.into()));
        Ok(answers)
    }

    /// Asks what a sort of these elements asks, and puts the answers of each merge, and how many they are,
    /// into `merges`. Returns whether it could be asked.
    pub(super) fn block(
        &self,
        held: &mut Held<'_>,
        elements: &[u8],
        merges: &mut Vec<(u64, u32)>,
    ) -> Answer<bool> {
        merges.clear();
        let count = (elements.len() / self.width) as u32;
        let Some((place, area)) = self.area(held, elements.len()) else { return Ok(false) };
        area.copy_from_slice(elements);
        if self.in_guest {
            let items = (0..count).map(|at| place + at * self.width as u32);
            let Ok(memory) = held.turn().kernel_memory(&self.kernel, 0) else { return Ok(false) };
            for (to, item) in memory[ITEMS..].as_chunks_mut().0.iter_mut().zip(items) {
                *to = item.to_le_bytes();
            }
        }
        let places = [ITEMS, ROOM, ANSWERS].map(|place| place as u32);
        let found = held.turn().halves(&self.export, &self.kernel, places, count);
        let Some(found) = self.judged(found)? else { return Ok(false) };
        merges.extend(found.as_chunks::<16>().0.iter().map(|merge| {
            let [answers, count] =
                [0, 8].map(|at| merge[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight)));
            (answers, count as u32)
        }));
        held.count(merges.iter().map(|(_, count)| u64::from(*count)).sum());
        Ok(true)
    }

    /// A comparator that the kernel has taken in fails again when it is asked alone, and then as the
    /// guest's.
    fn judged<T>(&self, answers: Answer<T>) -> Answer<Option<T>> {
        match answers {
            Ok(answers) => Ok(Some(answers)),
            Err(_) if self.taken_in => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Room for elements, and its address.
    fn area<'h>(&self, held: &'h mut Held<'_>, size: usize) -> Option<(u32, &'h mut [u8])> {
        let turn = held.turn();
        match self.in_guest {
            true => turn.room(&self.export, &self.kernel, size),
            false => {
                let memory = turn.kernel_memory(&self.kernel, 0).ok()?;
                Some((ITEMS as u32, memory.get_mut(ITEMS..)?.get_mut(..size)?))
            }
        }
    }
}
