//! The hook that is told of each call, for callbacks of every prototype and every way of being called.
#![allow(unsafe_code, reason = "plays the part of native code that calls a function pointer")]

use std::ffi::{c_char, c_int, c_void};
use std::sync::{Arc, Mutex};
use std::thread;

use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{CType, Callback, CallbackTable, Error, Observation, Prototype, SlotKey, native};
use proptest::prelude::*;

use crate::support::{bundled_for, comparator, comparing, good, guest};

static ONE: c_int = 1;
static TWO: c_int = 2;

/// The calls that a sink was told of, in words.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    /// The values and the result, or the failure: `f(1, "ab") = 3`.
    call: String,
    key: Option<SlotKey>,
    entered: bool,
    fuel: u64,
    thread: thread::ThreadId,
}

fn words(call: &Observation<'_>) -> String {
    let arguments: Vec<_> = call.arguments.iter().map(ToString::to_string).collect();
    let outcome = match &call.outcome {
        Ok(value) => format!("= {value}"),
        Err(error) => format!("failed: {error}"),
    };
    format!("{}({}) {outcome}", call.export, arguments.join(", "))
}

/// Returns the callback with a sink, and what the sink is told.
fn observed(callback: &Callback) -> (Callback, Arc<Mutex<Vec<Told>>>) {
    let told = Arc::<Mutex<Vec<Told>>>::default();
    let sink = told.clone();
    let callback = callback.clone().observe(move |call| {
        let times = [Some(call.started), call.entered, call.left, Some(call.ended)];
        let times: Vec<_> = times.into_iter().flatten().collect();
        assert!(times.is_sorted(), "{times:?}");
        assert_eq!(call.entered.is_some(), call.left.is_some());
        let (key, entered, fuel) = (call.key(), call.entered.is_some(), call.fuel);
        sink.lock().unwrap().push(Told {
            call: words(call),
            key,
            entered,
            fuel,
            thread: thread::current().id(),
        });
    });
    (callback, told)
}

fn calls(told: &Mutex<Vec<Told>>) -> Vec<String> {
    told.lock().unwrap().drain(..).map(|told| told.call).collect()
}

/// Returns a callback of a guest that consists of these functions, and a memory.
fn callback(functions: &str, prototype: &str) -> Callback {
    let text = format!(r#"(module (memory (export "memory") 1) {functions})"#);
    guest(&text).callback("f", prototype.parse().unwrap()).unwrap()
}

#[test]
fn the_questions_of_every_native_sort_are_told_as_c_asks_them() {
    let (ascending, told) = observed(&good("ascending", "compare"));
    let mut ia = [5, 1, 7, 33, 99];
    native::qsort(&mut ia, &ascending).unwrap();
    native::msvcrt_qsort(&mut [2, 1], &ascending).unwrap();
    assert_eq!(native::bsearch(&7, &ia, &ascending).unwrap(), Some(2));
    // The order of the ctypes tutorial, though elements without a type are shown as bytes.
    let bytes = |n: u8| format!("\"{}\\u{{0}}\\u{{0}}\\u{{0}}\"", callbox::escape([n]));
    let call = |a, b, answer| format!("compare({}, {}) = {answer}", bytes(a), bytes(b));
    let expected = [(5, 1, 1), (33, 99, -1), (7, 33, -1), (1, 7, -1), (5, 7, -1), (1, 2, -1), (7, 7, 0)];
    assert_eq!(calls(&told), expected.map(|(a, b, answer)| call(a, b, answer)));
}

#[test]
fn a_call_through_a_pointer_is_told_with_its_slot_its_thread_and_its_fuel() {
    let (ascending, told) = observed(&good("ascending", "compare"));
    let kept = ascending.retain().unwrap();
    let pointer = kept.pointer();
    // SAFETY: both arguments point to an int.
    let call = move || unsafe { pointer((&raw const ONE).cast(), (&raw const TWO).cast()) };
    assert_eq!(call(), -1);
    let other = thread::spawn(move || (call(), thread::current().id())).join().unwrap();
    let expected = [thread::current().id(), other.1];
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 2);
    for (told, thread) in told.iter().zip(expected) {
        assert_eq!((told.key, told.entered, told.thread), (Some(kept.key()), true, thread));
        assert!(told.fuel > 0 && told.fuel < 100, "{}", told.fuel);
    }
}

