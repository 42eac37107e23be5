//! Whether comparators keep their contract: `Job::check_contract` and `callbox check`.
//!
//! The guests in `wat/contract` state in line one what a check has to find:
//! `check TYPE by EXPORT: not LAW: ANSWERS`, the smallest counterexample, and `by EXPORT among N` where it
//! takes a file with the numbers below N, in some order.

use std::cmp::Ordering;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use callbox::bundled::BUNDLED;
use callbox::sort::{Checked, Contract, Items, Job, Law, Options, Reply, Violation};
use callbox::{CType, Callback, Enum, Guest, Prototype, Struct};

use crate::support::{Random, bundled, callbox, comparing, files, guest, path, promise, run, sandbox};

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn check(callback: &Callback, items: &Items<'_>, how: Contract) -> Checked {
    Job::new(callback, Options::default()).check_contract(items, &how).unwrap()
}

fn none(width: Option<usize>) -> Items<'static> {
    width.map_or_else(|| Items::lines(Vec::new(), b'\n'), |width| Items::records(Vec::new(), width)).unwrap()
}

/// Returns the numbers below `len` in an order without a pattern.
fn mixed(len: u32) -> Vec<u32> {
    let mut numbers: Vec<_> = (0..len).collect();
    numbers.sort_by_key(|number| number.wrapping_mul(0x9e37_79b9).rotate_left(7) ^ 0x5bd1);
    numbers
}

fn records(numbers: &[u32]) -> Items<'static> {
    Items::records(numbers.iter().flat_map(|number| number.to_le_bytes()).collect(), 4).unwrap()
}

fn lines(numbers: &[u32]) -> Items<'static> {
    let text: String = numbers.iter().map(|number| format!("{number:04}\n")).collect();
    Items::lines(text.into_bytes(), b'\n').unwrap()
}

fn element(kind: &str) -> CType {
    match kind {
        "i32" => CType::Int32,
        "f64" => CType::Double,
        _ => CType::Void,
    }
}

/// Tells a violation as the first line of a guest does.
fn told(violation: &Violation, element: &CType) -> String {
    let show = |value: &[u8]| {
        element.show(value).unwrap_or_else(|| format!("\"{}\"", String::from_utf8_lossy(value)))
    };
    let asked = violation.asked.iter().map(|asked| {
        let [a, b] = asked.values.map(|place| show(&violation.values[place]));
        match &asked.reply {
            Reply::Answer(Ordering::Less) => format!("{a} < {b}"),
            Reply::Answer(Ordering::Equal) => format!("{a} = {b}"),
            Reply::Answer(Ordering::Greater) => format!("{a} > {b}"),
            Reply::Failure { how, .. } => format!("{a} {b} {how}"),
            Reply::Written { left, .. } => format!("{a} {b} left {}", show(left)),
            Reply::Key(key) => format!("{a} has {}", callbox::escape(key)),
            other => panic!("{other:?}"),
        }
    });
    format!("not {}: {}", violation.law.name(), asked.collect::<Vec<_>>().join(", "))
}

/// A guest in `wat/contract`: its comparator, its element, the items that it takes, what has to be found.
fn promised(file: &Path) -> (Callback, CType, Items<'static>, String) {
    let promise = promise(file);
    let (what, expected) = promise.strip_prefix("check ").unwrap().split_once(": ").unwrap();
    let (kind, export) = what.split_once(" by ").unwrap();
    let (export, among) = export.split_once(" among ").unwrap_or((export, "0"));
    let (element, numbers) = (element(kind), mixed(among.parse().unwrap()));
    let guest = sandbox().load(file).unwrap();
    let callback = guest.callback(export, Prototype::comparator(element.clone())).unwrap();
    let items = match (&element, numbers.is_empty()) {
        (_, true) => none(element.size()),
        (CType::Void, _) => lines(&numbers),
        _ => records(&numbers),
    };
    (callback, element, items, expected.to_owned())
}

#[test]
fn every_guest_that_breaks_a_law_is_told_by_the_smallest_counterexample() {
    for file in files("wat/contract", "wat") {
        let (callback, element, items, expected) = promised(&file);
        for threads in [NonZeroUsize::MIN, TWO] {
            let checked = check(&callback, &items, Contract::default().threads(threads));
            let violation = checked.violation.unwrap_or_else(|| panic!("{}: nothing", file.display()));
            assert_eq!(told(&violation, &element), expected, "{}", file.display());
        }
        if !items.is_empty() {
            // Without values of its own it finds items that show the same law.
            let how = Contract::default().drawn(false).shrink(false);
            let violation = check(&callback, &items, how).violation.unwrap();
            assert!(expected.starts_with(&format!("not {}", violation.law.name())), "{violation:?}");
            let shown: Vec<_> = violation.items.iter().map(|item| items.get(*item).to_vec()).collect();
            assert_eq!(shown, violation.values, "{}", file.display());
        }
    }
}

