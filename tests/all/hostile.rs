//! The guests in `wat/hostile`, each with its promise in line one:
//!
//! - `row N: blame WHO: TEXT`: sorting fails, with an error that blames `WHO` and contains `TEXT`;
//! - `row N: lies: HOW`: the C sorts give a permutation, or an error that reports the lie; a sort whose
//!   result is checked gives that error, unless some order fits the answers.
//!
//! `N` is a row of `docs/reliability.md`. Each guest runs in this process, through the library, and
//! in a child under limits of the operating system, through the command line.

use std::fs;
use std::path::Path;

use callbox::{Blame, Error, Limits, Sandbox, native};

use crate::support::{bounded, comparator, files, good, lies_in_order, path, promise, run, sandbox};

const FUEL: u64 = 10_000_000;

/// Numbers, some of whose differences overflow.
const NUMBERS: [i32; 7] = [5, 1, i32::MIN, 33, 99, i32::MAX, -7];

enum Promise {
    Fails { blame: String, text: String },
    Lies,
}

fn parse(promise: &str) -> Promise {
    let (row, outcome) = promise.strip_prefix("row ").and_then(|rest| rest.split_once(": ")).unwrap();
    assert!((1..=37).contains(&row.parse::<u8>().unwrap()), "{promise}");
    if outcome.starts_with("lies: ") {
        return Promise::Lies;
    }
    let (blame, text) = outcome.strip_prefix("blame ").and_then(|rest| rest.split_once(": ")).unwrap();
    Promise::Fails { blame: blame.into(), text: text.into() }
}

#[test]
fn every_hostile_guest_keeps_its_promise_in_process() {
    for file in files("wat/hostile", "wat") {
        match parse(&promise(&file)) {
            Promise::Lies => lies(&file),
            Promise::Fails { blame, text } => fails(&file, &blame, &text),
        }
        // Afterwards the process works as before.
        let mut ia = NUMBERS;
        native::qsort(&mut ia, &good("ascending", "compare")).unwrap();
        assert!(ia.is_sorted());
    }
}

fn fails(file: &Path, blame: &str, text: &str) {
    let limits = Limits::default().fuel(FUEL);
    let mut ia = NUMBERS;
    let sort = |ia: &mut [i32]| {
        let guest = Sandbox::new(limits)?.load(file)?;
        native::qsort(ia, &guest.callback("compare", comparator())?)
    };
    let error = sort(&mut ia).expect_err(text);
    assert_eq!(ia, NUMBERS, "{}", file.display());
    assert!(error.to_string().contains(text), "{}: {error}", file.display());
    let who = match error.blame() {
        Blame::Caller => "caller",
        Blame::Guest => "guest",
        Blame::Host => "host",
    };
    assert_eq!(who, blame, "{}: {error}", file.display());
}

fn lies(file: &Path) {
    let liar = sandbox().load(file).unwrap().callback("compare", comparator()).unwrap();
    for sort in [native::qsort::<i32>, native::msvcrt_qsort::<i32>] {
        for len in [0, 1, 2, 3, 5, 8, 9, 100, 1000] {
            let numbers: Vec<i32> = (0..len).map(|n: i32| n.wrapping_mul(0x3000_0001)).collect();
            let mut sorted = numbers.clone();
            let outcome = sort(&mut sorted, &liar);
            if let Err(error) = outcome {
                assert!(matches!(error, Error::OutOfBounds { .. }), "{error}");
                assert_eq!(sorted, numbers, "{}", file.display());
            }
            sorted.sort();
            let mut numbers = numbers;
            numbers.sort();
            assert_eq!(sorted, numbers, "{}", file.display());
        }
    }
    for sort in [native::qsort_verified::<i32>, native::msvcrt_qsort_verified::<i32>] {
        let mut ia = NUMBERS;
        match sort(&mut ia, &liar, native::Verify::Sample) {
            Ok(()) => assert!(lies_in_order(file), "{}", file.display()),
            Err(Error::Contradiction(_)) => {
                assert!(!lies_in_order(file) && ia == NUMBERS, "{}", file.display());
            }
            Err(error) => panic!("{}: {error}", file.display()),
        }
    }
}

#[test]
fn every_hostile_guest_keeps_its_promise_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input");
    let bytes: Vec<u8> = NUMBERS.iter().flat_map(|n| n.to_le_bytes()).collect();
    fs::write(&input, &bytes).unwrap();
    let output = dir.path().join("output");
    for file in files("wat/hostile", "wat") {
        let name = file.strip_prefix(path("")).unwrap().to_str().unwrap();
        let mut callbox = bounded(30, 300_000);
        callbox.args(["sort", name, "--records", "i32", "-e", "compare", "--fuel", &FUEL.to_string(), "-o"]);
        let outcome = run(callbox.arg(&output).arg(&input), b"");
        let stderr = String::from_utf8_lossy(&outcome.stderr);
        let code = outcome.status.code().unwrap_or_else(|| panic!("{name}: {}\n{stderr}", outcome.status));
        assert_eq!(outcome.stdout, b"", "{name}");
        assert_eq!(fs::read(&input).unwrap(), bytes, "{name}: the input has changed");
        match parse(&promise(&file)) {
            Promise::Lies if !lies_in_order(&file) => {
                assert_eq!(code, 4, "{name}: {stderr}");
                let told = stderr.contains("\"compare\" contradicts itself: ")
                    || stderr.contains("\"compare\" keeps state: ");
                assert!(told && stderr.lines().count() == 1, "{name}: {stderr}");
                assert!(!output.exists(), "{name}: there is an output");
            }
            Promise::Lies => {
                assert_eq!((code, &*stderr), (0, ""), "{name}");
                let sorted = fs::read(&output).unwrap();
                let mut sorted: Vec<_> = sorted.chunks(4).collect();
                sorted.sort();
                let mut numbers: Vec<_> = bytes.chunks(4).collect();
                numbers.sort();
                assert_eq!(sorted, numbers, "{name}");
                fs::remove_file(&output).unwrap();
            }
            Promise::Fails { blame, text } => {
                assert_eq!(code, if blame == "guest" { 3 } else { 2 }, "{name}: {stderr}");
                let mut lines = stderr.lines();
                let first = lines.next().unwrap_or_default();
                assert!(first.starts_with("callbox: ") && first.contains(&text), "{name}: {stderr}");
                // Only the guest's own backtrace may follow.
                let trace =
                    lines.next().is_none_or(|line| text.contains("trapped") && line == "in the guest:");
                assert!(trace, "{name}: {stderr}");
                assert!(!output.exists(), "{name}: there is an output");
            }
        }
    }
}

#[test]
fn liars_give_a_permutation_of_records_of_any_width() {
    for file in files("wat/hostile", "wat") {
        if !matches!(parse(&promise(&file)), Promise::Lies) {
            continue;
        }
        let guest = sandbox().load(&file).unwrap();
        let liar = guest.callback("compare", callbox::Prototype::comparator(callbox::CType::Void)).unwrap();
        for width in [1, 3, 4, 8, 12, 32, 33, 100] {
            let records: Vec<u8> = (0..300 * width).map(|n| (n * 7 % 251) as u8).collect();
            for sort in [native::qsort_records, native::msvcrt_qsort_records] {
                let mut sorted = records.clone();
                let _ = sort(&mut sorted, width, &liar);
                let all = |bytes: &[u8]| {
                    let mut all: Vec<_> = bytes.chunks(width).map(<[u8]>::to_vec).collect();
                    all.sort();
                    all
                };
                assert_eq!(all(&sorted), all(&records), "{} {width}", file.display());
            }
        }
    }
}