#[test]
fn a_lent_array_is_asked_about_by_c_and_told_with_its_key() {
    let (ascending, told) = observed(&good("ascending", "compare"));
    let mut array: Vec<_> = (0..100).rev().collect();
    let mut lease = ascending.lend(&mut array).unwrap();
    let (base, len, width, compare, key) =
        (lease.base(), lease.len(), lease.width(), lease.pointer(), lease.key());
    // SAFETY: the lease's copy has so many elements, and qsort calls the pointer only until it returns.
    unsafe { libc::qsort(base, len, width, Some(compare)) };
    let asked = lease.calls();
    lease.finish().unwrap();
    assert!(array.is_sorted());
    let told = told.lock().unwrap();
    assert_eq!(told.len() as u64, asked);
    assert!(told.iter().all(|told| told.key == Some(key)));
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Point {
    x: i32,
    y: i32,
}

callbox::c_struct!(Point { x, y });

#[test]
fn values_of_every_kind_are_told_as_they_crossed() {
    let numbers = callback(
        r#"(func (export "f") (param i32 i64 f64 i32) (result f64) (local.get 2))"#,
        "double (short, unsigned long, float, void *)",
    );
    let (numbers, told) = observed(&numbers);
    let value: f64 = numbers.call((-2_i16, u64::MAX, 1.5_f32, std::ptr::null_mut::<c_void>())).unwrap();
    assert_eq!(value, 1.5);
    assert_eq!(calls(&told), ["f(-2, 18446744073709551615, 1.5, null) = 1.5"]);

    let copies = callback(
        r#"(func (export "f") (param i32 i32 i32 i32 i32) (result i32)
            (i32.store (local.get 2) (i32.const 7)) (i32.const 0))"#,
        "char *(const char *, struct { int x; int y; }, int *, int n, const void run[n])",
    );
    let (copies, told) = observed(&copies);
    let run = vec![b'r'; 300];
    let lease = copies.lend_as::<callbox::UntypedFn>().unwrap();
    type Copies =
        unsafe extern "C" fn(*const c_char, Point, *mut c_int, c_int, *const c_void) -> *const c_char;
    // SAFETY: this is the prototype.
    let call: Copies = unsafe { std::mem::transmute(lease.pointer()) };
    let mut written = 3;
    // SAFETY: the pointers lead to what the prototype says.
    let result =
        unsafe { call(c"ab".as_ptr(), Point { x: 1, y: 2 }, &mut written, 300, run.as_ptr().cast()) };
    assert!(result.is_null() && written == 7);
    lease.finish().unwrap();
    let shown = [r#""\u{1}\u{0}\u{0}\u{0}\u{2}\u{0}\u{0}\u{0}""#, r#""\u{3}\u{0}\u{0}\u{0}""#];
    let cut = format!("\"{}\"…", "r".repeat(80));
    assert_eq!(calls(&told), [format!("f(\"ab\", {}, {}, 300, {cut}) = null", shown[0], shown[1])]);

    let empty = callback(r#"(func (export "f"))"#, "void (void)");
    let (empty, told) = observed(&empty);
    empty.call::<()>(()).unwrap();
    assert_eq!(calls(&told), ["f() = nothing"]);
}

#[test]
fn what_is_told_of_a_long_pointee_is_its_beginning_and_its_length() {
    let length = callback(
        r#"(func (export "f") (param i32 i32) (result i32) (local.get 1))"#,
        "int (const void run[n], int n)",
    );
    let sizes = Arc::<Mutex<Vec<_>>>::default();
    let sink = sizes.clone();
    let length = length.observe(move |call| {
        let callbox::ObservedValue::Bytes { bytes, len } = call.arguments[0] else { panic!("no bytes") };
        sink.lock().unwrap().push((bytes.len(), len));
    });
    for len in [0, 1, 255, 256, 257, 100_000] {
        assert_eq!(length.call::<c_int>((&vec![0_u8; len][..], len as c_int)).unwrap(), len as c_int);
    }
    let expected = [(0, 0), (1, 1), (255, 255), (256, 256), (256, 257), (256, 100_000)];
    assert_eq!(*sizes.lock().unwrap(), expected);
    // An element that is compared is told whole.
    let bytes = bundled_for("bytes", "compare_bytes", CType::Void);
    let sink = sizes.clone();
    let bytes = bytes.observe(move |call| {
        let callbox::ObservedValue::Bytes { bytes, len } = call.arguments[0] else { panic!("no bytes") };
        sink.lock().unwrap().push((bytes.len(), len));
    });
    assert!(bytes.compare(&[1; 5000], &[2; 10]).unwrap().is_lt());
    assert_eq!(sizes.lock().unwrap().last(), Some(&(5000, 5000)));
}

#[test]
fn failures_are_told_whether_or_not_the_guest_was_entered() {
    let (traps, told) = observed(&comparing("unreachable").callback("compare", comparator()).unwrap());
    let error = traps.compare(&[1; 4], &[2; 4]).unwrap_err();
    let first = told.lock().unwrap().remove(0);
    assert!(first.entered && first.call.ends_with(&format!("failed: {error}")), "{first:?}");

    // An argument that does not fit the guest's type reaches no guest.
    let narrow = callback(r#"(func (export "f") (param i32))"#, "void (long)");
    let (narrow, told) = observed(&narrow);
    let error = narrow.call::<()>((i64::MAX,)).unwrap_err();
    let first = told.lock().unwrap().remove(0);
    assert_eq!((first.entered, first.call), (false, format!("f() failed: {error}")));
    narrow.call::<()>((5_i64,)).unwrap();
    assert_eq!(calls(&told), ["f(5) = nothing"]);

    // So does a call from inside a call, which the sink is not told of by itself.
    let ascending = good("ascending", "compare");
    let again = ascending.clone();
    let inner = Arc::<Mutex<Vec<_>>>::default();
    let sink = inner.clone();
    let nested = ascending.observe(move |_| {
        sink.lock().unwrap().push(again.compare(&[1; 4], &[2; 4]).unwrap_err().to_string());
    });
    nested.compare(&[1; 4], &[2; 4]).unwrap();
    let inner = inner.lock().unwrap();
    assert!(inner.len() == 1 && inner[0].contains("not re-entrant"), "{inner:?}");
}

#[test]
fn a_sink_that_panics_fails_the_call_and_leaves_memory_as_it_was() {
    let ascending = good("ascending", "compare").observe(|_| panic!("the disk is full"));
    let failed =
        |error: Error| matches!(error, Error::Panic { message, .. } if message == "the disk is full");
    let mut array = [2, 1];
    assert!(failed(native::qsort(&mut array, &ascending).unwrap_err()) && array == [2, 1]);
    assert!(failed(ascending.call::<c_int>((&2, &1)).unwrap_err()));
    let kept = ascending.fallback(9).unwrap().retain().unwrap();
    // SAFETY: both arguments point to an int.
    assert_eq!(unsafe { kept.pointer()((&raw const ONE).cast(), (&raw const TWO).cast()) }, 9);
    assert!(failed(kept.take_failure().unwrap()));

    let seven = r#"(func (export "f") (param i32) (i32.store (local.get 0) (i32.const 7)))"#;
    let seven = callback(seven, "void (int *)");
    let mut number = 3;
    assert!(failed(
        seven.clone().observe(|_| panic!("the disk is full")).call::<()>((&mut number,)).unwrap_err()
    ));
    assert_eq!(number, 3);
    seven.call::<()>((&mut number,)).unwrap();
    assert_eq!(number, 7);

    // The failure that was there before stays.
    let traps = comparing("unreachable").callback("compare", comparator()).unwrap();
    let traps = traps.observe(|_| panic!("the disk is full"));
    assert!(matches!(traps.compare(&[1; 4], &[2; 4]), Err(Error::Trap { .. })));
}

#[test]
fn several_sinks_are_told_in_the_order_in_which_they_were_added() {
    let order = Arc::<Mutex<Vec<_>>>::default();
    let mut callback = good("ascending", "compare");
    for sink in 0..3 {
        let order = order.clone();
        callback = callback.observe(move |_| order.lock().unwrap().push(sink));
    }
    callback.compare(&[1; 4], &[2; 4]).unwrap();
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
}

#[test]
fn a_collation_a_function_and_an_authorizer_are_told_with_their_slots() {
    use callbox::sqlite;
    use rusqlite::functions::FunctionFlags;
    let db = rusqlite::Connection::open_in_memory().unwrap();
    let (version, told) = observed(&bundled_for("version", "compare_bytes", CType::Void));
    let collation = sqlite::create_collation(&db, "version", &version).unwrap();
    let sql = "SELECT 'v1.10' COLLATE version > 'v1.9'";
    let greater: bool = collation.check(db.query_row(sql, [], |row| row.get(0))).unwrap();
    assert!(greater);
    let first = told.lock().unwrap().remove(0);
    assert_eq!(first.key, Some(collation.key()));
    assert_eq!(first.call, r#"compare_bytes("v1.10", "v1.9") = 1"#);

    let twice = callback(
        r#"(func (export "f") (param i32) (result i64)
            (i64.extend_i32_s (i32.shl (local.get 0) (i32.const 1))))"#,
        "long (int)",
    );
    let (twice, told) = observed(&twice);
    sqlite::create_scalar_function(&db, "twice", FunctionFlags::default(), &twice).unwrap();
    let four: i64 = db.query_row("SELECT twice(2)", [], |row| row.get(0)).unwrap();
    assert_eq!(four, 4);
    let first = told.lock().unwrap().remove(0);
    assert_eq!((first.call, first.key.is_some()), ("f(2) = 4".to_owned(), true));
    assert_eq!(CallbackTable.get(first.key.unwrap()).unwrap().export, "f");
}

#[test]
fn a_sort_tells_each_comparison_whatever_sorter_and_however_many_threads() {
    let numbers: Vec<u8> = (0..20_000_u32).rev().flat_map(u32::to_le_bytes).collect();
    let items = Items::records(numbers, 4).unwrap();
    for sorter in [Sorter::Qsort, Sorter::Auto, Sorter::Msvcrt, Sorter::Sandboxed] {
        for threads in [1, 2] {
            let (ascending, told) = observed(&good("ascending", "compare"));
            let options =
                Options::default().sorter(sorter).parallel(std::num::NonZero::new(threads).unwrap());
            let job = Job::new(&ascending, options);
            let order = job.sort(&items).unwrap().order;
            assert!(order.iter().rev().copied().eq(0..20_000));
            let told = told.lock().unwrap();
            assert_eq!(told.len() as u64, job.comparisons(), "{sorter:?} {threads}");
            assert!(!job.sorted_in_sandbox());
            // The questions by which the result is verified are not among them.
            assert!(job.verified() > 0);
            let mut seen: Vec<_> = told.iter().map(|told| told.thread).collect();
            seen.sort_by_key(|thread| format!("{thread:?}"));
            seen.dedup();
            assert!(if threads == 1 { seen.len() == 1 } else { seen.len() >= 2 }, "{sorter:?}: {seen:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_told_is_what_was_passed_and_answered(a: i32, b: i32) {
        let (compare, told) = observed(&bundled_for("i32", "compare_i32", CType::Int32));
        let order = compare.compare(&a.to_ne_bytes(), &b.to_ne_bytes()).unwrap();
        let shown = [a, b].map(|n| callbox::escape(n.to_ne_bytes()));
        let naive = format!("compare_i32(\"{}\", \"{}\") = {}", shown[0], shown[1], a.cmp(&b) as i32);
        prop_assert_eq!(order, a.cmp(&b));
        prop_assert_eq!(calls(&told), [naive]);
    }
}

#[test]
fn an_observed_callback_answers_as_one_that_is_not() {
    for (export, prototype) in [("compare", comparator()), ("compare", Prototype::comparator(CType::Void))] {
        let plain = comparing("(i32.sub (i32.load (local.get 0)) (i32.load (local.get 1)))");
        let plain = plain.callback(export, prototype).unwrap();
        let (observed, _) = observed(&plain);
        for (a, b) in [(1, 2), (2, 1), (1, 1), (i32::MIN, 1)] {
            let [a, b] = [a, b].map(i32::to_ne_bytes);
            assert_eq!(plain.compare(&a, &b).unwrap(), observed.compare(&a, &b).unwrap());
        }
    }
}
