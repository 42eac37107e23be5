//! `qsort`, `bsearch` and the Microsoft runtime's algorithm, called through the library.

use callbox::native::{bsearch, bsearch_records, msvcrt_qsort, msvcrt_qsort_records, qsort, qsort_records};
use callbox::{CType, Callback, CompareShape, Element, Error, ItemsError, Prototype};
use proptest::prelude::*;

use crate::support::{bundled_for, comparator, comparing, good, guest, sandbox};

/// Returns a callback of a bundled guest for elements of type `T`.
fn bundled<T: Element>(name: &str) -> Callback {
    bundled_for(name, &format!("compare_{name}"), T::CTYPE)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_sorters_do_what_slice_sort_does(numbers in proptest::collection::vec(-50i32..50, 0..300)) {
        let ascending = good("ascending", "compare");
        let mut expected = numbers.clone();
        expected.sort();
        let mut sorted = numbers.clone();
        qsort(&mut sorted, &ascending).unwrap();
        prop_assert_eq!(&sorted, &expected);
        let mut sorted = numbers;
        msvcrt_qsort(&mut sorted, &ascending).unwrap();
        prop_assert_eq!(&sorted, &expected);
    }

    #[test]
    fn records_of_any_width_are_sorted_by_their_bytes(
        width in 1usize..70,
        bytes in proptest::collection::vec(0u8..4, 0..2000),
    ) {
        let whole = bytes.len() / width * width;
        let mut expected: Vec<_> = bytes[..whole].chunks(width).collect();
        expected.sort();
        let expected = expected.concat();
        let by_bytes = sandbox().load("wat/good/bytes.wat").unwrap()
            .callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap();
        let mut sorted = bytes[..whole].to_vec();
        qsort_records(&mut sorted, width, &by_bytes).unwrap();
        prop_assert_eq!(&sorted, &expected);
        let mut sorted = bytes[..whole].to_vec();
        msvcrt_qsort_records(&mut sorted, width, &by_bytes).unwrap();
        prop_assert_eq!(&sorted, &expected);
    }

    #[test]
    fn bsearch_finds_what_is_there_and_nothing_else(
        mut numbers in proptest::collection::vec(-50i32..50, 0..60),
        key in -55i32..55,
    ) {
        numbers.sort();
        let found = bsearch(&key, &numbers, &good("ascending", "compare")).unwrap();
        match found {
            Some(at) => prop_assert_eq!(numbers[at], key),
            None => prop_assert!(!numbers.contains(&key)),
        }
    }

    /// Arbitrary answers: no element may be lost, and nothing may crash.
    #[test]
    fn whatever_is_answered_the_result_is_a_permutation_or_the_array_is_untouched(
        answers in proptest::collection::vec(-1i32..=1, 1..40),
        len in 0usize..120,
    ) {
        let table: String = answers.iter().map(|answer| format!("\\{:02x}", *answer as u8)).collect();
        let liar = guest(&format!(
            r#"(module
                (memory (export "memory") 1)
                (data (i32.const 0) "{table}")
                (global $at (mut i32) (i32.const 0))
                (func (export "compare") (param i32 i32) (result i32)
                    (global.set $at (i32.rem_u (i32.add (global.get $at) (i32.const 1)) (i32.const {})))
                    (i32.load8_s (global.get $at))))"#,
            answers.len(),
        )).callback("compare", comparator()).unwrap();
        let numbers: Vec<i32> = (0..len as i32).collect();
        for sort in [qsort::<i32>, msvcrt_qsort::<i32>] {
            let mut sorted = numbers.clone();
            match sort(&mut sorted, &liar) {
                Ok(()) => {
                    sorted.sort();
                    prop_assert_eq!(&sorted, &numbers);
                }
                Err(error) => {
                    prop_assert!(matches!(error, Error::OutOfBounds { .. }), "{}", error);
                    prop_assert_eq!(&sorted, &numbers);
                }
            }
        }
    }
}

#[test]
fn typed_arrays_of_every_scalar_are_sorted() {
    macro_rules! check {
        ($($t:ident $name:literal),*) => { $(
            let mut numbers = [3 as $t, 1 as $t, 2 as $t];
            qsort(&mut numbers, &bundled::<$t>($name)).unwrap();
            assert_eq!(numbers, [1 as $t, 2 as $t, 3 as $t]);
        )* };
    }
    check!(i32 "i32", i64 "i64", u32 "u32", u64 "u64", f32 "f32", f64 "f64");
}

#[test]
fn narrow_elements_go_to_a_comparator_of_a_wider_scalar() {
    let narrow = sandbox()
        .bundled("i64")
        .unwrap()
        .callback("compare_i64", Prototype::comparator(CType::Int16))
        .unwrap();
    let mut numbers = [300i16, -2, 0];
    qsort(&mut numbers, &narrow).unwrap();
    assert_eq!(numbers, [-2, 0, 300]);
}

