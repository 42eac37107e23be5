//! Tests of the unsafe path of glibc's `qsort`, reached by a preloaded library that refuses the C
//! library its temporary array, `tests/shims/refuse.c`.

use std::cmp::Ordering;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use super::super::NativeSorter;
use super::{Checks, WIDTHS, elements, every_answer, liars, say, sort, sorted};
use crate::batch::glibc;
use crate::callback::Callback;
use crate::error::Error;
use crate::memory::ScratchArray;
use crate::skip::skip;

/// Runs one of these tests again in its own process, with the C library short of memory.
/// Returns its exit status; prints a message and returns `None` where that is not possible.
fn short_of_memory(test: &str, set: (&str, &str)) -> Option<ExitStatus> {
    if !glibc::has_unsafe_path() {
        skip("in-place-qsort", "qsort's path out of its array, which this C library does not have");
        return None;
    }
    without_memory(&format!("in_place::{test}"), set)
}

/// As [`short_of_memory`], whatever the C library does then.
pub(super) fn without_memory(test: &str, set: (&str, &str)) -> Option<ExitStatus> {
    let dir = tempfile::tempdir().unwrap();
    let shim = dir.path().join("refuse.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shims/refuse.c");
    let mut cc = Command::new("cc");
    let Ok(compiled) = cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(source).status() else {
        skip("cc", "qsort's path without a temporary, which needs a C compiler");
        return None;
    };
    assert!(compiled.success());
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "--ignored", &format!("native::tests::{test}")]);
    again.env("LD_PRELOAD", &shim).env(set.0, set.1);
    let output = again.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("running 1 test"), "{text}");
    if !output.status.success() && output.status.code().is_some() {
        panic!("{text}");
    }
    Some(output.status)
}

fn refused(test: &str) -> Option<ExitStatus> {
    short_of_memory(test, ("CALLBOX_REFUSE", "1"))
}

#[test]
fn without_its_temporary_qsort_is_left_at_the_first_call() {
    let ended = refused("unsafe_path_is_left_at_the_first_call");
    assert!(ended.is_none_or(|status| status.success()));
}

#[test]
#[ignore = "runs with a preloaded library"]
fn unsafe_path_is_left_at_the_first_call() {
    let placeholder = Callback::placeholder();
    for width in WIDTHS {
        for count in [2, 3, 5, 100, 1000, 10_000] {
            // A temporary array of less than this is on the stack.
            let merges = if width > 32 { count * 16 + width < 1024 } else { count * width < 1024 };
            for (name, mut liar) in liars() {
                let mut scratch = elements(count, width);
                let before = scratch.as_slice().to_vec();
                let mut calls = 0;
                let outcome =
                    sort(Checks::All, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |a, b| {
                        calls += 1;
                        Ok(liar(a, b))
                    });
                if merges {
                    assert!(outcome.is_ok());
                    continue;
                }
                let error = outcome.expect_err(name);
                assert!(matches!(error, Error::LeftMergePath { .. }), "{name}, {count} × {width}: {error}");
                assert_eq!(calls, 0, "a comparator was asked on the unsafe path");
                assert!(scratch.as_slice() == before, "{name}, {count} × {width}: an element has moved");
            }
        }
    }
    // No state remains that would impede the next sort.
    let mut scratch = elements(8, 4);
    sort(Checks::All, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |a, b| Ok(b.cmp(a))).unwrap();
    assert_eq!(scratch.as_slice()[..4], [7, 0, 0, 0]);
}

/// McIlroy's adversary (1999): its answers are consistent, and make a quicksort take quadratic time.
#[test]
fn the_quadratic_adversary_is_left_at_the_first_call() {
    let ended = refused("adversary_is_left_at_the_first_call");
    assert!(ended.is_none_or(|status| status.success()));
}

#[test]
#[ignore = "runs with a preloaded library"]
fn adversary_is_left_at_the_first_call() {
    let placeholder = Callback::placeholder();
    for (checks, count) in [(Checks::All, 100_000), (Checks::Range, 2000)] {
        let gas = u32::MAX;
        let mut value = vec![gas; count];
        let (mut solid, mut candidate, mut calls) = (0, 0, 0);
        let mut scratch = elements(count, 4);
        let outcome = sort(checks, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |a, b| {
            calls += 1;
            let [x, y] = [a, b].map(|e| u32::from_le_bytes(e.try_into().unwrap()) as usize);
            if value[x] == gas && value[y] == gas {
                let freeze = if x == candidate { x } else { y };
                value[freeze] = solid;
                solid += 1;
            }
            if value[x] == gas {
                candidate = x;
            } else if value[y] == gas {
                candidate = y;
            }
            Ok(value[x].cmp(&value[y]))
        });
        match checks {
            Checks::All => {
                assert!(matches!(outcome, Err(Error::LeftMergePath { .. })));
                assert_eq!(calls, 0);
            }
            // Without the check the time is quadratic: the adversary was made for this path.
            _ => assert!(outcome.is_err() || calls > count * count / 8, "{calls} calls"),
        }
    }
}

#[test]
fn the_range_check_alone_keeps_every_element_on_every_unsafe_path_of_up_to_five() {
    let ended = refused("unsafe_paths_of_up_to_five");
    assert!(ended.is_none_or(|status| status.success()));
}

