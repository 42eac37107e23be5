//! `callbox sort --profile`, and the samples that it is made of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use callbox::{Config, Error, Limits, Sandbox};
use tempfile::TempDir;

use crate::support::{callbox, comparator, path, run};

/// Sorts these lines, whose profile goes to a file of this folder.
fn profiled(dir: &TempDir, args: &[&str], lines: usize) -> Output {
    let input: Vec<_> = (0..lines).rev().flat_map(|n| format!("{}\n", n % 10).into_bytes()).collect();
    let file = dir.path().join("profile");
    run(callbox().arg("sort").arg("--profile").arg(file).args(args), &input)
}

/// Reads the file as the tools do that draw it: the last word of a line is the count, and semicolons separate
/// the frames before it.
fn read(dir: &TempDir) -> BTreeMap<Vec<String>, u64> {
    let text = fs::read_to_string(dir.path().join("profile")).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let stack = |line: &str| {
        let (stack, count) = line.rsplit_once(' ').unwrap();
        (stack.split(';').map(str::to_owned).collect(), count.parse().unwrap())
    };
    let stacks: BTreeMap<Vec<String>, u64> = text.lines().map(stack).collect();
    assert_eq!(stacks.len(), text.lines().count(), "{text}");
    stacks
}

/// Returns the number of samples of these stacks in which a function is.
fn within(stacks: &BTreeMap<Vec<String>, u64>, function: &str) -> u64 {
    let counts = stacks.iter().filter(|(stack, _)| stack.iter().any(|frame| frame == function));
    counts.map(|(_, count)| count).sum()
}

const NINE_TENTHS: &str = "wat/good/nine-tenths.wat";

#[test]
fn a_function_that_takes_nine_tenths_of_the_time_has_nine_tenths_of_the_samples() {
    for sorter in [&["--sorter=qsort"][..], &["--sorter=sandboxed"], &["--parallel=2"]] {
        let dir = tempfile::tempdir().unwrap();
        let output = profiled(&dir, &[sorter, &[NINE_TENTHS]].concat(), 4000);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let stacks = read(&dir);
        let (all, inner) = (stacks.values().sum::<u64>(), within(&stacks, "inner"));
        // One of a hundred runs of chance would miss by a tenth with this many samples.
        assert!(all > 100, "{stacks:?}");
        assert!(inner * 100 > all * 75 && inner < all, "{inner} of {all}: {stacks:?}");
        for stack in stacks.keys().filter(|stack| stack[..] != ["[sorter]"]) {
            let outermost = &[NINE_TENTHS, "compare"];
            let known = [&[][..], &["inner"], &["outer"], &["inner", "spend"], &["outer", "spend"]];
            assert!(stack[..2] == outermost[..] && known.iter().any(|end| stack[2..] == **end), "{stack:?}");
        }
    }
}

/// A guest for lines, without names, whose comparisons take as many turns of a loop.
fn nameless(dir: &Path, turns: u32) -> String {
    let text = format!(
        "(module (memory (export \"memory\") 1)
            (func (param i32) (loop
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (br_if 0 (local.get 0))))
            (func (export \"compare_bytes\") (param i32 i32 i32 i32) (result i32)
                (call 0 (i32.const {turns}))
                (i32.sub (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))))"
    );
    let file = dir.join("nameless.wat");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn functions_without_names_have_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let guest = nameless(dir.path(), 10_000);
    assert!(profiled(&dir, &[&guest], 1000).status.success());
    let stacks = read(&dir);
    assert!(stacks.contains_key(&[&guest, "func[1]", "func[0]"].map(str::to_owned)[..]), "{stacks:?}");
}

#[test]
fn a_guest_that_runs_into_its_deadline_leaves_a_profile_and_no_result() {
    let dir = tempfile::tempdir().unwrap();
    let result = dir.path().join("result");
    let guest = nameless(dir.path(), 0); // 2^32 turns
    let limits = ["--timeout=200ms", "--fuel=1000000000000"];
    let output = profiled(&dir, &[&limits[..], &[&guest, "-o", result.to_str().unwrap()]].concat(), 10);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(within(&read(&dir), "func[0]") > 10);
    assert!(!result.exists());
}

#[test]
fn each_key_has_its_guest_outermost() {
    let dir = tempfile::tempdir().unwrap();
    let guest = nameless(dir.path(), 10_000);
    let keys = [&format!("-k1,1={NINE_TENTHS}"), &format!("-k1,1={guest}")];
    assert!(profiled(&dir, &keys.map(String::as_str), 1000).status.success());
    let stacks = read(&dir);
    for guest in [NINE_TENTHS, &guest] {
        assert!(stacks.keys().any(|stack| stack[0] == guest), "{guest}: {stacks:?}");
    }
}

