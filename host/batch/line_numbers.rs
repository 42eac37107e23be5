//! The numbers of lines by their addresses.

use crate::error::Result;
use crate::memory::try_with_capacity;

const WHAT: &str = "the numbers of the lines";

/// The addresses of lines, in ascending order, and an index to find one in about two reads of memory.
pub(super) struct LineNumbers {
    starts: Vec<u32>,
    /// The number of the first line at or after each multiple of a power of two, from the first address on.
    firsts: Vec<u32>,
    /// The exponent of that power.
    shift: u32,
}

impl LineNumbers {
    /// Creates the index of `len` lines; each starts after the one before.
    pub(super) fn new(len: usize, starts: impl Iterator<Item = u32>) -> Result<LineNumbers> {
        let mut all = try_with_capacity(len, WHAT)?;
        all.extend(starts.take(len));
        let span = match (all.first(), all.last()) {
            (Some(first), Some(last)) => last - first,
            _ => 0,
        };
        // As many parts as lines, or up to half as many.
        let shift = (span / all.len().max(1) as u32).checked_ilog2().map_or(0, |floor| floor + 1);
        let parts = (span >> shift) as usize + 1;
        let mut firsts = try_with_capacity(parts + 1, WHAT)?;
        for (number, start) in (0..).zip(&all) {
            let part = ((start - all[0]) >> shift) as usize;
            while firsts.len() <= part {
                firsts.push(number);
            }
        }
        firsts.push(all.len() as u32);
        Ok(LineNumbers { starts: all, firsts, shift })
    }

    /// Returns the number of the line at this address, from 0; `None` where none begins.
    pub(super) fn get(&self, start: u32) -> Option<u32> {
        let part = (start.checked_sub(*self.starts.first()?)? >> self.shift) as usize;
        let [from, to] = [*self.firsts.get(part)?, *self.firsts.get(part + 1)?];
        let lines = &self.starts[from as usize..to as usize];
        lines.binary_search(&start).ok().map(|at| from + at as u32)
    }
}

/// Returns the address of each line, the first at `base`; one byte follows each.
pub(super) fn starts<'i>(base: u32, lines: impl Iterator<Item = &'i [u8]>) -> impl Iterator<Item = u32> {
    lines.scan(base, |next, line| {
        let start = *next;
        *next = start.wrapping_add(line.len() as u32 + 1);
        Some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_line_is_found_at_its_address_and_nowhere_else(
            first in 0u32..5000,
            lengths in proptest::collection::vec(prop_oneof![1u32..4, 1u32..3000], 0..200),
        ) {
            let mut starts = Vec::new();
            let end = lengths.iter().fold(first, |at, length| {
                starts.push(at);
                at + length
            });
            let numbers = LineNumbers::new(starts.len(), starts.iter().copied()).unwrap();
            for address in (0..end + 10).chain([u32::MAX]) {
                let naive = starts.iter().position(|start| *start == address).map(|at| at as u32);
                prop_assert_eq!(numbers.get(address), naive, "{}", address);
            }
        }
    }

    #[test]
    fn lines_at_both_ends_of_the_memory_are_found() {
        let starts = [0, 1, u32::MAX - 1, u32::MAX];
        let numbers = LineNumbers::new(4, starts.into_iter()).unwrap();
        assert_eq!(starts.map(|start| numbers.get(start)), [0, 1, 2, 3].map(Some));
    }
}
