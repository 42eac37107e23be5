//! Lookahead of every kind, against sorts without it; and with hostile guests and hostile native code.
#![allow(unsafe_code, reason = "plays the part of native code that calls a function pointer")]

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::sandboxed::{options, rules};
use crate::support::{
    Random, bundled_for, by_low_bits, comparator, comparing, comparing_in, good, guest, liar, liars, sandbox,
};
use callbox::native::Verify;
use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{CType, Callback, Config, Error, Limit, Limits, Module, Prototype, Sandbox};

/// Number of elements that is enough for lookahead in the C library's qsort.
const FORESEEN: usize = 30_000;

/// Returns the callback, and the same one observed. That turns lookahead off: each comparison then happens
/// when C asks for it.
fn both(callback: &Callback) -> [Callback; 2] {
    [callback.clone(), callback.clone().observe(|_| ())]
}

#[test]
fn answers_given_ahead_are_those_that_qsort_would_have_got() {
    let mut random = Random(21);
    let table = r#"(module (memory (export "memory") 1) (data (i32.const 8) "\05\01\07\03\02\06\00\04")
        (func $rank (param i32) (result i32) (i32.load8_u offset=8 (i32.and (local.get 0) (i32.const 7))))
        (func (export "compare_i32") (param i32 i32) (result i32)
            (i32.sub (i32.load8_u offset=8 (i32.and (local.get 0) (i32.const 7)))
                     (i32.load8_u offset=8 (i32.and (local.get 1) (i32.const 7))))))"#;
    let guests = [
        bundled_for("i32", "compare_i32", CType::Int32),
        guest(&by_low_bits("i32")).callback("compare_i32", comparator()).unwrap(),
        guest(table).callback("compare_i32", comparator()).unwrap(),
        good("ascending", "compare"),
        comparing("(call $order (local.get $a) (local.get $b))").callback("compare", comparator()).unwrap(),
    ];
    for callback in guests {
        for len in [FORESEEN, FORESEEN + 1, 16, 17, 100, 1023, 1024, 1025] {
            let bytes: Vec<u8> = (0..len * 4).map(|_| (random.next() % 11) as u8).collect();
            let items = Items::records(bytes, 4).unwrap();
            for bits in [0, 1] {
                let [ahead, asked] = both(&callback).map(|callback| {
                    let options = rules(bits, options(Sorter::Qsort, 1));
                    let (job, mut items) = (Job::new(&callback, options), items.clone());
                    job.sort_in_place(&mut items).unwrap();
                    (items.iter().flatten().copied().collect::<Vec<_>>(), job.comparisons())
                });
                assert!(ahead == asked, "{len} {bits}");
            }
        }
    }
}

#[test]
fn answers_about_elements_that_are_sorted_by_pointers_are_given_ahead_too() {
    let mut random = Random(22);
    let slices = bundled_for("bytes", "compare_bytes", CType::Void);
    let module = Module::from_file(&sandbox(), crate::support::path("wat/good/ascending.wat")).unwrap();
    let pointers = module.instantiate().unwrap();
    let pointers = pointers.callback("compare", Prototype::comparator(CType::Void)).unwrap();
    for callback in [slices, pointers] {
        for (len, width) in [(FORESEEN, 33), (20_000, 64), (500, 64), (65, 100), (16, 1024), (300, 1025)] {
            let mut records = vec![0; len * width];
            for record in records.chunks_exact_mut(width) {
                record[0] = (random.next() % 50) as u8;
                record[width - 1] = (random.next() % 50) as u8;
            }
            let [ahead, asked] = both(&callback).map(|callback| {
                let job = Job::new(&callback, options(Sorter::Qsort, 1));
                let mut items = Items::records(records.clone(), width).unwrap();
                job.sort_in_place(&mut items).unwrap();
                (items.iter().flatten().copied().collect::<Vec<_>>(), job.comparisons())
            });
            assert!(ahead == asked, "{len} of {width}");
        }
    }
}

