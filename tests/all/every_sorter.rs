//! `callbox sorters`: what each sorter asks the guest.
#![allow(unsafe_code, reason = "calls C's sorts with a native comparator, as an oracle")]

use std::cell::Cell;
use std::cmp::Ordering;
use std::ffi::{c_int, c_void};
use std::fs;
use std::path::Path;
use std::process::Output;

use callbox::native::{self, Verify};
use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{CType, Config, Error, Limit, Limits, Module, Sandbox};
use serde_json::Value;

use crate::sorters::library;
use crate::support::{
    Random, by_low_bits, callbox, files, guest, liars, lies_in_order, path, promise, run, skip,
};

const GLIBC: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

const ALWAYS_HERE: [&str; 5] = ["qsort", "msvcrt", "sandboxed", "rust-stable", "rust-unstable"];

fn sorters(args: &[&str]) -> Output {
    run(callbox().arg("sorters").args(args), b"")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns the runs of `--json`, and the exit status.
fn runs(args: &[&str]) -> (Vec<Value>, i32) {
    let output = sorters(&[args, &["--json"]].concat());
    let json: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    assert_eq!(stderr(&output), "");
    (json["runs"].as_array().unwrap().clone(), output.status.code().unwrap())
}

/// Returns the comparisons of a sorter for so many items.
fn count(runs: &[Value], sorter: &str, n: usize) -> u64 {
    let run = runs.iter().find(|run| run["sorter"] == sorter && run["n"] == n);
    let count = run.and_then(|run| run["comparisons"].as_u64());
    count.unwrap_or_else(|| panic!("no row of {sorter} and {n} items: {runs:?}"))
}

fn file(folder: &Path, numbers: &[i32]) -> String {
    let file = folder.join("numbers");
    fs::write(&file, numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    file.to_str().unwrap().to_owned()
}

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// Compares two numbers, and counts.
fn order(a: i32, b: i32) -> Ordering {
    ASKED.set(ASKED.get() + 1);
    a.cmp(&b)
}

unsafe extern "C" fn in_c(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: the sort passes pointers to elements.
    let [a, b] = [a, b].map(|number| unsafe { number.cast::<i32>().read() });
    order(a, b) as c_int
}

unsafe extern "C-unwind" fn in_msvcrt(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: as in C.
    unsafe { in_c(a, b) }
}

/// Returns how often a sort of these numbers asks a comparator that is no guest.
fn naive(sorter: &str, numbers: &[i32]) -> u64 {
    let mut numbers = numbers.to_vec();
    let (base, len) = (numbers.as_mut_ptr().cast(), numbers.len());
    ASKED.set(0);
    match sorter {
        // SAFETY: the array is that of the numbers.
        "qsort" => unsafe { libc::qsort(base, len, 4, Some(in_c)) },
        // SAFETY: as above.
        "msvcrt" => unsafe { native::msvcrt::qsort(base, len, 4, in_msvcrt) },
        "rust-stable" => numbers.sort_by(|a, b| order(*a, *b)),
        "rust-unstable" => numbers.sort_unstable_by(|a, b| order(*a, *b)),
        "insertion" => {
            for at in 1..len {
                let mut place = at;
                while place > 0 && order(numbers[place - 1], numbers[place]).is_gt() {
                    numbers.swap(place - 1, place);
                    place -= 1;
                }
            }
        }
        _ => panic!("{sorter}"),
    }
    assert!(numbers.is_sorted());
    ASKED.get()
}

#[test]
fn the_tutorials_five_numbers_take_as_many_comparisons_as_in_the_tutorial() {
    let folder = tempfile::tempdir().unwrap();
    let given = file(folder.path(), &[5, 1, 7, 33, 99]);
    let named = ["wat/good/subtract.wat", "--records", "i32", &given];
    for args in [&["--inputs", "tutorial"][..], &named] {
        let (runs, status) = runs(args);
        assert_eq!(status, 0);
        assert_eq!(count(&runs, "msvcrt", 5), 10);
        if GLIBC {
            assert_eq!(count(&runs, "qsort", 5), 5);
        } else {
            skip("glibc", "how many comparisons its qsort makes of the tutorial's numbers");
        }
    }
}

#[test]
fn comparisons_are_as_many_as_of_a_comparator_that_is_no_guest() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(11);
    let drawn: Vec<i32> = (0..700).map(|_| random.below(1 << 20) as i32).collect();
    let few = drawn.iter().map(|number| number % 4).collect();
    let mut sorted = drawn.clone();
    sorted.sort_unstable();
    let reversed = sorted.iter().rev().copied().collect();
    let library = library();
    let insertion = library.as_ref().map(|(_dir, file)| format!("{}:insertion", file.display()));
    for numbers in [drawn, few, sorted, reversed] {
        let given = file(folder.path(), &numbers);
        let mut args = vec!["i32", "--records", "i32", "--sizes", "2,9,60,700", &given];
        args.extend(insertion.iter().flat_map(|insertion| ["--sorter", insertion]));
        let (runs, status) = runs(&args);
        assert_eq!(status, 0, "{runs:?}");
        for n in [2, 9, 60, 700] {
            let first = &numbers[..n];
            for sorter in ["qsort", "msvcrt", "rust-stable", "rust-unstable"] {
                assert_eq!(count(&runs, sorter, n), naive(sorter, first), "{sorter}, {n}: {first:?}");
            }
            if let Some(insertion) = &insertion {
                assert_eq!(count(&runs, insertion, n), naive("insertion", first), "{n}: {first:?}");
            }
            for sorter in ALWAYS_HERE {
                assert!(count(&runs, sorter, n) >= n as u64 - 1, "{sorter}, {n}");
            }
            let most = n as f64 * (n as f64).log2();
            assert!(count(&runs, "sandboxed", n) as f64 <= most.max(1.0), "{n}: {first:?}");
        }
    }
}

#[test]
fn what_is_in_order_takes_half_of_each_merge() {
    // A merge of two halves, of which the left one comes first.
    fn merge_sort(n: u64) -> u64 {
        if n < 2 { 0 } else { merge_sort(n / 2) + merge_sort(n - n / 2) + n / 2 }
    }
    let (runs, _) = runs(&["--inputs", "sorted", "--sizes", "5,1000,30000"]);
    for n in [5, 1000, 30_000] {
        if GLIBC {
            assert_eq!(count(&runs, "qsort", n), merge_sort(n as u64));
        }
        for sorter in ["sandboxed", "rust-stable", "rust-unstable"] {
            assert_eq!(count(&runs, sorter, n), n as u64 - 1, "{sorter} looks for what is in order");
        }
    }
}

#[test]
fn the_same_seed_draws_the_same_input_whatever_its_type() {
    for (guest, kind) in [("bytes", "lines"), ("f64", "f64"), ("wat/good/bytes.wat", "bytes:3")] {
        let args = |seed| [guest, "--records", kind, "--inputs", "random", "--sizes", "100", "--seed", seed];
        let counts = |seed| {
            let (runs, status) = runs(&args(seed));
            assert_eq!(status, 0, "{runs:?}");
            ALWAYS_HERE.map(|sorter| count(&runs, sorter, 100))
        };
        assert_eq!(counts("7"), counts("7"), "{kind}");
        assert_ne!(counts("7"), counts("8"), "{kind}");
    }
}

#[test]
fn a_liar_has_rows_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(29);
    let far_apart: Vec<_> = (0..300).map(|_| random.next() as i32).collect();
    let given = file(folder.path(), &far_apart);
    for liar in liars() {
        let args = [liar.to_str().unwrap(), "--records", "i32", "--sizes", "5,300", &given];
        let (runs, status) = runs(&args);
        if lies_in_order(&liar) {
            continue; // some order fits its answers, which no sorter can tell
        }
        assert_eq!(status, 4, "{}: {runs:?}", promise(&liar));
        let failed = runs.iter().filter(|run| run["status"] == 4);
        assert!(failed.clone().count() > 0, "{runs:?}");
        for run in failed {
            assert!(
                !run["error"].as_str().unwrap().is_empty() && run.get("comparisons").is_none(),
                "{run:?}"
            );
        }
    }
}

