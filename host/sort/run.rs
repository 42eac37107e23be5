//! Items in order, and where two such runs are to be cut so that the pieces can be merged apart.

use std::ops::Range;

use super::Items;
use crate::array::room;
use crate::callback::Answer;
use crate::error::{Error, Result};

/// Sorted items: by their numbers, or themselves.
pub(super) enum Run {
    Numbers(Vec<u32>),
    Values { bytes: Vec<u8>, width: usize },
}

/// A part of a run.
#[derive(Clone)]
pub(super) struct Piece<'a> {
    pub(super) run: &'a Run,
    pub(super) range: Range<usize>,
}

impl Run {
    pub(super) fn len(&self) -> usize {
        match self {
            Run::Numbers(numbers) => numbers.len(),
            Run::Values { bytes, width } => bytes.len() / width,
        }
    }

    pub(super) fn get<'a>(&'a self, items: &'a Items, at: usize) -> &'a [u8] {
        match self {
            Run::Numbers(numbers) => items.get(numbers[at] as usize),
            Run::Values { bytes, width } => &bytes[at * width..][..*width],
        }
    }

    /// A run of items from two pieces, by their positions in both, the left one first.
    pub(super) fn picked(left: &Piece<'_>, right: &Piece<'_>, order: &[u32]) -> Result<Run> {
        let (Run::Numbers(l), Run::Numbers(r)) = (left.run, right.run) else {
            return Err(Error::NotPermutation); // values are merged by value
        };
        let (l, r) = (&l[left.range.clone()], &r[right.range.clone()]);
        let mut picked = room(order.len(), "the merged numbers of the items")?;
        picked.extend(order.iter().map(|&at| match l.get(at as usize) {
            Some(number) => *number,
            None => r[at as usize - l.len()],
        }));
        Ok(Run::Numbers(picked))
    }

    /// One run of several that follow each other and have so many items together.
    pub(super) fn concat(mut runs: impl Iterator<Item = Result<Run>>, len: usize) -> Result<Run> {
        let Some(first) = runs.next() else { return Ok(Run::Numbers(Vec::new())) };
        let mut all = first?;
        let missing = len - all.len();
        match &mut all {
            Run::Numbers(all) => reserve(all, missing)?,
            Run::Values { bytes, width } => reserve(bytes, missing * *width)?,
        }
        for run in runs {
            match (&mut all, run?) {
                (Run::Numbers(all), Run::Numbers(more)) => all.extend_from_slice(&more),
                (Run::Values { bytes: all, .. }, Run::Values { bytes, .. }) => all.extend_from_slice(&bytes),
                _ => return Err(Error::NotPermutation), // one sort makes runs of one kind
            }
        }
        Ok(all)
    }
}

fn reserve<T>(vec: &mut Vec<T>, more: usize) -> Result<()> {
    let bytes = more.saturating_mul(size_of::<T>());
    vec.try_reserve_exact(more).map_err(|_| Error::NoMemory { bytes, what: "the sorted items" })
}

impl<'a> Piece<'a> {
    pub(super) fn get(&self, items: &'a Items, at: usize) -> &'a [u8] {
        self.run.get(items, self.range.start + at)
    }

    /// Its items one after the other, where they lie so.
    pub(super) fn values(&self) -> Option<&'a [u8]> {
        match self.run {
            Run::Numbers(_) => None,
            Run::Values { bytes, width } => Some(&bytes[self.range.start * width..self.range.end * width]),
        }
    }

    pub(super) fn items(self, items: &'a Items) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.range.map(|at| self.run.get(items, at))
    }
}

/// Cuts two runs into `count` pairs of pieces, so that the pairs merged one after the other are the
/// runs merged. `after (l, r)`: whether item `r` of the right run must come before `l` of the left.
/// Whatever it answers, each item is in one piece.
pub(super) fn cut<'a>(
    left: &'a Run,
    right: &'a Run,
    count: usize,
    mut after: impl FnMut(usize, usize) -> Answer,
) -> Result<Vec<[Piece<'a>; 2]>> {
    let mut pairs = room(count, "the pieces of a merge")?;
    let (mut l, mut r) = (0, 0);
    for piece in 1..=count {
        // So many items of both runs together come before the cut.
        let before = (left.len() + right.len()) * piece / count;
        // The first item of the left run that is behind it. A comparator that contradicts itself must
        // not move a cut in front of the one before.
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
    let mut seen = room(order.len(), "a check of the result")?;
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

    fn ranges(
        left: usize,
        right: usize,
        count: usize,
        after: impl FnMut(usize, usize) -> Answer,
    ) -> Vec<[Range<usize>; 2]> {
        let run = |len| Run::Numbers((0..len as u32).collect());
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
                let mut piece: Vec<_> = left[l].iter().map(|x| (*x, 'l')).chain(right[r].iter().map(|x| (*x, 'r'))).collect();
                piece.sort_by_key(|(x, _)| *x);
                apart.extend(piece);
            }
            let mut naive: Vec<_> = left.iter().map(|x| (*x, 'l')).chain(right.iter().map(|x| (*x, 'r'))).collect();
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
