//! A merge sort of numbers by answers that may be any.

use crate::callback::Answer;

/// Sorts numbers stably. Whatever the answers, each number is kept, and after an error they are of no use.
pub(crate) fn merge_sort(
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_merge_sort_is_stable(keys in proptest::collection::vec(0u8..9, 0..60)) {
            let mut numbers: Vec<_> = (0..keys.len() as u32).collect();
            let mut naive = numbers.clone();
            naive.sort_by_key(|at| keys[*at as usize]);
            let mut compare = |a, b| Ok(keys[a as usize].cmp(&keys[b as usize]));
            merge_sort(&mut numbers, &mut Vec::new(), &mut compare).unwrap();
            prop_assert_eq!(numbers, naive);
        }

        #[test]
        fn no_answer_loses_a_number(len in 0u32..60, answers in proptest::collection::vec(-1i8..=1, 50)) {
            let mut answers = answers.into_iter().cycle();
            let mut numbers: Vec<_> = (0..len).collect();
            let mut compare = |_, _| Ok(answers.next().unwrap().cmp(&0));
            merge_sort(&mut numbers, &mut Vec::new(), &mut compare).unwrap();
            numbers.sort();
            prop_assert_eq!(numbers, (0..len).collect::<Vec<_>>());
        }
    }
}