#[test]
fn a_panic_of_stds_sort_is_a_reason_like_any_other() {
    let liar = path("wat/hostile/alternating.wat");
    let args = [liar.to_str().unwrap(), "--records", "i32", "--inputs", "random", "--sizes", "1000"];
    let output = sorters(&args);
    let table = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(table.contains("answers that contradict each other, and panicked: "), "{table}");
    assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(4)));
}

#[test]
fn every_hostile_guest_is_refused_or_has_rows() {
    for guest in files("wat/hostile", "wat") {
        let args =
            ["--records", "i32", "--inputs", "few", "--sizes", "5", "--fuel", "1e6", "--timeout", "5s"];
        let output = run(callbox().arg("sorters").arg(&guest).args(args), b"");
        let status = output.status.code().unwrap_or_else(|| panic!("{}: {output:?}", guest.display()));
        assert!([0, 3, 4].contains(&status), "{}: {output:?}", guest.display());
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{}", guest.display());
    }
}

#[test]
fn a_sorter_that_is_not_here_or_does_not_sort_has_its_row() {
    let (runs, status) = runs(&["--inputs", "few", "--sizes", "9", "--sorter", "/no/such.so:sort"]);
    assert_eq!(status, 2);
    let error = runs[0]["error"].as_str().unwrap();
    assert!(error.starts_with("/no/such.so: cannot load the library"), "{error}");
    assert_eq!(runs.len(), 1 + ALWAYS_HERE.len());
    let Some((_dir, library)) = library() else { return };
    let lazy = format!("{}:lazy", library.display());
    let (runs, status) = self::runs(&["--inputs", "random", "--sizes", "9,20", "--sorter", &lazy]);
    let rows: Vec<_> = runs.iter().filter(|run| run["sorter"] == lazy).collect();
    assert!(rows.len() == 1 && status == 2, "a failure is the last row of its kind: {rows:?}");
    assert!(rows[0]["error"].as_str().unwrap().contains("left its items in no order"), "{rows:?}");
}

