//! Sorting items by their numbers, without moving the items.

use std::ops::Range;
use std::sync::Arc;

use super::columns::{ItemRef, Keyed};
use super::runs::{Piece, Run, check_permutation, reserve};
use super::worker::{HasSession, Opens, Worker};
use super::{Job, Sorter};
use crate::batch::{ItemLayout, Lookahead, NumberedItems, SandboxedSort};
use crate::callback::{Answer, Callback, Session};
use crate::error::{Error, LibraryError, Result};
use crate::memory::{ScratchArray, try_with_capacity};
use crate::native::{NativeSorter, prepared_answers, sort_by, sort_by_guest};
use crate::sandbox::Budget;

/// Width in bytes of the elements that native code sorts: numbers of items.
const NUMBER_WIDTH: usize = size_of::<u32>();

/// A run of items, given by their numbers.
pub(super) struct Numbers(pub(super) Vec<u32>);

/// The session of a worker that sorts by number.
pub(super) enum NumberSession<'a> {
    /// Native code sorts and compares through the session.
    Native(NativeSorter, Session<'a>),
    /// The sort runs in the sandbox.
    Sandboxed(Box<SandboxedSort<'a>>),
}

impl<'a> HasSession<'a> for NumberSession<'a> {
    fn session(&mut self) -> &mut Session<'a> {
        match self {
            NumberSession::Native(_, session) => session,
            NumberSession::Sandboxed(sort) => sort.session(),
        }
    }
}

impl Opens for Numbers {
    type Session<'a> = NumberSession<'a>;

    fn open<'a>(
        job: &Job,
        items: Keyed<'_>,
        key: usize,
        callback: &'a Callback,
        budget: &Arc<Budget>,
    ) -> Result<NumberSession<'a>> {
        if let Some(sorter) = job.sorter(items).native() {
            return Ok(NumberSession::Native(sorter, callback.compare_session(budget)?));
        }
        let width = items.column(key).width();
        let layout = width.map_or(ItemLayout::Lines, |width| ItemLayout::Records { width });
        let sort = callback.sandboxed_sort(budget, job.kernel_rules(key), layout)?;
        Ok(NumberSession::Sandboxed(Box::new(sort)))
    }
}

impl Run for Numbers {
    fn sort<'a>(worker: &mut Worker<'a, NumberSession<'a>>, numbers: Range<u32>) -> Result<Numbers> {
        let plain = worker.job.is_plain();
        if let (NumberSession::Sandboxed(_), false) = (worker.first(), plain) {
            return worker.sort_by_keys(numbers).map(Numbers);
        }
        let items = worker.items.items;
        let mut order = match worker.first() {
            NumberSession::Native(sorter, _) => {
                let sorter = *sorter;
                worker.sort_natively(sorter, numbers.clone())?
            }
            NumberSession::Sandboxed(sort) => {
                let all = numbers.clone().map(|at| items.get(at as usize));
                let whole = items.whole(numbers.clone()).map(|whole| [whole, &[]]);
                sort.load(numbers.len(), all.clone(), whole)?;
                sort.sort(all)?
            }
        };
        check_permutation(&order)?;
        order.iter_mut().for_each(|at| *at += numbers.start);
        worker.check_library_order(&order)?;
        Ok(Numbers(order))
    }

    fn merge<'a>(
        worker: &mut Worker<'a, NumberSession<'a>>,
        left: Piece<'_, Numbers>,
        right: Piece<'_, Numbers>,
    ) -> Result<Numbers> {
        let (items, len, plain) = (worker.items, left.len() + right.len(), worker.job.is_plain());
        let order = match worker.first() {
            NumberSession::Sandboxed(sort) if plain => {
                let numbers = [&left, &right].map(|piece| &piece.run.0[piece.range.clone()]);
                let all = numbers.into_iter().flatten().map(|&at| items.items.get(at as usize));
                sort.load(len, all.clone(), None)?;
                sort.merge(left.len(), all)?
            }
            _ => worker.merge_natively(&left, &right)?,
        };
        check_permutation(&order)?;
        let (left, right) = (&left.run.0[left.range], &right.run.0[right.range]);
        let mut merged = try_with_capacity(order.len(), "the merged numbers of the items")?;
        merged.extend(order.iter().map(|&at| match left.get(at as usize) {
            Some(number) => *number,
            None => right[at as usize - left.len()],
        }));
        Ok(Numbers(merged))
    }

    fn reserve(&mut self, len: usize) -> Result<()> {
        reserve(&mut self.0, len)
    }

    fn append(&mut self, run: Numbers) {
        self.0.extend_from_slice(&run.0);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get<'r>(&'r self, items: Keyed<'r>, at: usize) -> ItemRef<'r> {
        items.at(self.0[at] as usize)
    }
}