/// Returns the order of these items and the number of comparisons, without and with lookahead.
fn both_ways(callback: &Callback, items: &Items<'_>, options: &Options) -> [(Vec<u32>, u64); 2] {
    both(callback).map(|callback| {
        let job = Job::new(&callback, options.clone());
        (job.sort(items).unwrap().order, job.comparisons())
    })
}

#[test]
fn answers_about_lines_whose_numbers_are_sorted_are_given_ahead_too() {
    let mut random = Random(23);
    let mut line = |longest: u64| -> Vec<u8> {
        let length = random.next() % (longest + 1);
        (0..length).map(|_| b"01a.-~\0\xff"[(random.next() % 8) as usize]).collect()
    };
    for name in ["bytes", "version"] {
        let callback = bundled_for(name, "compare_bytes", CType::Void);
        // The first makes a kernel, which is then there for fewer lines as well; in the last, two lines do
        // not fit in a batch.
        for (lines, longest) in [(FORESEEN, 12), (16, 3), (17, 40), (1000, 0), (4097, 200), (200, 40_000)] {
            let text: Vec<_> = (0..lines).map(|_| line(longest)).collect();
            let items = Items::lines(text.join(&b'\n'), b'\n').unwrap();
            for bits in 0..8 {
                let options = rules(bits, options(Sorter::Qsort, 1));
                let [ahead, asked] = both_ways(&callback, &items, &options);
                assert!(ahead == asked, "{name}: {lines} of {longest}, rules {bits}");
            }
        }
    }
}

#[test]
fn lines_that_the_guest_has_no_room_for_all_at_once_are_asked_about_one_by_one() {
    let limits = Limits::default().memory(4 << 20);
    let callback = Sandbox::new(limits).unwrap().bundled("bytes").unwrap();
    let callback = callback.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap();
    let mut random = Random(24);
    let mut text: Vec<_> = (0..FORESEEN).map(|_| random.next().to_be_bytes().map(|byte| byte | 1)).collect();
    text.sort();
    let mut lines: Vec<&[u8]> = text.iter().rev().map(<[u8; 8]>::as_slice).collect();
    let long: Vec<Vec<u8>> = (0..5u8).map(|first| vec![first + b'a'; 1 << 20]).collect();
    lines.splice(7_500..7_500, long.iter().map(Vec::as_slice));
    let items = Items::lines(lines.join(&b'\n'), b'\n').unwrap();
    let [ahead, asked] = both_ways(&callback, &items, &options(Sorter::Qsort, 1));
    assert!(ahead == asked);
    lines.sort();
    assert!(ahead.0.iter().map(|at| items.get(*at as usize)).eq(lines));
}

#[test]
fn a_guest_that_lies_or_fails_about_lines_ahead_of_the_question_does_no_harm() {
    let lines: Vec<String> = (0..FORESEEN as u32).map(|n| n.wrapping_mul(0x3000_0001).to_string()).collect();
    let items = Items::lines(lines.join("\n").into_bytes(), b'\n').unwrap();
    let body = |body: &str| {
        let text = format!(
            r#"(module (memory (export "memory") 1) (global $calls (mut i32) (i32.const 0))
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1))) {body}))"#
        );
        guest(&text).callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap()
    };
    let lies = [
        "(i32.const 1)",
        "(i32.const -1)",
        "(i32.sub (i32.and (global.get $calls) (i32.const 2)) (i32.const 1))",
        "(i32.sub (i32.popcnt (i32.mul (global.get $calls) (i32.const 0x9e3779b1))) (i32.const 16))",
    ];
    for lie in lies {
        let options = options(Sorter::Qsort, 1).verify(Verify::Off).stable(true);
        let orders = [0, 1].map(|_| Job::new(&body(lie), options.clone()).sort(&items).unwrap().order);
        let [mut order, again] = orders;
        assert!(order == again, "{lie}");
        order.sort();
        assert!(order.iter().copied().eq(0..FORESEEN as u32), "{lie}");
    }
    for call in [1, 2, 64, 1000, 123_456] {
        let fails = format!(
            "(if (i32.eq (global.get $calls) (i32.const {call})) (then unreachable))
             (i32.sub (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))"
        );
        let error = Job::new(&body(&fails), options(Sorter::Qsort, 1)).sort(&items).unwrap_err();
        let Error::Trap { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.frames.len(), 1, "{call}: {source}");
    }
}

