//! Use of function pointers by native code, during a lease and after its end.
#![allow(unsafe_code, reason = "plays the part of native code that calls a function pointer")]

use std::ffi::{c_int, c_void};
#[cfg(unix)]
use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, OnceLock};
use std::thread;

use callbox::{CType, CallError, CallbackTable, CompareFn, Error, ItemsError, Prototype};

use crate::support::{
    again, alone, comparator, comparing, good, granting_print, path, sandbox, shared_library, skip,
};

fn call(pointer: CompareFn, a: &i32, b: &i32) -> c_int {
    // SAFETY: both point to an element for the time of the call.
    unsafe { pointer((&raw const *a).cast(), (&raw const *b).cast()) }
}

/// A third-party bubble sort, as a C library would have it.
unsafe fn vendor_sort(base: *mut c_void, len: usize, width: usize, compare: CompareFn) {
    let at = |i: usize| base.cast::<u8>().wrapping_add(i * width);
    for end in (1..len).rev() {
        for i in 0..end {
            // SAFETY: both are elements of the array, by this function's contract.
            if unsafe { compare(at(i).cast(), at(i + 1).cast()) } > 0 {
                // SAFETY: as above, and two elements do not overlap.
                unsafe { std::ptr::swap_nonoverlapping(at(i), at(i + 1), width) }
            }
        }
    }
}

#[test]
fn a_strangers_sort_gets_a_pointer_for_as_long_as_it_may_call() {
    let mut ia = [5, 1, 7, 33, 99];
    let mut lease = good("ascending", "compare").lend(&mut ia).unwrap();
    let (base, len, width) = (lease.base(), lease.len(), lease.width());
    // SAFETY: `vendor_sort` calls the pointer only until it returns.
    unsafe { vendor_sort(base, len, width, lease.pointer()) };
    assert_eq!(lease.calls(), 10);
    lease.finish().unwrap();
    assert_eq!(ia, [1, 5, 7, 33, 99]);
}

#[test]
fn a_strangers_sort_that_met_a_failure_leaves_the_array_as_it_was() {
    let guest = comparing(
        "(if (i32.eq (global.get $calls) (i32.const 3)) (then unreachable))
         (call $order (local.get $a) (local.get $b))",
    );
    let callback = guest.callback("compare", comparator()).unwrap();
    let mut ia = [9, 8, 7, 6];
    let mut lease = callback.lend(&mut ia).unwrap();
    let (base, len, width) = (lease.base(), lease.len(), lease.width());
    // SAFETY: `vendor_sort` calls the pointer only until it returns.
    unsafe { vendor_sort(base, len, width, lease.pointer()) };
    assert_eq!(lease.calls(), 6, "the native loop runs out");
    assert_eq!(callback.calls(), 3, "without the guest");
    assert!(matches!(lease.finish(), Err(Error::Trap { .. })));
    assert_eq!(ia, [9, 8, 7, 6]);
}

#[test]
fn a_lease_of_a_copy_writes_where_it_is_told_to_and_only_without_a_failure() {
    let bytes: Vec<u8> = [5_i32, 1, 7, 33, 99].into_iter().flat_map(i32::to_le_bytes).collect();
    let failing = comparing("unreachable").callback("compare", comparator()).unwrap();
    for (callback, sorted) in [(good("ascending", "compare"), true), (failing, false)] {
        let mut target = [-1_i32; 5];
        let mut lease = callback.lend_copy(&bytes, 4).unwrap();
        let (base, len, width) = (lease.base(), lease.len(), lease.width());
        // SAFETY: `vendor_sort` calls the pointer only until it returns.
        unsafe { vendor_sort(base, len, width, lease.pointer()) };
        assert_eq!(lease.finish_into(callbox::bytemuck::cast_slice_mut(&mut target)).is_ok(), sorted);
        assert_eq!(target, if sorted { [1, 5, 7, 33, 99] } else { [-1; 5] });
    }
    let callback = good("ascending", "compare");
    let other_size = callback.lend_copy(&bytes, 4).unwrap().finish_into(&mut [0; 8]);
    assert!(matches!(other_size, Err(Error::Items(ItemsError::Ragged { bytes: 8, width: 20 }))));
    assert!(matches!(callback.lend_copy(&bytes[..16], 8), Err(Error::ElementMismatch { .. })));
    callback.lend_copy(&bytes, 4).unwrap().finish().unwrap();
}

#[test]
fn a_retained_lease_of_any_prototype_can_be_shared_and_sent() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    is_shared(&good("ascending", "compare").retain().unwrap());
    #[cfg(feature = "libffi")]
    is_shared(&good("ascending", "compare").retain_as::<callbox::UntypedFn>().unwrap());
}

