//! Comparators that contradict themselves, and the check of a sort's result that finds them out.

use std::fs;
use std::path::Path;

use callbox::bundled::BUNDLED;
use callbox::sort::{Items, Job, Key, Options, Sorter, Verify};
use callbox::{CType, Callback, ContradictionError, Error, Guest, Limit, Limits, Prototype, Sandbox, native};

use crate::sandboxed::{options, rules};
use crate::sorters::library;
use crate::support::{
    Random, bundled_for, callbox, callbox_ok, comparator, guest, liars, lies_in_order, run,
};

/// A guest that compares keys below 10,000 by this body, which may use `$a`, `$b`, `$order`, `$mix` and
/// `$calls`: 32-bit numbers by value and by pointers, and lines that are four digits.
fn text(body: &str) -> String {
    format!(
        r#"(module
            (memory (export "memory") 1)
            (global $calls (mut i32) (i32.const 0))
            (global $first (mut i32) (i32.const -1))
            (func $order (param $a i32) (param $b i32) (result i32)
                (i32.sub (i32.gt_s (local.get $a) (local.get $b)) (i32.lt_s (local.get $a) (local.get $b))))
            (func $mix (param $a i32) (param $b i32) (result i32)
                (local.set $a (i32.mul (i32.xor (local.get $a)
                    (i32.rotl (i32.mul (local.get $b) (i32.const 0x9e3779b1)) (i32.const 15)))
                    (i32.const 0x85ebca6b)))
                (local.set $a (i32.mul (i32.xor (local.get $a) (i32.shr_u (local.get $a) (i32.const 13)))
                    (i32.const 0xc2b2ae35)))
                (i32.xor (local.get $a) (i32.shr_u (local.get $a) (i32.const 16))))
            (func $lie (param $a i32) (param $b i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                {body})
            (func $key (param $at i32) (result i32) (local $end i32) (local $key i32)
                (local.set $end (i32.add (local.get $at) (i32.const 4)))
                (loop $next
                    (local.set $key (i32.add (i32.mul (local.get $key) (i32.const 10))
                        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
                (local.get $key))
            (func (export "compare_i32") (param i32 i32) (result i32)
                (call $lie (local.get 0) (local.get 1)))
            (func (export "compare") (param i32 i32) (result i32)
                (call $lie (i32.load (local.get 0)) (i32.load (local.get 1))))
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
                (call $lie (call $key (local.get 0)) (call $key (local.get 2)))))"#
    )
}

const HONEST: &str = "(call $order (local.get $a) (local.get $b))";

/// Lies, each with a name, by comparators that depend on their two items only.
fn pure() -> Vec<(&'static str, String)> {
    // Lies where a condition holds, by an answer turned round.
    let unless =
        |condition: &str| format!("(i32.mul {HONEST} (select (i32.const -1) (i32.const 1) {condition}))");
    let distance = "(select (i32.sub (local.get $a) (local.get $b)) (i32.sub (local.get $b) (local.get $a))
        (i32.gt_s (local.get $a) (local.get $b)))";
    let pair = "(call $mix
        (select (local.get $a) (local.get $b) (i32.lt_s (local.get $a) (local.get $b)))
        (select (local.get $b) (local.get $a) (i32.lt_s (local.get $a) (local.get $b))))";
    let involves = |key: u32| {
        format!(
            "(i32.or (i32.eq (local.get $a) (i32.const {key})) (i32.eq (local.get $b) (i32.const {key})))"
        )
    };
    vec![
        ("always less", "(i32.const -1)".into()),
        ("always greater", "(i32.const 1)".into()),
        (
            "cyclic",
            "(i32.sub (i32.rem_s (i32.add (i32.rem_s (i32.sub (local.get $a) (local.get $b)) (i32.const 3)) \
             (i32.const 4)) (i32.const 3)) (i32.const 1))"
                .into(),
        ),
        (
            "overflowing",
            "(i32.sub (i32.mul (local.get $a) (i32.const 429496)) \
             (i32.mul (local.get $b) (i32.const 429496)))"
                .into(),
        ),
        (
            "by a hash of the pair",
            "(i32.sub (i32.and (i32.shl (call $mix (local.get $a) (local.get $b)) (i32.const 1)) \
             (i32.const 2)) (i32.const 1))"
                .into(),
        ),
        ("one pair in 100", unless(&format!("(i32.eqz (i32.rem_u {pair} (i32.const 100)))"))),
        (
            "one pair in 100, one way",
            unless("(i32.eqz (i32.rem_u (call $mix (local.get $a) (local.get $b)) (i32.const 100)))"),
        ),
        ("pairs far apart", unless(&format!("(i32.gt_s {distance} (i32.const 8000))"))),
        (
            "pairs near each other",
            unless(&format!(
                "(i32.and (i32.lt_s {distance} (i32.const 100)) (i32.and {pair} (i32.const 1)))"
            )),
        ),
        ("the first item", unless(&format!("(i32.and {} (i32.and {pair} (i32.const 1)))", involves(0)))),
        ("the last item", unless(&format!("(i32.and {} (i32.and {pair} (i32.const 1)))", involves(9999)))),
        ("an item equal to all", format!("(i32.mul {HONEST} (i32.eqz {}))", involves(5000))),
        ("what is near is equal", format!("(i32.mul {HONEST} (i32.gt_s {distance} (i32.const 25)))")),
        ("greater or not", "(i32.gt_s (local.get $a) (local.get $b))".into()),
    ]
}