#[test]
fn a_question_is_asked_once_and_no_other_is_asked() {
    // The guest counts: its comparisons are those of C, in blocks, merges and at their ends.
    for len in [FORESEEN, 20_001, 64, 65, 127, 4097] {
        let guest = comparing("(call $order (local.get $a) (local.get $b))");
        let callback = guest.callback("compare", comparator()).unwrap();
        warm(&callback);
        let before = callback.calls();
        let mut random = Random(len as u64);
        let mut numbers: Vec<i32> = (0..len).map(|_| random.next() as i32).collect();
        let mut by_c_alone = numbers.clone();
        callbox::native::qsort(&mut numbers, &callback).unwrap();
        let asked = by_c(&mut by_c_alone);
        assert!(numbers == by_c_alone, "{len}");
        assert_eq!(callback.calls() - before, asked, "{len}");
    }
}

/// Sorts the numbers with the C library's qsort; returns the number of comparisons.
fn by_c(numbers: &mut [i32]) -> u64 {
    thread_local!(static ASKED: Cell<u64> = const { Cell::new(0) });
    unsafe extern "C" fn order(a: *const c_void, b: *const c_void) -> c_int {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: qsort passes pointers to elements.
        let [a, b] = [a, b].map(|at| unsafe { *at.cast::<i32>() });
        a.cmp(&b) as c_int
    }
    ASKED.set(0);
    // SAFETY: the array has `numbers.len()` elements of four bytes, which `order` compares.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), numbers.len(), 4, Some(order)) };
    ASKED.get()
}

/// Instantiates a kernel beside the guest, so that lookahead pays off for fewer elements.
fn warm(callback: &Callback) {
    let mut numbers: Vec<i32> = (0..FORESEEN as i32).collect();
    callbox::native::qsort(&mut numbers, callback).unwrap();
}

