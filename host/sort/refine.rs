//! The order of items that the first key's guest calls equal, by the other keys.

use super::worker::{HasSession, Worker};
use crate::callback::Answer;
use crate::error::Result;
use crate::memory::try_with_capacity;

impl<'a, S: HasSession<'a>> Worker<'a, S> {
    /// Orders numbers of items that are in the order of the first key by every other rule.
    pub(super) fn refine(&mut self, order: &mut [u32]) -> Result<()> {
        if self.job.is_plain() || (self.job.keys.len() == 1 && self.job.options.keeps_ties()) {
            return Ok(()); // the kernel has applied every rule
        }
        let (items, mut scratch) = (self.items.column(0), try_with_capacity(0, "equal items")?);
        let mut rest = order;
        while !rest.is_empty() {
            let first = items.get(rest[0] as usize);
            let mut equal = 1;
            while equal < rest.len() && self.compare_key(0, first, items.get(rest[equal] as usize))?.is_eq() {
                equal += 1;
            }
            let (run, after) = rest.split_at_mut(equal);
            merge_sort(run, &mut scratch, &mut |a, b| self.compare_numbers_from(1, a, b))?;
            rest = after;
        }
        Ok(())
    }
}

/// Sorts numbers stably. Whatever the answers, each number is kept. After an error they are of no use.
fn merge_sort(
    numbers: &mut [u32],
    scratch: &mut Vec<u32>,
    compare: &mut impl FnMut(u32, u32) -> Answer,
) -> Answer<()> {
    let middle = numbers.len() / 2;
    if middle == 0 {
        return Ok(());
    }
    merge_sort(&mut numbers[..middle], scratch, compare)?;
    merge_sort(&mut numbers[middle..], scratch, compare)?;
    if compare(numbers[middle - 1], numbers[middle])?.is_le() {
        return Ok(());
    }
    scratch.clear();
    scratch.extend_from_slice(&numbers[..middle]);
    let (mut l, mut r) = (0, middle);
    for at in 0..numbers.len() {
        // The numbers from `r` on are in place, and the free places before them are as many as are left in
        // the scratch space.
        let Some(&left) = scratch.get(l) else { break };
        if r < numbers.len() && compare(left, numbers[r])?.is_gt() {
            numbers[at] = numbers[r];
            r += 1;
        } else {
            numbers[at] = left;
            l += 1;
        }
    }
    Ok(())
}
