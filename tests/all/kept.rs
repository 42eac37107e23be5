//! Kept pointers: calls that find their callback without a lock, on one guest or one for each thread.
#![allow(unsafe_code, reason = "calls C function pointers")]

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use callbox::{Callback, CallbackTable, CompareFn, Error, Limits, Module, RetainedLease, Sandbox};

use crate::support::{alone, comparator, comparing, good, granting_print, guest, stopping};

fn call(pointer: CompareFn, a: i32, b: i32) -> c_int {
    // SAFETY: both arguments point to an int.
    unsafe { pointer((&raw const a).cast(), (&raw const b).cast()) }
}

/// Returns a comparator that answers with the number of its calls, of one guest.
fn counting() -> Callback {
    let wat = r#"(module (memory (export "memory") 1)
        (global $calls (mut i32) (i32.const 0))
        (func (export "compare_i32") (param i32 i32) (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (i32.sub (i32.const 2) (global.get $calls))))"#;
    guest(wat).callback("compare_i32", comparator()).unwrap()
}

/// Returns a comparator whose guest prints when its first argument is 7.
fn printing(sandbox: &Sandbox) -> Callback {
    let wat = r#"(module (import "callbox" "print" (func $print (param i32 i32)))
        (memory (export "memory") 1) (data (i32.const 8) "7")
        (func (export "compare_i32") (param i32 i32) (result i32)
            (if (i32.eq (local.get 0) (i32.const 7)) (then (call $print (i32.const 8) (i32.const 1))))
            (i32.const 1)))"#;
    let guest = Module::from_text(sandbox, "printing", wat).unwrap().instantiate().unwrap();
    guest.callback("compare_i32", comparator()).unwrap()
}

fn instances(lease: &RetainedLease) -> usize {
    CallbackTable.get(lease.key()).unwrap().instances
}

#[test]
fn a_kept_pointer_answers_and_counts_as_the_callback_itself_does() {
    // Traps on 5, runs out of fuel on 6.
    let wat = r#"(module (memory (export "memory") 1)
        (func (export "compare_i32") (param i32 i32) (result i32)
            (if (i32.eq (local.get 0) (i32.const 5)) (then unreachable))
            (if (i32.eq (local.get 0) (i32.const 6)) (then (loop (br 0))))
            (i32.sub (i32.gt_s (local.get 0) (local.get 1)) (i32.lt_s (local.get 0) (local.get 1)))))"#;
    let sandbox = Sandbox::new(Limits::default().fuel(10_000)).unwrap();
    let module = Module::from_text(&sandbox, "kept", wat).unwrap();
    let callback = || module.instantiate().unwrap().callback("compare_i32", comparator()).unwrap();
    let (slow, fast) = (callback().fallback(9).unwrap(), callback().fallback(9).unwrap());
    for kept in [fast.retain().unwrap(), fast.clone().per_thread(3).retain().unwrap()] {
        let (calls, failures) = (fast.calls(), fast.failures());
        let (slow_calls, slow_failures) = (slow.calls(), slow.failures());
        for a in 0..8 {
            for b in [i32::MIN, -1, 0, 4, i32::MAX] {
                let answer = call(kept.pointer(), a, b);
                match slow.compare(&a.to_ne_bytes(), &b.to_ne_bytes()) {
                    Ok(order) => assert_eq!(answer, order as c_int, "{a} {b}"),
                    Err(error) => {
                        assert_eq!(answer, 9, "{a} {b}");
                        assert_eq!(kept.take_failure().unwrap().to_string(), error.to_string());
                    }
                }
            }
        }
        assert!(kept.take_failure().is_none());
        assert_eq!(fast.calls() - calls, slow.calls() - slow_calls);
        assert_eq!(fast.failures() - failures, slow.failures() - slow_failures);
        assert_eq!(kept.calls(), 40);
    }
}

