//! Panics of the host's own code in a call by C: none gets out, whatever it carries.
#![allow(unsafe_code, reason = "calls C function pointers")]

use std::ffi::c_int;
use std::num::NonZero;
use std::panic;
use std::sync::Arc;

use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{Callback, CompareFn, Error, Module, lease, native};

use crate::support::{comparator, good, granting_print};

/// Panics when it is dropped, with another one that does.
#[derive(Clone)]
struct Bomb(u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Some(next) = self.0.checked_sub(1) {
            panic::panic_any(Bomb(next));
        }
    }
}

const PRINTING: &str = r#"(module (import "callbox" "print" (func $print (param i32 i32)))
    (memory (export "memory") 1)
    (func (export "compare") (param i32 i32) (result i32)
        (call $print (i32.const 0) (i32.const 1)) (i32.const 0)))"#;

/// Returns a comparator that prints to this sink.
fn printing(sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Callback {
    let sandbox = granting_print(sink);
    let guest = Module::from_text(&sandbox, "printing", PRINTING).unwrap().instantiate().unwrap();
    guest.callback("compare", comparator()).unwrap()
}

/// Returns a comparator whose sink panics with a payload that panics when it is dropped.
fn bombing() -> Callback {
    printing(|_| panic::panic_any(Bomb(2)))
}

fn call(pointer: CompareFn) -> c_int {
    let (a, b) = (1, 2);
    // SAFETY: both arguments point to an int.
    unsafe { pointer((&raw const a).cast(), (&raw const b).cast()) }
}

fn assert_panicked(failure: Option<Error>) {
    assert!(matches!(&failure, Some(Error::Panic { message, .. }) if message == "no message"), "{failure:?}");
}

#[test]
fn a_panic_whose_payload_panics_stays_inside_each_kind_of_function_pointer() {
    let bombing = bombing().fallback(7).unwrap();
    let kept = bombing.retain().unwrap();
    assert_eq!(call(kept.pointer()), 7);
    assert_panicked(kept.take_failure());
    #[cfg(target_pointer_width = "64")]
    {
        let (compare, context) = kept.with_context();
        let (a, b) = (1, 2);
        // SAFETY: both arguments point to an int.
        assert_eq!(unsafe { compare((&raw const a).cast(), (&raw const b).cast(), context) }, 7);
        assert_panicked(kept.take_failure());
    }
    let mut array = [2, 1];
    let mut lease = bombing.lend(&mut array).unwrap();
    let (pointer, base) = (lease.pointer(), lease.base());
    // SAFETY: both arguments point to elements of the copy.
    assert_eq!(unsafe { pointer(base, base.wrapping_byte_add(4)) }, 7);
    assert_panicked(lease.finish().err());
    assert_panicked(native::qsort(&mut [2, 1], &bombing).err());
    assert_panicked(native::bsearch(&1, &[1, 2, 3], &bombing).err());
    assert_panicked(native::msvcrt_qsort(&mut [2, 1], &bombing).err());
}

#[test]
#[cfg(feature = "libffi")]
fn a_panic_whose_payload_panics_stays_inside_the_functions_of_libffi() {
    type Compare = unsafe extern "C" fn(*const c_int, *const c_int) -> c_int;
    let bombing = bombing().fallback(7).unwrap();
    let kept = bombing.retain_as::<Compare>().unwrap();
    // SAFETY: both arguments point to an int.
    assert_eq!(unsafe { kept.pointer()(&1, &2) }, 7);
    assert_panicked(kept.take_failure());
    let lent = bombing.lend_as::<Compare>().unwrap();
    // SAFETY: both arguments point to an int.
    assert_eq!(unsafe { lent.pointer()(&1, &2) }, 7);
    assert_panicked(lent.finish().err());
}

#[test]
#[cfg(feature = "sqlite")]
fn a_panic_whose_payload_panics_stays_inside_sqlite() {
    use callbox::{CType, Prototype, sqlite};
    let text = r#"(module (import "callbox" "print" (func $print (param i32 i32)))
        (memory (export "memory") 1)
        (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
            (call $print (i32.const 0) (i32.const 1)) (i32.const 0))
        (func (export "twice") (param i32) (result i32)
            (call $print (i32.const 0) (i32.const 1)) (local.get 0)))"#;
    let sandbox = granting_print(|_| panic::panic_any(Bomb(2)));
    let guest = Module::from_text(&sandbox, "bombing", text).unwrap().instantiate().unwrap();
    let db = rusqlite::Connection::open_in_memory().unwrap();
    let order = guest.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap();
    let collation = sqlite::create_collation(&db, "bombing", &order).unwrap();
    let sql = "SELECT 'a' COLLATE bombing < 'b'";
    let outcome = db.query_row(sql, [], |row| row.get::<_, bool>(0));
    assert!(collation.check(outcome).unwrap_err().to_string().contains("panic"));
    let twice = guest.callback("twice", "int (int)".parse().unwrap()).unwrap();
    let flags = rusqlite::functions::FunctionFlags::SQLITE_UTF8;
    sqlite::create_scalar_function(&db, "twice", flags, &twice).unwrap();
    let outcome = db.query_row("SELECT twice(1)", [], |row| row.get::<_, i32>(0));
    assert!(outcome.unwrap_err().to_string().contains("panic"));
}