#[test]
fn names_of_strangers_break_no_line_and_no_stack() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"(module (memory (export "memory") 1)
        (func $f (@name "a;b\n\1b[31m 7") (param $turns i32)
            (loop $turn
                (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
                (br_if $turn (local.get $turns))))
        (func $g (@name "") (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
            (call $f (i32.const 10000))
            (i32.sub (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))))"#;
    let guest = dir.path().join("names; 1.wat");
    fs::write(&guest, text).unwrap();
    assert!(profiled(&dir, &[guest.to_str().unwrap()], 1000).status.success());
    let stacks = read(&dir);
    let named = |stack: &Vec<String>| {
        stack[0].ends_with(r"names\u{3b} 1.wat") && stack[1..] == ["func[1]", r"a\u{3b}b\n\u{1b}[31m\u{20}7"]
    };
    assert!(stacks.keys().any(named), "{stacks:?}");
}

#[test]
fn time_of_the_host_between_calls_is_not_sampled() {
    // The guest's function has no loop, and calls none: each tick comes before one of its calls, or is not
    // noticed in it.
    let dir = tempfile::tempdir().unwrap();
    let guest = path("wat/good/subtract.wat");
    let input: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_769).to_le_bytes()).collect();
    let file = dir.path().join("profile");
    let args = ["sort", "--records=i32", "--sorter=msvcrt", "--verify=off", "--profile"];
    let output = run(callbox().args(args).arg(&file).arg(guest), &input);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.starts_with("callbox: --profile") && stderr.contains("no samples"), "{stderr}");
    assert_eq!(fs::read(&file).unwrap(), b"");
}

#[test]
fn a_profile_that_cannot_be_written_is_refused_before_the_sort() {
    let dir = tempfile::tempdir().unwrap();
    let taken = dir.path().join("taken");
    fs::write(&taken, "b\na\n").unwrap();
    let taken = taken.to_str().unwrap();
    let missing = dir.path().join("missing/file");
    let the_sort_reads = "the command reads this file; choose another";
    let cases: [(&[&str], &str); 5] = [
        (&["--profile", missing.to_str().unwrap(), NINE_TENTHS], "choose another --profile"),
        (&["--profile", taken, NINE_TENTHS, taken], the_sort_reads),
        (&["--profile", taken, NINE_TENTHS, "-o", taken], "--profile and -o name the same file"),
        (&["--profile", NINE_TENTHS, NINE_TENTHS, taken], the_sort_reads),
        (&["--profile", taken, "--isolate", NINE_TENTHS], "leave --isolate out"),
    ];
    let guest = fs::read(path(NINE_TENTHS)).unwrap();
    for (args, advice) in cases {
        let output = run(callbox().arg("sort").args(args), b"");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && stderr.contains(advice), "{args:?}: {stderr}");
        assert_eq!(fs::read(taken).unwrap(), b"b\na\n");
        assert_eq!(fs::read(path(NINE_TENTHS)).unwrap(), guest);
    }
}

#[test]
fn a_sort_that_never_began_leaves_no_profile() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(profiled(&dir, &["wat/hostile/unreachable.wat"], 10).status.code(), Some(3));
    assert!(!dir.path().join("profile").exists());
}

#[test]
fn a_guest_is_sampled_on_its_thread_and_is_stopped_as_any_other() {
    let (samples, checks) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (sampled, checked, here) = (samples.clone(), checks.clone(), thread::current().id());
    let config = Config::new(Limits::default().fuel(u64::MAX))
        .sample(move |sample| {
            assert_eq!(thread::current().id(), here);
            assert!(sample.module.ends_with("loop.wat") && !sample.cut);
            assert_eq!(sample.frames.len(), 1, "{sample:?}");
            sampled.fetch_add(1, Relaxed);
        })
        .interrupt_when(move || checked.fetch_add(1, Relaxed) == 9);
    let guest = Sandbox::new(config).unwrap().load(path("wat/hostile/loop.wat")).unwrap();
    let error = guest.callback("compare", comparator()).unwrap().compare(&[0; 4], &[0; 4]).unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert_eq!(checks.load(Relaxed), 10);
    assert!(samples.load(Relaxed) >= 10);
}

#[test]
fn a_deep_stack_is_cut_at_its_outer_end() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"(module (memory (export "memory") 1)
        (func $deep (param $depth i32) (param $turns i32)
            (if (local.get $depth)
                (then (call $deep (i32.sub (local.get $depth) (i32.const 1)) (local.get $turns)))
                (else (loop $turn
                    (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
                    (br_if $turn (local.get $turns))))))
        (func $compare (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
            (call $deep (i32.const 500) (i32.const 10000))
            (i32.sub (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))))"#;
    let guest = dir.path().join("deep.wat");
    fs::write(&guest, text).unwrap();
    assert!(profiled(&dir, &[guest.to_str().unwrap()], 1000).status.success());
    let stacks = read(&dir);
    let is_cut = |stack: &Vec<String>| stack[1] == "[cut]" && stack[2..].iter().all(|frame| frame == "deep");
    assert!(stacks.keys().any(|stack| stack.len() == 130 && is_cut(stack)), "{stacks:?}");
}