#[test]
fn a_lease_that_is_dropped_writes_nothing_back() {
    let mut ia = [2, 1];
    let mut lease = good("ascending", "compare").lend(&mut ia).unwrap();
    let (base, len, width) = (lease.base(), lease.len(), lease.width());
    // SAFETY: `vendor_sort` calls the pointer only until it returns.
    unsafe { vendor_sort(base, len, width, lease.pointer()) };
    drop(lease);
    assert_eq!(ia, [2, 1]);
}

#[test]
#[cfg(unix)]
fn a_pointer_outside_the_lent_array_ends_the_process_and_is_not_followed() {
    let output = again("leases::it_points_outside", &[]);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    let text = "callbox: native code called \"compare\" with a pointer outside the array it was lent for";
    assert!(String::from_utf8_lossy(&output.stderr).contains(text), "{output:?}");
}

#[test]
#[ignore = "ends its process"]
fn it_points_outside() {
    let mut ia = [2, 1];
    let mut lease = good("ascending", "compare").lend(&mut ia).unwrap();
    let (base, pointer) = (lease.base(), lease.pointer());
    // SAFETY: the lease checks both addresses before it reads anything.
    assert_eq!(unsafe { pointer(base, base) }, 0);
    // SAFETY: as above; the first address is not in the array.
    unsafe { pointer(std::ptr::without_provenance(8), base) };
}

/// The C library's own `qsort` with a lent pointer, a guest that lies, and no memory for the temporary.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn the_c_librarys_qsort_does_not_get_out_of_a_lent_array() {
    let Some((_dir, shim)) = shared_library(include_str!("../shims/refuse.c"), &["-O1"]) else { return };
    let set = [("LD_PRELOAD", shim.to_str().unwrap()), ("CALLBOX_REFUSE", "1")];
    let output = again("leases::it_lies_to_qsort", &set);
    if output.status.success() {
        return skip("in-place-qsort", "qsort's path out of its array, which glibc has until 2.38 only");
    }
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("outside the array"), "{output:?}");
}

#[test]
#[ignore = "runs with a preloaded library, and may end its process"]
fn it_lies_to_qsort() {
    let liar = sandbox().load(path("wat/hostile/always-less.wat")).unwrap();
    let mut numbers = vec![0; 10_000];
    let mut lease = liar.callback("compare", comparator()).unwrap().lend(&mut numbers).unwrap();
    let (base, len, width) = (lease.base(), lease.len(), lease.width());
    // SAFETY: the array is the lease's own, and qsort calls the pointer only until it returns.
    unsafe { libc::qsort(base, len, width, Some(lease.pointer())) };
    lease.finish().unwrap();
}

#[test]
fn a_null_pointer_is_a_failure() {
    let kept = good("ascending", "compare").retain().unwrap();
    // SAFETY: both arguments may be null.
    assert_eq!(unsafe { kept.pointer()(std::ptr::null(), std::ptr::null()) }, 0);
    assert!(matches!(kept.take_failure(), Some(Error::Call(CallError::NullElement { .. }))));
}

#[test]
fn a_retained_callback_outlives_every_handle_the_user_had() {
    let kept = {
        let sandbox = sandbox();
        let guest = sandbox.load(path("wat/good/ascending.wat")).unwrap();
        guest.callback("compare", comparator()).unwrap().retain().unwrap()
    };
    assert_eq!(call(kept.pointer(), &1, &2), -1);
    assert_eq!(call(kept.pointer(), &2, &2), 0);
    assert_eq!(call(kept.pointer(), &3, &2), 1);
    assert_eq!(kept.calls(), 3);
}

#[test]
fn a_late_call_gets_the_neutral_answer_and_is_counted() {
    alone("leases::a_late_call_gets_the_neutral_answer_and_is_counted", || {
        let kept = good("ascending", "compare").retain().unwrap();
        let pointer = kept.pointer();
        assert_eq!(call(pointer, &1, &2), -1);
        assert_eq!(CallbackTable.late_calls(), 0);
        drop(kept);
        // SAFETY: a released pointer reads none of its arguments.
        assert_eq!(unsafe { pointer(std::ptr::null(), std::ptr::null()) }, 0);
        assert_eq!(CallbackTable.late_calls(), 1);
    });
}