/// Comparators whose answers depend on earlier questions.
fn stateful() -> Vec<(&'static str, String)> {
    let from = |calls: u32| {
        format!(
            "(i32.mul {HONEST} (select (i32.const -1) (i32.const 1) \
             (i32.gt_u (global.get $calls) (i32.const {calls}))))"
        )
    };
    vec![
        (
            "alternating",
            "(i32.sub (i32.and (i32.shl (global.get $calls) (i32.const 1)) (i32.const 2)) (i32.const 1))"
                .into(),
        ),
        ("reversed from the 17th call", from(16)),
        ("reversed from the 1,001st call", from(1000)),
        (
            "honest from the 501st call",
            format!(
                "(if (i32.lt_u (global.get $calls) (i32.const 501)) (then (return (i32.sub (i32.and (i32.shl
                 (call $mix (global.get $calls) (i32.const 1)) (i32.const 1)) (i32.const 2)) (i32.const 1)))))
                 {HONEST}"
            ),
        ),
        (
            "in the order of the first question",
            "(if (i32.lt_s (global.get $first) (i32.const 0)) (then (global.set $first (i32.rem_u \
                 (call $mix (local.get $a) (local.get $b)) (i32.const 10000)))))
                 (i32.sub (i32.lt_u (i32.xor (local.get $b) (global.get $first))
                            (i32.xor (local.get $a) (global.get $first)))
                          (i32.gt_u (i32.xor (local.get $b) (global.get $first))
                            (i32.xor (local.get $a) (global.get $first))))"
                .into(),
        ),
    ]
}

