//! Comparators that contradict themselves, and the check of a sort's result that finds them out.

use std::fs;
use std::path::Path;

use callbox::bundled::BUNDLED;
use callbox::sort::{Items, Job, Options, Sorter, Verify};
use callbox::{CType, Callback, ContradictionError, Error, Guest, Limit, Limits, Prototype, Sandbox, native};

use crate::sandboxed::{options, rules};
use crate::sorters::library;
use crate::support::{
    Random, bundled_for, callbox, callbox_ok, comparator, guest, liars, path, promise, run,
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
    let unless = |condition: &str| {
        format!("(i32.mul {HONEST} (select (i32.const -1) (i32.const 1) {condition}))")
    };
    let distance = "(select (i32.sub (local.get $a) (local.get $b)) (i32.sub (local.get $b) (local.get $a))
        (i32.gt_s (local.get $a) (local.get $b)))";
    let pair = "(call $mix
        (select (local.get $a) (local.get $b) (i32.lt_s (local.get $a) (local.get $b)))
        (select (local.get $b) (local.get $a) (i32.lt_s (local.get $a) (local.get $b))))";
    let involves = |key: u32| {
        format!("(i32.or (i32.eq (local.get $a) (i32.const {key})) (i32.eq (local.get $b) (i32.const {key})))")
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
            "(i32.sub (i32.mul (local.get $a) (i32.const 429496)) (i32.mul (local.get $b) (i32.const 429496)))"
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
        (
            "the first item",
            unless(&format!("(i32.and {} (i32.and {pair} (i32.const 1)))", involves(0))),
        ),
        (
            "the last item",
            unless(&format!("(i32.and {} (i32.and {pair} (i32.const 1)))", involves(9999))),
        ),
        ("an item equal to all", format!("(i32.mul {HONEST} (i32.eqz {}))", involves(5000))),
        (
            "what is near is equal",
            format!("(i32.mul {HONEST} (i32.gt_s {distance} (i32.const 25)))"),
        ),
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
        ("reversed from the 5,001st call", from(5000)),
        (
            "honest from the 2,001st call",
            format!(
                "(if (i32.lt_u (global.get $calls) (i32.const 2001)) (then (return (i32.sub (i32.and (i32.shl
                 (call $mix (global.get $calls) (i32.const 1)) (i32.const 1)) (i32.const 2)) (i32.const 1)))))
                 {HONEST}"
            ),
        ),
        (
            "in the order of the first question",
            format!(
                "(if (i32.lt_s (global.get $first) (i32.const 0)) (then (global.set $first (i32.rem_u \
                 (call $mix (local.get $a) (local.get $b)) (i32.const 10000)))))
                 (i32.sub (i32.lt_u (i32.xor (local.get $b) (global.get $first))
                            (i32.xor (local.get $a) (global.get $first)))
                          (i32.gt_u (i32.xor (local.get $b) (global.get $first))
                            (i32.xor (local.get $a) (global.get $first))))"
            ),
        ),
    ]
}

/// Returns items with these keys, of each kind with a callback of the guest that compares them.
fn inputs(guest: &Guest, keys: &[u32]) -> [(Callback, Items); 3] {
    let numbers: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
    let lines: String = keys.iter().map(|key| format!("{key:04}\n")).collect();
    let [numbers, lines] = [Items::records(numbers, 4), Items::lines(lines.into(), b'\n')].map(Result::unwrap);
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
fn sort(callback: &Callback, options: &Options, items: &Items) -> [Result<(), Error>; 2] {
    let mut moved = items.clone();
    let in_place = Job::new(callback, options.clone()).sort_in_place(&mut moved);
    if in_place.is_err() {
        assert!(moved.iter().eq(items.iter()), "{options:?}: the items have changed");
    }
    [Job::new(callback, options.clone()).sort(items).map(|_| ()), in_place]
}

#[test]
fn every_lie_is_told_by_every_sorter_under_every_rule() {
    let keys = keys(&mut Random(1), 1000);
    let mut missed = Vec::new();
    for (lie, body) in pure().into_iter().chain(stateful()) {
        let guest = guest(&text(&body));
        for (callback, items) in inputs(&guest, &keys) {
            for sorter in sorters() {
                for bits in 0..8 {
                    let options = rules(bits, options(sorter, 1));
                    for outcome in sort(&callback, &options, &items) {
                        match outcome {
                            Err(Error::Contradiction(_)) => {}
                            Ok(()) => missed.push(format!("{lie}, {}, {options:?}", callback.export())),
                            Err(error) => panic!("{lie}, {}, {options:?}: {error}", callback.export()),
                        }
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}
