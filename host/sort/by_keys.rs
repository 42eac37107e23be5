//! Sorting by one key after the other in the sandbox: the items that a key's guest calls equal are sorted by
//! the next key.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::by_number::NumberSession;
use super::runs::check_permutation;
use super::worker::Worker;
use crate::batch::merge_sort;
use crate::callback::Answer;
use crate::error::{Result, bug};
use crate::memory::try_with_capacity;

/// Number of items for which loading a kernel pays.
const MIN_KERNEL_ITEMS: usize = 256;

/// Number of items that are looked at to estimate how many keys differ.
const SAMPLE: usize = 1024;

/// Numbers of items, in groups of the same bytes of a key.
struct Groups {
    /// The groups, one after the other; in each the order is that before.
    numbers: Vec<u32>,
    /// Range of each group in `numbers`.
    ranges: Vec<Range<u32>>,
}

impl<'a> Worker<'a, NumberSession<'a>> {
    /// Sorts the items of these numbers by all rules.
    pub(super) fn sort_by_keys(&mut self, numbers: Range<u32>) -> Result<Vec<u32>> {
        let mut order = try_with_capacity(numbers.len(), "the sorted numbers of the items")?;
        order.extend(numbers);
        self.sort_from(0, &mut order)?;
        Ok(order)
    }

    /// Sorts items, which the keys before `key` call equal and which are in the order of the input.
    fn sort_from(&mut self, key: usize, order: &mut [u32]) -> Result<()> {
        let (items, options) = (self.items, &self.job.options);
        if order.len() < 2 || (key == self.job.keys.len() && !options.ties_by_bytes()) {
            return Ok(());
        }
        if key == self.job.keys.len() {
            // No guest is asked any more.
            let bytes = |at: &u32| items.items.get(*at as usize);
            let reverse = self.job.options.rules().reverse;
            order.sort_by(|a, b| if reverse { bytes(b).cmp(bytes(a)) } else { bytes(a).cmp(bytes(b)) });
            return Ok(());
        }
        if order.len() < MIN_KERNEL_ITEMS {
            let mut scratch = try_with_capacity(order.len(), "the numbers of equal items")?;
            return Ok(merge_sort(order, &mut scratch, &mut |a, b| self.compare_numbers_from(key, a, b))?);
        }
        match self.groups(key, order)? {
            Some(groups) => self.sort_groups(key, order, groups),
            None => {
                let sorted = self.sort_in_kernel(key, order)?;
                order.copy_from_slice(&sorted);
                self.sort_equal(key, order)
            }
        }
    }

    /// Sorts numbers of items by a key alone, stably.
    fn sort_in_kernel(&mut self, key: usize, numbers: &[u32]) -> Result<Vec<u32>> {
        let column = self.items.column(key);
        let NumberSession::Sandboxed(sort) = self.session_of(key) else {
            return Err(bug!("there is no kernel to sort in"));
        };
        let keys = numbers.iter().map(|at| column.get(*at as usize));
        sort.load(numbers.len(), keys.clone(), None)?;
        let mut order = sort.sort(keys)?;
        check_permutation(&order)?;
        order.iter_mut().for_each(|at| *at = numbers[*at as usize]);
        Ok(order)
    }

    /// Sorts each run of items that a key's guest calls equal by the next keys. `order` is sorted by this
    /// key.
    fn sort_equal(&mut self, key: usize, order: &mut [u32]) -> Result<()> {
        let column = self.items.column(key);
        let mut rest = order;
        while let Some(first) = rest.first() {
            let first = column.get(*first as usize);
            let mut equal = 1;
            while let Some(next) = rest.get(equal)
                && self.are_equal(key, first, column.get(*next as usize))?
            {
                equal += 1;
            }
            let (run, after) = rest.split_at_mut(equal);
            self.sort_from(key + 1, run)?;
            rest = after;
        }
        Ok(())
    }

    fn are_equal(&mut self, key: usize, a: &[u8], b: &[u8]) -> Answer<bool> {
        // The same bytes are equal by the contract of a comparator.
        Ok(a == b || self.compare_key(key, a, b)?.is_eq())
    }

    /// Sorts items by one of each group, and then each run of equal groups by the next keys.
    fn sort_groups(&mut self, key: usize, order: &mut [u32], groups: Groups) -> Result<()> {
        let column = self.items.column(key);
        let Groups { numbers, ranges } = groups;
        let mut of_first: HashMap<u32, &Range<u32>> = HashMap::new();
        let mut firsts = try_with_capacity(ranges.len(), "the keys that differ")?;
        for range in &ranges {
            let first = numbers[range.start as usize];
            firsts.push(first);
            of_first.insert(first, range);
        }
        let firsts = self.sort_in_kernel(key, &firsts)?;
        let (mut filled, mut begin, mut begun) = (0, 0, None);
        for first in firsts {
            let bytes = column.get(first as usize);
            if let Some(begun) = begun
                && !self.are_equal(key, begun, bytes)?
            {
                self.sort_run(key + 1, &mut order[begin..filled])?;
                begin = filled;
            }
            if begin == filled {
                begun = Some(bytes);
            }
            let range = of_first.get(&first).ok_or_else(|| bug!("a group without numbers"))?;
            let group = &numbers[range.start as usize..range.end as usize];
            order[filled..][..group.len()].copy_from_slice(group);
            filled += group.len();
        }
        self.sort_run(key + 1, &mut order[begin..filled])
    }

    /// Sorts a run of groups, each of them in the order of the input.
    fn sort_run(&mut self, key: usize, run: &mut [u32]) -> Result<()> {
        run.sort_unstable();
        self.sort_from(key, run)
    }

    /// Groups items by the bytes of a key, if that saves comparisons: if few keys differ.
    fn groups(&self, key: usize, order: &[u32]) -> Result<Option<Groups>> {
        let column = self.items.column(key);
        let bytes = |at: usize| column.get(order[at] as usize);
        let mut sample = HashSet::with_capacity(SAMPLE);
        let step = order.len().div_ceil(SAMPLE);
        sample.extend((0..order.len()).step_by(step).map(bytes));
        let taken = order.len().div_ceil(step);
        // Of `n` keys that differ, a sample of `s` has about s² / 2n pairs that are the same.
        let same = taken - sample.len();
        if same * order.len() < taken * taken * 2 {
            return Ok(None);
        }
        let mut numbers_of: HashMap<&[u8], u32> = HashMap::new();
        let mut group_of = try_with_capacity(order.len(), "the groups of the items")?;
        let mut lengths: Vec<u32> = Vec::new();
        for at in 0..order.len() {
            let group = *numbers_of.entry(bytes(at)).or_insert(lengths.len() as u32);
            match lengths.get_mut(group as usize) {
                Some(length) => *length += 1,
                None => lengths.push(1),
            }
            group_of.push(group);
        }
        let mut ends = 0;
        let begin = |length: &u32| {
            let begin = ends;
            ends += length;
            begin..begin
        };
        let mut ranges: Vec<_> = lengths.iter().map(begin).collect();
        let mut numbers = try_with_capacity(order.len(), "the numbers of the groups")?;
        numbers.resize(order.len(), 0);
        for (at, group) in order.iter().zip(group_of) {
            let range = &mut ranges[group as usize];
            numbers[range.end as usize] = *at;
            range.end += 1;
        }
        Ok(Some(Groups { numbers, ranges }))
    }
}
