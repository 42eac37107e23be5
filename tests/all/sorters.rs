//! Sort functions of shared libraries: `callbox sort --sorter LIB:SYMBOL`.

use std::path::PathBuf;

use crate::support::{Random, callbox, callbox_ok, path, run, shared_library, skip};

/// Compiles the library of good and bad sorts; returns `None` if there is no compiler.
pub(crate) fn library() -> Option<(tempfile::TempDir, PathBuf)> {
    shared_library(include_str!("../shims/sorts.c"), &["-O1"])
}

fn input() -> Vec<u8> {
    Random(3).lines(500, 4, &["v1.", "10", "9", "b", "a", "-rc", "\u{e9}"])
}

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_function_of_a_shared_library_sorts_as_the_c_librarys_does() {
    let Some((_dir, library)) = library() else { return };
    let sorter = format!("{}:insertion", library.display());
    for options in [&[][..], &["-r"], &["-u"], &["-s"], &["--parallel", "2"], &["--trace"]] {
        for guest in ["bytes", "version", "fold"] {
            let expected = callbox_ok(&[&["sort", guest], options].concat(), &input());
            let sorted = callbox_ok(&[&["sort", guest, "--sorter", &sorter], options].concat(), &input());
            assert_eq!(
                String::from_utf8_lossy(&sorted),
                String::from_utf8_lossy(&expected),
                "{guest} {options:?}"
            );
        }
    }
    let mut random = Random(5);
    let records: Vec<u8> = (0..1000).flat_map(|_| (random.next() as i32).to_le_bytes()).collect();
    let expected = callbox_ok(&["sort", "i32", "--records", "i32"], &records);
    assert_eq!(callbox_ok(&["sort", "i32", "--records", "i32", "--sorter", &sorter], &records), expected);
    let stats = run(callbox().args(["sort", "bytes", "--stats", "--sorter", &sorter]), &input());
    assert!(stderr(&stats).contains(&sorter), "{}", stderr(&stats));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn an_isolated_process_has_its_library_loaded_before_it_locks_itself_down() {
    let Some((_dir, library)) = library() else { return };
    let sorter = format!("{}:insertion", library.display());
    let expected = callbox_ok(&["sort", "bytes"], &input());
    assert_eq!(callbox_ok(&["sort", "bytes", "--isolate", "--sorter", &sorter], &input()), expected);
}

#[test]
fn what_a_function_has_made_of_the_items_is_checked() {
    let Some((_dir, library)) = library() else { return };
    let name = library.display();
    let scratch = tempfile::tempdir().unwrap();
    for (symbol, text) in [
        ("lazy", format!("{name}:lazy left its items in no order: ")),
        ("copying", "the sort's result is not a permutation of its input; nothing was written back".into()),
        ("nonsense", "\"compare_bytes\" was called with a null pointer; an element was expected".into()),
        ("no_such", format!("--sorter: {name}: there is no function \"no_such\" in this library")),
    ] {
        let file = scratch.path().join("file");
        std::fs::write(&file, input()).unwrap();
        let arguments = ["sort", "bytes", "--sorter", &format!("{name}:{symbol}"), "-o"];
        let output = run(callbox().args(arguments).arg(&file).arg(&file), b"");
        assert!(stderr(&output).contains(&text), "{symbol}: {}", stderr(&output));
        assert_eq!(output.status.code(), Some(2), "{symbol}: {}", stderr(&output));
        assert_eq!(std::fs::read(&file).unwrap(), input(), "{symbol}: the file is as it was");
    }
    let output = run(callbox().args(["sort", "bytes", "--sorter", "/no/such.so:sort"]), b"");
    assert!(stderr(&output).contains("/no/such.so: cannot load the library: "), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(2));
    for nonsense in ["heap", ":sort", "lib:", ""] {
        let output = run(callbox().args(["sort", "bytes", "--sorter", nonsense]), b"");
        assert!(
            stderr(&output).contains("expected auto, qsort, sandboxed, msvcrt, or LIB:SYMBOL"),
            "{}",
            stderr(&output)
        );
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn a_guest_that_fails_in_somebody_elses_sort_is_a_failure_all_the_same() {
    let Some((_dir, library)) = library() else { return };
    let sorter = format!("{}:insertion", library.display());
    let guest = path("wat/hostile/unreachable.wat");
    let arguments = ["--records", "i32", "--sorter", &sorter, "-e", "compare"];
    let output = run(callbox().arg("sort").arg(guest).args(arguments), &[0; 40]);
    assert!(stderr(&output).contains("trapped"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(3));
}

/// The BSDs' sorts: one that keeps some elements aside, and one that keeps them in a heap.
#[test]
#[cfg(target_os = "linux")]
fn the_bsds_mergesort_and_heapsort_ask_a_guest() {
    for symbol in ["mergesort", "heapsort"] {
        let sorter = format!("libbsd.so.0:{symbol}");
        let output = run(callbox().args(["sort", "version", "--sorter", &sorter]), &input());
        if stderr(&output).contains("cannot load the library") {
            return skip("libbsd", "libbsd's mergesort and heapsort, which is not installed");
        }
        assert_eq!(output.stdout, callbox_ok(&["sort", "version"], &input()), "{}", stderr(&output));
    }
}

/// musl's smoothsort lives in its C library, which is loaded beside the process's own.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn musls_qsort_asks_a_guest() {
    let found = ["/lib/ld-musl-x86_64.so.1", "/usr/lib/musl/lib/libc.so"];
    let Some(musl) = found.into_iter().find(|musl| std::path::Path::new(musl).exists()) else {
        return skip("musl", "musl's qsort, which is not installed");
    };
    let sorter = format!("{musl}:qsort");
    let output = run(callbox().args(["sort", "bytes", "--sorter", &sorter]), &input());
    assert_eq!(output.stdout, callbox_ok(&["sort", "bytes"], &input()), "{}", stderr(&output));
}
