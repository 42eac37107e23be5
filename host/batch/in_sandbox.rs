//! A callback with a kernel beside its guest: whole arrays are sorted inside the sandbox.

use std::sync::Arc;

use super::failing_pair::with_items;
use super::fingerprint::fingerprint;
use super::line_numbers::{LineNumbers, starts};
use super::{Rules, to_u32};
use crate::callback::{Callback, Session};
use crate::error::{Error, Result, bug};
use crate::kernel::{ItemRepr, KernelSpec, SLACK_BYTES, Task};
use crate::memory::{array_bytes, madvise, try_with_capacity};
use crate::sandbox::{Budget, CompareShape, KernelInstance, RunLengths, SortPlaces, Turn};

/// Layout of items in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ItemLayout {
    /// Contiguous, each of this width.
    Records { width: usize },
    /// Each followed by one byte that is not part of it.
    Lines,
}

/// A kernel for one job, and the session with its guest.
pub(crate) struct SandboxedSort<'a> {
    callback: &'a Callback,
    session: Session<'a>,
    kernel: KernelInstance,
    items: ItemRepr,
    /// Address of the first staged item in the guest's memory.
    base: u32,
    len: u32,
    /// Size in bytes of the staged items.
    staged: usize,
}

/// Address of the first item in the kernel's memory.
const ITEMS_AT: usize = SLACK_BYTES;

impl Callback {
    /// Begins a session with the guest, and instantiates a kernel beside it. Only for a guest that is
    /// dropped with the kernel, because a kernel's resources are freed only with the guest.
    pub(crate) fn sandboxed_sort(
        &self,
        budget: &Arc<Budget>,
        rules: Rules,
        layout: ItemLayout,
    ) -> Result<SandboxedSort<'_>> {
        let items = match (self.shape(), layout, self.number()) {
            (Some(CompareShape::Scalars), _, Some(number)) => ItemRepr::Numbers(number),
            (Some(CompareShape::Slices), ItemLayout::Records { width }, _) => {
                ItemRepr::Records { width: to_u32(width)? }
            }
            (_, ItemLayout::Records { width }, _) => ItemRepr::Addresses { width: to_u32(width)? },
            (Some(CompareShape::Slices), ItemLayout::Lines, _) => ItemRepr::Lines,
            (_, ItemLayout::Lines, _) => return Err(bug!("\"{}\" takes no lines", self.export())),
        };
        self.begin_sandboxed_sort(budget, rules, items)
    }

    /// Returns the specification of the kernel for these items and rules. `reads`: whether code that reads
    /// the guest's memory may be inlined; a trap then has no frame of the guest.
    pub(crate) fn kernel_spec(
        &self,
        Rules { reverse, ties_by_bytes }: Rules,
        items: ItemRepr,
        reads: bool,
    ) -> KernelSpec {
        let mut spec = KernelSpec { task: Task::Sort, items, reverse, ties_by_bytes, inline: None };
        // Inlined reads use the guest's memory index, which is right only if the kernel imports that memory.
        let reads = reads && spec.sees_guest();
        spec.inline = self.body().filter(|body| reads || !body.reads()).cloned();
        spec
    }

    /// Begins a sort of elements by value, for a guest that takes them as numbers.
    pub(crate) fn sandboxed_sort_by_value(
        &self,
        budget: &Arc<Budget>,
        rules: Rules,
    ) -> Result<SandboxedSort<'_>> {
        let number = self.number().ok_or_else(|| bug!("\"{}\" takes no numbers", self.export()))?;
        self.begin_sandboxed_sort(budget, rules, ItemRepr::Values(number))
    }

    fn begin_sandboxed_sort(
        &self,
        budget: &Arc<Budget>,
        rules: Rules,
        items: ItemRepr,
    ) -> Result<SandboxedSort<'_>> {
        let spec = self.kernel_spec(rules, items, false);
        let mut session = self.compare_session(budget)?;
        let kernel = session.turn().instantiate_kernel(self.export(), &spec)?;
        Ok(SandboxedSort { callback: self, session, kernel, items, base: 0, len: 0, staged: 0 })
    }
}