/// Lends the callback with an array to C code, which gets the lease's copy and a way to call the pointer.
fn lend(
    callback: &Callback,
    numbers: &mut [i32],
    c: impl FnOnce(&mut [i32], Ask<'_>),
) -> (u64, Result<(), Error>) {
    let mut lease = callback.lend(numbers).unwrap();
    let (base, len, pointer) = (lease.base().cast::<i32>(), lease.len(), lease.pointer());
    // SAFETY: the copy is the lease's own, and nothing else touches it until the lease is finished.
    let copy = unsafe { std::slice::from_raw_parts_mut(base, len) };
    c(copy, &|copy, a, b| {
        // SAFETY: both are elements of the array.
        unsafe { pointer((&raw const copy[a]).cast(), (&raw const copy[b]).cast()) }
    });
    (lease.calls(), lease.finish())
}

/// Comparison of two elements by their positions.
type Ask<'a> = &'a dyn Fn(&[i32], usize, usize) -> i32;

#[test]
fn a_stranger_gets_the_same_answers_however_it_sorts() {
    let callback = bundled_for("i32", "compare_i32", CType::Int32);
    let mut random = Random(3);
    let numbers: Vec<i32> = (0..FORESEEN).map(|_| random.next() as i32).collect();
    let mut sorted = numbers.clone();
    sorted.sort();

    let mut by_qsort = numbers.clone();
    let mut lease = callback.lend(&mut by_qsort).unwrap();
    // SAFETY: the array and the pointer are the live lease's.
    unsafe { libc::qsort(lease.base(), lease.len(), lease.width(), Some(lease.pointer())) };
    let calls = lease.calls();
    lease.finish().unwrap();
    assert!(by_qsort == sorted);
    assert_eq!(calls, by_c(&mut numbers.clone()));

    let mut by_heap = numbers.clone();
    let (calls, outcome) = lend(&callback, &mut by_heap, |copy, ask| {
        let mut asked = 0;
        let mut sift = |copy: &mut [i32], mut at: usize, end: usize| {
            while 2 * at + 1 < end {
                let mut child = 2 * at + 1;
                if child + 1 < end {
                    asked += 1;
                    child += usize::from(ask(copy, child, child + 1) < 0);
                }
                asked += 1;
                if ask(copy, at, child) >= 0 {
                    break;
                }
                copy.swap(at, child);
                at = child;
            }
        };
        for at in (0..copy.len() / 2).rev() {
            sift(copy, at, copy.len());
        }
        for end in (1..copy.len()).rev() {
            copy.swap(0, end);
            sift(copy, 0, end);
        }
        assert!(asked > 0);
    });
    outcome.unwrap();
    assert!(by_heap == sorted && calls > 0);
}

#[test]
fn a_stranger_that_changes_an_element_between_two_questions_gets_the_answer_for_what_it_is_now() {
    let callback = bundled_for("i32", "compare_i32", CType::Int32);
    let mut numbers: Vec<i32> = (0..FORESEEN as i32).collect();
    // Number of comparisons in glibc's order before the change; the next answer has been computed by then.
    for honest in 0..40 {
        let (_, outcome) = lend(&callback, &mut numbers, |copy, ask| {
            let mut asked = 0;
            let len = copy.len();
            honestly(copy, 0, len, &mut |copy, a, b| {
                asked += 1;
                if asked > honest {
                    let kept = copy[a];
                    copy[a] = copy[b] + 1;
                    assert_eq!(ask(copy, a, b), 1, "{honest}");
                    copy[a] = kept;
                    return false;
                }
                assert_eq!(ask(copy, a, b), copy[a].cmp(&copy[b]) as i32);
                true
            });
        });
        outcome.unwrap();
    }
}

/// Makes the comparisons of a merge sort of ascending numbers, until `ask` returns `false`.
fn honestly(
    copy: &mut [i32],
    at: usize,
    len: usize,
    ask: &mut impl FnMut(&mut [i32], usize, usize) -> bool,
) -> bool {
    let half = len / 2;
    len < 2
        || honestly(copy, at, half, ask)
            && honestly(copy, at + half, len - half, ask)
            // Every element of the left half comes before the first of the right half.
            && (at..at + half).all(|left| ask(copy, left, at + half))
}

#[test]
fn what_a_stranger_did_not_ask_for_is_no_failure() {
    let guest = comparing(
        "(if (i32.eq (i32.load (local.get $a)) (i32.const 7)) (then unreachable))
         (call $order (local.get $a) (local.get $b))",
    );
    let callback = guest.callback("compare", comparator()).unwrap();
    let mut numbers: Vec<i32> = (0..FORESEEN as i32).collect();
    let (calls, outcome) = lend(&callback, &mut numbers, |copy, ask| {
        let mut left = 2;
        let len = copy.len();
        honestly(copy, 0, len, &mut |copy, a, b| {
            assert_eq!(ask(copy, a, b), -1);
            left -= 1;
            left > 0
        });
    });
    outcome.unwrap();
    assert_eq!(calls, 2);
    let (calls, outcome) = lend(&callback, &mut numbers, |copy, ask| {
        assert_eq!(ask(copy, 7, 8), 0, "the failure's neutral answer");
    });
    assert!(matches!(outcome, Err(Error::Trap { .. })));
    assert_eq!(calls, 1);
}

#[test]
fn any_thread_may_call_a_lent_pointer_while_its_own_sorts() {
    let callback = bundled_for("i32", "compare_i32", CType::Int32);
    let mut random = Random(8);
    let numbers: Vec<i32> = (0..FORESEEN).map(|_| random.next() as i32).collect();
    let mut sorted = numbers.clone();
    let mut lease = callback.lend(&mut sorted).unwrap();
    // The other threads get the last two elements, which the sort does not touch.
    let (base, len, width, pointer) = (lease.base(), lease.len(), lease.width(), lease.pointer());
    let theirs = base.expose_provenance() + (len - 2) * width;
    let (mut calls, two) = (0, [numbers[len - 2], numbers[len - 1]]);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    for _ in 0..500 {
                        let at = std::ptr::with_exposed_provenance::<c_void>(theirs);
                        // SAFETY: both are elements of the lent array, and nothing writes to them.
                        let order = unsafe { pointer(at, at.wrapping_byte_add(width)) };
                        assert_eq!(order, two[0].cmp(&two[1]) as i32);
                    }
                })
            })
            .collect();
        // SAFETY: the elements are the first of the live lease's array, and the pointer is the lease's.
        unsafe { libc::qsort(base, len - 2, width, Some(pointer)) };
        calls += others.len() as u64 * 500;
    });
    assert!(lease.calls() > calls);
    lease.finish().unwrap();
    let mut naive = numbers.clone();
    naive[..len - 2].sort();
    assert!(sorted == naive);
}

