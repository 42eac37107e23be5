//! Guests that lie, and inputs that are odd, where not all fits in memory.

use std::fs;
use std::process::Output;

use crate::support::{Random, callbox, callbox_ok, run};

/// A guest for which a < b < c < a, by the first byte.
const CYCLIC: &str = r#"(module (memory (export "memory") 1)
    (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) (local $d i32)
        (local.set $d (i32.rem_u (i32.add (i32.const 3)
            (i32.sub (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))) (i32.const 3)))
        (if (i32.eq (local.get $d) (i32.const 1)) (then (return (i32.const 1))))
        (if (i32.eq (local.get $d) (i32.const 2)) (then (return (i32.const -1))))
        (i32.const 0)))"#;

/// A guest that orders by the first four bytes, and after some answers calls everything equal.
const TIRES: &str = r#"(module (memory (export "memory") 1)
    (global $left (mut i32) (i32.const ANSWERS))
    (func $key (param $at i32) (result i32)
        (i32.add (i32.add
            (i32.mul (i32.load8_u (local.get $at)) (i32.const 1000000))
            (i32.mul (i32.load8_u (i32.add (local.get $at) (i32.const 1))) (i32.const 10000)))
            (i32.add
            (i32.mul (i32.load8_u (i32.add (local.get $at) (i32.const 2))) (i32.const 100))
            (i32.load8_u (i32.add (local.get $at) (i32.const 3))))))
    (func (export "compare_bytes") (param $a i32) (param $m i32) (param $b i32) (param $n i32) (result i32)
        (if (i32.eqz (global.get $left)) (then (return (i32.const 0))))
        (global.set $left (i32.sub (global.get $left) (i32.const 1)))
        (i32.sub (call $key (local.get $a)) (call $key (local.get $b)))))"#;

fn sort(guest: &str, args: &[&str], input: &[u8]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guest.wat");
    fs::write(&path, guest).unwrap();
    run(callbox().arg("sort").arg(path).args(args), input)
}

fn told(done: &Output, what: &str) {
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(4), "{what}: {stderr}");
    assert!(done.stdout.is_empty(), "{what}");
}

#[test]
fn a_cycle_of_far_items_is_found_in_a_merge() {
    for width in [50, 5000] {
        let line = |first: char, at: usize| format!("{first}{at:05}{}\n", "x".repeat(width));
        let count = 60_000 / width.min(1000);
        let text: String =
            "abc".chars().flat_map(|first| (0..count).map(move |at| line(first, at))).collect();
        told(&sort(CYCLIC, &["-s", "-S1b"], text.as_bytes()), &format!("{width}"));
    }
}

#[test]
fn lines_do_not_vanish_because_a_guest_calls_them_equal_in_a_merge() {
    let mut random = Random(3);
    let lines: String =
        (0..400).map(|_| format!("{:04}{}\n", random.below(10_000), "x".repeat(5000))).collect();
    for answers in [1500, 2500, 3000] {
        let guest = TIRES.replace("ANSWERS", &answers.to_string());
        told(&sort(&guest, &["-u", "-S1b"], lines.as_bytes()), &format!("{answers}"));
    }
}

/// A guest that orders by the first four bytes, and calls everything equal for 3,000 answers after the first
/// ones.
fn lies_for_a_while(begins: u32) -> String {
    let lies = format!(
        "(global.set $left (i32.add (global.get $left) (i32.const 1)))
        (if (i32.lt_u (i32.sub (global.get $left) (i32.const {begins})) (i32.const 3000))
            (then (return (i32.const 0))))"
    );
    let ends = "(if (i32.eqz (global.get $left)) (then (return (i32.const 0))))
        (global.set $left (i32.sub (global.get $left) (i32.const 1)))";
    let guest = TIRES.replace("ANSWERS", "0").replace(ends, &lies);
    assert!(guest.contains(&lies));
    guest
}

#[test]
fn lines_do_not_vanish_in_a_merge_that_is_not_the_last() {
    let mut random = Random(4);
    let keys: Vec<_> = (0..60_000).map(|_| random.below(10_000)).collect();
    let lines: String = keys.iter().map(|key| format!("{key:04}\n")).collect();
    let expected = callbox_ok(&["sort", "-u", "bytes"], lines.as_bytes());
    let mut liars = 0;
    // The parts are sorted by guests of their own, whose first answers are right.
    for begins in (150_000..350_000).step_by(20_000) {
        let done = sort(&lies_for_a_while(begins), &["-u", "-S1M"], lines.as_bytes());
        if done.status.success() {
            assert!(done.stdout == expected, "{begins}");
        } else {
            told(&done, &format!("{begins}"));
            liars += 1;
        }
    }
    assert!(liars > 2, "{liars}");
}