#[test]
fn a_lent_pointer_is_inert_once_its_lease_has_ended_in_any_way() {
    alone("leases::a_lent_pointer_is_inert_once_its_lease_has_ended_in_any_way", || {
        let ascending = good("ascending", "compare");
        for finish in [true, false] {
            let mut ia: Vec<i32> = (0..100).rev().collect();
            let mut lease = ascending.lend(&mut ia).unwrap();
            let (pointer, base) = (lease.pointer(), lease.base());
            // SAFETY: both arguments are elements of the lease's copy.
            assert_eq!(unsafe { pointer(base, base.wrapping_byte_add(4)) }, 1);
            let (late, asked) = (CallbackTable.late_calls(), ascending.calls());
            if finish {
                lease.finish().unwrap()
            } else {
                drop(lease)
            }
            assert_eq!(call(pointer, &2, &1), 0);
            assert_eq!(thread::spawn(move || call(pointer, &2, &1)).join().unwrap(), 0);
            assert_eq!((CallbackTable.late_calls() - late, ascending.calls()), (2, asked));
        }
    });
}

#[test]
fn a_released_pointer_is_lent_again_only_after_every_other_free_slot() {
    alone("leases::a_released_pointer_is_lent_again_only_after_every_other_free_slot", || {
        let ascending = good("ascending", "compare");
        let _kept = ascending.retain().unwrap();
        let first = ascending.retain().unwrap();
        let pointer = first.pointer() as usize;
        let others = CallbackTable.capacity() - CallbackTable.len();
        drop(first);
        for n in 0..others {
            let other = ascending.retain().unwrap();
            assert_ne!(other.pointer() as usize, pointer, "after {n} others");
        }
        assert_eq!(ascending.retain().unwrap().pointer() as usize, pointer);
    });
}

#[test]
fn a_retired_pointer_stays_inert_for_ever() {
    alone("leases::a_retired_pointer_stays_inert_for_ever", || {
        let ascending = good("ascending", "compare");
        let kept = ascending.retain().unwrap();
        let pointer = kept.pointer();
        kept.retire();
        for _ in 0..2 * CallbackTable.capacity() {
            assert_ne!(ascending.retain().unwrap().pointer() as usize, pointer as usize);
        }
        assert_eq!(call(pointer, &1, &2), 0);
        assert!(CallbackTable.is_empty());
    });
}

#[test]
fn a_full_table_is_an_error_that_says_so() {
    alone("leases::a_full_table_is_an_error_that_says_so", || {
        let ascending = good("ascending", "compare");
        let kept: Vec<_> = (0..CallbackTable.capacity()).map(|_| ascending.retain().unwrap()).collect();
        let error = ascending.retain().unwrap_err();
        assert!(matches!(error, Error::TableFull { capacity: 1024 }), "{error}");
        // A sort needs a slot as well, and leaves its array alone without one.
        let mut ia = [2, 1];
        let error = callbox::native::qsort(&mut ia, &ascending).unwrap_err();
        assert!(matches!(error, Error::TableFull { .. }), "{error}");
        assert_eq!(ia, [2, 1]);
        drop(kept);
        callbox::native::qsort(&mut ia, &ascending).unwrap();
        assert_eq!(ia, [1, 2]);
    });
}

#[test]
fn the_table_tells_who_is_registered() {
    let kept = good("ascending", "compare").retain().unwrap();
    let shared = kept.clone();
    call(kept.pointer(), &1, &2);
    let found = CallbackTable.get(kept.key()).unwrap();
    assert_eq!((found.export.as_str(), found.calls, found.failures, found.leases), ("compare", 1, 0, 2));
    assert!(found.module.ends_with("ascending.wat"));
    assert_eq!(found.prototype, comparator());
    assert!(CallbackTable.iter().any(|other| other.key == kept.key()));
    let (key, pointer) = (kept.key(), kept.pointer());
    drop(kept);
    assert_eq!(call(pointer, &1, &2), -1, "a clone still holds it");
    drop(shared);
    assert!(CallbackTable.get(key).is_none());
    assert_eq!(call(pointer, &1, &2), 0);
}

#[test]
fn a_key_names_its_lease_and_never_a_later_one() {
    let kept = good("ascending", "compare").retain().unwrap();
    let number = kept.key().as_u64();
    assert_eq!(callbox::SlotKey::from_u64(number), Some(kept.key()));
    let key = kept.key();
    drop(kept);
    let later = good("ascending", "compare").retain().unwrap();
    assert_ne!(later.key(), key);
    assert!(CallbackTable.get(key).is_none());
}