#[test]
#[cfg_attr(windows, ignore = "its qsort takes quadratic time for some liars, and is not looked ahead of")]
fn a_guest_that_lies_or_fails_ahead_of_the_question_does_no_harm() {
    let numbers: Vec<i32> = (0..FORESEEN as i32).map(|n| n.wrapping_mul(0x3000_0001)).collect();
    for file in liars() {
        let mut sorted = numbers.clone();
        callbox::native::qsort(&mut sorted, &liar(&file)).unwrap();
        sorted.sort();
        let mut all = numbers.clone();
        all.sort();
        assert_eq!(sorted, all, "{}", file.display());
    }
    for call in [1, 2, 63, 64, 65, 1000, 123_456] {
        let body = format!(
            "(if (i32.eq (global.get $calls) (i32.const {call})) (then unreachable))
             (call $order (local.get $a) (local.get $b))"
        );
        let callback = comparing(&body).callback("compare", comparator()).unwrap();
        let mut sorted = numbers.clone();
        let error = callbox::native::qsort(&mut sorted, &callback).unwrap_err();
        let Error::Trap { source, .. } = &error else { panic!("{error}") };
        assert_eq!((sorted == numbers, source.frames.len()), (true, 1), "{call}: {source}");
    }
    // A comparator that the kernel inlines, and that reads outside its memory for some of the numbers.
    let reads = r#"(module (memory (export "memory") 1) (func (export "compare") (param i32 i32) (result i32)
        (i32.sub (i32.load (i32.load (local.get 0))) (i32.load (i32.load (local.get 1))))))"#;
    let callback = guest(reads).callback("compare", comparator()).unwrap();
    let mut sorted = numbers.clone();
    let error = callbox::native::qsort(&mut sorted, &callback).unwrap_err();
    let Error::Trap { source, .. } = &error else { panic!("{error}") };
    assert_eq!((sorted == numbers, source.frames.len()), (true, 1), "{source}");
}

#[test]
fn answers_given_ahead_keep_to_the_budget() {
    let with = |limits: Limits, body: &str| {
        let guest = comparing_in(&Sandbox::new(limits).unwrap(), body);
        let callback = guest.callback("compare", comparator()).unwrap();
        let mut numbers: Vec<i32> = (0..FORESEEN as i32).rev().collect();
        let error = callbox::native::qsort(&mut numbers, &callback).unwrap_err();
        assert!(numbers.iter().rev().copied().eq(0..FORESEEN as i32));
        error.limit()
    };
    let order = "(call $order (local.get $a) (local.get $b))";
    assert_eq!(with(Limits::default().fuel(200_000), order), Some(Limit::Fuel));
    let late = "(if (i32.gt_u (global.get $calls) (i32.const 70)) (then (loop (br 0)))) (i32.const 1)";
    let deadline = Limits::default().deadline(Duration::from_millis(200));
    assert_eq!(with(deadline, late), Some(Limit::Deadline));
}

