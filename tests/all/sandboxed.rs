//! The sandboxed sorter and several threads, each against plain `qsort`, and with hostile guests.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::support::{
    ISOLATIONS, Random, bundled_for, by_low_bits, callbox, callbox_ok, comparing, good, guest, liar, liars,
    run,
};
use callbox::sort::{Items, Job, Options, Sorter, Verify};
use callbox::{CType, Callback, Error, Limit, Limits, Prototype, Sandbox};

/// Number of items that is enough for several threads to pay off.
const MANY: usize = 12_500;

pub(crate) fn options(sorter: Sorter, threads: usize) -> Options {
    Options::default().sorter(sorter).parallel(NonZeroUsize::new(threads).unwrap())
}

/// Sets the rules from the bits of a number below 8.
pub(crate) fn rules(bits: usize, options: Options) -> Options {
    options.reverse(bits & 1 != 0).stable(bits & 2 != 0).unique(bits & 4 != 0)
}

/// Checks that the order and the items themselves, by any sorter and number of threads, are those of the C
/// library's qsort on one thread.
fn same_as_qsort(callback: &Callback, items: &Items<'_>, all_rules: &[usize], ways: &[(Sorter, usize)]) {
    for &bits in all_rules {
        let plain = rules(bits, options(Sorter::Qsort, 1));
        let expected = Job::new(callback, plain.clone()).sort(items).unwrap().order;
        for &(sorter, threads) in ways {
            let options = rules(bits, options(sorter, threads));
            let order = Job::new(callback, options.clone()).sort(items).unwrap().order;
            assert!(order == expected, "{options:?}: the order differs");
            let mut moved = items.clone();
            Job::new(callback, options.clone()).sort_in_place(&mut moved).unwrap();
            let expected = expected.iter().map(|&at| items.get(at as usize));
            assert!(moved.iter().eq(expected), "{options:?}: the items differ");
        }
    }
}

const RESIDENT: &[(Sorter, usize)] = &[(Sorter::Sandboxed, 1), (Sorter::Qsort, 1)];
const THREADS: &[(Sorter, usize)] = &[
    (Sorter::Sandboxed, 1),
    (Sorter::Sandboxed, 2),
    (Sorter::Sandboxed, 3),
    (Sorter::Msvcrt, 2),
    (Sorter::Qsort, 4),
];

const ALL_RULES: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7];

/// Lengths around the special cases of the kernel: up to four items, and from 32 on.
const LENGTHS: [usize; 14] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 31, 32, 33, 150];

#[test]
fn numbers_of_every_type_are_sorted_as_qsort_sorts_them() {
    let mut random = Random(1);
    for (element, cores) in [
        (CType::Int8, &["i32", "i64"][..]),
        (CType::UInt8, &["i32", "i64"]),
        (CType::Int16, &["i32", "i64"]),
        (CType::UInt16, &["i32"]),
        (CType::Int32, &["i32", "i64"]),
        (CType::UInt32, &["i64"]),
        (CType::Int64, &["i64"]),
        (CType::UInt64, &["i64"]),
        (CType::Float, &["f32", "f64"]),
        (CType::Double, &["f64"]),
    ] {
        let width = element.size().unwrap();
        for core in cores {
            let export = format!("compare_{core}");
            let total = bundled_for(core, &export, element.clone());
            let ties =
                guest(&by_low_bits(core)).callback(&export, Prototype::comparator(element.clone())).unwrap();
            for len in LENGTHS {
                let byte = |_| [0, 255, random.next() as u8, random.next() as u8][random.below(4)];
                let items = Items::records((0..len * width).map(byte).collect(), width).unwrap();
                same_as_qsort(&ties, &items, ALL_RULES, RESIDENT);
                same_as_qsort(&total, &items, &[0, 1], RESIDENT);
            }
        }
    }
}

