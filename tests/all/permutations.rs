//! Permutations, ranks and places, against naive ones that the same order makes.

use std::cmp::Ordering;

use callbox::sort::{self, Items, Options, Side, Sorter};
use callbox::{CType, Callback, Error, ItemsError, Limits, Prototype, Sandbox};

use crate::support::{Random, bundled, comparing, liar, liars};

/// Returns runs of bytes with few different digits, some of them empty.
fn strings(random: &mut Random, count: usize) -> Vec<Vec<u8>> {
    let one = |random: &mut Random| {
        let len = random.below(4);
        (0..len).map(|_| b"019a."[random.below(5)]).collect()
    };
    (0..count).map(|_| one(random)).collect()
}

/// Returns runs of bytes in Arrow's layout.
fn arrow(strings: &[Vec<u8>]) -> (Vec<u8>, Vec<i32>) {
    let ends = strings.iter().scan(0, |end, string| {
        *end += string.len() as i32;
        Some(*end)
    });
    (strings.concat(), std::iter::once(0).chain(ends).collect())
}

fn by_version() -> Callback {
    bundled("version").comparator_for(CType::Void).unwrap()
}

#[test]
fn the_permutation_ranks_and_places_of_strings_are_the_naive_ones() {
    let compare = by_version();
    let mut random = Random(5);
    for (round, count) in [0, 1, 2, 40, 300, 6000].into_iter().enumerate() {
        let strings = strings(&mut random, count);
        let (bytes, offsets) = arrow(&strings);
        let long: Vec<u64> = offsets.iter().map(|offset| *offset as u64).collect();
        let order = |a: &[u8], b: &[u8]| compare.compare(a, b).unwrap();
        let mut naive: Vec<u32> = (0..count as u32).collect();
        naive.sort_by(|a, b| order(&strings[*a as usize], &strings[*b as usize]));
        for sorter in [Sorter::Qsort, Sorter::Auto, Sorter::Sandboxed] {
            let items = match round % 2 {
                0 => Items::offsets(&bytes, &offsets[..]).unwrap(),
                _ => Items::offsets(&bytes, &long[..]).unwrap(),
            };
            let options = Options::default().sorter(sorter).stable(true);
            assert_eq!(sort::argsort(&compare, &items, options.clone()).unwrap(), naive);
            let ranks = sort::rank(&compare, &items, options).unwrap();
            let mut rank = 0;
            for (place, number) in naive.iter().map(|at| *at as usize).enumerate() {
                let before = place.checked_sub(1).map(|before| &strings[naive[before] as usize]);
                let after = before.is_some_and(|before| order(before, &strings[number]).is_lt());
                rank += u32::from(after);
                assert_eq!(ranks[number], rank);
            }
        }
        let splitters: Vec<_> = naive.iter().step_by(7).map(|at| strings[*at as usize].clone()).collect();
        let (bytes_of_splitters, offsets_of_splitters) = arrow(&splitters);
        let splitter_items = Items::offsets(&bytes_of_splitters, &offsets_of_splitters[..]).unwrap();
        let items = Items::offsets(&bytes, &offsets[..]).unwrap();
        for side in [Side::Left, Side::Right] {
            let places = sort::search(&compare, &splitter_items, &items, side, Options::default()).unwrap();
            for (string, place) in strings.iter().zip(&places) {
                let before = |splitter: &&Vec<u8>| match order(splitter, string) {
                    Ordering::Less => true,
                    Ordering::Equal => side == Side::Right,
                    Ordering::Greater => false,
                };
                assert_eq!(splitters.iter().filter(before).count(), *place as usize);
            }
        }
    }
}

#[test]
fn a_permutation_of_borrowed_records_is_that_of_numbers() {
    let compare = bundled("i32").comparator_for(CType::Int32).unwrap();
    let mut random = Random(9);
    let numbers: Vec<i32> = (0..5000).map(|_| random.next() as i32 % 1000).collect();
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let items = Items::borrowed_records(&bytes, 4).unwrap();
    let mut naive: Vec<u32> = (0..5000).collect();
    naive.sort_by_key(|at| numbers[*at as usize]);
    for reverse in [false, true] {
        let options = Options::default().stable(true).reverse(reverse);
        let order = sort::argsort(&compare, &items, options.clone()).unwrap();
        if reverse {
            naive.sort_by_key(|at| std::cmp::Reverse(numbers[*at as usize]));
        }
        assert_eq!(order, naive);
        let least = numbers.iter().map(|number| if reverse { -number } else { *number }).min().unwrap();
        let ranks = sort::rank(&compare, &items, options).unwrap();
        let first = ranks.iter().position(|rank| *rank == 0).unwrap();
        assert_eq!(numbers[first], if reverse { -least } else { least });
    }
}

