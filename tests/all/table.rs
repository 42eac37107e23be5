//! The callback table: who lent what, since when, and what was called late; and its dump by a
//! handler of a signal.
#![allow(unsafe_code, reason = "plays the part of native code, and handles signals")]

use std::collections::BTreeSet;
use std::ffi::c_int;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use callbox::sort::{self, Items, Job, Options, Sorter, Verify};
use callbox::{
    CType, Callback, CallbackTable, CompareFn, Error, Module, Prototype, Registration, Sandbox, SlotKey,
    native,
};

use crate::support::{again, alone, comparator, good, granting_print};

/// A function pointer of the guest's prototype, made by libffi.
#[cfg(feature = "libffi")]
type Compare = unsafe extern "C" fn(*const c_int, *const c_int) -> c_int;

fn registered(key: SlotKey) -> Registration {
    CallbackTable.get(key).unwrap()
}

fn call(pointer: CompareFn) {
    let elements = [1, 2];
    let [a, b] = elements.each_ref().map(|element: &c_int| (&raw const *element).cast());
    // SAFETY: both arguments point to an int.
    unsafe { pointer(a, b) };
}

#[test]
fn a_lease_names_the_line_that_lent_it() {
    let ascending = good("ascending", "compare");
    let mut found = Vec::new();
    let mut check = |key, line| found.push((registered(key).place, line));
    let (mut array, mut bytes) = ([2, 1], [0; 8]);

    let lease = ascending.lend(&mut array).unwrap();
    check(lease.key(), line!() - 1);
    let lease = ascending.lend_records(&mut bytes, 4).unwrap();
    check(lease.key(), line!() - 1);
    let lease = ascending.lend_copy(&[0; 8], 4).unwrap();
    check(lease.key(), line!() - 1);
    let lease = ascending.retain().unwrap();
    check(lease.key(), line!() - 1);
    check(lease.clone().key(), line!() - 2); // a clone is of the same registration
    let lease = ascending.retain_records(4).unwrap();
    check(lease.key(), line!() - 1);
    #[cfg(feature = "libffi")]
    {
        let lease = ascending.lend_as::<Compare>().unwrap();
        check(lease.key(), line!() - 1);
        let lease = ascending.retain_as::<Compare>().unwrap();
        check(lease.key(), line!() - 1);
    }
    for (place, line) in found {
        assert_eq!((place.file(), place.line()), (file!(), line));
    }
}

/// A guest that compares, and prints meanwhile.
const PRINTING: &str = r#"(module
    (import "callbox" "print" (func $print (param i32 i32)))
    (memory (export "memory") 1)
    (func (export "compare") (param $a i32) (param $b i32) (result i32)
        (call $print (i32.const 0) (i32.const 0))
        (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b))))
    (func (export "compare_bytes") (param $a i32) (param i32) (param $b i32) (param i32) (result i32)
        (call $print (i32.const 0) (i32.const 0))
        (i32.sub (i32.load8_u (local.get $a)) (i32.load8_u (local.get $b)))))"#;

/// The lines of this file that the table names while a guest of this name runs.
struct Seen {
    sandbox: Sandbox,
    lines: Arc<Mutex<BTreeSet<u32>>>,
}

impl Seen {
    fn new(module: &'static str) -> Seen {
        let lines = Arc::<Mutex<BTreeSet<u32>>>::default();
        let seen = lines.clone();
        let sandbox = granting_print(move |_| {
            for lent in CallbackTable.iter().filter(|lent| lent.module == module) {
                assert_eq!(lent.place.file(), file!());
                seen.lock().unwrap().insert(lent.place.line());
            }
        });
        Seen { sandbox, lines }
    }

    fn callback(&self, module: &str, export: &str, prototype: Prototype) -> Callback {
        let module = Module::from_text(&self.sandbox, module, PRINTING).unwrap();
        module.instantiate().unwrap().callback(export, prototype).unwrap()
    }

    /// Fails if the table has named another line than this one, or none, since the last time.
    #[track_caller]
    fn check(&self, line: u32) {
        assert_eq!(std::mem::take(&mut *self.lines.lock().unwrap()), BTreeSet::from([line]));
    }
}

#[test]
fn a_sort_and_a_search_name_the_line_that_began_them() {
    alone("table::a_sort_and_a_search_name_the_line_that_began_them", sort_and_search);
}

