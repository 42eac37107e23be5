//! The ctypes tutorial, line by line, against golden transcripts.

use std::sync::{Arc, Mutex};

use callbox::{Callback, CallbackTable, native};

use crate::support::{callbox_ok, comparator, granting_print, path, skip};

const GLIBC: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

/// Output of ctypes' tutorial on glibc, without its text: pairs of values.
const GLIBC_SECOND: &str = "5 1\n33 99\n7 33\n5 7\n1 7\n";
const GLIBC_THIRD: &str = "5 1\n33 99\n7 33\n1 7\n5 7\n";
/// Output of ctypes' tutorial with the Microsoft C runtime.
const CRT_SECOND: &str = "7 1\n33 1\n99 1\n5 1\n7 5\n33 5\n99 5\n7 99\n33 99\n7 33\n";
const CRT_THIRD: &str = "33 7\n99 33\n5 99\n1 99\n33 7\n1 33\n5 33\n5 7\n1 7\n5 1\n";

/// Returns a callback of the tutorial's guest, and the text that the guest prints.
fn printing(export: &str) -> (Callback, Arc<Mutex<Vec<u8>>>) {
    let text = Arc::new(Mutex::new(Vec::new()));
    let sink = text.clone();
    let sandbox = granting_print(move |line| sink.lock().unwrap().extend_from_slice(line));
    let guest = sandbox.load(path("wat/good/tutorial.wat")).unwrap();
    (guest.callback(export, comparator()).unwrap(), text)
}

type Sort = fn(&mut [i32], &Callback) -> callbox::Result<()>;

fn transcript(export: &str, sort: Sort, ia: &mut [i32; 5]) -> String {
    let (callback, text) = printing(export);
    sort(ia, &callback).unwrap();
    let text = text.lock().unwrap().clone();
    String::from_utf8(text).unwrap()
}

#[test]
#[cfg(not(windows))]
fn under_the_c_librarys_qsort_the_comparators_print_what_the_tutorial_shows() {
    let mut ia = [5, 1, 7, 33, 99];
    let first = transcript("pointers", native::qsort, &mut ia);
    assert_eq!(ia, [5, 1, 7, 33, 99]);
    let second = transcript("values", native::qsort, &mut ia);
    assert_eq!(ia, [5, 1, 7, 33, 99]);
    let third = transcript("ascending", native::qsort, &mut ia);
    assert_eq!(ia, [1, 5, 7, 33, 99]);
    if !GLIBC {
        skip("glibc", "the order of qsort's comparisons, which is that of glibc; results were checked");
        for transcript in [first, second, third] {
            assert!(transcript.lines().all(|pair| pair.split(' ').count() == 2));
        }
        return;
    }
    assert_eq!(first.lines().count(), 5);
    assert_eq!(second, GLIBC_SECOND);
    assert_eq!(third, GLIBC_THIRD);
}

#[test]
fn under_the_microsoft_runtimes_qsort_each_run_works_on_what_the_run_before_left() {
    // Where that runtime is the C library, its own does the same.
    let own: &[Sort] = if cfg!(windows) { &[native::qsort] } else { &[] };
    for sort in own.iter().chain([&(native::msvcrt_qsort as Sort)]) {
        let mut ia = [5, 1, 7, 33, 99];
        assert_eq!(transcript("pointers", *sort, &mut ia).lines().count(), 10);
        assert_eq!(ia, [1, 7, 33, 99, 5]);
        assert_eq!(transcript("values", *sort, &mut ia), CRT_SECOND);
        assert_eq!(ia, [7, 33, 99, 5, 1]);
        assert_eq!(transcript("ascending", *sort, &mut ia), CRT_THIRD);
        assert_eq!(ia, [1, 5, 7, 33, 99]);
    }
}

#[test]
fn a_guest_prints_addresses_of_its_own_memory_and_none_of_the_hosts() {
    let mut ia = [5, 1, 7, 33, 99];
    let text = transcript("pointers", native::qsort, &mut ia);
    for address in text.split_whitespace() {
        let address: u64 = address.parse().unwrap();
        assert!(address > 0 && address < 64 << 20, "{address} is not in the guest's memory");
    }
}

#[test]
fn the_command_plays_the_whole_session() {
    let played = String::from_utf8(callbox_ok(&["tutorial"], b"")).unwrap();
    if GLIBC {
        let golden = std::fs::read_to_string(path("tests/golden/tutorial.txt")).unwrap();
        assert_eq!(played, golden);
    } else {
        skip("glibc", "the tutorial's transcript, which is that of glibc; its last lines were checked");
        assert!(played.contains("12. a[0] - b[0] overflows"));
    }
    assert!(CallbackTable.len() <= CallbackTable.capacity());
}
