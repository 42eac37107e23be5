//! Questions about one item and each of others, in one entry into WebAssembly.

use std::ops::Range;
use std::sync::Arc;

use super::to_u32;
use crate::callback::{Callback, Session};
use crate::error::{Error, Result};
use crate::kernel::{ItemRepr, KernelSpec, Task};
use crate::sandbox::{AsksRows, Budget, CompareShape, KernelInstance, RowPlaces};

/// A byte that a kernel never writes as answers.
const UNANSWERED: u8 = 0xff;

/// Address of the first item in the kernel's memory; the answers of a row follow the items.
const ITEMS_AT: usize = 0;

/// Items in a sandbox, beside a kernel that asks about rows of pairs of them.
pub(super) struct Rows<'a, 'i> {
    session: Session<'a>,
    kernel: KernelInstance<AsksRows>,
    export: &'a str,
    items: &'i [&'i [u8]],
    repr: ItemRepr,
    /// Address of the first item in the guest's memory, if the items are there.
    base: u32,
    /// Size in bytes of the items in the guest's memory.
    staged: usize,
    answers_at: usize,
}

/// A question of a row that the guest failed to answer: the place of the item that was compared with the
/// row's, one way or the other.
pub(super) struct RowFailure {
    pub(super) other: usize,
    pub(super) error: Box<Error>,
}

impl Callback {
    /// Loads items into the sandbox, beside a kernel. Only for a guest that is dropped with it, because a
    /// kernel's resources are freed only with the guest. There is at least one, and the callback compares
    /// such items.
    pub(super) fn rows<'a, 'i>(
        &'a self,
        budget: &Arc<Budget>,
        items: &'i [&'i [u8]],
    ) -> Result<Rows<'a, 'i>> {
        let repr = match (self.shape(), self.number()) {
            (Some(CompareShape::Scalars), Some(number)) => ItemRepr::Values(number),
            (Some(CompareShape::Slices), _) => ItemRepr::Lines,
            _ => ItemRepr::Addresses { width: to_u32(items[0].len())? },
        };
        let spec = KernelSpec { task: Task::AskRows, ..self.kernel_spec(Default::default(), repr, true) };
        let mut session = self.compare_session(budget)?;
        let kernel = session.turn().instantiate_kernel(self.export(), &spec)?;
        let (base, staged, answers_at) = (0, 0, ITEMS_AT + items.len() * repr.width() as usize);
        let export = self.export();
        let mut rows = Rows { session, kernel, export, items, repr, base, staged, answers_at };
        rows.load()?;
        Ok(rows)
    }
}

impl Rows<'_, '_> {
    fn load(&mut self) -> Result<()> {
        let size = to_u32(self.answers_at + self.items.len())? as usize;
        let (items, turn) = (self.items, self.session.turn());
        if let ItemRepr::Values(_) = self.repr {
            let memory = turn.kernel_memory(&self.kernel, size)?;
            concat(&mut memory[ITEMS_AT..], items);
            return Ok(());
        }
        self.staged = items.iter().map(|item| item.len()).sum();
        self.base = turn.stage(self.export, self.staged, |_, area| concat(area, items))?;
        let memory = &mut turn.kernel_memory(&self.kernel, size)?[ITEMS_AT..];
        let mut at = self.base;
        for (number, item) in items.iter().enumerate() {
            // Both fit in 32 bits, because the items are in the guest's memory.
            let len = item.len() as u32;
            let place = (u64::from(at) | u64::from(len) << 32).to_le_bytes();
            let width = self.repr.width() as usize;
            memory[number * width..][..width].copy_from_slice(&place[..width]);
            at += len;
        }
        Ok(())
    }

    /// Asks about the item at a place and each of those at others, both ways. Returns a byte for each, which
    /// [`row_answers`](crate::kernel::row_answers) reads.
    pub(super) fn ask(&mut self, item: usize, others: Range<usize>) -> Result<&[u8], RowFailure> {
        // All fit in 32 bits, as `load` has checked.
        let at = |place: usize| (ITEMS_AT + place * self.repr.width() as usize) as u32;
        let answers = self.answers_at as u32;
        let places = RowPlaces { item: at(item), others: at(others.start), end: at(others.end), answers };
        self.session.count(2 * others.len() as u64);
        let turn = self.session.turn();
        let fail = |error| RowFailure { other: others.start, error: Box::new(error) };
        let area = self.answers_at..self.answers_at + others.len();
        turn.kernel_memory(&self.kernel, 0).map_err(fail)?[area.clone()].fill(UNANSWERED);
        let asked = turn.ask_row(self.export, &self.kernel, places);
        let answers = &turn.kernel_memory(&self.kernel, 0).map_err(fail)?[area];
        match asked {
            Ok(()) => Ok(answers),
            Err(error) => {
                let answered = answers.iter().take_while(|answers| **answers != UNANSWERED).count();
                Err(RowFailure { other: (others.start + answered).min(others.end - 1), error })
            }
        }
    }

    /// Returns the place of an item that the guest has written into, and how it left the item.
    pub(super) fn written(&mut self) -> Option<(usize, Vec<u8>)> {
        if self.staged == 0 {
            return None;
        }
        let mut left = self.session.turn().staged(self.staged);
        let mut items = self.items.iter().enumerate();
        items.find_map(|(place, item)| {
            let (now, rest) = left.split_at(item.len());
            left = rest;
            (now != *item).then(|| (place, now.to_vec()))
        })
    }
}

/// Copies items one after the other.
fn concat(area: &mut [u8], items: &[&[u8]]) {
    let mut at = 0;
    for item in items {
        area[at..][..item.len()].copy_from_slice(item);
        at += item.len();
    }
}