/// Returns items with these keys, of each kind with a callback of the guest that compares them.
fn inputs(guest: &Guest, keys: &[u32]) -> [(Callback, Items<'static>); 3] {
    let numbers: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
    let lines: String = keys.iter().map(|key| format!("{key:04}\n")).collect();
    let [numbers, lines] =
        [Items::records(numbers, 4), Items::lines(lines.into(), b'\n')].map(Result::unwrap);
    let scalar = guest.callback("compare_i32", Prototype::comparator(CType::Int32)).unwrap();
    let pointers = guest.callback("compare", comparator()).unwrap();
    let slices = guest.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap();
    [(scalar, numbers.clone()), (pointers, numbers), (slices, lines)]
}

/// Returns keys in random order, 0, 5000 and 9999 among them.
fn keys(random: &mut Random, len: usize) -> Vec<u32> {
    let mut keys: Vec<_> = (0..len).map(|_| random.below(10_000) as u32).collect();
    for key in [0, 5000, 9999] {
        let at = random.below(len);
        keys[at] = key;
    }
    keys
}

/// The sorters, on one thread.
fn sorters() -> Vec<Sorter> {
    let mut sorters = vec![Sorter::Qsort, Sorter::Msvcrt, Sorter::Sandboxed];
    if let Some((_dir, library)) = library() {
        // SAFETY: the function has qsort's signature, and keeps to its array whatever the answers.
        #[allow(unsafe_code, reason = "loads a library of the tests")]
        let function = unsafe { native::SortFunction::load(library.to_str().unwrap(), "insertion") };
        sorters.push(Sorter::Library(function.unwrap()));
    }
    sorters
}

/// Sorts in both ways; the items are unchanged where it fails. Returns the failures.
fn sort(callback: &Callback, options: &Options, items: &Items<'_>) -> [Result<(), Error>; 2] {
    let mut moved = items.clone();
    let in_place = Job::new(callback, options.clone()).sort_in_place(&mut moved);
    if in_place.is_err() {
        assert!(moved.iter().eq(items.iter()), "{options:?}: the items have changed");
    }
    [Job::new(callback, options.clone()).sort(items).map(|_| ()), in_place]
}

/// Checks that the error tells a lie of this kind, and names two items.
fn is_told(error: &Error, keeps_state: bool) -> bool {
    let Error::Contradiction(found) = error else { return false };
    let kept = matches!(found, ContradictionError::KeepsState { .. });
    kept == keeps_state && !matches!(found, ContradictionError::NoOrder { .. })
}

#[test]
fn every_lie_is_told_by_every_sorter_under_every_rule() {
    let (keys, mut sorters) = (keys(&mut Random(1), 300), sorters());
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        // The sort of another C library may make an order of some lies that their answers agree with.
        sorters.retain(|sorter| !matches!(sorter, Sorter::Qsort));
    }
    let mut missed = Vec::new();
    let lies =
        pure().into_iter().map(|lie| (lie, false)).chain(stateful().into_iter().map(|lie| (lie, true)));
    for ((lie, body), keeps_state) in lies {
        let guest = guest(&text(&body));
        for (callback, items) in inputs(&guest, &keys) {
            for &sorter in &sorters {
                let all = matches!(sorter, Sorter::Qsort | Sorter::Sandboxed);
                for bits in (0..8).filter(|bits| all || [0, 6].contains(bits)) {
                    let options = rules(bits, options(sorter, 1));
                    for outcome in sort(&callback, &options, &items) {
                        let told = outcome.as_ref().is_err_and(|error| is_told(error, keeps_state));
                        if !told {
                            missed.push(format!("{lie}, {}, {options:?}: {outcome:?}", callback.export()));
                        }
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn every_lie_is_told_by_sorts_on_several_threads() {
    let keys = keys(&mut Random(2), 9000);
    for (lie, body) in [&pure()[2..8], &stateful()].concat() {
        let guest = guest(&text(&body));
        for (callback, items) in inputs(&guest, &keys) {
            for sorter in [Sorter::Qsort, Sorter::Sandboxed] {
                for outcome in sort(&callback, &rules(0, options(sorter, 2)), &items) {
                    let told = outcome.is_err_and(|error| matches!(error, Error::Contradiction(_)));
                    assert!(told, "{lie}, {}, {sorter:?}", callback.export());
                }
            }
        }
    }
}

#[test]
fn a_comparator_that_some_order_fits_is_no_liar() {
    let bodies = [
        HONEST,
        "(i32.const 0)",
        "(i32.sub (i32.const 0) (call $order (local.get $a) (local.get $b)))",
        // Ties.
        "(call $order (i32.shr_u (local.get $a) (i32.const 8)) (i32.shr_u (local.get $b) (i32.const 8)))",
        "(call $order (i32.and (local.get $a) (i32.const 7)) (i32.and (local.get $b) (i32.const 7)))",
        // State that no answer depends on.
        "(i32.mul (i32.const 1000000) (call $order (local.get $a) (local.get $b)))",
    ];
    let sorters = sorters();
    for len in [0, 1, 2, 3, 46, 120] {
        let keys = if len < 3 { vec![7; len] } else { keys(&mut Random(len as u64), len) };
        for body in bodies {
            for (callback, items) in inputs(&guest(&text(body)), &keys) {
                for &sorter in &sorters {
                    for bits in [0, 3, 4, 6] {
                        let verify = if len == 120 { Verify::Sample } else { Verify::Full };
                        let options = rules(bits, options(sorter, 1)).verify(verify);
                        for outcome in sort(&callback, &options, &items) {
                            let name = callback.export();
                            outcome.unwrap_or_else(|error| panic!("{body}, {name}, {options:?}: {error}"));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn by_several_keys_every_pair_of_many_is_asked_about_by_the_key_that_decides() {
    let high =
        "(call $order (i32.shr_u (local.get $a) (i32.const 6)) (i32.shr_u (local.get $b) (i32.const 6)))";
    let is = |name, key| format!("(i32.eq (local.get {name}) (i32.const {key}))");
    let pair = |a, b| format!("(i32.and {} {})", is("$a", a), is("$b", b));
    let lies = |[a, b]: [u32; 2]| {
        let about = format!("(i32.or {} {})", pair(a, b), pair(b, a));
        format!("(i32.mul {HONEST} (select (i32.const -1) (i32.const 1) {about}))")
    };
    let keys: Vec<_> = (0..700).collect();
    // The second key decides about the first pair only: the first key tells the others apart.
    for (pair, told) in [([130, 180], true), ([100, 500], false)] {
        let [first, second] = [high, &lies(pair)].map(|body| inputs(&guest(&text(body)), &keys));
        for ((first, items), (second, _)) in first.into_iter().zip(second) {
            for bits in [0, 1, 2, 3, 4, 6] {
                let options = rules(bits, options(Sorter::Qsort, 1)).verify(Verify::Full);
                let by = [Key::new(&first).reverse(bits % 2 == 1), Key::new(&second)];
                let outcome = Job::by_keys(by, options).sort(&items);
                assert_eq!(outcome.as_ref().is_err_and(|error| is_told(error, false)), told, "{outcome:?}");
                assert_eq!(outcome.is_err(), told);
            }
        }
    }
}

#[test]
fn many_items_that_some_order_fits_pass_a_full_check() {
    for body in [
        HONEST,
        "(i32.const 0)",
        "(call $order (i32.and (local.get $a) (i32.const 7)) (i32.and (local.get $b) (i32.const 7)))",
    ] {
        for (callback, items) in inputs(&guest(&text(body)), &keys(&mut Random(1), 600)) {
            for bits in 0..8 {
                let options = rules(bits, options(Sorter::Qsort, 1)).verify(Verify::Full);
                for outcome in sort(&callback, &options, &items) {
                    outcome.unwrap_or_else(|error| {
                        panic!("{body}, {}, {options:?}: {error}", callback.export())
                    });
                }
            }
        }
    }
}

#[test]
fn no_bundled_guest_is_taken_for_a_liar() {
    let mut random = Random(3);
    let pieces = [
        "a",
        "B",
        "0",
        "1",
        "10",
        "007",
        ".",
        "-",
        "+",
        "~",
        " ",
        "\t",
        "K",
        "Gi",
        "jan",
        "Feb",
        "v1.2.3-rc.1+b",
        "10.0.0.1/8",
        "255.255.255.256",
        "\u{e9}",
        "e5",
        "99999999999999999999",
        "\0",
    ];
    let check = |callback: &Callback, items: &Items<'_>, name: &str| {
        for bits in 0..8 {
            for (sorter, verify) in [
                (Sorter::Qsort, Verify::Full),
                (Sorter::Sandboxed, Verify::Sample),
                (Sorter::Msvcrt, Verify::Sample),
            ] {
                let options = rules(bits, options(sorter, 1)).verify(verify);
                for outcome in sort(callback, &options, items) {
                    outcome.unwrap_or_else(|error| panic!("{name}, {options:?}: {error}"));
                }
            }
        }
    };
    for guest in BUNDLED {
        let Some(ctype) = number(guest.name) else {
            let callback = bundled_for(guest.name, "compare_bytes", CType::Void);
            for len in [40, 120] {
                let mut text = random.lines(len, 6, &pieces);
                for _ in 0..20 {
                    let at = random.below(text.len());
                    text[at] = random.next() as u8; // invalid UTF-8, mostly
                }
                check(&callback, &Items::lines(text, b'\n').unwrap(), guest.name);
            }
            continue;
        };
        let width = ctype.size().unwrap();
        let callback = bundled_for(guest.name, &format!("compare_{}", guest.name), ctype);
        for len in [40, 120] {
            // NaNs, infinities, zeros of both signs and subnormals are among these.
            let byte = |_| [0, 0x7f, 0x80, 0xf0, 0xff, random.next() as u8][random.below(6)];
            let bytes = (0..len * width).map(byte).collect();
            check(&callback, &Items::records(bytes, width).unwrap(), guest.name);
        }
    }
}

/// Returns the type that a bundled guest compares; `None` for lines.
fn number(guest: &str) -> Option<CType> {
    Some(match guest {
        "i32" => CType::Int32,
        "i64" => CType::Int64,
        "u32" => CType::UInt32,
        "u64" => CType::UInt64,
        "f32" => CType::Float,
        "f64" => CType::Double,
        _ => return None,
    })
}

/// Returns a comparator by value that lies about one pair in `every`.
fn seldom(every: u32) -> Callback {
    let pair = "(call $mix
        (select (local.get $a) (local.get $b) (i32.lt_s (local.get $a) (local.get $b)))
        (select (local.get $b) (local.get $a) (i32.lt_s (local.get $a) (local.get $b))))";
    let lies = format!("(i32.eqz (i32.rem_u {pair} (i32.const {every})))");
    let body = format!("(i32.mul {HONEST} (select (i32.const -1) (i32.const 1) {lies}))");
    inputs(&guest(&text(&body)), &[])[0].0.clone()
}

#[test]
fn a_thousand_pairs_find_a_lie_about_one_pair_in_300_in_96_of_100_sorts() {
    let callback = seldom(300);
    let mut random = Random(4);
    let runs = 300;
    for in_order in [true, false] {
        let told = (0..runs).filter(|_| {
            // Other numbers are other pairs to lie about.
            let mut numbers: Vec<_> = (0..600).map(|_| (random.next() >> 33) as u32).collect();
            if in_order {
                numbers.sort(); // the sort asks about neighbours only
            }
            let items = Items::records(numbers.into_iter().flat_map(u32::to_le_bytes).collect(), 4).unwrap();
            Job::new(&callback, options(Sorter::Sandboxed, 1)).sort(&items).is_err()
        });
        let told = told.count() * 100 / runs;
        assert!(told >= 93, "{told} of 100");
    }
}

#[test]
fn a_full_check_finds_a_lie_about_one_pair() {
    let between = |a: u32, b: u32| {
        format!("(i32.and (i32.eq (local.get $a) (i32.const {a})) (i32.eq (local.get $b) (i32.const {b})))")
    };
    let lies = format!("(i32.or {} {})", between(17, 240), between(240, 17));
    let body = format!("(i32.mul {HONEST} (select (i32.const -1) (i32.const 1) {lies}))");
    // Of 300 each pair is asked about alone, of 1,000 in batches, and of 2,000 on two threads.
    for (len, threads) in [(300, 1), (1000, 1), (2000, 2)] {
        let keys: Vec<_> = (0..len).collect();
        for (callback, items) in inputs(&guest(&text(&body)), &keys) {
            let job = |verify| Job::new(&callback, options(Sorter::Qsort, threads).verify(verify));
            assert!(job(Verify::Off).sort(&items).is_ok());
            let error = job(Verify::Full).sort(&items).unwrap_err();
            assert!(is_told(&error, false), "{error}");
        }
    }
    let mut numbers: Vec<i32> = (0..300).collect();
    let [(_, _), (pointers, _), _] = inputs(&guest(&text(&body)), &[]);
    native::qsort_verified(&mut numbers, &pointers, Verify::Off).unwrap();
    assert!(native::qsort_verified(&mut numbers, &pointers, Verify::Full).is_err());
    assert!(native::msvcrt_qsort_verified(&mut numbers, &pointers, Verify::Full).is_err());
}

#[test]
fn an_error_names_both_items_and_both_answers() {
    let cyclic = "(i32.sub (i32.rem_s (i32.add (i32.sub (local.get $a) (local.get $b)) (i32.const 4))
        (i32.const 3)) (i32.const 1))";
    let near = format!(
        "(i32.mul {HONEST} (i32.gt_u (i32.add (i32.sub (local.get $a) (local.get $b)) (i32.const 1)) \
         (i32.const 2)))"
    );
    let moody = "(i32.sub (i32.const 0) (i32.gt_u (global.get $calls) (i32.const 1)))";
    let nothing = "nothing was written back";
    for (body, unique, numbers, lines) in [
        (
            cyclic,
            false,
            "contradicts itself: its answers to the sort made 0 < 2, but asked again it says 0 > 2 and 2 < 0",
            "contradicts itself: its answers to the sort made \"0000\" < \"0002\", but asked again it says \
             \"0000\" > \"0002\" and \"0002\" < \"0000\"",
        ),
        (
            &near,
            true,
            "contradicts itself: its answers to the sort made 1 < 2, but asked again it says 1 = 2 and 2 = 1",
            "contradicts itself: its answers to the sort made \"0001\" < \"0002\", but asked again it says \
             \"0001\" = \"0002\" and \"0002\" = \"0001\"",
        ),
        (
            moody,
            false,
            "keeps state: asked about the same items it says 0 < 1, and in another guest or at another time \
             0 = 1; an answer must depend on its two items only",
            "keeps state: asked about the same items it says \"0000\" < \"0001\", and in another guest or at \
             another time \"0000\" = \"0001\"; an answer must depend on its two items only",
        ),
    ] {
        let [(scalar, records), _, (slices, text)] = inputs(&guest(&text(body)), &[0, 1, 2]);
        for (callback, items, says) in [(scalar, records, numbers), (slices, text, lines)] {
            let options = options(Sorter::Sandboxed, 1).unique(unique);
            let error = Job::new(&callback, options).sort(&items).unwrap_err();
            assert_eq!(error.to_string(), format!("\"{}\" {says}; {nothing}", callback.export()));
            assert_eq!(error.blame(), callbox::Blame::Guest);
        }
    }
}

#[test]
fn the_questions_are_counted_apart_and_paid_from_the_budget_of_the_sort() {
    let honest = guest(&text(HONEST));
    for len in [2, 40, 46, 1000, 150_000] {
        let keys: Vec<u32> = (0..len).map(|n: u32| n.wrapping_mul(0x9e37_79b9) >> 1).collect();
        let [(callback, items), ..] = inputs(&honest, &keys);
        let run = |verify| {
            let job = Job::new(&callback, options(Sorter::Sandboxed, 1).verify(verify));
            job.sort(&items).unwrap();
            job
        };
        let [off, sample] = [run(Verify::Off), run(Verify::Sample)];
        assert_eq!(off.comparisons(), sample.comparisons());
        assert_eq!(off.verified(), 0);
        assert!(off.fuel_used() < sample.fuel_used());
        let pairs = u64::from(len) * (u64::from(len) - 1) / 2;
        let least = pairs.min(1000);
        let most = if pairs <= 1000 { 2 * pairs + u64::from(len) } else { 1000.max(off.comparisons() / 100) };
        assert!((least..=most).contains(&sample.verified()), "{len}: {}", sample.verified());
    }
    // The sort alone is within its fuel, the check of all pairs is not.
    let keys: Vec<u32> = (0..200).collect();
    let sandbox = Sandbox::new(Limits::default().fuel(400_000)).unwrap();
    let guest = callbox::Module::from_text(&sandbox, "honest", text(HONEST)).unwrap().instantiate().unwrap();
    for (callback, items) in inputs(&guest, &keys) {
        let job = |verify| Job::new(&callback, options(Sorter::Qsort, 1).verify(verify));
        job(Verify::Off).sort(&items).unwrap();
        assert_eq!(job(Verify::Full).sort(&items).unwrap_err().limit(), Some(Limit::Fuel));
    }
}

#[test]
fn a_trap_while_the_result_is_checked_is_the_guests_and_nothing_is_written() {
    // No merge of sorted items compares the ends.
    let ends = "(i32.gt_u (i32.add (i32.sub (local.get $a) (local.get $b)) (i32.const 290)) (i32.const 580))";
    let body = format!("(if {ends} (then unreachable)) {HONEST}");
    for (len, verify) in [(300, Verify::Sample), (580, Verify::Full)] {
        let body = body.replace("290", &(len - 10).to_string()).replace("580", &(2 * len - 20).to_string());
        let keys: Vec<_> = (0..len).collect();
        for (callback, items) in inputs(&guest(&text(&body)), &keys) {
            let options = options(Sorter::Sandboxed, 1);
            Job::new(&callback, options.clone().verify(Verify::Off)).sort(&items).unwrap();
            for outcome in sort(&callback, &options.verify(verify), &items) {
                assert!(
                    matches!(&outcome, Err(Error::Trap { asked, .. }) if asked.len() == 2),
                    "{outcome:?}"
                );
            }
        }
    }
}

/// Writes a guest into a folder.
fn written(folder: &Path, name: &str, body: &str) -> String {
    let file = folder.join(format!("{name}.wat"));
    fs::write(&file, text(body)).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn on_the_command_line_a_lie_is_status_4_and_no_file_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let keys = keys(&mut Random(5), 500);
    let lines: String = keys.iter().map(|key| format!("{key:04}\n")).collect();
    let numbers: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
    let library = library();
    let mut sorters = vec!["qsort".to_owned(), "msvcrt".into(), "sandboxed".into()];
    sorters.extend(library.iter().map(|(_dir, library)| format!("{}:insertion", library.display())));
    for (at, (lie, body)) in [&pure()[..7], &stateful()[..2]].concat().into_iter().enumerate() {
        let guest = written(dir.path(), &at.to_string(), &body);
        for sorter in &sorters {
            for (kind, bytes) in [("lines", lines.as_bytes()), ("i32", &numbers)] {
                let file = dir.path().join("file");
                fs::write(&file, bytes).unwrap();
                for more in [&["-o"][..], &["-s", "-u", "-r", "-o"]] {
                    let mut command = callbox();
                    command.args(["sort", &guest, "--records", kind, "--sorter", sorter]).args(more);
                    let output = run(command.arg(&file).arg(&file), b"");
                    let stderr = String::from_utf8_lossy(&output.stderr);
                    let what = format!("{lie}, {sorter}, {kind}, {more:?}: {stderr}");
                    assert_eq!(output.status.code(), Some(4), "{what}");
                    assert_eq!(stderr.lines().count(), 1, "{what}");
                    assert!(stderr.starts_with(&format!("callbox: {guest}: \"compare_")), "{what}");
                    assert_eq!(output.stdout, b"", "{what}");
                    assert_eq!(fs::read(&file).unwrap(), bytes, "{what}");
                }
                let output =
                    run(callbox().args(["sort", &guest, "--records", kind, "--sorter", sorter]), bytes);
                assert_eq!((output.status.code(), &*output.stdout), (Some(4), &b""[..]), "{lie}, {sorter}");
            }
        }
    }
    let left: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "file" || name.to_str().unwrap().ends_with(".wat")), "{left:?}");
}

#[test]
fn an_option_says_how_much_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let liar = written(dir.path(), "liar", "(i32.const -1)");
    let args = |more| ["sort", &liar, "--verify", more];
    let lines = b"0002\n0001\n";
    assert_eq!(callbox_ok(&args("off"), lines).len(), lines.len());
    for more in ["sample", "full"] {
        assert_eq!(run(callbox().args(args(more)), lines).status.code(), Some(4));
        assert_eq!(callbox_ok(&["sort", "bytes", "--verify", more], lines), b"0001\n0002\n");
    }
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    {
        let output = run(callbox().args(args("sample")).arg("--isolate"), lines);
        assert_eq!((output.status.code(), &*output.stdout), (Some(4), &b""[..]));
    }
}

#[test]
fn every_lie_in_the_folder_of_hostile_guests_is_told() {
    let numbers: Vec<u8> = (0..1000_i32).flat_map(|n| n.wrapping_mul(0x3000_0001).to_le_bytes()).collect();
    let items = Items::records(numbers, 4).unwrap();
    for file in liars() {
        let callback = crate::support::liar(&file);
        let in_order = lies_in_order(&file);
        for sorter in [Sorter::Qsort, Sorter::Msvcrt, Sorter::Sandboxed] {
            for outcome in sort(&callback, &options(sorter, 1), &items) {
                let told = matches!(outcome, Err(Error::Contradiction(_)));
                // The bytes that decide ties lie in the guest's memory here, where it may overwrite them.
                let either = in_order && sorter == Sorter::Sandboxed;
                assert!(told != in_order || either, "{}, {sorter:?}: {outcome:?}", file.display());
            }
        }
    }
}