#[test]
fn a_picture_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("sorters.svg");
    let to = svg.to_str().unwrap();
    let small = ["--inputs", "random,few", "--sizes", "5,9"];
    let absent = [&small[..], &["--sorter", "/no/such.so:sort"]].concat();
    for (args, text) in [
        (&absent[..], "not drawn, because a sorter failed; the table has the reason"),
        (&["--inputs", "tutorial"], "a line needs two sizes of an input; name them with --sizes"),
    ] {
        let output = sorters(&[args, &["--svg", to]].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(text), "{output:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{args:?}");
    }
    let unwritable = folder.path().join("missing/sorters.svg");
    let output = sorters(&[&small[..], &["--svg", unwritable.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "it is refused before anything is sorted");
    assert!(stderr(&output).ends_with("choose another --svg\n"), "{}", stderr(&output));

    fs::write(&svg, "what was there").unwrap();
    let output = sorters(&[&small[..], &["--svg", to]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let picture = fs::read_to_string(&svg).unwrap();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
    for text in ["random: comparisons", "few: ns", "prefers-color-scheme: dark"] {
        assert_eq!(picture.matches(text).count(), 1, "{text}");
    }
    let lines = picture.matches("<polyline").count();
    assert!(lines >= 4 * ALWAYS_HERE.len(), "a line of each sorter in each panel: {lines}");
    for sorter in ALWAYS_HERE {
        assert_eq!(picture.matches(&format!("\n{sorter}\n")).count(), 4, "{sorter}");
    }
}

#[test]
fn the_readmes_picture_is_drawn_by_the_command_beside_it() {
    let [readme, script, picture] = ["README.md", "docs/pictures", "docs/sorters.svg"]
        .map(|file| fs::read_to_string(path(file)).unwrap());
    let command = readme.split('`').find(|code| code.starts_with("callbox sorters --inputs")).unwrap();
    let arguments = command.strip_prefix("callbox").unwrap();
    assert!(script.contains(&format!("\"$callbox\"{arguments}\n")), "docs/pictures has no {arguments}");
    for sorter in ALWAYS_HERE {
        assert_eq!(picture.matches(&format!("\n{sorter}\n")).count(), 2, "{sorter}");
    }
}

#[test]
fn unstable_sorts_leave_equal_items_in_any_order_and_show_their_sorter_the_zeros() {
    let compare = guest(&by_low_bits("i32")).comparator_for(CType::Int32).unwrap();
    let mut random = Random(23);
    let numbers: Vec<u8> = (0..2000).flat_map(|_| (random.next() as i32).to_le_bytes()).collect();
    let low = |item: &[u8]| item[0] & 7;
    for sorter in [Sorter::Qsort, Sorter::Msvcrt, Sorter::Sandboxed, Sorter::Auto] {
        let options = Options::default().sorter(sorter).verify(Verify::Sample);
        let [by_bytes, unstable] = [false, true].map(|unstable| {
            let mut items = Items::records(numbers.clone(), 4).unwrap();
            let job = Job::new(&compare, options.clone().unstable(unstable));
            let order = job.sort(&items).unwrap().order;
            assert!(order.iter().map(|at| low(items.get(*at as usize))).is_sorted(), "{sorter:?}");
            let before = job.comparisons();
            job.sort_in_place(&mut items).unwrap();
            assert!(items.iter().map(low).is_sorted(), "{sorter:?}");
            job.comparisons() - before
        });
        if sorter == Sorter::Msvcrt {
            assert!(unstable < by_bytes / 2, "it leaves equal elements out: {unstable} of {by_bytes}");
        }
    }
    // An option that keeps ties takes precedence.
    let items = Items::records(numbers, 4).unwrap();
    let stable = |unstable| Options::default().stable(true).unstable(unstable);
    let order = |options| Job::new(&compare, options).sort(&items).unwrap().order;
    assert_eq!(order(stable(true)), order(stable(false)));
}

#[test]
fn comparisons_from_rust_share_one_budget() {
    let config = Config::new(Limits::default().fuel(10_000));
    let module = Module::from_text(&Sandbox::new(config).unwrap(), "low", by_low_bits("i32")).unwrap();
    let compare = module.instantiate().unwrap().comparator_for(CType::Int32).unwrap();
    let [one, two] = [1_i32, 2].map(i32::to_le_bytes);
    let mut comparisons = compare.comparisons().unwrap();
    assert!(matches!(comparisons.compare(&one, &two[..3]), Err(Error::ElementMismatch { .. })));
    assert_eq!((comparisons.compare(&one, &two).unwrap(), comparisons.calls()), (Ordering::Less, 1));
    assert!(matches!(compare.compare(&one, &two), Err(Error::Reentrant { .. })), "the guest is taken");
    let spent = (0..10_000).find_map(|_| comparisons.compare(&two, &one).err()).unwrap();
    assert_eq!(spent.limit(), Some(Limit::Fuel));
    let calls = comparisons.calls();
    drop(comparisons);
    assert_eq!(compare.calls(), calls + 1, "and the call that was refused");
    assert_eq!(compare.compare(&one, &two).unwrap(), Ordering::Less, "on a new budget");
}