#[test]
fn what_needs_a_file_to_be_found_keeps_the_contract_as_far_as_drawn_values_show() {
    for name in ["one-cycle", "odd-one"] {
        let (callback, ..) = promised(&path(&format!("wat/contract/{name}.wat")));
        assert_eq!(check(&callback, &none(Some(4)), Contract::default()).violation, None, "{name}");
    }
}

#[test]
fn every_bundled_guest_keeps_the_contract_whatever_is_drawn() {
    for own in BUNDLED {
        let kind = [("i32", CType::Int32), ("i64", CType::Int64), ("u32", CType::UInt32)];
        let kind = kind.into_iter().chain([("u64", CType::UInt64), ("f32", CType::Float)]);
        let mut kind = kind.chain([("f64", CType::Double)]);
        let element = kind.find(|(name, _)| *name == own.name).map_or(CType::Void, |(_, element)| element);
        let callback = bundled(own.name).comparator_for(element.clone()).unwrap();
        for seed in 0..5 {
            let checked = check(&callback, &none(element.size()), Contract::default().seed(seed));
            assert_eq!(checked.violation, None, "{}, seed {seed}", own.name);
            assert!(checked.drawn >= 40, "{}: {}", own.name, checked.drawn);
        }
    }
}

#[test]
fn all_pairs_of_the_items_are_asked_about_in_every_shape() {
    let honest = guest(
        r#"(module (memory (export "memory") 1)
            (func (export "compare_i32") (param i32 i32) (result i32)
                (i32.sub (i32.gt_s (local.get 0) (local.get 1)) (i32.lt_s (local.get 0) (local.get 1))))
            (func (export "compare") (param i32 i32) (result i32)
                (i32.sub (i32.gt_s (i32.load (local.get 0)) (i32.load (local.get 1)))
                    (i32.lt_s (i32.load (local.get 0)) (i32.load (local.get 1)))))
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
                (i32.sub (local.get 1) (local.get 3))))"#,
    );
    let callback = |export: &str, element| honest.callback(export, Prototype::comparator(element)).unwrap();
    let numbers = [mixed(1500), mixed(500)].concat();
    let shapes = [
        (callback("compare_i32", CType::Int32), records(&numbers)),
        (callback("compare", CType::Int32), records(&numbers)),
        (callback("compare", CType::Void), records(&numbers)),
        (callback("compare_bytes", CType::Void), records(&numbers)),
        (callback("compare_bytes", CType::Void), lines(&numbers)),
    ];
    for (callback, items) in shapes {
        for threads in [NonZeroUsize::MIN, TWO] {
            let checked = check(&callback, &items, Contract::default().drawn(false).threads(threads));
            assert_eq!((checked.items, checked.pairs, checked.stopped), (2000, 1_999_000, false));
            assert!(checked.comparisons > 2 * checked.pairs && checked.violation.is_none());
        }
        let some = check(&callback, &items, Contract::default().sample(100));
        assert_eq!((some.items, some.pairs, some.violation), (100, 4950, None));
        let stopped = check(&callback, &items, Contract::default().time(Duration::ZERO));
        assert_eq!((stopped.pairs, stopped.stopped, stopped.violation), (0, true, None));
    }
}