#[test]
#[ignore = "runs with a preloaded library"]
fn unsafe_paths_of_up_to_five() {
    let placeholder = Callback::placeholder();
    let width = 1024; // the temporary comes from malloc even for two elements
    let mut runs = Vec::new();
    let mut left = 0;
    for count in 2..=5 {
        let before = sorted(&elements(count, width));
        // Up to four elements are sorted by insertion. Five or more are partitioned, which can take many
        // answers: the first ten are tried in every combination.
        let free = if count <= 4 { usize::MAX } else { 10 };
        runs.push(every_answer(free, |answer| {
            let mut scratch = elements(count, width);
            let outcome = sort(
                Checks::Range,
                NativeSorter::Qsort,
                &mut scratch,
                &placeholder,
                &mut |_, _| Ok(answer()),
            );
            left += usize::from(outcome.is_err());
            assert!(matches!(outcome, Ok(()) | Err(Error::OutOfBounds { .. })), "{outcome:?}");
            assert_eq!(sorted(&scratch), before);
        }));
    }
    say(&format!("paths of the quicksort for 2 to 5 elements: {runs:?}, of which {left} leave the array"));
    assert!(left > 0, "no sequence of answers drove the sort out of its array");
}

#[test]
fn the_range_check_alone_stops_every_liar_on_the_unsafe_path() {
    let ended = refused("unsafe_path_stops_at_the_range");
    assert!(ended.is_none_or(|status| status.success()));
}

#[test]
#[ignore = "runs with a preloaded library"]
fn unsafe_path_stops_at_the_range() {
    let placeholder = Callback::placeholder();
    let mut left = 0;
    for width in WIDTHS {
        for count in [4, 5, 100, 10_000] {
            for (_, mut liar) in liars() {
                let mut scratch = elements(count, width);
                let before = sorted(&scratch);
                let outcome =
                    sort(Checks::Range, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |a, b| {
                        Ok(liar(a, b))
                    });
                assert!(matches!(outcome, Ok(()) | Err(Error::OutOfBounds { .. })), "{outcome:?}");
                left += usize::from(outcome.is_err());
                assert!(sorted(&scratch) == before, "{count} × {width}: elements are lost");
            }
        }
    }
    assert!(left > 0, "no liar drove the sort out of its array");
}

/// If this does not crash, the tests above prove nothing.
#[test]
fn with_every_check_off_a_liar_crashes_the_process() {
    let Some(status) = refused("a_liar_crashes") else { return };
    assert!(!status.success(), "the hole was not reached");
    let signal = status.signal();
    assert!(matches!(signal, Some(libc::SIGSEGV | libc::SIGBUS | libc::SIGABRT)), "{status}");
}

#[test]
#[ignore = "runs with a preloaded library, and crashes"]
fn a_liar_crashes() {
    let placeholder = Callback::placeholder();
    let mut scratch = elements(10_000, 4);
    let _ = sort(Checks::None, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |a, b| {
        // Reads both elements, as the copy for a guest would.
        std::hint::black_box((a.to_vec(), b.to_vec()));
        Ok(Ordering::Less)
    });
}

#[test]
fn an_array_whose_temporary_would_be_refused_is_refused_before_anything_is_called() {
    let ended = short_of_memory("temporary_is_too_large", ("CALLBOX_PAGES", "4000"));
    assert!(ended.is_none_or(|status| status.success()));
}

#[test]
#[ignore = "runs with a preloaded library"]
fn temporary_is_too_large() {
    let placeholder = Callback::placeholder();
    let page = rustix::param::page_size();
    let ask = &mut |_: &[u8], _: &[u8]| panic!("a comparator was asked");
    let mut scratch = elements(1001 * page / 4, 4);
    let before = scratch.as_slice().to_vec();
    let error = sort(Checks::All, NativeSorter::Qsort, &mut scratch, &placeholder, ask).unwrap_err();
    assert!(
        matches!(error, Error::TemporaryTooLarge { temporary, .. } if temporary == 1001 * page),
        "{error}"
    );
    assert!(scratch.as_slice() == before);
    // One page less is exactly a quarter, which is allowed.
    let mut scratch = elements(1000 * page / 4, 4);
    sort(Checks::All, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |a, b| Ok(a.cmp(b))).unwrap();
}

#[test]
fn with_little_address_space_qsort_is_left_or_not_begun() {
    let ended = short_of_memory("little_address_space", ("CALLBOX_PAGES", "0"));
    assert!(ended.is_none_or(|status| status.success()));
}

#[test]
#[ignore = "runs in a process of its own"]
fn little_address_space() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let placeholder = Callback::placeholder();
    let (count, width) = (9 << 18, 32); // 72 MiB, more than a malloc arena, and as large a temporary
    let mut outcomes = Vec::new();
    for spare in [16u64, 100, 160, 512] {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
        let kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
        let mut limit = getrlimit(Resource::As);
        let before = limit.current;
        limit.current = Some((kib << 10) + (spare << 20));
        setrlimit(Resource::As, limit).unwrap();
        let outcome = ScratchArray::zeroed(count, width, usize::MAX).and_then(|mut scratch| {
            sort(Checks::All, NativeSorter::Qsort, &mut scratch, &placeholder, &mut |_, _| {
                Ok(Ordering::Equal)
            })
        });
        limit.current = before;
        setrlimit(Resource::As, limit).unwrap();
        outcomes.push(match outcome {
            Ok(()) => "sorted",
            Err(Error::NoMemory { .. }) => "no array",
            Err(Error::LeftMergePath { .. }) => "left",
            Err(error) => panic!("{spare} MiB: {error}"),
        });
    }
    assert_eq!(outcomes, ["no array", "left", "sorted", "sorted"]);
}