#[test]
fn every_pair_is_verified_in_memory_or_the_sort_is_refused() {
    let lines = Random(3).lines(2000, 9, &["a", "b", "c"]);
    callbox_ok(&["sort", "bytes", "--verify", "full"], &lines);
    let done = run(callbox().args(["sort", "bytes", "--verify", "full", "-S1b"]), &lines);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("every pair is verified only of what is sorted at once in memory"), "{stderr}");
    assert!(done.stdout.is_empty());
}

#[test]
fn records_of_csv_that_look_odd_are_the_same_beyond_memory() {
    let rows: String = (1..4000).rev().map(|at| format!("{at},x\n")).collect();
    for (begin, end) in [("\u{feff}\n", "\u{feff}\n"), ("\r\n", "\n\n"), ("0,\"a\nb\"\n", "9,\"\"")] {
        let table = format!("id,n\n{begin}{rows}{end}");
        let args = |size| callbox_ok(&["sort", size, "--csv", "-k", "id,n"], table.as_bytes());
        let (small, large) = (args("-S1b"), args("-S1G"));
        assert!(small == large, "{begin:?}");
        let unended = usize::from(!table.ends_with('\n'));
        assert_eq!(large.len(), table.len() + unended, "{begin:?}");
    }
    for size in ["-S1b", "-S1G"] {
        let table = format!("id,n\n{rows}0,\"oops");
        let done = run(callbox().args(["sort", size, "--csv", "-k", "id,n"]), table.as_bytes());
        assert_eq!(done.status.code(), Some(2));
        assert_eq!(done.stderr, b"callbox: -: the quotes of a field of record 4001 do not end\n");
        assert!(done.stdout.is_empty());
    }
}

#[test]
fn a_guest_that_is_one_of_several_is_blamed_by_its_name() {
    let lines: String =
        "abc".chars().flat_map(|first| (0..2000).map(move |at| format!("k {first}{at}\n"))).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guest.wat");
    fs::write(&path, CYCLIC).unwrap();
    let key = format!("-k2.2,2={}", path.display());
    for size in ["-S1G", "-S1b"] {
        let done = run(callbox().args(["sort", size, "-k1,1=bytes", &key]), lines.as_bytes());
        told(&done, size);
        let expected = format!("callbox: \"{}#compare_bytes\" contradicts itself", path.display());
        assert!(String::from_utf8_lossy(&done.stderr).starts_with(&expected), "{size}: {done:?}");
    }
}

#[test]
fn a_header_without_an_end_is_an_error_too() {
    let zeros = vec![0; 40_000_000];
    for mode in [&[][..], &["-c"], &["--csv"]] {
        let done = run(callbox().args(["sort", "--header", "-S4M", "bytes"]).args(mode), &zeros);
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{stderr}");
        assert!(stderr.starts_with("callbox: -: item 1 is larger than "), "{stderr}");
    }
}

#[test]
fn lines_of_any_width_are_underlined() {
    let line = format!("{}1", " ".repeat(70_000));
    let shown = String::from_utf8(callbox_ok(&["sort", "--debug", "-n"], line.as_bytes())).unwrap();
    let marks = format!("{}_", " ".repeat(70_000));
    assert_eq!(shown, format!("{line}\n{marks}\n{}\n", "_".repeat(70_001)));
}

#[test]
fn an_empty_file_of_csv_has_no_header_to_drop() {
    let folder = tempfile::tempdir().unwrap();
    let [empty, table] = ["empty", "table"].map(|name| folder.path().join(name));
    fs::write(&empty, "").unwrap();
    fs::write(&table, "id,n\n2,x\n1,y\n").unwrap();
    for more in crate::support::ISOLATIONS {
        let done =
            run(callbox().args(["sort", "--csv", "-k", "id,n"]).args(*more).args([&empty, &table]), b"");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(done.stdout, b"id,n\n1,y\n2,x\n");
    }
}

#[cfg(unix)]
#[test]
fn the_time_until_input_comes_is_not_the_guests() {
    let script = "(echo a; sleep 1; echo b) | \"$0\" sort -c --timeout 300ms bytes";
    let mut command = std::process::Command::new("sh");
    let done = command.args(["-c", script, env!("CARGO_BIN_EXE_callbox")]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