#[test]
fn values_are_drawn_for_each_field_and_are_values_of_its_type() {
    let colour = Enum::new("colour", [("RED", -1), ("BLUE", 3)]).unwrap();
    let fields = [("on", CType::Bool), ("off", CType::Bool), ("short", CType::Short)];
    let fields = fields.into_iter().chain([("colour", CType::from(colour)), ("x", CType::Double)]);
    let element = CType::from(Struct::new("pair", fields).unwrap());
    let compare = |body: &str| {
        let wat = format!(
            r#"(module (memory (export "memory") 1)
                (func (export "compare") (param $a i32) (param $b i32) (result i32) {body}))"#
        );
        guest(&wat).comparator_for(element.clone()).unwrap()
    };
    // Traps at a value that is none of its type.
    let judged = compare(
        "(if (i32.gt_u (i32.load8_u (local.get $a)) (i32.const 1)) (then unreachable))
         (if (i32.gt_u (i32.load8_u offset=1 (local.get $a)) (i32.const 1)) (then unreachable))
         (if (i32.eqz (i32.or (i32.eq (i32.load offset=4 (local.get $a)) (i32.const -1))
                              (i32.eq (i32.load offset=4 (local.get $a)) (i32.const 3))))
             (then unreachable))
         (i32.const 0)",
    );
    let checked = check(&judged, &none(Some(16)), Contract::default());
    assert_eq!(checked.violation, None);
    let by_x = compare(
        "(i32.sub (f64.gt (f64.load offset=8 (local.get $a)) (f64.load offset=8 (local.get $b)))
                  (f64.lt (f64.load offset=8 (local.get $a)) (f64.load offset=8 (local.get $b))))",
    );
    let violation = check(&by_x, &none(Some(16)), Contract::default()).violation.unwrap();
    assert_eq!(violation.law, Law::Congruent);
    let numbers: Vec<_> = violation.values.iter().map(|value| *value.last_chunk::<8>().unwrap()).collect();
    let numbers: Vec<_> = numbers.into_iter().map(f64::from_le_bytes).collect();
    assert!(numbers.iter().any(|x| x.is_nan()), "{numbers:?}");
    let rest: Vec<_> = violation.values.iter().map(|value| value[..8].to_vec()).collect();
    assert!(rest.iter().all(|rest| rest[..4] == [0; 4] && rest[4..] == (-1_i32).to_le_bytes()), "{rest:?}");
}

#[test]
fn records_of_bytes_are_drawn_as_texts_too() {
    let writes = sandbox().load(path("wat/contract/writes.wat")).unwrap();
    let callback = writes.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap();
    let violation = check(&callback, &none(Some(4)), Contract::default()).violation.unwrap();
    assert_eq!((violation.law, &violation.values[1][..]), (Law::ReadOnly, &[0; 4][..]));
    assert!(
        violation.values[0][0].is_ascii_uppercase() && violation.values[0][1..] == [0; 3],
        "{violation:?}"
    );
}

#[test]
fn lines_are_made_as_short_and_plain_as_shows_it() {
    // Lines with an x in them come first, unless the second line is short.
    let lies = guest(
        r#"(module (memory (export "memory") 1)
            (func $has (param $at i32) (param $len i32) (result i32)
                (block $no (loop $next
                    (br_if $no (i32.eqz (local.get $len)))
                    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 120)) (then (return (i32.const 1))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (local.set $len (i32.sub (local.get $len) (i32.const 1)))
                    (br $next)))
                (i32.const 0))
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
                (if (i32.gt_u (local.get 3) (i32.const 2))
                    (then (return (i32.sub (call $has (local.get 2) (local.get 3))
                                           (call $has (local.get 0) (local.get 1))))))
                (i32.const 0)))"#,
    );
    let callback = lies.comparator_for(CType::Void).unwrap();
    let text = "what is expected\nand what is exact\nand what is neither\n".repeat(30);
    let items = Items::lines(text.into_bytes(), b'\n').unwrap();
    let violation = check(&callback, &items, Contract::default()).violation.unwrap();
    assert_eq!(violation.law, Law::Antisymmetric);
    let mut values = violation.values;
    values.sort();
    assert!(values[0].is_empty() && values[1].len() == 3, "{values:?}");
    let others: Vec<_> = values[1].iter().filter(|byte| **byte != b'x').collect();
    assert!(others.len() == 2 && others.iter().all(|byte| b"a0".contains(byte)), "{values:?}");
}

#[test]
fn the_answers_about_all_pairs_are_there_for_a_picture() {
    let descending = "(i32.sub (i32.const 0) (call $order (local.get $a) (local.get $b)))";
    let traps = "(if (i32.eq (i32.load (local.get $a)) (i32.const 3)) (then unreachable))";
    let callback = comparing(&format!("{traps} {descending}")).comparator_for(CType::Int32).unwrap();
    let items = records(&[2, 9, 3, 7]);
    let answers = Job::new(&callback, Options::default()).answers(&items, 10).unwrap();
    assert_eq!(answers.items, [0, 1, 2, 3]);
    assert_eq!(answers.about(0, 1), Some(Ordering::Greater));
    assert_eq!(answers.about(1, 1), Some(Ordering::Equal));
    assert_eq!((answers.about(2, 0), answers.about(0, 2)), (None, Some(Ordering::Greater)));
    let numbers: Guest = comparing(descending);
    let callback = numbers.comparator_for(CType::Int32).unwrap();
    let answers = Job::new(&callback, Options::default()).answers(&items, 3).unwrap();
    assert_eq!((answers.items, answers.order), (vec![0, 1, 2], vec![1, 2, 0]));
}