#[test]
fn a_lease_that_ends_during_calls_on_other_threads_loses_no_call() {
    alone("kept::a_lease_that_ends_during_calls_on_other_threads_loses_no_call", || {
        for guests in [1, 3] {
            for _ in 0..50 {
                let callback = good("ascending", "compare").fallback(7).unwrap().per_thread(guests);
                let kept = callback.retain().unwrap();
                let (pointer, late) = (kept.pointer(), CallbackTable.late_calls());
                let (started, answered) = (Barrier::new(3), AtomicU64::new(0));
                thread::scope(|scope| {
                    for _ in 0..2 {
                        scope.spawn(|| {
                            started.wait();
                            // Until the lease has ended.
                            for _ in 0.. {
                                match call(pointer, 1, 2) {
                                    -1 => _ = answered.fetch_add(1, Relaxed),
                                    other => return assert_eq!(other, 7),
                                }
                            }
                        });
                    }
                    started.wait();
                    drop(kept);
                });
                assert_eq!(CallbackTable.late_calls() - late, 2);
                assert_eq!((callback.calls(), callback.failures()), (answered.into_inner(), 0));
            }
        }
    });
}

#[test]
fn a_guest_lives_until_its_last_call_returns_and_no_longer() {
    let dropped = Arc::new(AtomicBool::new(false));
    struct Mark(Arc<AtomicBool>);
    impl Drop for Mark {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    let mark = Mark(dropped.clone());
    let (sandbox, inside, go) = stopping();
    let kept = printing(&sandbox)
        .on_failure(move |error| {
            let _ = &mark;
            Some(error)
        })
        .retain()
        .unwrap();
    let pointer = kept.pointer();
    let caller = thread::spawn(move || call(pointer, 7, 0));
    inside.recv().unwrap();
    drop(kept);
    assert!(!dropped.load(Relaxed), "a call is in it");
    assert_eq!(call(pointer, 1, 2), 0, "the lease has ended");
    go.send(()).unwrap();
    assert_eq!(caller.join().unwrap(), 1);
    assert!(dropped.load(Relaxed), "the last to leave drops it");
}

#[test]
fn each_thread_has_a_guest_of_its_own_up_to_a_number() {
    let kept = counting().per_thread(3).retain().unwrap();
    let pointer = kept.pointer();
    let barrier = Barrier::new(3);
    // The first call of a guest answers 1, the second 0, the third -1.
    let answers = || {
        let first = call(pointer, 0, 0);
        barrier.wait(); // all threads live
        [first, call(pointer, 0, 0), call(pointer, 0, 0)]
    };
    assert_eq!(instances(&kept), 1);
    thread::scope(|scope| {
        let others = [scope.spawn(answers), scope.spawn(answers)];
        assert_eq!(answers(), [1, 0, -1]);
        for other in others {
            assert_eq!(other.join().unwrap(), [1, 0, -1]);
        }
    });
    assert_eq!((instances(&kept), kept.calls()), (3, 9));
    // A fourth takes over the guest of one that has ended, or of this thread, which is not inside.
    assert_eq!(thread::spawn(move || call(pointer, 0, 0)).join().unwrap(), -1);
    assert_eq!(instances(&kept), 3);
}

#[test]
fn threads_that_come_and_go_make_no_more_guests_than_allowed() {
    let callback = counting().per_thread(2);
    let kept = callback.retain().unwrap();
    let pointer = kept.pointer();
    for _ in 0..20 {
        thread::spawn(move || call(pointer, 0, 0)).join().unwrap();
    }
    assert!(instances(&kept) <= 2);
    assert_eq!((kept.calls(), callback.calls(), callback.failures()), (20, 20, 0));
}

#[test]
fn a_guest_that_is_busy_on_one_thread_does_not_hold_up_another() {
    let (sandbox, inside, go) = stopping();
    let kept = printing(&sandbox).per_thread(2).retain().unwrap();
    let pointer = kept.pointer();
    let caller = thread::spawn(move || call(pointer, 7, 0));
    inside.recv().unwrap();
    for _ in 0..3 {
        assert_eq!(call(pointer, 1, 2), 1);
        // A third thread takes over this thread's guest, and this thread gets it back.
        assert_eq!(thread::spawn(move || call(pointer, 1, 2)).join().unwrap(), 1);
    }
    assert_eq!(instances(&kept), 2);
    go.send(()).unwrap();
    assert_eq!(caller.join().unwrap(), 1);
    assert_eq!(kept.calls(), 7);
    assert!(kept.take_failure().is_none());
}

#[test]
fn a_call_from_inside_a_call_is_refused_with_a_guest_for_each_thread_too() {
    let slot: Arc<Mutex<Option<CompareFn>>> = Arc::default();
    let inner = slot.clone();
    let answers: Arc<Mutex<Vec<c_int>>> = Arc::default();
    let seen = answers.clone();
    let sandbox = granting_print(move |_| {
        let pointer = inner.lock().unwrap().unwrap();
        seen.lock().unwrap().push(call(pointer, 1, 2));
    });
    let kept = printing(&sandbox).fallback(9).unwrap().per_thread(4).retain().unwrap();
    *slot.lock().unwrap() = Some(kept.pointer());
    assert_eq!(call(kept.pointer(), 7, 0), 1);
    assert!(matches!(kept.take_failure(), Some(Error::Reentrant { .. })));
    assert_eq!(*answers.lock().unwrap(), [9]);
    assert_eq!((kept.calls(), instances(&kept)), (2, 1));
}

#[test]
fn a_failure_on_one_thread_is_the_failure_of_all() {
    let failing =
        comparing("(if (i32.eq (i32.load (local.get $a)) (i32.const 5)) (then unreachable)) (i32.const 1)");
    let callback = failing.callback("compare", comparator()).unwrap().fallback(9).unwrap().per_thread(2);
    let kept = callback.retain().unwrap();
    let pointer = kept.pointer();
    assert_eq!(thread::spawn(move || call(pointer, 5, 0)).join().unwrap(), 9);
    assert_eq!((call(pointer, 1, 0), callback.calls()), (9, 1), "not called after a failure");
    assert!(matches!(kept.take_failure(), Some(Error::Trap { .. })));
    assert_eq!(call(pointer, 1, 0), 1);
    assert_eq!((kept.calls(), callback.calls(), callback.failures()), (3, 2, 1));
}

#[test]
fn calls_that_share_a_budget_reach_the_first_guest() {
    let callback = counting().per_thread(4);
    let mut numbers = [2, 1];
    let mut lease = callback.lend(&mut numbers).unwrap();
    let (base, pointer) = (lease.base() as usize, lease.pointer());
    // SAFETY: both arguments are elements of the lease's copy.
    let call = move || unsafe { pointer(base as *const _, (base + 4) as *const _) };
    assert_eq!((call(), thread::spawn(call).join().unwrap()), (1, 0));
    lease.finish().unwrap();
    assert_eq!(callback.compare(&[0; 4], &[0; 4]).unwrap() as c_int, -1);
}

#[cfg(unix)]
#[test]
fn a_forked_child_gets_no_guest_for_a_thread() {
    use crate::support::forked;
    let callback = good("ascending", "compare").fallback(7).unwrap().per_thread(2);
    let kept = callback.retain().unwrap();
    let pointer = kept.pointer();
    let is_forked = || matches!(kept.take_failure(), Some(Error::Forked { .. }));
    // Before any call, after another thread's, and after this one's.
    let child = || forked(|| i32::from(call(pointer, 1, 2) != 7 || !is_forked()));
    assert_eq!(child(), 0);
    assert_eq!(thread::spawn(move || call(pointer, 1, 2)).join().unwrap(), -1);
    assert_eq!(child(), 0);
    assert_eq!(call(pointer, 1, 2), -1);
    assert_eq!(child(), 0);
    assert_eq!((kept.calls(), callback.failures()), (2, 0));
}

#[cfg(feature = "libffi")]
#[test]
fn a_pointer_of_any_prototype_has_a_guest_for_each_thread() {
    let wat = r#"(module (global $calls (mut i32) (i32.const 0))
        (func (export "next") (param i32) (result i32)
            (global.set $calls (i32.add (global.get $calls) (local.get 0)))
            (global.get $calls)))"#;
    let next = guest(wat).callback("next", "int (int)".parse().unwrap()).unwrap().per_thread(2);
    let kept = next.retain_as::<unsafe extern "C" fn(c_int) -> c_int>().unwrap();
    let pointer = kept.pointer();
    // SAFETY: it takes no pointers.
    let add = move |number| unsafe { pointer(number) };
    assert_eq!([add(1), add(2)], [1, 3]);
    let other = thread::spawn(move || [add(10), add(20)]);
    assert_eq!(other.join().unwrap(), [10, 30]);
    assert_eq!(add(4), 7);
    assert_eq!((kept.calls(), next.calls()), (5, 5));
    let line = CallbackTable.get(kept.key()).unwrap().to_string();
    assert!(line.contains(" 5 calls, 0 failures, 1 leases, 2 guests, since "), "{line}");
}