#[test]
fn lines_are_sorted_as_qsort_sorts_them() {
    let mut random = Random(7);
    for name in ["bytes", "fold", "version"] {
        let callback = bundled_for(name, "compare_bytes", CType::Void);
        for len in LENGTHS {
            let mut text = random.lines(len, 6, &["a", "A", "b", "B", "0", "1", "2", "."]);
            if len % 2 == 1 {
                text.pop(); // the last line lacks its separator
            }
            same_as_qsort(&callback, &Items::lines(text, b'\n').unwrap(), ALL_RULES, RESIDENT);
        }
    }
}

#[test]
fn records_are_sorted_as_qsort_sorts_them() {
    let mut random = Random(9);
    let order = comparing("(call $order (local.get $a) (local.get $b))");
    let pointers = order.callback("compare", Prototype::comparator(CType::Void)).unwrap();
    let slices = bundled_for("fold", "compare_bytes", CType::Void);
    for width in [4, 5, 8, 64, 100] {
        for len in LENGTHS {
            let bytes = (0..len * width).map(|_| (random.next() % 3) as u8).collect();
            let items = Items::records(bytes, width).unwrap();
            same_as_qsort(&pointers, &items, ALL_RULES, RESIDENT);
            same_as_qsort(&slices, &items, &[0, 3], RESIDENT);
        }
    }
}

#[test]
fn any_number_of_threads_sorts_as_one_does() {
    let mut random = Random(11);
    let numbers: Vec<u8> = (0..MANY * 4).map(|_| (random.next() % 5) as u8).collect();
    let numbers = Items::records(numbers, 4).unwrap();
    same_as_qsort(&bundled_for("i32", "compare_i32", CType::Int32), &numbers, &[0, 3], THREADS);
    let lines = random.lines(MANY, 6, &["a", "A", "1", "10", ".", "-", "b", ""]);
    let lines = Items::lines(lines, b'\n').unwrap();
    same_as_qsort(&bundled_for("fold", "compare_bytes", CType::Void), &lines, &[0, 2, 5], THREADS);
}

#[test]
fn the_same_job_asks_the_same_number_of_questions_and_uses_the_same_fuel() {
    let mut random = Random(5);
    let bytes: Vec<u8> = (0..MANY * 4).map(|_| random.next() as u8).collect();
    let items = Items::records(bytes, 4).unwrap();
    let callback = good("ascending", "compare");
    for threads in [1, 3] {
        let figures = || {
            let job = Job::new(&callback, options(Sorter::Sandboxed, threads));
            job.sort(&items).unwrap();
            (job.comparisons(), job.fuel_used())
        };
        assert_eq!(figures(), figures());
        assert!(figures().0 > MANY as u64);
    }
}

#[test]
fn the_number_of_questions_told_is_the_number_that_the_guest_was_asked() {
    // The guest traps after a given number of comparisons, and so counts them.
    for len in [0_u32, 1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 100, 1000] {
        let numbers = (0..len).map(|n| n.wrapping_mul(0x9e37_79b9));
        let items = Items::records(numbers.flat_map(u32::to_le_bytes).collect(), 4).unwrap();
        let asked = |most: u64| {
            let body = format!(
                "(if (i32.gt_u (global.get $calls) (i32.const {most})) (then unreachable))
                 (call $order (local.get $a) (local.get $b))"
            );
            let callback = comparing(&body).callback("compare", crate::support::comparator()).unwrap();
            let options = options(Sorter::Sandboxed, 1).verify(Verify::Off);
            let job = Job::new(&callback, options);
            job.sort(&items).map(|_| job.comparisons())
        };
        let told = asked(u32::MAX.into()).unwrap();
        assert_eq!(asked(told).unwrap(), told, "{len}");
        if told > 0 {
            assert!(matches!(asked(told - 1), Err(Error::Trap { .. })), "{len}");
        }
    }
}

