//! The order that answers make, whatever they are.

use std::cmp::Ordering;

use crate::error::Result;
use crate::memory::try_with_capacity;

/// Returns up to `sample` numbers below `len`, evenly spread.
pub(super) fn spread(len: usize, sample: usize) -> Vec<usize> {
    let n = len.min(sample);
    (0..n).map(|i| (i as u128 * len as u128 / n as u128) as usize).collect()
}

/// Sorts the numbers below `len` by merging, stably. It takes any answers; those of an order sort by it.
pub(super) fn sorted(
    len: usize,
    compare: &mut impl FnMut(usize, usize) -> Result<Ordering>,
) -> Result<Vec<usize>> {
    let mut order: Vec<_> = (0..len).collect();
    let mut merged = try_with_capacity(len, "the sorted items")?;
    let mut width = 1;
    while width < len {
        for pair in order.chunks(2 * width) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let ([a, rest @ ..], [b, others @ ..]) = (left, right) {
                if compare(*a, *b)?.is_gt() {
                    merged.push(*b);
                    right = others;
                } else {
                    merged.push(*a);
                    left = rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut order, &mut merged);
        merged.clear();
        width *= 2;
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_spread_is_ascending_and_within(len in 0usize..10_000, sample in 0usize..300) {
            let chosen = spread(len, sample);
            prop_assert_eq!(chosen.len(), len.min(sample));
            prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(chosen.iter().all(|&at| at < len));
        }

        #[test]
        fn numbers_are_sorted_as_a_stable_sort_does(keys in proptest::collection::vec(0u8..9, 0..60)) {
            let mut naive: Vec<_> = (0..keys.len()).collect();
            naive.sort_by_key(|at| keys[*at]);
            prop_assert_eq!(sorted(keys.len(), &mut |a, b| Ok(keys[a].cmp(&keys[b]))).unwrap(), naive);
        }
    }
}