#[test]
fn random_lies_about_one_pair_of_a_file_are_found() {
    let mut random = Random(7);
    for _ in 0..10 {
        let [a, b] = loop {
            let [a, b] = [random.below(2000), random.below(2000)];
            if a.abs_diff(b) > 1 && a.min(b) > 100 {
                break [a, b];
            }
        };
        let is = |at: &str, number| format!("(i32.eq (i32.load (local.get {at})) (i32.const {number}))");
        let pair = |a, b| format!("(i32.and {} {})", is("$a", a), is("$b", b));
        let order = "(call $order (local.get $a) (local.get $b))";
        let lie = format!(
            "(i32.mul {order} (select (i32.const -1) (i32.const 1) (i32.or {} {})))",
            pair(a, b),
            pair(b, a)
        );
        let callback = comparing(&lie).comparator_for(CType::Int32).unwrap();
        let violation = check(&callback, &records(&mixed(2000)), Contract::default()).violation.unwrap();
        assert_eq!(violation.law, Law::Transitive, "{a} {b}");
        let number = |value: &Vec<u8>| i32::from_le_bytes(value[..].try_into().unwrap()) as usize;
        let values: Vec<_> = violation.values.iter().map(number).collect();
        assert!(values.contains(&a) && values.contains(&b), "{values:?} without {a} and {b}");
    }
}

/// Runs `callbox check` on a file with these bytes; returns its status, and what it printed.
fn checked(args: &[&str], bytes: &[u8]) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file: PathBuf = dir.path().join("FILE");
    std::fs::write(&file, bytes).unwrap();
    let output = run(callbox().arg("check").args(args).arg(&file), b"");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(file.to_str().unwrap(), "FILE");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn one_wrong_pair_among_ten_thousand_lines_of_a_file_is_told_with_the_items() {
    let numbers = mixed(10_000);
    let bytes: Vec<_> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let place = |number| numbers.iter().position(|other| *other == number).unwrap() + 1;
    let (status, printed, _) = checked(&["wat/contract/one-cycle.wat", "--records", "i32"], &bytes);
    assert_eq!(status, Some(1));
    let (law, seen) = printed.split_once("seen first with items ").unwrap();
    assert_eq!(
        law,
        "answers must follow from each other, but\n  3000 < 3001, and\n  3001 < 7000, and yet\n  \
         3000 > 7000\n"
    );
    let seen: Vec<usize> = seen.trim().replace(" and", ",").split(", ").map(|n| n.parse().unwrap()).collect();
    assert!(seen.contains(&place(3000)) && seen.contains(&place(7000)), "{seen:?}");
}

#[test]
fn a_file_without_items_is_no_success() {
    let (status, printed, said) = checked(&["bytes"], b"");
    assert_eq!((status, &*printed), (Some(2), ""));
    assert_eq!(
        said,
        "callbox: FILE: it has no items to compare; leave FILE out to check drawn values only\n"
    );
}

#[test]
fn as_json_the_result_is_one_object() {
    let (status, printed, _) = checked(&["version", "--json"], b"v1\nv2\nv3\n");
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((status, json["keeps"].as_bool(), json["items"].as_u64()), (Some(0), Some(true), Some(3)));
    let subtracts = ["wat/contract/subtracts.wat", "--records", "i32", "--json"];
    let (status, printed, _) = checked(&subtracts, &[0; 8]);
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((status, json["keeps"].as_bool()), (Some(1), Some(false)));
    let violation = &json["violation"];
    assert_eq!(
        (violation["law"].as_str(), violation["values"][1]["hex"].as_str()),
        (Some("antisymmetric"), Some("00000080"))
    );
    assert_eq!(
        (violation["asked"][0]["answer"].as_str(), violation["values"][1]["shown"].as_str()),
        (Some("<"), Some("-2147483648"))
    );
}

#[test]
fn a_question_without_end_ends_at_the_time_limit_and_is_told_with_its_items() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("loops.wat");
    let text = "(module (func (export \"compare_i32\") (param i32 i32) (result i32)
        (if (i32.eq (local.get 0) (i32.const -1)) (then (loop $next (br $next)))) (i32.const 0)))";
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let output = run(callbox().args(["check", file, "--records", "i32", "--timeout", "30ms"]), b"");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "any two items must have an answer, but\n  asked about -1 and 0, \"compare_i32\" was still running \
         at its deadline of 30ms\n"
    );
}