#[test]
fn what_is_in_order_is_left_in_peace() {
    let callback = bundled_for("i32", "compare_i32", CType::Int32);
    let questions = |numbers: Vec<u32>| {
        let items = Items::records(numbers.into_iter().flat_map(u32::to_le_bytes).collect(), 4).unwrap();
        let job = Job::new(&callback, options(Sorter::Sandboxed, 1));
        job.sort(&items).unwrap();
        job.comparisons()
    };
    let n = 10_000;
    assert_eq!(questions((0..n).collect()), u64::from(n) - 1);
    assert_eq!(questions(vec![7; n as usize]), u64::from(n) - 1);
    // Descending, and ascending with a few new items behind: far fewer than n log n.
    assert!(questions((0..n).rev().collect()) < 6 * u64::from(n));
    assert!(questions((0..n).chain([5, 3, 9]).collect()) < 8 * u64::from(n));
}

fn is_permutation(order: &[u32], len: usize) -> bool {
    let mut sorted = order.to_vec();
    sorted.sort();
    sorted.into_iter().eq(0..len as u32)
}

#[test]
fn a_liar_gets_a_permutation_or_is_found_out() {
    let mut found_out = 0;
    for file in liars() {
        let callback = liar(&file);
        // The Microsoft C runtime's qsort takes quadratic time for some liars.
        let of_c = (!cfg!(windows)).then_some((Sorter::Qsort, 2));
        let inside = [(Sorter::Sandboxed, 1), (Sorter::Sandboxed, 2), (Sorter::Sandboxed, 3)];
        for (sorter, threads) in inside.into_iter().chain(of_c) {
            let many = if threads > 1 {
                vec![MANY]
            } else {
                vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 100, 1000]
            };
            for len in many {
                let bytes = (0..len as u32).flat_map(|n| n.wrapping_mul(0x3000_0001).to_le_bytes()).collect();
                let mut items = Items::records(bytes, 4).unwrap();
                let before = items.clone();
                for bits in 0..4 {
                    let options = rules(bits, options(sorter, threads));
                    match Job::new(&callback, options.clone()).sort(&items) {
                        Ok(sorted) => assert!(is_permutation(&sorted.order, len), "{}", file.display()),
                        Err(error) => {
                            found_out += 1;
                            assert!(
                                matches!(error, Error::Contradiction { .. }),
                                "{}: {error}",
                                file.display()
                            );
                        }
                    }
                    if Job::new(&callback, options).sort_in_place(&mut items).is_err() {
                        assert!(items.iter().eq(before.iter()), "{}: the items have changed", file.display());
                    }
                    items = before.clone();
                }
            }
        }
    }
    assert!(found_out > 10, "{found_out}");
}

/// A comparator by value with pseudo-random answers, so short that the kernel inlines it.
const SCRAMBLED: &str = r#"(module (func (export "compare_i32") (param i32 i32) (result i32)
    local.get 0 i32.const -1640531527 i32.mul local.get 1 i32.const 97 i32.mul i32.xor i32.const 5 i32.rotl
    i32.const 3 i32.and i32.const 1 i32.sub))"#;