impl<'a> SandboxedSort<'a> {
    /// Returns the session, to compare two items. The loaded items are lost.
    pub(crate) fn session(&mut self) -> &mut Session<'a> {
        &mut self.session
    }

    /// Loads `len` items, which are identified by their positions from here on. `whole` is all of them in
    /// two parts, where those already have the layout to load.
    pub(crate) fn load<'i>(
        &mut self,
        len: usize,
        items: impl Iterator<Item = &'i [u8]> + Clone,
        whole: Option<[&[u8]; 2]>,
    ) -> Result<()> {
        let item = self.items.width() as usize;
        array_bytes(len, item, self.callback.guest().limits().array)?;
        let table = ITEMS_AT + 2 * len * item + SLACK_BYTES;
        let (export, turn) = (self.callback.export(), self.session.turn());
        let pad = usize::from(self.items == ItemRepr::Lines);
        let bytes = match whole {
            // The kernel reads a byte of a line ahead, even of an empty one at the end.
            Some(parts) => parts.iter().map(|part| part.len()).sum::<usize>() + pad,
            None => items.clone().map(|item| item.len() + pad).sum(),
        };
        let in_table = if let ItemRepr::Numbers(_) = self.items { bytes } else { 0 };
        let memory = turn.kernel_memory(&self.kernel, to_u32(table + in_table)? as usize)?;
        let fill = |area: &mut [u8]| match whole {
            Some(parts) => copy_padded(area, parts.into_iter(), 0),
            None => copy_padded(area, items.clone(), pad),
        };
        match self.items {
            ItemRepr::Values(_) => fill(&mut memory[ITEMS_AT..]),
            ItemRepr::Numbers(_) => fill(&mut memory[table..]),
            ItemRepr::Lines | ItemRepr::Addresses { .. } | ItemRepr::Records { .. } => {
                self.base = turn.stage(export, bytes, |_, area| fill(area))?;
            }
        }
        (self.len, self.staged) = (to_u32(len)?, bytes);
        let memory = &mut turn.kernel_memory(&self.kernel, 0)?[ITEMS_AT..];
        match self.items {
            ItemRepr::Values(_) => {}
            ItemRepr::Numbers(_) => write(memory, 0..self.len),
            ItemRepr::Lines => {
                let lines = starts(self.base, items.clone()).zip(items);
                for (place, (start, line)) in memory.as_chunks_mut().0.iter_mut().zip(lines) {
                    // Both fit in 32 bits, because all lines are in the guest's memory.
                    *place = (u64::from(start) | (line.len() as u64) << 32).to_le_bytes();
                }
            }
            ItemRepr::Addresses { width } | ItemRepr::Records { width } => {
                write(memory, (0..self.len).map(|at| self.base + at * width));
            }
        }
        turn.set_table(&self.kernel, table as u32)
    }

    /// Sorts the loaded items, which are `items`. Returns their positions in the new order; the items in the
    /// sandbox are lost.
    pub(crate) fn sort<'i>(&mut self, items: impl Iterator<Item = &'i [u8]>) -> Result<Vec<u32>> {
        let places = self.places();
        let sorted = self.run(|turn, export, kernel, len| turn.sort(export, kernel, places, len));
        if let Err(error) = sorted {
            return Err(self.with_items(error, items));
        }
        // Freed before the positions are found, so that they do not add up.
        let bytes = (self.len * self.items.width()) as usize;
        let memory = self.session.turn().kernel_memory(&self.kernel, 0)?;
        madvise::discard(&mut memory[places.scratch as usize..][..bytes]);
        if self.items == ItemRepr::Lines {
            let staged = self.session.turn().staging_area(self.callback.export(), &self.kernel, self.staged);
            staged.into_iter().for_each(|(_, area)| madvise::discard(area));
        }
        self.positions(places.items, items)
    }

    /// Merges the loaded items, which are `items`: `left` sorted ones, and the others, sorted too. Returns
    /// their positions in the new order.
    pub(crate) fn merge<'i>(
        &mut self,
        left: usize,
        items: impl Iterator<Item = &'i [u8]>,
    ) -> Result<Vec<u32>> {
        if let Err(error) = self.merge_loaded(left)? {
            return Err(self.with_items(error, items));
        }
        self.positions(self.places().scratch, items)
    }

    /// Sorts the loaded elements by value; `loaded` is a copy of them.
    pub(crate) fn sort_values(&mut self, loaded: &[u8]) -> Result<Vec<u8>> {
        let (places, width) = (self.places(), self.items.width() as usize);
        let sorted = self.run(|turn, export, kernel, len| turn.sort(export, kernel, places, len));
        if let Err(error) = sorted {
            return Err(self.with_items(error, loaded.chunks_exact(width)));
        }
        let memory = self.session.turn().kernel_memory(&self.kernel, 0)?;
        let (sorted, rest) = memory[ITEMS_AT..].split_at_mut(loaded.len());
        // The scratch space is as large as the result: free it first, so that they do not add up.
        madvise::discard(rest);
        if fingerprint(sorted, width) != fingerprint(loaded, width) {
            return Err(Error::NotPermutation);
        }
        let mut values = try_with_capacity(sorted.len(), "the sorted records")?;
        values.extend_from_slice(sorted);
        Ok(values)
    }

    /// Merges the loaded elements by value: `left` sorted ones, and the others, sorted too.
    pub(crate) fn merge_values(&mut self, left: usize) -> Result<Vec<u8>> {
        let (places, merge) = (self.places(), self.merge_loaded(left)?);
        let (len, width) = (self.len as usize * self.items.width() as usize, self.items.width() as usize);
        let memory = self.session.turn().kernel_memory(&self.kernel, 0)?;
        if let Err(error) = merge {
            let loaded = memory[places.items as usize..][..len].to_vec();
            return Err(self.with_items(error, loaded.chunks_exact(width)));
        }
        let [from, to] = [places.items, places.scratch].map(|place| &memory[place as usize..][..len]);
        if fingerprint(from, width) != fingerprint(to, width) {
            return Err(Error::NotPermutation);
        }
        let mut merged = try_with_capacity(len, "the merged elements")?;
        merged.extend_from_slice(to);
        Ok(merged)
    }

    /// Merges the loaded items, which stay where they are; the result is in the scratch space.
    fn merge_loaded(&mut self, left: usize) -> Result<Result<()>> {
        let (places, left) = (self.places(), to_u32(left)?);
        Ok(self.run(|turn, export, kernel, len| {
            turn.merge_runs(export, kernel, places, RunLengths { left, right: len - left })
        }))
    }

    /// Adds to a failure of the kernel the two items that it was asked about, as far as they are found.
    fn with_items<'i>(&mut self, error: Error, items: impl Iterator<Item = &'i [u8]>) -> Error {
        let items: Vec<_> = items.collect();
        let rest = self.session.turn().rest_of_budget();
        *with_items(self.callback, rest, Box::new(error), &items)
    }

    fn places(&self) -> SortPlaces {
        SortPlaces { items: ITEMS_AT as u32, scratch: ITEMS_AT as u32 + self.len * self.items.width() }
    }

    fn run(
        &mut self,
        work: impl FnOnce(&mut Turn<'_>, &str, &KernelInstance, u32) -> Result<()>,
    ) -> Result<()> {
        let before = self.session.turn().comparisons(&self.kernel);
        let outcome = work(self.session.turn(), self.callback.export(), &self.kernel, self.len);
        let asked = self.session.turn().comparisons(&self.kernel) - before;
        self.session.count(asked);
        outcome
    }

    /// Returns the positions of the items at a place in the kernel's memory.
    fn positions<'i>(&mut self, place: u32, items: impl Iterator<Item = &'i [u8]>) -> Result<Vec<u32>> {
        let len = self.len as usize;
        let numbers = match self.items {
            ItemRepr::Lines => Some(LineNumbers::new(len, starts(self.base, items))?),
            _ => None,
        };
        let mut positions = try_with_capacity(len, "the sorted positions of the items")?;
        let memory = &self.session.turn().kernel_memory(&self.kernel, 0)?[place as usize..];
        let words =
            |width| memory.as_chunks::<4>().0.iter().step_by(width).map(|word| u32::from_le_bytes(*word));
        match (self.items, numbers) {
            // An address at which no line begins becomes a number that is none of theirs.
            (_, Some(numbers)) => {
                positions.extend(words(2).take(len).map(|start| numbers.get(start).unwrap_or(u32::MAX)))
            }
            (ItemRepr::Addresses { width } | ItemRepr::Records { width }, _) => {
                positions.extend(words(1).take(len).map(|at| at.wrapping_sub(self.base) / width));
            }
            _ => positions.extend(words(1).take(len)),
        }
        Ok(positions)
    }
}

/// Copies items one after the other, with `pad` bytes after each.
fn copy_padded<'i>(area: &mut [u8], items: impl Iterator<Item = &'i [u8]>, pad: usize) {
    let mut at = 0;
    for item in items {
        area[at..][..item.len()].copy_from_slice(item);
        at += item.len() + pad;
    }
}

/// Writes numbers one after the other.
fn write(area: &mut [u8], numbers: impl Iterator<Item = u32>) {
    for (place, number) in area.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
        *place = number.to_le_bytes();
    }
}