/// Draws the answers of a check; returns what it printed, and the picture.
fn drawn(args: &[&str]) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let svg = dir.path().join("answers.svg");
    let output = run(callbox().arg("check").args(args).arg("--svg").arg(&svg), b"a<b&c\nv1.9\nv1.10\n");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), std::fs::read_to_string(svg).unwrap())
}

#[test]
fn a_picture_has_a_cell_for_each_pair_and_frames_the_counterexample() {
    const KINDS: usize = 6; // in the legend
    let (printed, picture) = drawn(&["version", "-"]);
    assert!(printed.starts_with("no contradiction"), "{printed}");
    assert_eq!(picture.matches("<rect ").count(), 3 * 3 + KINDS, "{picture}");
    assert!(picture.contains("&quot;a&lt;b&amp;c&quot;") && !picture.contains("a<b"), "{picture}");
    let (printed, picture) = drawn(&["wat/contract/tolerates.wat", "--records", "i32"]);
    let framed = picture.matches("fill=\"none\" stroke=\"#1F2328\"").count();
    assert_eq!((printed.lines().count(), framed), (4, 3), "a frame for each of three answers: {picture}");
    assert_eq!(picture.matches("<rect ").count(), 24 * 24 + KINDS + framed);
    // Full colours: two in the legend, and each answer that is against another.
    let full =
        |picture: &str| picture.matches("opacity=\"1\" fill=\"#").count() - picture.matches("<text ").count();
    assert_eq!(full(&picture), 2);
    let (_, picture) = drawn(&["wat/hostile/always-less.wat", "--records", "i32"]);
    assert_eq!(full(&picture), 24 * 24 + 2);
}

#[test]
fn a_picture_that_cannot_be_written_is_known_before_anything_is_asked() {
    let output = run(callbox().args(["check", "wat/hostile/loop.wat", "--svg", "missing/a.svg"]), b"");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b""[..]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("callbox: missing/a.svg: ") && said.ends_with("--svg\n"), "{said}");
}

#[test]
fn a_picture_takes_the_place_of_nothing_that_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (file, guest) = (dir.path().join("lines"), dir.path().join("guest.wat"));
    std::fs::write(&file, "b\na\n").unwrap();
    std::fs::copy(path("wat/contract/tolerates.wat"), &guest).unwrap();
    let (file, guest) = (file.to_str().unwrap(), guest.to_str().unwrap());
    for args in [["check", "version", file, "--svg", file], ["sorters", "version", file, "--svg", file]] {
        let output = run(callbox().args(args), b"");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        assert_eq!(std::fs::read(file).unwrap(), b"b\na\n");
    }
    let output = run(callbox().args(["check", guest, "--records", "i32", "--svg", guest]), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(std::fs::read(guest).unwrap().starts_with(b";; promise"));
}

#[test]
fn a_guest_that_traps_only_when_it_is_asked_alone_is_a_counterexample() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("alone.wat");
    // Every number is before every other, both ways round; the first question must be about equal ones.
    let text = "(module (global $asked (mut i32) (i32.const 0))
        (func (export \"compare_i32\") (param i32 i32) (result i32)
            (if (i32.eq (local.get 0) (local.get 1))
                (then (global.set $asked (i32.const 1)) (return (i32.const 0))))
            (if (i32.eqz (global.get $asked)) (then (unreachable)))
            (i32.const -1)))";
    std::fs::write(&file, text).unwrap();
    let output = run(callbox().args(["check", file.to_str().unwrap(), "--records", "i32"]), b"");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("trapped"));
}

#[test]
fn a_check_of_a_slow_guest_stops_in_time_and_says_what_it_has_covered() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("slow.wat");
    let text = "(module (func (export \"compare_i32\") (param i32 i32) (result i32) (local i32)
        (loop $more (local.set 2 (i32.add (local.get 2) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get 2) (i32.const 20000000))))
        (i32.sub (i32.gt_s (local.get 0) (local.get 1)) (i32.lt_s (local.get 0) (local.get 1)))))";
    std::fs::write(&file, text).unwrap();
    let words = ["check", file.to_str().unwrap(), "--records", "i32", "--time", "200ms"];
    let output = run(callbox().args(words), b"");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("stopped after 200ms") && !said.contains("of 64 drawn"), "{said}");
}