#[test]
fn a_liar_that_the_kernel_takes_in_is_found_out_and_numbers_are_not_lost() {
    let callback = guest(SCRAMBLED).callback("compare_i32", crate::support::comparator()).unwrap();
    let mut found_out = 0;
    for len in 0..300_u32 {
        let bytes: Vec<u8> = (0..len).flat_map(|n| n.wrapping_mul(0x1234_5677).to_le_bytes()).collect();
        let mut items = Items::records(bytes.clone(), 4).unwrap();
        match Job::new(&callback, options(Sorter::Sandboxed, 1)).sort_in_place(&mut items) {
            Ok(()) => {
                let sorted = |items: &Items<'_>| {
                    let mut all: Vec<_> = items.iter().map(<[u8]>::to_vec).collect();
                    all.sort();
                    all
                };
                assert_eq!(sorted(&items), sorted(&Items::records(bytes, 4).unwrap()));
            }
            Err(Error::Contradiction { .. }) => {
                found_out += 1;
                assert!(items.iter().flatten().eq(&bytes));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(found_out > 100, "{found_out}");
}

#[test]
fn a_short_comparator_answers_the_kernel_as_it_answers_a_call() {
    // Each body runs twice; a global keeps the kernel from inlining the second one.
    let bodies = [
        "local.get 0 local.get 1 i32.gt_s local.get 0 local.get 1 i32.lt_s i32.sub",
        "local.get 0 local.get 1 i32.sub",
        // A local that is zero in each call, whatever the previous call left in it.
        "(local i32) local.get 2 local.get 0 local.get 1 i32.gt_s local.get 0 local.get 1 i32.lt_s i32.sub
         i32.add (local.set 2 (i32.const 5))",
        "(if (i32.eq (local.get 0) (local.get 1)) (then (return (i32.const 0))))
         (block (br_if 0 (i32.lt_s (local.get 0) (local.get 1))) (return (i32.const 1))) (i32.const -1)",
        "(local i32) local.get 0 local.get 1 i32.xor local.tee 2 i32.clz i32.const 16 i32.lt_u
         (if (result i32) (then local.get 0 local.get 1 i32.lt_u i32.const 1 i32.shl i32.const 1 i32.sub
         i32.const 0 i32.sub) (else (local.set 2 (i32.const 9)) i32.const 0))",
        "(block (block (block (br_table 0 1 2 (i32.and (i32.sub (local.get 0) (local.get 1)) (i32.const 3))))
         (return (i32.const 0))) (return (i32.const 1))) (i32.const -1)",
    ];
    let mut random = Random(3);
    for body in bodies {
        for len in [2, 3, 4, 5, 50, 500] {
            let bytes: Vec<u8> = (0..len * 4).map(|_| (random.next() % 7) as u8).collect();
            let outcome = |extra: &str, more: &str| {
                let wat = format!(
                    r#"(module (global $g (mut i32) (i32.const 0)) {extra}
                        (func (export "compare_i32") (param i32 i32) (result i32) {body} {more}))"#
                );
                let callback = guest(&wat).callback("compare_i32", crate::support::comparator()).unwrap();
                let mut items = Items::records(bytes.clone(), 4).unwrap();
                let job = Job::new(&callback, options(Sorter::Sandboxed, 1));
                let outcome = job.sort_in_place(&mut items).map_err(|error| error.to_string());
                (outcome, job.comparisons(), items.iter().flatten().copied().collect::<Vec<_>>())
            };
            let called = outcome("", "(global.set $g (i32.const 1))");
            assert_eq!(outcome("", ""), called, "{body}");
        }
    }
}