#[test]
fn what_closures_own_may_panic_when_c_ends_their_lease() {
    let bomber = Bomb(3);
    let kept = printing(move |_| assert!(size_of_val(&bomber) > 0)).retain().unwrap();
    // The lease is the last to hold the sandbox.
    lease::release(kept.into_user_data());

    let bomber = Bomb(3);
    let callback = good("ascending", "compare");
    let hooked = callback.on_failure(move |error| Some(error).filter(|_| size_of_val(&bomber) > 0));
    let kept = hooked.retain().unwrap();
    drop(hooked); // the lease is the last to hold the hook
    lease::release(kept.into_user_data());
}

#[test]
fn hooks_may_panic_and_return_errors_that_do() {
    let failing = || bombing().fallback(7).unwrap();
    let kept = failing().on_failure(|_| panic::panic_any(Bomb(2))).retain().unwrap();
    assert_eq!([call(kept.pointer()), call(kept.pointer())], [7, 7]);
    assert_panicked(kept.take_failure());

    // An error that holds a bomb is dropped inside a call if it is the second one.
    #[derive(Debug)]
    struct Armed(#[expect(dead_code, reason = "is dropped")] Arc<u8>);
    impl Drop for Armed {
        fn drop(&mut self) {
            panic::panic_any(Bomb(2));
        }
    }
    impl std::fmt::Display for Armed {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("armed")
        }
    }
    impl std::error::Error for Armed {}
    let source = || std::io::Error::other(Armed(Arc::new(1)));
    let hooked = failing().on_failure(move |_| Some(Error::Thread { purpose: "", source: source() }));
    let kept = hooked.retain().unwrap();
    let null = std::ptr::null();
    // SAFETY: null pointers are not followed.
    assert_eq!([0, 1].map(|_| unsafe { kept.pointer()(null, null) }), [7, 7]);
    std::mem::forget(kept.take_failure().unwrap());
    std::mem::forget(kept);
}

#[test]
fn a_sink_that_panics_is_an_error_of_every_sorter_on_any_number_of_threads() {
    let ascending = good("ascending", "compare").observe(|_| panic::panic_any(Bomb(2)));
    let numbers = (0..20_000u32).rev().flat_map(u32::to_le_bytes).collect();
    let items = Items::records(numbers, 4).unwrap();
    for sorter in [Sorter::Qsort, Sorter::Sandboxed] {
        for threads in [1, 2, 4] {
            let parallel = NonZero::new(threads).unwrap();
            let options = Options::default().sorter(sorter).parallel(parallel);
            assert_panicked(Job::new(&ascending, options).sort(&items).err());
        }
    }
}

/// Returns a callback whose hook consumes each failure that it is told of.
fn forgetting(callback: Callback) -> Callback {
    callback.on_failure(|_| None)
}

#[test]
fn a_hook_cannot_consume_the_panic_that_ends_a_native_call() {
    assert_panicked(native::qsort(&mut [2, 1], &forgetting(bombing())).err());
}