#[test]
fn a_failure_of_a_retained_callback_is_kept_until_it_is_taken() {
    let guest = comparing(
        "(if (i32.le_s (global.get $calls) (i32.const 1)) (then unreachable))
         (call $order (local.get $a) (local.get $b))",
    );
    let kept = guest.callback("compare", comparator()).unwrap().retain().unwrap();
    assert_eq!(call(kept.pointer(), &1, &2), 0);
    assert_eq!(call(kept.pointer(), &1, &2), 0, "no answer while a failure is kept");
    assert!(matches!(kept.take_failure(), Some(Error::Trap { .. })));
    assert!(kept.take_failure().is_none());
    assert_eq!(call(kept.pointer(), &1, &2), -1);
}

#[test]
fn callers_on_many_threads_take_turns() {
    let kept = good("ascending", "compare").retain().unwrap();
    let pointer = kept.pointer();
    thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for n in 0..500 {
                    assert_eq!(call(pointer, &n, &250), (n - 250).signum(), "thread {thread}");
                }
            });
        }
    });
    assert_eq!(kept.calls(), 4000);
    assert!(kept.take_failure().is_none());
}

#[test]
fn a_call_from_inside_a_call_is_a_failure_and_not_a_deadlock() {
    let pointer: Arc<OnceLock<CompareFn>> = Arc::default();
    let inner = pointer.clone();
    let sandbox = granting_print(move |_| {
        if let Some(pointer) = inner.get() {
            assert_eq!(call(*pointer, &1, &2), 0);
        }
    });
    let guest = sandbox.load(path("wat/good/tutorial.wat")).unwrap();
    let kept = guest.callback("ascending", comparator()).unwrap().retain().unwrap();
    pointer.set(kept.pointer()).unwrap();
    call(kept.pointer(), &1, &2);
    assert!(matches!(kept.take_failure(), Some(Error::Reentrant { .. })));
}

#[test]
fn a_panic_inside_a_trampoline_does_not_reach_c() {
    let sandbox = granting_print(|_| panic!("the sink is full"));
    let guest = sandbox.load(path("wat/good/tutorial.wat")).unwrap();
    let callback = guest.callback("ascending", comparator()).unwrap();
    let mut ia = [5, 1, 7];
    let error = callbox::native::qsort(&mut ia, &callback).unwrap_err();
    assert!(matches!(&error, Error::Panic { message, .. } if message == "the sink is full"), "{error}");
    assert_eq!(ia, [5, 1, 7]);
    // A comparator that prints nothing still works.
    let silent = good("ascending", "compare");
    callbox::native::qsort(&mut ia, &silent).unwrap();
    assert_eq!(ia, [1, 5, 7]);
}

#[test]
#[cfg_attr(windows, ignore = "its C libraries have an errno each")]
fn errno_survives_a_callback() {
    // The host changes errno while the guest runs; native code must not see the change.
    let sandbox = granting_print(|_| errno::set_errno(errno::Errno(99)));
    let guest = sandbox.load(path("wat/good/tutorial.wat")).unwrap();
    let callback = guest.callback("ascending", comparator()).unwrap();
    let kept = callback.retain().unwrap();
    for errno in [0, 7, 34] {
        errno::set_errno(errno::Errno(errno));
        assert_eq!(call(kept.pointer(), &1, &2), -1);
        assert_eq!(errno::errno().0, errno);
        callbox::native::qsort(&mut [2, 1], &callback).unwrap();
        assert_eq!(errno::errno().0, errno);
    }
}

#[test]
fn elements_of_no_stated_width_are_retained_only_with_one() {
    let void = Prototype::comparator(CType::Void);
    let guest = sandbox().load(path("wat/good/bytes.wat")).unwrap();
    let callback = guest.callback("compare_bytes", void).unwrap();
    assert!(matches!(callback.retain(), Err(Error::ElementMismatch { .. })));
    let kept = callback.retain_records(4).unwrap();
    assert_eq!(call(kept.pointer(), &1, &2), -1);
}

#[test]
#[cfg_attr(windows, ignore = "its C libraries have an errno each")]
fn errno_survives_a_hook_that_is_told_of_a_failure() {
    let trapping = comparing("(unreachable)").callback("compare", comparator()).unwrap();
    let trapping = trapping.on_failure(|_| {
        errno::set_errno(errno::Errno(99));
        None
    });
    let kept = trapping.retain().unwrap();
    let null = std::ptr::null();
    for errno in [0, 7, 34] {
        errno::set_errno(errno::Errno(errno));
        assert_eq!(call(kept.pointer(), &1, &2), 0);
        assert_eq!(errno::errno().0, errno, "after a trap");
        // SAFETY: null pointers are not followed.
        assert_eq!(unsafe { kept.pointer()(null, null) }, 0);
        assert_eq!(errno::errno().0, errno, "after null pointers");
    }
    assert!(kept.take_failure().is_none());
}
