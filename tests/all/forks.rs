//! Forks while other threads are inside the library: no call in the child waits for ever.
#![allow(unsafe_code, reason = "calls C function pointers")]

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use callbox::{Callback, CallbackTable, CompareFn, Error, Limits, Module, Sandbox, lease, native};

use crate::support::{alone, comparator, comparing, forked, good, granting_print, path, sandbox};

fn call(pointer: CompareFn) -> c_int {
    let (a, b) = (1, 2);
    // SAFETY: both arguments point to an int.
    unsafe { pointer((&raw const a).cast(), (&raw const b).cast()) }
}

fn is_forked<T>(outcome: Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Forked { .. }))
}

/// Calls each operation on what a child has inherited. Returns the number of the first that is not as
/// expected, or 0.
fn inherited(callback: &Callback, kept: &callbox::RetainedLease, module: &Module) -> i32 {
    let guest = callback.guest();
    let checks: [&dyn Fn() -> bool; 18] = [
        &|| is_forked(guest.memory_size()),
        &|| is_forked(guest.callback("compare", comparator())),
        &|| is_forked(guest.callback("compare", "int (int, int)".parse().unwrap())),
        &|| is_forked(callback.compare(&[0; 4], &[0; 4])),
        &|| is_forked(native::qsort(&mut [2, 1], callback)),
        &|| is_forked(native::bsearch(&1, &[1, 2], callback)),
        &|| is_forked(native::msvcrt_qsort(&mut [2, 1], callback)),
        &|| is_forked(module.instantiate()),
        &|| module.exports().iter().any(|export| export.name == "compare") && module.imports().is_empty(),
        &|| module.memory().is_some() && !module.starts() && module.size() > 0,
        &|| call(kept.pointer()) == 7 && is_forked(kept.take_failure().map_or(Ok(()), Err)),
        &|| callback.retain().is_ok_and(|lease| call(lease.pointer()) == 7),
        &|| {
            let mut array = [2, 1];
            callback.lend(&mut array).and_then(|lease| lease.finish()).is_ok()
        },
        &|| {
            callback.retain().is_ok_and(|lease| {
                lease::release(lease.into_user_data());
                true
            })
        },
        &|| {
            callback.retain().is_ok_and(|lease| {
                lease.retire();
                true
            })
        },
        &|| !CallbackTable.is_empty() && CallbackTable.iter().count() > 0,
        &|| CallbackTable.get(kept.key()).is_some() && CallbackTable.late_calls() < u64::MAX,
        #[cfg(feature = "libffi")]
        &|| {
            type Compare = unsafe extern "C" fn(*const c_int, *const c_int) -> c_int;
            callback.retain_as::<Compare>().is_ok() && callback.lend_as::<Compare>().is_ok()
        },
        #[cfg(not(feature = "libffi"))]
        &|| true,
    ];
    let failed = checks.iter().position(|check| !check());
    failed.map_or(0, |at| at as i32 + 1)
}

/// Works with a sandbox of the child's own. Returns a number that says what failed, or 0.
fn own() -> i32 {
    let Ok(sandbox) = Sandbox::new(Limits::default()) else { return 51 };
    let Ok(guest) = sandbox.load(path("wat/good/ascending.wat")) else { return 52 };
    let Ok(callback) = guest.callback("compare", comparator()) else { return 53 };
    let mut numbers = [3, 1, 2];
    let sorted = native::qsort(&mut numbers, &callback).is_ok() && numbers == [1, 2, 3];
    if !sorted || !callback.retain().is_ok_and(|lease| call(lease.pointer()) == -1) {
        return 54;
    }
    0
}

#[test]
fn a_child_of_a_process_whose_threads_are_in_each_operation_never_waits_for_ever() {
    let rounds = std::env::var("CALLBOX_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let test = "forks::a_child_of_a_process_whose_threads_are_in_each_operation_never_waits_for_ever";
    alone(test, || {
        let callback = good("ascending", "compare").fallback(7).unwrap();
        let kept = callback.retain().unwrap();
        let failing = comparing("(i32.const 0)").callback("compare", comparator()).unwrap();
        let failing = failing.on_failure(Some).retain().unwrap();
        let module = callback.guest().module().clone();
        let pointer = kept.pointer();
        let operations: [&(dyn Fn() + Sync); 8] = [
            &|| drop(callback.retain().unwrap()),
            &|| lease::release(callback.retain().unwrap().into_user_data()),
            &|| {
                assert!(
                    call(pointer) == -1 && CallbackTable.iter().count() as u64 >= CallbackTable.late_calls()
                )
            },
            &|| drop((callback.guest().memory_size().unwrap(), module.exports(), module.imports())),
            &|| drop(module.instantiate().unwrap().callback("compare", comparator()).unwrap()),
            &|| drop(sandbox().load(path("wat/good/descending.wat")).unwrap()),
            &|| native::qsort(&mut [2, 1], &callback).unwrap(),
            &|| {
                let null = std::ptr::null();
                // SAFETY: null pointers are not followed.
                unsafe { failing.pointer()(null, null) };
                failing.take_failure();
                #[cfg(feature = "libffi")]
                drop(callback.retain_as::<callbox::UntypedFn>().unwrap());
            },
        ];
        let (done, started) = (AtomicBool::new(false), Barrier::new(operations.len() + 1));
        let counts = [const { AtomicU64::new(0) }; 8];
        thread::scope(|scope| {
            for (operation, count) in operations.iter().zip(&counts) {
                let (done, started) = (&done, &started);
                scope.spawn(move || {
                    operation();
                    started.wait();
                    while !done.load(Relaxed) {
                        operation();
                        count.fetch_add(1, Relaxed);
                    }
                });
            }
            started.wait();
            let ended: Vec<_> = (0..rounds)
                .map(|_| {
                    forked(|| match inherited(&callback, &kept, &module) {
                        0 => own(),
                        failed => failed,
                    })
                })
                .collect();
            done.store(true, Relaxed);
            assert!(ended.iter().all(|status| *status == 0), "{ended:?}");
        });
        assert!(counts.iter().all(|count| count.load(Relaxed) > 0), "{counts:?}");
    });
}

#[test]
fn a_child_never_waits_for_a_turn_that_another_thread_had() {
    alone("forks::a_child_never_waits_for_a_turn_that_another_thread_had", || {
        let (entered, inside) = mpsc::channel();
        let leave = Arc::new(Barrier::new(2));
        let wait = leave.clone();
        let sandbox = granting_print(move |_| {
            entered.send(()).unwrap();
            wait.wait();
        });
        let text = r#"(module (import "callbox" "print" (func $print (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "compare") (param i32 i32) (result i32)
                (call $print (i32.const 0) (i32.const 1)) (i32.const -1)))"#;
        let guest = Module::from_text(&sandbox, "slow", text).unwrap().instantiate().unwrap();
        let callback = guest.callback("compare", comparator()).unwrap().fallback(7).unwrap();
        let kept = callback.retain().unwrap();
        let pointer = kept.pointer();
        let caller = thread::spawn(move || call(pointer));
        inside.recv().unwrap();
        let status = forked(|| {
            if !is_forked(guest.memory_size()) || !is_forked(guest.callback("compare", comparator())) {
                return 1;
            }
            if !is_forked(callback.compare(&[0; 4], &[0; 4])) || call(pointer) != 7 {
                return 2;
            }
            drop((guest, callback, kept, sandbox));
            own()
        });
        assert_eq!(status, 0);
        leave.wait();
        assert_eq!(caller.join().unwrap(), -1);
    });
}