impl<'a, S: HasSession<'a>> Worker<'a, S> {
    /// Compares two items of these numbers by every rule.
    fn compare_numbers(&mut self, a: u32, b: u32) -> Answer {
        if a.max(b) as usize >= self.items.len() {
            // Only a library's function compares memory that does not hold an item's number.
            return Err(Box::new(Error::NotPermutation));
        }
        self.compare_numbers_from(0, a, b)
    }

    /// Compares two items of these numbers by the keys from `first` on, and by every rule: the last one are
    /// their numbers, unless ties are left in any order.
    pub(super) fn compare_numbers_from(&mut self, first: usize, a: u32, b: u32) -> Answer {
        let items = self.items;
        let order = self.compare_from(first, &items.at(a as usize), &items.at(b as usize))?;
        Ok(if self.job.options.leaves_ties() { order } else { order.then(a.cmp(&b)) })
    }

    /// Sorts the items of these numbers with native code; the result is relative to the first number.
    fn sort_natively(&mut self, sorter: NativeSorter, numbers: Range<u32>) -> Result<Vec<u32>> {
        let callback = self.job.callback();
        let most = callback.guest().limits().array;
        let mut scratch = ScratchArray::zeroed(numbers.len(), NUMBER_WIDTH, most)?;
        let places: &mut [u32] = bytemuck::cast_slice_mut(scratch.as_mut_slice());
        places.iter_mut().zip(numbers.clone()).for_each(|(place, at)| *place = at);
        let (items, prepared) = (self.items, prepared_answers(sorter, scratch.extent()));
        let key = items.column(0);
        let item = |number: u32| Some(number as usize).filter(|at| *at < key.len()).map(|at| key.get(at));
        let mut lookahead = match &prepared {
            Some(prepared) if self.job.is_decided_by_kernel() && key.width().is_none() => {
                let (rules, extent) = (self.job.kernel_rules(0), scratch.extent());
                let mean_bytes = key.bytes() / key.len().max(1);
                let items = NumberedItems { get: &item, mean_bytes };
                Lookahead::new(callback, self.first().session(), rules, extent, prepared, Some(items))
            }
            _ => None,
        };
        let prepared = prepared.filter(|_| lookahead.is_some());
        let ask = Box::new(|array: &[u8], [a, b]: [&[u8]; 2]| {
            if let Some(lookahead) = &mut lookahead
                && let Some(answer) = lookahead.ask_ahead(self.first().session(), array, [a, b])?
            {
                return Ok(answer);
            }
            self.compare_numbers(number(a), number(b))
        });
        sort_by(sorter, &mut scratch, callback, prepared, ask)?;
        let mut order = try_with_capacity(numbers.len(), "the sorted numbers of the items")?;
        // `wrapping_sub` maps an out-of-range number to one that `check_permutation` rejects.
        let sorted: &[u32] = bytemuck::cast_slice(scratch.as_slice());
        order.extend(sorted.iter().map(|at| at.wrapping_sub(numbers.start)));
        Ok(order)
    }

    /// Merges two pieces; the result is relative to the first item of the left one.
    fn merge_natively(&mut self, left: &Piece<'_, Numbers>, right: &Piece<'_, Numbers>) -> Result<Vec<u32>> {
        let (items, left_len, len) = (self.items, left.len(), left.len() + right.len());
        let mut order = try_with_capacity(len, "the merged numbers of the items")?;
        let (mut l, mut r) = (0, left_len);
        while l < left_len && r < len {
            let after = self.compare(&left.get(items, l), &right.get(items, r - left_len))?.is_gt();
            order.push(if after { r } else { l } as u32);
            (l, r) = if after { (l, r + 1) } else { (l + 1, r) };
        }
        order.extend((l..left_len).chain(r..len).map(|at| at as u32));
        Ok(order)
    }

    /// `Err` where a library's function has left these items out of order.
    fn check_library_order(&mut self, order: &[u32]) -> Result<()> {
        let Sorter::Library(function) = self.job.options.sorter else { return Ok(()) };
        let before = self.calls();
        for pair in order.windows(2) {
            if self.compare_numbers(pair[0], pair[1])?.is_gt() {
                return Err(LibraryError::Unsorted { function: function.name().to_owned() }.into());
            }
        }
        self.checking += self.calls() - before;
        Ok(())
    }

    /// Returns the places of the first of adjacent items that the guest calls equal.
    pub(super) fn first_of_equals(&mut self, order: &[u32]) -> Result<Vec<u32>> {
        let mut firsts: Vec<u32> = try_with_capacity(order.len(), "the places of unique items")?;
        let items = self.items;
        let item = |at: u32| items.at(at as usize);
        for (place, &at) in order.iter().enumerate() {
            let same = match firsts.last() {
                Some(&first) => self.compare_keys(0, &item(order[first as usize]), &item(at))?.is_eq(),
                None => false,
            };
            if !same {
                firsts.push(place as u32); // lossless: `Items` bounds its length
            }
        }
        Ok(firsts)
    }
}

impl<'a> Worker<'a, Session<'a>> {
    /// Sorts the records themselves with native code, for records that are the same bytes where they compare
    /// equal.
    pub(super) fn sort_records(&mut self, sorter: NativeSorter, width: usize) -> Result<ScratchArray> {
        let (job, items) = (self.job, self.items.items);
        let most = job.callback().guest().limits().array;
        let mut scratch = ScratchArray::zeroed(items.len(), width, most)?;
        scratch.as_mut_slice().copy_from_slice(items.all_records());
        sort_by_guest(sorter, &mut scratch, job.callback(), self.first(), job.kernel_rules(0))?;
        Ok(scratch)
    }
}

fn number(element: &[u8]) -> u32 {
    // The scratch array holds `u32`s, and the trampoline passes whole elements.
    u32::from_ne_bytes(element.try_into().expect("an element of four bytes"))
}