fn sort_and_search() {
    const NAME: &str = "sorted by line";
    let seen = Seen::new(NAME);
    let compare = seen.callback(NAME, "compare", comparator());
    let mut array: Vec<c_int> = (0..10).rev().collect();

    native::qsort(&mut array, &compare).unwrap();
    seen.check(line!() - 1);
    native::qsort_verified(&mut array, &compare, Verify::Full).unwrap();
    seen.check(line!() - 1);
    native::msvcrt_qsort(&mut array, &compare).unwrap();
    seen.check(line!() - 1);
    native::bsearch(&3, &array, &compare).unwrap();
    seen.check(line!() - 1);
    let bytes: &mut [u8] = callbox::bytemuck::cast_slice_mut(&mut array);
    native::qsort_records(bytes, 4, &compare).unwrap();
    seen.check(line!() - 1);
    native::msvcrt_qsort_records(bytes, 4, &compare).unwrap();
    seen.check(line!() - 1);
    native::bsearch_records(&[0; 4], bytes, &compare).unwrap();
    seen.check(line!() - 1);

    let lines = Prototype::comparator(CType::Void);
    let compare = || seen.callback(NAME, "compare_bytes", lines.clone());
    let items = Items::lines(b"c\nb\na\n".repeat(1000), b'\n').unwrap();
    let options = Options::default().sorter(Sorter::Qsort);
    for threads in [1, 2] {
        let options = options.clone().parallel(NonZeroUsize::new(threads).unwrap());
        let job = Job::new(&compare(), options);
        let line = line!() - 1;
        job.sort(&items).unwrap();
        seen.check(line);
    }
    sort::argsort(&compare(), &items, options).unwrap();
    seen.check(line!() - 1);
}

#[cfg(feature = "sqlite")]
#[test]
fn what_sqlite_holds_names_the_line_that_registered_it() {
    use callbox::sqlite;
    use rusqlite::functions::FunctionFlags;

    const NAME: &str = "registered by line";
    let sandbox = crate::support::sandbox();
    let text = r#"(module (memory (export "memory") 1)
        (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
        (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) (i32.const 0))
        (func (export "allow") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0)))"#;
    let guest = Module::from_text(&sandbox, NAME, text).unwrap().instantiate().unwrap();
    let callback = |export, prototype: &str| guest.callback(export, prototype.parse().unwrap()).unwrap();
    let text = "int (void *, int, const char *, const char *, const char *, const char *)";
    let (order, half, allow) = (
        callback("compare_bytes", "int (const void *, const void *)"),
        callback("half", "double (double)"),
        callback("allow", text),
    );
    let db = rusqlite::Connection::open_in_memory().unwrap();
    let _collation = sqlite::create_collation(&db, "guest", &order).unwrap();
    sqlite::create_scalar_function(&db, "half", FunctionFlags::default(), &half).unwrap();
    let _authorizer = sqlite::set_authorizer(&db, &allow).unwrap();
    let last = line!() - 1;
    let lent = CallbackTable.iter().filter(|lent| lent.module == NAME);
    let lines: BTreeSet<_> = lent.map(|lent| (lent.place.file(), lent.place.line())).collect();
    assert_eq!(lines, BTreeSet::from([last - 2, last - 1, last].map(|line| (file!(), line))));
}

#[test]
fn a_report_has_who_lent_what_since_when_and_what_was_called_late() {
    alone("table::a_report_has_who_lent_what_since_when_and_what_was_called_late", || {
        assert!(CallbackTable.report().is_empty());
        let before = SystemTime::now();
        let released = good("ascending", "compare").retain().unwrap();
        let (late, line) = (released.pointer(), line!() - 1);
        drop(released);
        (0..3).for_each(|_| call(late));
        let kept = good("descending", "compare").retain().unwrap();
        let kept_line = line!() - 1;
        let clone = kept.clone();
        call(kept.pointer());

        let report = CallbackTable.report();
        let ([lent], [called]) = (&report.registrations[..], &report.late_calls[..]) else {
            panic!("{report:?}")
        };
        assert!(before <= lent.since && lent.since <= SystemTime::now());
        assert_eq!((lent.key, lent.calls, lent.leases, lent.late_calls), (kept.key(), 1, 2, 0));
        assert_eq!((called.calls, called.place.unwrap().line()), (3, line));
        drop(clone);

        let text = report.to_string();
        let (first, second) = text.split_once('\n').unwrap();
        let place = format!("{}:{kept_line}:", file!());
        assert!(first.contains("\"compare\" of ") && first.contains(&place), "{text}");
        assert!(second.contains("3 late calls") && second.contains(&format!(":{line}:")), "{text}");

        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        let lent = &json["registrations"][0];
        assert_eq!(lent["place"]["line"], kept_line);
        assert_eq!(lent["place"]["file"], file!());
        assert_eq!(lent["key"], kept.key().as_u64());
        assert_eq!(json["late_calls"][0]["calls"], 3);
        let since = lent["since"].as_str().unwrap();
        assert!(since.len() == 20 && since.starts_with("20") && first.contains(since), "{since}");
    });
}

