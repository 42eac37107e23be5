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

/// Room for the items of a block, twice, and for its answers, in the kernel's memory.
const ITEMS: usize = 8 * BLOCK;
const ANSWERS: usize = 16 * BLOCK;

/// A kernel beside a guest, and where the elements go.
pub(super) struct Window {
    kernel: sandbox::Resident,
    export: String,
    pub(super) width: usize,
    /// So many elements of each run at most, and of a block.
    pub(super) most: usize,
    /// Where elements go, in the guest's memory or the kernel's.
    place: u32,
    in_guest: bool,
    /// Where a block's items go in the kernel's memory.
    items: u32,
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
            (Shape::Scalars, Some(number)) => Items::Values(number),
            (Shape::Slices, _) => Items::Records { width: small(width).ok()? },
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
        let (in_guest, size) = (spec.sees_guest(), 2 * most * width);
        let items = if in_guest { 0 } else { size };
        turn.kernel_memory(&kernel, items + 2 * ITEMS + ANSWERS).ok()?;
        let place = if in_guest { turn.stage(export, size, |_| ()).ok()? } else { 0 };
        let (taken_in, export) = (spec.inline.is_some(), export.to_owned());
        Some(Window { kernel, export, width, most, place, in_guest, items: items as u32, taken_in })
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
        let area = self.area(held, self.in_guest, self.place, left + right);
        let Some(runs) = area.and_then(|area| area.split_at_mut_checked(left)) else { return Ok(None) };
        fill(runs.into());
        let (middle, end) = (self.place + left as u32, self.place + (left + right) as u32);
        let answers = held.turn().ahead(&self.export, &self.kernel, [self.place, middle], [middle, end]);
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
        let put = match self.in_guest {
            true => {
                let addresses = (0..count).map(|at| self.place + at * self.width as u32);
                let items: Vec<u8> = addresses.flat_map(u32::to_le_bytes).collect();
                self.put(held, elements, true, self.place) && self.put(held, &items, false, self.items)
            }
            false => self.put(held, elements, false, self.items),
        };
        if !put {
            return Ok(false);
        }
        let room = self.items + ITEMS as u32;
        let places = [self.items, room, room + ITEMS as u32];
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

    fn put(&self, held: &mut Held<'_>, bytes: &[u8], in_guest: bool, at: u32) -> bool {
        self.area(held, in_guest, at, bytes.len()).map(|area| area.copy_from_slice(bytes)).is_some()
    }

    fn area<'h>(&self, held: &'h mut Held<'_>, in_guest: bool, at: u32, size: usize) -> Option<&'h mut [u8]> {
        let turn = held.turn();
        match in_guest {
            true => turn.restage(&self.kernel, at, size),
            false => turn.kernel_memory(&self.kernel, 0).ok()?.get_mut(at as usize..)?.get_mut(..size),
        }
    }
}