#[test]
fn an_interruption_that_is_told_once_ends_the_sort_whoever_is_asked_ahead() {
    let told = Arc::new(AtomicBool::new(false));
    let tell = told.clone();
    let sandbox =
        Sandbox::new(Config::new(Limits::default()).interrupt_when(move || tell.swap(false, Relaxed)));
    let sandbox = sandbox.unwrap();
    // The kernel takes this one in.
    let short = sandbox.bundled("i32").unwrap();
    let short = short.callback("compare_i32", comparator()).unwrap();
    let mut numbers: Vec<i32> = (0..1_000_000).rev().collect();
    told.store(true, Relaxed);
    let error = callbox::native::qsort(&mut numbers, &short).unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert!(numbers.iter().rev().copied().eq(0..1_000_000));

    let slow = r#"(module (func (export "compare_i32") (param i32 i32) (result i32) (local $n i32)
        (loop (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get $n) (i32.const 10000))))
        (i32.sub (i32.gt_s (local.get 0) (local.get 1)) (i32.lt_s (local.get 0) (local.get 1)))))"#;
    let slow = Module::from_text(&sandbox, "slow", slow).unwrap().instantiate().unwrap();
    let slow = slow.callback("compare_i32", comparator()).unwrap();
    let mut lease = slow.lend(&mut numbers[..FORESEEN]).unwrap();
    told.store(true, Relaxed);
    // SAFETY: the array and the pointer are the live lease's.
    unsafe { libc::qsort(lease.base(), lease.len(), lease.width(), Some(lease.pointer())) };
    let error = lease.finish().unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
}

#[test]
fn what_a_guest_has_taken_back_of_its_memory_is_left_alone() {
    // An allocator that reuses the old area when it returns a new one, and a guest that checks the old one.
    let guest = guest(
        "(module (memory (export \"memory\") 8) (global $next (mut i32) (i32.const 1024))
        (global $mine (mut i32) (i32.const 0))
        (func (export \"cabi_realloc\") (param $old i32) (param i32 i32) (param $size i32) (result i32)
            (local $at i32)
            (if (local.get $old) (then
                (global.set $mine (local.get $old))
                (i32.store (local.get $old) (i32.const 0x5a5a5a5a))))
            (local.set $at (global.get $next))
            (global.set $next (i32.add (global.get $next) \
                (i32.and (i32.add (local.get $size) (i32.const 15)) (i32.const -16))))
            (local.get $at))
        (func (export \"compare\") (param $a i32) (param $b i32) (result i32)
            (if (global.get $mine) (then
                (if (i32.ne (i32.load (global.get $mine)) (i32.const 0x5a5a5a5a)) (then unreachable))))
            (i32.sub
                (i32.gt_s (i32.load (local.get $a)) (i32.load (local.get $b)))
                (i32.lt_s (i32.load (local.get $a)) (i32.load (local.get $b))))))",
    );
    let narrow = guest.callback("compare", comparator()).unwrap();
    let wide = guest.callback("compare", Prototype::comparator(CType::Void)).unwrap();
    let mut numbers: Vec<i32> = (0..FORESEEN as i32).collect();
    let mut asked = 0;
    let (_, outcome) = lend(&narrow, &mut numbers, |copy, ask| {
        let len = copy.len();
        honestly(copy, 0, len, &mut |copy, a, b| {
            assert_eq!(ask(copy, a, b), -1);
            asked += 1;
            if asked == 100 {
                // Two elements of this width do not fit the current area.
                wide.compare(&[7; 20_000], &[7; 20_000]).unwrap();
            }
            asked < 1000
        });
    });
    outcome.unwrap();
}