#[test]
fn late_calls_are_laid_to_the_lease_before_whoever_has_the_slot_now() {
    alone("table::late_calls_are_laid_to_the_lease_before_whoever_has_the_slot_now", || {
        let ascending = good("ascending", "compare");
        let released = ascending.retain().unwrap();
        let (late, line) = (released.pointer(), line!() - 1);
        drop(released);
        call(late);
        // All slots, so that the one that was released is lent again.
        let all: Vec<_> = (0..CallbackTable.capacity()).map(|_| ascending.retain().unwrap()).collect();
        let again = all.last().unwrap();
        assert_eq!((again.key().slot(), registered(again.key()).late_calls), (0, 1));
        let report = CallbackTable.report();
        assert_eq!(report.late_calls[0].place.unwrap().line(), line);
        assert_eq!(report.registrations[0].late_calls, 1);
    });
}

#[test]
fn a_report_at_exit_comes_where_something_is_still_lent_and_only_there() {
    for (leaks, lines) in [("1", 1), ("0", 0)] {
        let output = again("table::it_exits", &[("CALLBOX_LEAKS", leaks)]);
        assert!(output.status.success(), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let reported = stderr.lines().filter(|line| line.contains("still lent: slot 0: \"compare\""));
        assert_eq!(reported.count(), lines, "{stderr}");
    }
}

#[test]
#[ignore = "leaks a lease"]
fn it_exits() {
    CallbackTable.report_at_exit(|report| eprintln!("still lent: {report}")).unwrap();
    CallbackTable.report_at_exit(|_| panic!("the first one stays")).unwrap();
    let kept = good("ascending", "compare").retain().unwrap();
    if std::env::var("CALLBOX_LEAKS").unwrap() == "1" {
        kept.leak();
    }
}

#[test]
fn a_full_table_names_no_place_less() {
    alone("table::a_full_table_names_no_place_less", || {
        let ascending = good("ascending", "compare");
        let lent: Vec<_> = (0..CallbackTable.capacity()).map(|_| ascending.retain().unwrap()).collect();
        assert!(matches!(ascending.retain(), Err(Error::TableFull { .. })));
        let places: BTreeSet<_> = CallbackTable.iter().map(|lent| lent.place.line()).collect();
        assert_eq!((places.len(), CallbackTable.report().registrations.len()), (1, lent.len()));
    });
}

#[cfg(all(unix, feature = "libffi"))]
mod dump {
    use std::fs::File;
    use std::io::{BufRead, BufReader, pipe};
    use std::os::fd::{AsRawFd, BorrowedFd};
    use std::os::unix::thread::JoinHandleExt;
    use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::SeqCst};
    use std::thread;

    use super::*;

    /// Rounds of lending and releasing on each thread.
    const ROUNDS: usize = 3000;

    static TO: AtomicI32 = AtomicI32::new(-1);
    static DUMPS: AtomicU64 = AtomicU64::new(0);

    extern "C" fn dump(_: c_int) {
        // SAFETY: the test closes the pipe after the last signal.
        let to = unsafe { BorrowedFd::borrow_raw(TO.load(SeqCst)) };
        if CallbackTable.dump(to).is_ok() {
            DUMPS.fetch_add(1, SeqCst);
        }
    }

    fn handle(signal: c_int) {
        // SAFETY: the handler does what one may do.
        let before = unsafe { libc::signal(signal, dump as *const () as libc::sighandler_t) };
        assert_ne!(before, libc::SIG_ERR);
    }

    /// Fails if a line is none that a dump writes.
    fn check(line: &str) {
        let Some(slot) = line.strip_prefix("slot ") else {
            return assert!(line.starts_with("callbox: ") && line.ends_with(" late calls"), "{line:?}");
        };
        let (number, about) = slot.split_once(": ").unwrap_or_else(|| panic!("{line:?}"));
        assert!(number.parse::<usize>().is_ok(), "{line:?}");
        let number_before = |word: &str| {
            let found =
                about.split(", ").find_map(|part| part.strip_suffix(word)?.trim().parse::<u64>().ok());
            found.unwrap_or_else(|| panic!("no number of {word} in {line:?}"))
        };
        assert!(number_before(" calls") <= 2 && number_before(" leases") <= 2, "{line:?}");
        let names = ["ascending", "descending"].map(|name| format!("\"compare\" of {name}.wat"));
        assert!(names.iter().any(|name| about.ends_with(name)), "{line:?}");
        assert!(about.contains(&format!(" at {}:", file!())), "{line:?}");
    }

    #[test]
    fn a_handler_dumps_the_table_while_the_threads_that_it_interrupts_lend_and_release() {
        const NAME: &str = "table::dump::\
            a_handler_dumps_the_table_while_the_threads_that_it_interrupts_lend_and_release";
        alone(NAME, || {
            // SAFETY: it only requests a signal, which ends a process that waits for ever.
            unsafe { libc::alarm(120) };
            handle(libc::SIGUSR1);
            let (from, to) = pipe().unwrap();
            TO.store(to.as_raw_fd(), SeqCst);
            let reader =
                thread::spawn(move || BufReader::new(from).lines().map(|line| check(&line.unwrap())).count());
            let lender = |name: &'static str| {
                let text = std::fs::read(crate::support::path(&format!("wat/good/{name}.wat"))).unwrap();
                move || {
                    let module = Module::from_text(&crate::support::sandbox(), format!("{name}.wat"), text);
                    let guest = module.unwrap().instantiate().unwrap();
                    for round in 0..ROUNDS {
                        // The entry is the last to hold the callback, which is freed with it.
                        let kept = guest.callback("compare", comparator()).unwrap().retain().unwrap();
                        let values =
                            guest.callback("compare", comparator()).unwrap().retain_as::<Compare>().unwrap();
                        let other = kept.clone();
                        call(kept.pointer());
                        drop((values, other));
                        if round % 100 == 99 {
                            kept.retire();
                        }
                    }
                }
            };
            let names = ["ascending", "descending", "ascending"];
            let threads: Vec<_> = names.map(|name| thread::spawn(lender(name))).into();
            while threads.iter().any(|thread| !thread.is_finished()) {
                for thread in &threads {
                    // SAFETY: the thread has not been joined.
                    unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR1) };
                }
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(CallbackTable.is_empty());
            CallbackTable.dump(&to).unwrap();
            drop(to);
            let (lines, dumps) = (reader.join().unwrap(), DUMPS.load(SeqCst));
            assert!(dumps > 10 && lines as u64 > dumps, "{dumps} dumps of {lines} lines");
        });
    }

    #[test]
    fn a_dump_has_a_line_for_each_slot_and_leaves_errno_alone() {
        alone("table::dump::a_dump_has_a_line_for_each_slot_and_leaves_errno_alone", || {
            let late = good("ascending", "compare").retain().unwrap().pointer();
            call(late);
            let ascending = good("ascending", "compare");
            let (first, second) = (ascending.retain().unwrap(), ascending.retain_as::<Compare>().unwrap());
            call(first.pointer());
            let (from, to) = pipe().unwrap();
            errno::set_errno(errno::Errno(77));
            CallbackTable.dump(&to).unwrap();
            assert_eq!(errno::errno().0, 77);
            drop(to);
            let lines: Vec<_> = BufReader::new(from).lines().map(Result::unwrap).collect();
            let [called_late, one, other, total] = &lines[..] else { panic!("{lines:?}") };
            assert!(called_late.starts_with("slot 0: 1 late calls, after the lease at "), "{lines:?}");
            assert!(
                one.starts_with("slot 1: 1 calls, 0 failures, 1 leases, 1 guests, since 20"),
                "{lines:?}"
            );
            assert!(other.starts_with(&format!("slot {}: 0 calls", second.key().slot())), "{lines:?}");
            assert_eq!(total, "callbox: 2 callbacks are lent; 1 late calls");
        });
    }

    #[test]
    fn a_dump_tells_where_it_cannot_be_written() {
        let error = CallbackTable.dump(File::open("/dev/null").unwrap()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}