#[test]
fn the_sandboxed_sorter_keeps_to_the_budget() {
    let numbers = (0..10_000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes());
    let items = Items::records(numbers.collect(), 4).unwrap();
    let with = |limits: Limits, body: &str, threads: usize| {
        let guest = crate::support::comparing_in(&Sandbox::new(limits).unwrap(), body);
        let callback = guest.callback("compare", crate::support::comparator()).unwrap();
        Job::new(&callback, options(Sorter::Sandboxed, threads)).sort(&items).unwrap_err().limit()
    };
    let order = "(call $order (local.get $a) (local.get $b))";
    for threads in [1, 2] {
        let fuel = Limits::default().fuel(100_000);
        assert_eq!(with(fuel, order, threads), Some(Limit::Fuel));
        let deadline = Limits::default().deadline(Duration::from_millis(200));
        assert_eq!(with(deadline, "(loop (br 0)) (unreachable)", threads), Some(Limit::Deadline));
        let memory = Limits::default().memory(64 << 10);
        assert_eq!(with(memory, order, threads), Some(Limit::Memory));
    }
    // Short comparisons, but too many of them.
    let slow = "(i32.store (i32.const 0) (i32.const 0))
        (loop (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
            (br_if 0 (i32.lt_u (i32.load (i32.const 0)) (i32.const 100000))))
        (call $order (local.get $a) (local.get $b))";
    assert_eq!(with(Limits::default().deadline(Duration::from_millis(300)), slow, 1), Some(Limit::Deadline));
}

#[test]
fn a_trap_under_the_kernel_is_the_guests_with_the_guests_frames_only() {
    let body = "(if (i32.eq (global.get $calls) (i32.const 7)) (then unreachable)) \
        (call $order (local.get $a) (local.get $b))";
    let callback = comparing(body).callback("compare", crate::support::comparator()).unwrap();
    let items = Items::records((0..40_u8).rev().collect(), 4).unwrap();
    let error = Job::new(&callback, options(Sorter::Sandboxed, 1)).sort(&items).unwrap_err();
    let Error::Trap { trap, source, .. } = &error else { panic!("{error}") };
    assert!(trap.contains("unreachable"), "{error}");
    assert_eq!(source.frames.len(), 1, "{source}");
}

#[test]
fn a_guest_that_overwrites_what_it_is_shown_changes_nothing_but_the_order() {
    let body = "(memory.fill (i32.const 65536) (i32.const 255) (i32.const 1000)) \
        (i32.store (local.get $a) (i32.const 7))
        (i32.store (local.get $b) (i32.const 8)) (i32.const 1)";
    let callback = comparing(body).callback("compare", crate::support::comparator()).unwrap();
    for len in [2, 5, 100, 1000] {
        let items = Items::records((0..len * 4).map(|n| n as u8).collect(), 4).unwrap();
        for bits in 0..4 {
            let options = rules(bits, options(Sorter::Sandboxed, 1));
            match Job::new(&callback, options).sort(&items) {
                Ok(sorted) => assert!(is_permutation(&sorted.order, len)),
                Err(error) => assert!(matches!(error, Error::Contradiction { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn an_empty_line_at_the_very_end_of_the_guests_memory_is_a_line_like_others() {
    let callback = bundled_for("bytes", "compare_bytes", CType::Void);
    for pages in 1..=3 {
        // All lines but for the last end fill the pages that are added for them.
        let mut text = b"a line\n".repeat((pages << 16) / 7 - 1);
        text.resize((pages << 16) - 1, b'x');
        text.extend(b"\n\n");
        let items = Items::lines(text, b'\n').unwrap();
        assert!(items.get(items.len() - 1).is_empty());
        same_as_qsort(&callback, &items, &[0, 2], &[(Sorter::Sandboxed, 1), (Sorter::Sandboxed, 2)]);
    }
}

#[test]
fn as_many_threads_as_processors_sort_by_default_where_that_pays() {
    let dir = tempfile::tempdir().unwrap();
    let processors = std::thread::available_parallelism().unwrap().get().min(8);
    // The parts of several threads take other comparisons than the whole.
    for (len, threads) in [(10_000, 1), (100_000, processors)] {
        let file = dir.path().join("input");
        std::fs::write(&file, Random(9).lines(len, 1, &["", "a", "b", "c", "d", "e", "f", "g"])).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().len() <= 64 << 10, len == 10_000);
        let comparisons = |more: &[&str]| {
            let args = ["sort", "--sorter=sandboxed", "--stats=json", "bytes"];
            let output = run(callbox().args(args).args(more).arg(&file), b"");
            let json: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
            json["comparisons"].as_u64().unwrap()
        };
        assert_eq!(comparisons(&[]), comparisons(&["--parallel", &threads.to_string()]), "{len}");
    }
}

#[test]
fn the_command_line_sorts_in_any_way_that_is_asked_for() {
    let input = Random(2).lines(10_000, 5, &["a", "B", "9", "10", ".", "-"]);
    let expected = callbox_ok(&["sort", "version"], &input);
    for more in [
        &["--sorter", "sandboxed"][..],
        &["--sorter=sandboxed", "--parallel=2"],
        &["--parallel", "3"],
        &["--sorter=msvcrt", "--parallel=2"],
    ] {
        for isolate in ISOLATIONS {
            let args = [&["sort", "version"], more, isolate].concat();
            assert!(callbox_ok(&args, &input) == expected, "{args:?}");
        }
    }
}