#[test]
fn numbers_are_sorted_in_the_sandbox_where_they_may_be_copied_and_by_c_where_not() {
    let numbers: Vec<u8> = (0..50_000_u32).rev().flat_map(u32::to_le_bytes).collect();
    for (array, in_sandbox) in [(1 << 30, true), (300_000, false)] {
        let sandbox = Sandbox::new(Limits::default().array(array).memory(100_000)).unwrap();
        let compare = sandbox.bundled("u32").unwrap().comparator_for(CType::UInt32).unwrap();
        let job = sort::Job::new(&compare, Options::default().sorter(Sorter::Auto));
        let mut items = Items::records(numbers.clone(), 4).unwrap();
        job.sort_in_place(&mut items).unwrap();
        assert_eq!(job.sorted_in_sandbox(), in_sandbox, "array {array}");
        assert!(items.iter().map(|item| u32::from_le_bytes(item.try_into().unwrap())).eq(0..50_000));
        let order = sort::argsort(
            &compare,
            &Items::borrowed_records(&numbers, 4).unwrap(),
            Options::default().sorter(Sorter::Auto),
        )
        .unwrap();
        assert!(order.into_iter().eq((0..50_000).rev()));
    }
}

#[test]
fn runs_of_bytes_can_be_sorted_in_place_as_well() {
    let mut items = Items::offsets(b"v10v9v1", &[0, 3, 5, 7][..]).unwrap();
    sort::Job::new(&by_version(), Options::default()).sort_in_place(&mut items).unwrap();
    assert_eq!(items.iter().collect::<Vec<_>>(), [b"v1", &b"v9"[..], b"v10"]);
}

#[test]
fn splitters_that_are_out_of_order_are_refused_and_named() {
    let lines = |text: &str| Items::lines(text.into(), b'\n').unwrap();
    let (splitters, items) = (lines("v1.2\nv1.10\nv1.9\n"), lines("v3\n"));
    let found = sort::search(&by_version(), &splitters, &items, Side::Left, Options::default());
    assert!(matches!(found, Err(Error::Items(ItemsError::Unsorted { at: 1, .. }))), "{found:?}");
    let message = found.unwrap_err().to_string();
    assert!(message.contains(r#"item 1 is after the next, comparing "v1.10" with "v1.9""#), "{message}");
    let backwards = Options::default().reverse(true);
    let downward = lines("v1.10\nv1.9\n");
    assert_eq!(sort::search(&by_version(), &downward, &items, Side::Left, backwards).unwrap(), [0]);
}

#[test]
fn a_liar_gets_a_permutation_and_places_within_bounds_or_an_error() {
    let bytes: Vec<u8> = (0..500_u32).rev().flat_map(u32::to_le_bytes).collect();
    let items = Items::borrowed_records(&bytes, 4).unwrap();
    let splitters = Items::borrowed_records(&bytes[..40], 4).unwrap();
    for file in liars() {
        let compare = liar(&file);
        for options in [Options::default(), Options::default().sorter(Sorter::Sandboxed)] {
            if let Ok(mut order) = sort::argsort(&compare, &items, options.clone()) {
                order.sort();
                assert_eq!(order, (0..500).collect::<Vec<_>>(), "{}", file.display());
            }
            if let Ok(ranks) = sort::rank(&compare, &items, options.clone()) {
                assert!(ranks.iter().all(|rank| *rank < 500), "{}", file.display());
            }
            if let Ok(places) = sort::search(&compare, &splitters, &items, Side::Right, options) {
                assert!(places.len() == 500 && places.iter().all(|place| *place <= 10), "{}", file.display());
            }
        }
    }
}

#[test]
fn runs_of_bytes_are_refused_by_comparators_of_elements_of_one_size() {
    let items = Items::offsets(b"v10v9", &[0, 3, 5][..]).unwrap();
    let by_pointers =
        comparing("(i32.const 0)").callback("compare", Prototype::comparator(CType::Void)).unwrap();
    let by_value = bundled("i32").comparator_for(CType::Int32).unwrap();
    for compare in [by_pointers, by_value] {
        let found = sort::argsort(&compare, &items, Options::default());
        assert!(matches!(found, Err(Error::ElementMismatch { .. })), "{found:?}");
        let found =
            sort::Job::new(&compare, Options::default()).check_contract(&items, &sort::Contract::default());
        assert!(matches!(found, Err(Error::ElementMismatch { .. })), "{found:?}");
    }
}

#[test]
fn a_guest_that_has_no_export_for_the_elements_is_told_which_to_add() {
    let error = comparing("(i32.const 0)").comparator_for(CType::Void).unwrap_err();
    assert_eq!(
        error.to_string(),
        "comparing: it exports no compare_bytes, to compare runs of bytes; it compares by compare"
    );
    let error = bundled("u32").comparator_for(CType::Int32).unwrap_err().to_string();
    assert_eq!(
        error,
        "u32: it exports no compare_i32 or compare, to compare int32_t; it compares by compare_u32"
    );
}