#[test]
fn empty_and_single_arrays_are_sorted_without_asking() {
    let ascending = good("ascending", "compare");
    for sort in [qsort::<i32>, msvcrt_qsort::<i32>] {
        sort(&mut [], &ascending).unwrap();
        sort(&mut [7], &ascending).unwrap();
    }
    assert_eq!(bsearch(&1, &[], &ascending).unwrap(), None);
    assert_eq!(ascending.calls(), 0);
}

#[test]
fn bsearch_over_records_takes_the_width_of_its_key() {
    let by_bytes = sandbox().load("wat/good/bytes.wat").unwrap();
    let by_bytes = by_bytes.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap();
    assert_eq!(bsearch_records(b"cc", b"aabbccdd", &by_bytes).unwrap(), Some(2));
    assert_eq!(bsearch_records(b"xx", b"aabbccdd", &by_bytes).unwrap(), None);
    assert!(matches!(bsearch_records(b"", b"aa", &by_bytes), Err(Error::Items(ItemsError::Ragged { .. }))));
    assert!(matches!(
        bsearch_records(b"aa", b"aab", &by_bytes),
        Err(Error::Items(ItemsError::Ragged { .. }))
    ));
}

#[test]
fn a_failure_at_any_comparison_leaves_the_array_as_it_was() {
    let numbers = [5, 1, 7, 33, 99, 2, 8];
    for sort in [qsort::<i32>, msvcrt_qsort::<i32>] {
        for call in 1.. {
            let guest = comparing(&format!(
                "(if (i32.eq (global.get $calls) (i32.const {call})) (then unreachable))
                 (call $order (local.get $a) (local.get $b))"
            ));
            let callback = guest.callback("compare", comparator()).unwrap();
            let mut array = numbers;
            let Err(error) = sort(&mut array, &callback) else {
                assert!(call > 8, "only {call} comparisons");
                break;
            };
            assert!(matches!(error, Error::Trap { .. }), "{error}");
            assert_eq!(array, numbers);
            assert_eq!(callback.calls(), call, "the guest was asked again after its trap");
            assert_eq!(callback.failures(), 1);
        }
    }
}

#[test]
fn a_failing_bsearch_is_an_error_and_not_a_wrong_index() {
    let guest = comparing("unreachable");
    let traps = guest.callback("compare", comparator()).unwrap();
    assert!(matches!(bsearch(&1, &[1, 2, 3], &traps), Err(Error::Trap { .. })));
}

#[test]
fn of_an_answer_only_the_sign_counts() {
    for answer in [i32::MIN, -7, 0, 7, i32::MAX] {
        let constant = comparing(&format!("(i32.const {answer})")).callback("compare", comparator()).unwrap();
        let order = constant.compare(&[0; 4], &[0; 4]).unwrap();
        assert_eq!(order as i32, answer.signum());
    }
}

#[test]
fn one_budget_serves_all_comparisons_of_a_sort_and_the_next_sort_has_its_own() {
    let sandbox = callbox::Sandbox::new(callbox::Limits::default().fuel(2_000)).unwrap();
    let guest = sandbox.load("wat/good/ascending.wat").unwrap();
    let ascending = guest.callback("compare", comparator()).unwrap();
    for _ in 0..50 {
        qsort(&mut [3, 1, 2, 5, 4], &ascending).unwrap();
    }
    let mut many: Vec<i32> = (0..1000).rev().collect();
    let untouched = many.clone();
    let mut calls = Vec::new();
    for _ in 0..2 {
        let before = ascending.calls();
        let error = qsort(&mut many, &ascending).unwrap_err();
        assert_eq!(error.limit(), Some(callbox::Limit::Fuel), "{error}");
        assert_eq!(many, untouched);
        calls.push(ascending.calls() - before);
    }
    assert_eq!(calls[0], calls[1], "fuel is spent at the same call each time");
    qsort(&mut [2, 1], &ascending).unwrap();
}

#[test]
fn only_the_last_word_of_an_exports_name_states_a_sign() {
    let text = |export: &str| {
        format!(
            r#"(module (func (export "{export}") (param i64 i64) (result i32)
                (i32.sub (i64.gt_s (local.get 0) (local.get 1)) (i64.lt_s (local.get 0) (local.get 1)))))"#
        )
    };
    for export in ["user", "by_utf8", "by_user", "compare_u", "compare_i64"] {
        let guest = guest(&text(export));
        let compare = guest.callback_as(CompareShape::Scalars, export, Prototype::comparator(CType::Void));
        let mut numbers = [3_i64, -1, 2];
        qsort(&mut numbers, &compare.unwrap()).unwrap();
        assert_eq!(numbers, [-1, 2, 3], "{export}");
    }
    let unsigned = guest(&text("compare_u64"));
    let unsigned = unsigned.callback("compare_u64", Prototype::comparator(CType::Void)).unwrap();
    assert!(matches!(qsort(&mut [3_i64, -1], &unsigned), Err(Error::ElementMismatch { .. })));
    qsort(&mut [3_u64, 1], &unsigned).unwrap();
}
