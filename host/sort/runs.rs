//! Sorted runs, and cuts of two of them into pieces that can be merged separately.

use std::ops::Range;

use super::columns::{ItemRef, Keyed};
use super::worker::{Opens, Worker};
use crate::callback::Answer;
use crate::error::{Error, Result};
use crate::memory::try_with_capacity;

/// Sorted items in one representation: [`Numbers`](super::by_number::Numbers) of the items, or the
/// [`Values`](super::by_value::Values) themselves.
pub(super) trait Run: Opens + Send + Sync + Sized {
    /// Sorts the items of these numbers.
    fn sort<'a>(worker: &mut Worker<'a, Self::Session<'a>>, numbers: Range<u32>) -> Result<Self>;

    /// Merges two pieces.
    fn merge<'a>(
        worker: &mut Worker<'a, Self::Session<'a>>,
        left: Piece<'_, Self>,
        right: Piece<'_, Self>,
    ) -> Result<Self>;

    /// Reserves room for `len` more items behind the first run of a concatenation.
    fn reserve(&mut self, len: usize) -> Result<()>;

    /// Appends a run.
    fn append(&mut self, run: Self);

    /// Returns the number of items.
    fn len(&self) -> usize;

    /// Returns an item by its position in the run.
    fn get<'r>(&'r self, items: Keyed<'r>, at: usize) -> ItemRef<'r>;

    /// Concatenates runs that have `len` items together; `None` where there are no runs.
    fn concat(mut runs: impl Iterator<Item = Result<Self>>, len: usize) -> Result<Option<Self>> {
        let Some(first) = runs.next() else { return Ok(None) };
        let mut all = first?;
        all.reserve(len - all.len())?;
        for run in runs {
            all.append(run?);
        }
        Ok(Some(all))
    }
}

/// A part of a run.
pub(super) struct Piece<'r, R> {
    pub(super) run: &'r R,
    pub(super) range: Range<usize>,
}

impl<R> Clone for Piece<'_, R> {
    fn clone(&self) -> Self {
        Piece { run: self.run, range: self.range.clone() }
    }
}

impl<'r, R: Run> Piece<'r, R> {
    /// Returns the number of items.
    pub(super) fn len(&self) -> usize {
        self.range.len()
    }

    /// Returns an item by its position in the piece.
    pub(super) fn get(&self, items: Keyed<'r>, at: usize) -> ItemRef<'r> {
        self.run.get(items, self.range.start + at)
    }
}

/// Reserves room for `more` elements; `Err` instead of an abort where there is no memory.
pub(super) fn reserve<T>(vec: &mut Vec<T>, more: usize) -> Result<()> {
    let bytes = more.saturating_mul(size_of::<T>());
    vec.try_reserve_exact(more).map_err(|_| Error::NoMemory { bytes, what: "the sorted items" })
}

/// Cuts two runs into `count` pairs of pieces, so that the merged pairs, one after the other, are the merged
/// runs. `after(l, r)` compares item `l` of the left run with item `r` of the right one; `Greater` means that
/// `r` must come first. Whatever it answers, each item is in one piece.
pub(super) fn cut<'r, R: Run>(
    left: &'r R,
    right: &'r R,
    count: usize,
    mut after: impl FnMut(usize, usize) -> Answer,
) -> Result<Vec<[Piece<'r, R>; 2]>> {
    let mut pairs = try_with_capacity(count, "the pieces of a merge")?;
    let (mut l, mut r) = (0, 0);
    for piece in 1..=count {
        // Number of items of both runs together before the cut.
        let before = (left.len() + right.len()) * piece / count;
        // Finds the first item of the left run behind the cut. The bounds keep a comparator that contradicts
        // itself from moving a cut in front of the previous one.
        let (mut low, mut high) = (l.max(before.saturating_sub(right.len())), left.len().min(before - r));
        while low < high {
            let middle = low + (high - low) / 2;
            if after(middle, before - 1 - middle)?.is_gt() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let (l_end, r_end) = (low, before - low);
        pairs.push([Piece { run: left, range: l..l_end }, Piece { run: right, range: r..r_end }]);
        (l, r) = (l_end, r_end);
    }
    Ok(pairs)
}

/// `Err` unless every number below the length occurs.
pub(super) fn check_permutation(order: &[u32]) -> Result<()> {
    let mut seen = try_with_capacity(order.len(), "a check of the result")?;
    seen.resize(order.len(), false);
    for &at in order {
        match seen.get_mut(at as usize) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(Error::NotPermutation),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::by_number::Numbers;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_permutations_pass() {
        assert!(check_permutation(&[]).is_ok());
        assert!(check_permutation(&[2, 0, 1]).is_ok());
        for bad in [&[0, 0][..], &[1, 2], &[0, 3, 1]] {
            assert!(matches!(check_permutation(bad), Err(Error::NotPermutation)), "{bad:?}");
        }
    }

    /// The items of both runs, each marked with its run.
    fn marked(left: &[u8], right: &[u8]) -> Vec<(u8, char)> {
        left.iter().map(|x| (*x, 'l')).chain(right.iter().map(|x| (*x, 'r'))).collect()
    }

    fn ranges(
        left: usize,
        right: usize,
        count: usize,
        after: impl FnMut(usize, usize) -> Answer,
    ) -> Vec<[Range<usize>; 2]> {
        let run = |len| Numbers((0..len as u32).collect());
        let (left, right) = (run(left), run(right));
        let pairs = cut(&left, &right, count, after).unwrap();
        pairs.iter().map(|[a, b]| [a.range.clone(), b.range.clone()]).collect()
    }

    proptest! {
        #[test]
        fn pieces_merged_apart_are_the_runs_merged(
            mut left in proptest::collection::vec(0u8..20, 0..40),
            mut right in proptest::collection::vec(0u8..20, 0..40),
            count in 1usize..6,
        ) {
            left.sort();
            right.sort();
            let pairs = ranges(left.len(), right.len(), count, |l, r| Ok(left[l].cmp(&right[r])));
            let mut apart = Vec::new();
            for [l, r] in pairs {
                // A stable sort of both pieces, the left one first, merges them.
                let mut piece = marked(&left[l], &right[r]);
                piece.sort_by_key(|(x, _)| *x);
                apart.extend(piece);
            }
            let mut naive = marked(&left, &right);
            naive.sort_by_key(|(x, _)| *x);
            prop_assert_eq!(apart, naive);
        }

        #[test]
        fn no_answer_loses_an_item(
            left in 0usize..30,
            right in 0usize..30,
            count in 1usize..6,
            answers in proptest::collection::vec(-1i8..=1, 200),
        ) {
            let mut answers = answers.into_iter().cycle();
            let pairs = ranges(left, right, count, |_, _| Ok(answers.next().unwrap_or(0).cmp(&0)));
            let (mut l, mut r) = (0, 0);
            for [a, b] in pairs {
                prop_assert_eq!((a.start, b.start), (l, r));
                prop_assert!(a.end >= l && b.end >= r);
                (l, r) = (a.end, b.end);
            }
            prop_assert_eq!((l, r), (left, right));
        }
    }
}
