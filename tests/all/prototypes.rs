//! Callbacks of every prototype, and their use by native code.
#![allow(unsafe_code, reason = "plays the part of native code that calls a function pointer")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "calls of C come in rows")]

use std::ffi::{c_char, c_int, c_long, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;

use callbox::{
    CallError, Callback, CallbackTable, Error, FallbackValue, Limit, Limits, Module, Prototype,
    RetainedLease, Sandbox, TypeError, UntypedFn,
};

use crate::support::{alone, clang, good, granting_print, guest, sandbox};

type Unary = unsafe extern "C" fn(c_int) -> c_int;

/// Returns a callback of a guest that consists of these functions, and a memory.
fn callback(functions: &str, export: &str, prototype: &str) -> Callback {
    let text = format!(r#"(module (memory (export "memory") 1) {functions})"#);
    guest(&text).callback(export, prototype.parse().unwrap()).unwrap()
}

/// Returns a callback `int (int)` that adds one.
fn successor() -> Callback {
    let text = r#"(func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))"#;
    callback(text, "f", "int (int)")
}

/// Returns a callback `int (int)` that adds one, and traps for negative numbers.
fn choosy() -> Callback {
    let text = r#"(func (export "f") (param i32) (result i32)
        (if (i32.lt_s (local.get 0) (i32.const 0)) (then unreachable))
        (i32.add (local.get 0) (i32.const 1)))"#;
    callback(text, "f", "int (int)")
}

fn call(kept: &RetainedLease<Unary>, n: c_int) -> c_int {
    // SAFETY: the function takes no pointers.
    unsafe { kept.pointer()(n) }
}

#[test]
fn what_is_not_const_is_copied_back_when_the_guest_returns() {
    let text = r#"(func (export "f") (param i32 i32)
        (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
        (i32.store (local.get 1) (i32.const 99)))"#;
    let kept = callback(text, "f", "void (int *, const int *)")
        .retain_as::<unsafe extern "C" fn(*mut c_int, *const c_int)>()
        .unwrap();
    let (mut a, b) = (41, 7);
    // SAFETY: both point to an int.
    unsafe { kept.pointer()(&mut a, &b) };
    assert_eq!((a, b), (42, 7), "what is const stays as it is");
    // SAFETY: the host does not follow null; this guest writes to it all the same, in its own memory.
    unsafe { kept.pointer()(std::ptr::null_mut(), std::ptr::null()) };
    assert!(kept.take_failure().is_none());
}

#[test]
fn a_guest_that_traps_leaves_what_c_points_to_as_it_was() {
    let text = r#"(func (export "f") (param i32) (i32.store (local.get 0) (i32.const 5)) unreachable)"#;
    let kept = callback(text, "f", "void (int *)").retain_as::<unsafe extern "C" fn(*mut c_int)>().unwrap();
    let mut n = 1;
    // SAFETY: the argument points to an int.
    unsafe { kept.pointer()(&mut n) };
    assert_eq!(n, 1);
    assert!(matches!(kept.take_failure(), Some(Error::Trap { .. })));
}

#[test]
fn two_pointers_to_one_place_are_one_place_for_the_guest() {
    // Writes through the first pointer, then reads through the second.
    let text = r#"(func (export "f") (param i32 i32) (result i32)
        (i32.store (local.get 0) (i32.const 5)) (i32.load (local.get 1)))"#;
    for prototype in ["int (int *, int *)", "int (int *, const int *)", "int (const int *, int *)"] {
        let kept = callback(text, "f", prototype)
            .retain_as::<unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int>()
            .unwrap();
        let mut n = 1;
        let pointer = &raw mut n;
        // SAFETY: both point to an int.
        assert_eq!(unsafe { kept.pointer()(pointer, pointer) }, 5);
        assert_eq!(n, 5);
    }
}

#[test]
fn runs_that_overlap_lose_nothing_that_was_written_through_either() {
    let text = r#"(func (export "f") (param i32 i32)
        (i32.store8 (local.get 0) (i32.const 1)) (i32.store8 offset=3 (local.get 1) (i32.const 2)))"#;
    let kept = callback(text, "f", "void (char (*)[4], char (*)[4])")
        .retain_as::<unsafe extern "C" fn(*mut c_char, *mut c_char)>()
        .unwrap();
    let mut bytes = [9, 9, 9, 9, 9, 9];
    let start = bytes.as_mut_ptr();
    // SAFETY: both point to four of the six bytes.
    unsafe { kept.pointer()(start, start.add(2)) };
    assert_eq!(bytes, [1, 9, 9, 9, 9, 2]);
}

#[test]
fn a_token_is_a_number_that_says_nothing_and_leads_back() {
    let text = "
        (func (export \"number\") (param i32 i32 i32) (result i32)
            (i32.add (i32.mul (local.get 0) (i32.const 100)) \
                (i32.add (i32.mul (local.get 1) (i32.const 10)) (local.get 2))))
        (func (export \"second\") (param i32 i32) (result i32) (local.get 1))
        (func (export \"forged\") (param i32 i32) (result i32) (i32.const 77))";
    let (mut a, mut b) = (0, 0);
    let (a, b): (*mut c_void, *mut c_void) = ((&raw mut a).cast(), (&raw mut b).cast());
    let number = callback(text, "number", "int (void *, void *, void *)")
        .retain_as::<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> c_int>()
        .unwrap();
    // SAFETY: tokens are not followed.
    let numbers = unsafe { [number.pointer()(a, b, a), number.pointer()(b, std::ptr::null_mut(), a)] };
    assert_eq!(numbers, [121, 102], "numbered as they come, and null is 0");
    type Pick = unsafe extern "C" fn(*mut c_void, *mut c_void) -> *mut c_void;
    let second = callback(text, "second", "void *(void *, void *)").retain_as::<Pick>().unwrap();
    // SAFETY: tokens are not followed.
    assert_eq!(unsafe { second.pointer()(a, b) }, b);
    let forged = callback(text, "forged", "void *(void *, void *)").retain_as::<Pick>().unwrap();
    // SAFETY: tokens are not followed.
    assert!(unsafe { forged.pointer()(a, b) }.is_null());
    let failure = forged.take_failure().unwrap();
    assert_eq!(
        failure.to_string(),
        "guest.wat: \"forged\" handed back 0x4d, which is no pointer that this call gave it"
    );
}

#[test]
fn a_pointer_that_is_handed_back_leads_into_what_it_came_from_and_nowhere_else() {
    // `strchr` returns an address inside the text, or null; `behind` may return one behind it.
    let text = "
        (func (export \"strchr\") (param $s i32) (param $c i32) (result i32)
            (loop $next
                (if (i32.eq (i32.load8_u (local.get $s)) (local.get $c)) (then (return (local.get $s))))
                (if (i32.eqz (i32.load8_u (local.get $s))) (then (return (i32.const 0))))
                (local.set $s (i32.add (local.get $s) (i32.const 1)))
                (br $next))
            unreachable)
        (func (export \"behind\") (param $s i32) (param $n i32) (result i32) \
            (i32.add (local.get $s) (local.get $n)))";
    type Find = unsafe extern "C" fn(*const c_char, c_int) -> *const c_char;
    let strchr = callback(text, "strchr", "const char *(const char *, int)").retain_as::<Find>().unwrap();
    let name = c"callbox";
    for (c, expected) in [(b'c', Some(0)), (b'b', Some(4)), (b'q', None)] {
        // SAFETY: the argument is a NUL-terminated text.
        let found = unsafe { strchr.pointer()(name.as_ptr(), c.into()) };
        assert_eq!((!found.is_null()).then(|| found.addr() - name.as_ptr().addr()), expected);
    }
    let behind = callback(text, "behind", "const char *(const char *, int)").retain_as::<Find>().unwrap();
    for (n, good) in [(7, true), (8, false), (-1, false), (1 << 20, false)] {
        // SAFETY: the argument is a NUL-terminated text.
        let found = unsafe { behind.pointer()(name.as_ptr(), n) };
        assert_eq!(!found.is_null(), good, "{n}");
        assert_eq!(matches!(behind.take_failure(), Some(Error::Call(CallError::Forged { .. }))), !good);
    }
}

#[test]
fn a_pointer_of_another_type_is_not_taken_back() {
    // The cell is for a pointer to int; the guest stores a pointer to another type there.
    let text = r#"(func (export "f") (param $cell i32) (param $short i32)
        (i64.store (local.get $cell) (i64.extend_i32_u (local.get $short))))"#;
    let run = |prototype: &str| {
        let kept = callback(text, "f", prototype)
            .retain_as::<unsafe extern "C" fn(*mut *mut c_int, *mut c_int)>()
            .unwrap();
        let (mut a, mut b) = (1, [2, 3]);
        let (a, b): (_, *mut c_int) = (&raw mut a, (&raw mut b).cast());
        let mut cell = a;
        // SAFETY: the arguments point to a cell, and to a number as large as any size that is read.
        unsafe { kept.pointer()(&mut cell, b) };
        (cell == b, cell == a, kept.take_failure())
    };
    assert!(matches!(run("void (int **, int *)"), (true, false, None)));
    for other in ["short", "float", "unsigned char", "long"] {
        let forged = run(&format!("void (int **, {other} *)"));
        assert!(matches!(forged, (false, true, Some(Error::Call(CallError::Forged { .. })))), "{other}");
    }
}

#[test]
fn structs_are_followed_and_what_they_hold_as_well() {
    #[repr(C)]
    struct Person {
        age: c_int,
        name: *const c_char,
        tag: *mut c_void,
    }
    // Returns the length of the name, plus a thousand for an age over 17, plus ten thousand for a tag.
    let text = r#"(func (export "f") (param $p i32) (result i32) (local $n i32) (local $s i32)
        (local.set $s (i32.load offset=8 (local.get $p)))
        (block $end (loop $next
            (br_if $end (i32.eqz (i32.load8_u (local.get $s))))
            (local.set $s (i32.add (local.get $s) (i32.const 1)))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br $next)))
        (i32.add (local.get $n) (i32.add
            (i32.mul (i32.const 1000) (i32.gt_s (i32.load (local.get $p)) (i32.const 17)))
            (i32.mul (i32.const 10000) (i32.load offset=16 (local.get $p))))))"#;
    let prototype = "int (const struct person { int age; const char *name; void *tag; } *)";
    let kept =
        callback(text, "f", prototype).retain_as::<unsafe extern "C" fn(*const Person) -> c_int>().unwrap();
    let person = Person { age: 30, name: c"Ada".as_ptr(), tag: (&raw const person_tag).cast_mut().cast() };
    // SAFETY: the argument points to a person with a name.
    assert_eq!(unsafe { kept.pointer()(&person) }, 11003);
}

#[allow(non_upper_case_globals, reason = "named as C names it")]
static person_tag: u8 = 0;

#[test]
fn arguments_that_do_not_cross_are_failures_that_name_them() {
    let text = r#"(func (export "f") (param i32 i32) (result i32) (i32.const 7))"#;
    let sandbox = Sandbox::new(Limits::default().text(8).array(64)).unwrap();
    let text = format!(r#"(module (memory (export "memory") 1) {text})"#);
    let guest = Module::from_text(&sandbox, "small", text).unwrap().instantiate().unwrap();
    let failure = |prototype: &str, at: *const c_void, n: usize| {
        let callback = guest.callback("f", prototype.parse().unwrap()).unwrap().fallback(-1).unwrap();
        let kept = callback.retain_as::<UntypedFn>().unwrap();
        // SAFETY: a pointer and an integer are passed in this way, whatever the integer's type.
        let function: unsafe extern "C" fn(*const c_void, usize) -> c_int =
            unsafe { std::mem::transmute(kept.pointer()) };
        // SAFETY: the pointer leads to as much as the callback reads before it refuses.
        let answer = unsafe { function(at, n) };
        let failure = kept.take_failure().map(|error| error.to_string());
        assert_eq!(answer, if failure.is_some() { -1 } else { 7 });
        failure.unwrap_or_default()
    };
    let bytes = [b'x'; 100];
    let at = bytes.as_ptr().cast();
    assert_eq!(failure("int (const char *, int)", c"seven77".as_ptr().cast(), 0), "");
    assert_eq!(
        failure("int (const char *, int)", at, 0),
        "\"f\" was called with a text in argument 1 that does not end within 8 bytes; \
         raise Limits::text, or say its length with another argument"
    );
    assert_eq!(failure("int (const void a[n], size_t n)", at, 64), "");
    assert_eq!(
        failure("int (const void a[n], size_t n)", at, 65),
        "\"f\" was called with arguments of more than 64 bytes in all; raise Limits::array"
    );
    assert_eq!(
        failure("int (const void a[n], int n)", at, -1_isize as usize),
        "\"f\" was called with -1 elements in argument 1, which cannot be"
    );
    assert_eq!(
        failure("int (const int a[n], int n)", std::ptr::null(), 3),
        "\"f\" was called with a null pointer to 3 elements in argument 1"
    );
    assert_eq!(failure("int (const int a[n], int n)", std::ptr::null(), 0), "");
    assert_eq!(
        failure("int (void *, size_t)", std::ptr::null(), 1 << 32),
        "\"f\" was called with 4294967296 in argument 2, and the export \
         takes it as an i32; let it take an i64"
    );
}

#[test]
fn calling_conventions_are_those_of_the_prototype() {
    let text = "(func (export \"f\") (param i32 f64 i64 f32 i32) (result f64)
        (f64.add (f64.convert_i32_s (local.get 0)) (f64.add (local.get 1) (f64.add
            (f64.convert_i64_s (local.get 2)) (f64.add (f64.promote_f32 (local.get 3)) \
                (f64.convert_i32_s (local.get 4)))))))";
    let plain = callback(text, "f", "double (int, double, long long, float, short)")
        .retain_as::<unsafe extern "C" fn(c_int, f64, i64, f32, i16) -> f64>()
        .unwrap();
    // SAFETY: the function takes no pointers.
    assert_eq!(unsafe { plain.pointer()(-1, 0.5, 1 << 40, 0.25, -3) }, (1_i64 << 40) as f64 - 3.25);
    #[cfg(target_arch = "x86_64")]
    for conv in ["__attribute__((ms_abi))", "__stdcall"] {
        let prototype = format!("double {conv} (int, double, long long, float, short)");
        let win64 = callback(text, "f", &prototype)
            .retain_as::<unsafe extern "win64" fn(c_int, f64, i64, f32, i16) -> f64>()
            .unwrap();
        // SAFETY: the function takes no pointers.
        assert_eq!(unsafe { win64.pointer()(-1, 0.5, 1 << 40, 0.25, -3) }, (1_i64 << 40) as f64 - 3.25);
    }
}

#[test]
fn a_function_pointer_of_another_type_is_refused() {
    let says = |error: Error, text: &str| assert_eq!(error.to_string(), text);
    says(
        successor().retain_as::<unsafe extern "C" fn(c_int) -> f64>().unwrap_err(),
        "a function pointer for \"int (int)\" has not the \
         type unsafe extern \"C\" fn(i32) -> f64: the result is of another type",
    );
    says(
        successor().retain_as::<unsafe extern "C" fn(i64) -> c_int>().unwrap_err(),
        "a function pointer for \"int (int)\" has not the \
         type unsafe extern \"C\" fn(i64) -> i32: argument 1 is of another type",
    );
    says(
        successor().lend_as::<unsafe extern "C" fn() -> c_int>().unwrap_err(),
        "a function pointer for \"int (int)\" has not the \
         type unsafe extern \"C\" fn() -> i32: the prototype has 1 arguments",
    );
    #[cfg(all(target_arch = "x86_64", not(windows)))]
    says(
        successor().retain_as::<unsafe extern "win64" fn(c_int) -> c_int>().unwrap_err(),
        "a function pointer for \"int (int)\" has not the type unsafe extern \"win64\" fn(i32) -> i32: \
         the calling convention is another one",
    );
    // A comparator of scalars or slices serves sorts, but no exact function pointer.
    for (export, params) in [("compare_i32", "i32 i32"), ("compare_bytes", "i32 i32 i32 i32")] {
        let text = format!(r#"(func (export "{export}") (param {params}) (result i32) (i32.const 0))"#);
        let shaped = callback(&text, export, "int (const int *, const int *)");
        let error = shaped.retain_as::<callbox::CompareFn>().unwrap_err();
        assert!(matches!(error, Error::PrototypeUnserved { .. }), "{error}");
    }
}

#[test]
fn a_comparator_that_is_retained_as_a_function_answers_what_the_guest_did() {
    let text = r#"(func (export "compare") (param i32 i32) (result i32)
        (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1))))"#;
    let distance = callback(text, "compare", "int (const int *, const int *)");
    let (a, b): (c_int, c_int) = (50, 8);
    let (a, b) = ((&raw const a).cast(), (&raw const b).cast());
    let (sign, whole) = (distance.retain().unwrap(), distance.retain_as::<callbox::CompareFn>().unwrap());
    // SAFETY: both point to an int.
    unsafe {
        assert_eq!(sign.pointer()(a, b), 1);
        assert_eq!(whole.pointer()(a, b), 42);
    }
}

#[test]
fn a_fallback_stands_in_for_every_answer_that_there_is_not() {
    let kept = choosy().fallback(-77).unwrap().retain_as::<Unary>().unwrap();
    assert_eq!(call(&kept, 1), 2);
    assert_eq!(call(&kept, -1), -77);
    assert_eq!(call(&kept, 1), -77, "as long as the failure is kept");
    assert!(kept.take_failure().is_some());
    assert_eq!(call(&kept, 1), 2);
    let pointer = kept.pointer();
    drop(kept);
    // SAFETY: the function takes no pointers.
    assert_eq!(unsafe { pointer(1) }, -77, "after the end of the lease too");
}

#[test]
fn a_comparators_fallback_is_its_own_but_never_a_sorts() {
    let text = r#"(func (export "compare") (param i32 i32) (result i32) unreachable)"#;
    let failing = callback(text, "compare", "int (const int *, const int *)").fallback(-5).unwrap();
    let kept = failing.retain().unwrap();
    let pointer = kept.pointer();
    let one: c_int = 1;
    let one = (&raw const one).cast();
    // SAFETY: both point to an int.
    assert_eq!(unsafe { pointer(one, one) }, -5);
    drop(kept);
    // SAFETY: a released pointer reads none of its arguments.
    assert_eq!(unsafe { pointer(one, one) }, -5);
    assert!(callbox::native::qsort(&mut [3, 1, 2], &failing).is_err());
}

#[test]
fn a_fallback_is_a_value_of_the_results_type() {
    let of = |result: &str, core: &str| {
        callback(&format!(r#"(func (export "f") {core} unreachable)"#), "f", &format!("{result} (void)"))
    };
    let (i32, i64, f32, f64) = ("(result i32)", "(result i64)", "(result f32)", "(result f64)");
    for (result, core, value, good) in [
        ("int", i32, FallbackValue::from(i32::MIN), true),
        ("int", i32, FallbackValue::from(1_i64 << 31), false),
        ("unsigned char", i32, FallbackValue::from(255), true),
        ("unsigned char", i32, FallbackValue::from(-1), false),
        ("_Bool", i32, FallbackValue::from(true), true),
        ("_Bool", i32, FallbackValue::from(2), false),
        ("size_t", i64, FallbackValue::from(u64::MAX), true),
        ("long long", i64, FallbackValue::from(u64::MAX), false),
        ("float", f32, FallbackValue::from(0.5), true),
        ("double", f64, FallbackValue::from(1), false),
        ("void", "", FallbackValue::from(0), false),
        ("void *", i32, FallbackValue::from(1), false),
        ("struct { int x; int y; }", "(param i32)", FallbackValue::from(&[1, 0, 0, 0, 2, 0, 0, 0][..]), true),
        ("struct { int x; int y; }", "(param i32)", FallbackValue::from(&[1][..]), false),
        ("struct { int x; void *y; }", "(param i32)", FallbackValue::from(&[0; 16][..]), false),
    ] {
        let outcome = of(result, core).fallback(value.clone());
        assert_eq!(outcome.is_ok(), good, "{result} {value}");
        if let Err(error) = outcome {
            assert!(matches!(error, Error::Type(TypeError::Fallback { .. })), "{error}");
        }
    }
    #[repr(C)]
    #[derive(Debug, PartialEq)]
    struct Point {
        x: c_int,
        y: c_int,
    }
    callbox::c_struct!(Point { x, y });
    let point =
        of("struct { int x; int y; }", "(param i32)").fallback(&[1, 0, 0, 0, 2, 0, 0, 0][..]).unwrap();
    let kept = point.retain_as::<unsafe extern "C" fn() -> Point>().unwrap();
    // SAFETY: the function takes no arguments.
    assert_eq!(unsafe { kept.pointer()() }, Point { x: 1, y: 2 });
    #[repr(C)]
    struct Small(u8);
    callbox::c_struct!(Small { 0 });
    // A struct of one number is that number for the guest, and a struct of its size for C.
    let small = of("struct { unsigned char c; }", i32).fallback(200).unwrap();
    let kept = small.retain_as::<unsafe extern "C" fn() -> Small>().unwrap();
    // SAFETY: the function takes no arguments.
    assert_eq!(unsafe { kept.pointer()() }.0, 200);
    let error = of("int", i32).fallback(0.5).unwrap_err();
    assert_eq!(error.to_string(), "0.5 is not a valid int, the result of \"f\"");
}

#[test]
fn a_hook_is_told_of_each_failure_and_says_what_is_kept() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = told.clone();
    let forgetting = choosy().on_failure(move |error| {
        list.lock().unwrap().push(error.to_string());
        None
    });
    let kept = forgetting.retain_as::<Unary>().unwrap();
    assert_eq!([-1, 1, -1].map(|n| call(&kept, n)), [0, 2, 0], "what is forgotten stops nothing");
    assert!(kept.take_failure().is_none());
    let trapped = "guest.wat: \"f\" trapped: wasm `unreachable` instruction executed";
    assert_eq!(*told.lock().unwrap(), [trapped, trapped]);

    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    let keeping = choosy().on_failure(move |error| {
        counted.fetch_add(1, Relaxed);
        Some(error)
    });
    let kept = keeping.retain_as::<Unary>().unwrap();
    assert_eq!([-1, 1, -1].map(|n| call(&kept, n)), [0, 0, 0]);
    assert_eq!(count.load(Relaxed), 1, "later ones are its echoes");
    assert!(matches!(kept.take_failure(), Some(Error::Trap { .. })));

    let panicking = choosy().on_failure(|_| panic!("no room in the log"));
    let kept = panicking.retain_as::<Unary>().unwrap();
    assert_eq!(call(&kept, -1), 0);
    assert!(
        matches!(kept.take_failure(), Some(Error::Panic { message, .. }) if message == "no room in the log")
    );
}

#[test]
fn a_comparators_hook_is_told_too() {
    let told = Arc::new(AtomicBool::new(false));
    let tell = told.clone();
    let text = r#"(func (export "compare") (param i32 i32) (result i32) unreachable)"#;
    let failing = callback(text, "compare", "int (const int *, const int *)").on_failure(move |_| {
        tell.store(true, Relaxed);
        None
    });
    let kept = failing.retain().unwrap();
    let one: c_int = 1;
    // SAFETY: both point to an int.
    unsafe { kept.pointer()((&raw const one).cast(), (&raw const one).cast()) };
    assert!(told.load(Relaxed) && kept.take_failure().is_none());
}

#[test]
fn a_lease_ends_when_native_code_calls_its_destructor() {
    let kept = successor().retain_as::<Unary>().unwrap();
    let (pointer, key) = (kept.pointer(), kept.key());
    let other = kept.clone();
    let user_data = kept.into_user_data();
    assert!(!user_data.is_null());
    drop(other);
    // SAFETY: the function takes no pointers.
    assert_eq!(unsafe { pointer(1) }, 2);
    callbox::lease::release(user_data);
    assert!(CallbackTable.get(key).is_none());
    // SAFETY: the function takes no pointers.
    assert_eq!(unsafe { pointer(1) }, 0);
    // A second release, and releases of invalid user data, do nothing.
    let later = successor().retain_as::<Unary>().unwrap();
    callbox::lease::release(user_data);
    callbox::lease::release(std::ptr::null_mut());
    callbox::lease::release((&raw const later).cast_mut().cast());
    assert_eq!(call(&later, 1), 2);
}

#[test]
fn a_destructor_may_be_called_on_any_thread_and_take_the_guest_with_it() {
    let user_data = successor().retain_as::<Unary>().unwrap().into_user_data().addr();
    thread::spawn(move || callbox::lease::release(std::ptr::without_provenance_mut(user_data)))
        .join()
        .unwrap();
}

#[test]
fn what_is_leaked_lasts() {
    let (pointer, key) = {
        let kept = successor().retain_as::<Unary>().unwrap();
        let key = kept.key();
        (kept.leak(), key)
    };
    // SAFETY: the function takes no pointers.
    assert_eq!(unsafe { pointer(41) }, 42);
    assert_eq!(CallbackTable.get(key).unwrap().prototype, "int (int)".parse().unwrap());
}

#[test]
fn a_released_function_pointer_is_lent_again_only_after_every_other_of_its_prototype() {
    alone(
        "prototypes::a_released_function_pointer_is_lent_again_only_after_every_other_of_its_prototype",
        || {
            let callback = successor();
            let first = callback.retain_as::<Unary>().unwrap();
            let pointer = first.pointer();
            drop(first);
            // SAFETY: the function takes no pointers.
            assert_eq!(unsafe { pointer(1) }, 0);
            assert_eq!(CallbackTable.late_calls(), 1);
            for n in 1..CallbackTable.capacity() {
                let other = callback.retain_as::<Unary>().unwrap();
                assert_ne!(other.pointer() as usize, pointer as usize, "after {n} others");
            }
            // Another prototype has pointers of its own.
            let text = r#"(func (export "f") (param i64) (result i32) (i32.const 3))"#;
            let other = self::callback(text, "f", "int (long)").retain_as::<UntypedFn>().unwrap();
            assert_ne!(other.pointer().as_ptr().addr(), pointer as usize);
            let again = callback.retain_as::<Unary>().unwrap();
            assert_eq!(again.pointer() as usize, pointer as usize);
            let full: Result<Vec<_>, _> =
                (0..CallbackTable.capacity()).map(|_| callback.retain_as::<Unary>()).collect();
            assert!(matches!(full, Err(Error::TableFull { capacity: 1024 })));
            again.retire();
            for _ in 0..2 * CallbackTable.capacity() {
                assert_ne!(callback.retain_as::<Unary>().unwrap().pointer() as usize, pointer as usize);
            }
        },
    );
}

#[test]
fn a_call_from_inside_a_call_is_a_failure_of_any_prototype() {
    let pointer: Arc<Mutex<Option<Unary>>> = Arc::default();
    let inner = pointer.clone();
    let sandbox = granting_print(move |_| {
        let pointer = inner.lock().unwrap().take().unwrap();
        // SAFETY: the function takes no pointers.
        assert_eq!(unsafe { pointer(5) }, -9);
    });
    let text = "(module (import \"callbox\" \"print\" (func $print (param i32 i32))) \
        (memory (export \"memory\") 1)
        (func (export \"f\") (param i32) (result i32) \
        (call $print (i32.const 0) (i32.const 1)) (local.get 0)))";
    let guest = Module::from_text(&sandbox, "inner", text).unwrap().instantiate().unwrap();
    let callback = guest.callback("f", "int (int)".parse().unwrap()).unwrap().fallback(-9).unwrap();
    let kept = callback.retain_as::<Unary>().unwrap();
    *pointer.lock().unwrap() = Some(kept.pointer());
    assert_eq!(call(&kept, 3), 3, "the outer call has its answer");
    assert!(matches!(kept.take_failure(), Some(Error::Reentrant { .. })));
}

#[test]
fn the_calls_of_one_native_call_share_a_budget_and_those_of_a_kept_pointer_do_not() {
    let text = "(module (func (export \"f\") (param i32) (result i32)
        (loop $next \
            (br_if $next (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
        (i32.const 1)))";
    let sandbox = Sandbox::new(Limits::default().fuel(10_000)).unwrap();
    let guest = Module::from_text(&sandbox, "busy", text).unwrap().instantiate().unwrap();
    let callback = guest.callback("f", "int (int)".parse().unwrap()).unwrap();
    let lease = callback.lend_as::<Unary>().unwrap();
    // SAFETY: the function takes no pointers.
    let answers: c_int = (0..100).map(|_| unsafe { lease.pointer()(100) }).sum();
    assert!((5..50).contains(&answers), "{answers}");
    assert_eq!(lease.finish().unwrap_err().limit(), Some(Limit::Fuel));
    let kept = callback.retain_as::<Unary>().unwrap();
    assert_eq!((0..100).map(|_| call(&kept, 100)).sum::<c_int>(), 100);
}

#[test]
fn many_threads_call_while_leases_come_and_go() {
    let rounds = std::env::var("CALLBOX_ROUNDS").map_or(400, |rounds| rounds.parse().unwrap());
    let pointers: Vec<Arc<AtomicU64>> = (0..4).map(|_| Arc::default()).collect();
    let steady = successor().retain_as::<Unary>().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for caller in 0..8 {
            let (pointers, steady, done) = (&pointers, &steady, &done);
            scope.spawn(move || {
                let mut n = caller;
                while !done.load(Relaxed) {
                    n = (n + 1) % 1000;
                    assert_eq!(call(steady, n), n + 1);
                    let address = pointers[n as usize % 4].load(Relaxed) as usize;
                    if address != 0 {
                        // SAFETY: the address is that of a function pointer of this type, lent or not.
                        let pointer: Unary = unsafe { std::mem::transmute(address) };
                        // SAFETY: the function takes no pointers.
                        let answer = unsafe { pointer(n) };
                        assert!(answer == n + 1 || answer == 0, "{n}: {answer}");
                    }
                }
            });
        }
        for round in 0..rounds {
            let callback = successor();
            for place in &pointers {
                let kept = callback.retain_as::<Unary>().unwrap();
                place.store(kept.pointer() as usize as u64, Relaxed);
                if round % 2 == 0 {
                    thread::yield_now();
                    drop(kept); // while the other threads go on calling the address
                } else {
                    callbox::lease::release(kept.into_user_data());
                }
            }
        }
        done.store(true, Relaxed);
    });
    assert!(steady.take_failure().is_none());
}

#[test]
fn a_stale_context_finds_nothing_even_where_its_slot_is_lent_again() {
    alone("prototypes::a_stale_context_finds_nothing_even_where_its_slot_is_lent_again", || {
        let ascending = good("ascending", "compare");
        let (one, two): (c_int, c_int) = (1, 2);
        let (one, two) = ((&raw const one).cast(), (&raw const two).cast());
        let first = ascending.retain().unwrap();
        let (compare, context) = first.with_context();
        // SAFETY: both point to an int.
        assert_eq!(unsafe { compare(one, two, context) }, -1);
        let slot = first.key().slot();
        drop(first);
        let all: Vec<_> = (0..CallbackTable.capacity()).map(|_| ascending.retain().unwrap()).collect();
        assert!(all.iter().any(|kept| kept.key().slot() == slot));
        let late = CallbackTable.late_calls();
        // SAFETY: a stale context reads nothing.
        assert_eq!(unsafe { compare(one, two, context) }, 0);
        assert_eq!(CallbackTable.late_calls(), late + 1);
        for nonsense in [0, 7, usize::MAX, 1 << 32 | 5000] {
            // SAFETY: an invalid context reads nothing either.
            assert_eq!(unsafe { compare(one, two, std::ptr::without_provenance_mut(nonsense)) }, 0);
        }
    });
}

#[test]
fn a_stale_context_gets_the_fallback_of_the_callback_that_it_was_for() {
    alone("prototypes::a_stale_context_gets_the_fallback_of_the_callback_that_it_was_for", || {
        let (one, two): (c_int, c_int) = (1, 2);
        let (one, two) = ((&raw const one).cast(), (&raw const two).cast());
        let ascending = good("ascending", "compare");
        let contexts: Vec<_> = [7, -3, 0, c_int::MIN]
            .into_iter()
            .map(|fallback| {
                let kept = ascending.clone().fallback(fallback).unwrap().retain().unwrap();
                (kept.with_context(), kept.pointer(), fallback)
            })
            .collect();
        // Lends every slot again, for callbacks with another fallback.
        let other = ascending.fallback(1).unwrap();
        for _ in 0..2 * CallbackTable.capacity() {
            drop(other.retain());
        }
        for ((compare, context), pointer, fallback) in contexts {
            // SAFETY: a stale context reads nothing, and neither does a pointer whose slot is empty.
            assert_eq!(unsafe { compare(one, two, context) }, fallback);
            // SAFETY: as above, and both point to an int.
            assert_ne!(unsafe { pointer(one, two) }, fallback);
        }
    });
}

#[test]
#[cfg_attr(windows, ignore = "its C libraries have an errno each")]
fn errno_survives_a_callback_of_any_prototype() {
    let sandbox = granting_print(|_| errno::set_errno(errno::Errno(99)));
    let text = "(module (import \"callbox\" \"print\" (func $print (param i32 i32))) \
        (memory (export \"memory\") 1)
        (func (export \"f\") (param i32) (result i32) \
        (call $print (i32.const 0) (i32.const 1)) (local.get 0)))";
    let guest = Module::from_text(&sandbox, "printing", text).unwrap().instantiate().unwrap();
    let kept =
        guest.callback("f", "int (int)".parse::<Prototype>().unwrap()).unwrap().retain_as::<Unary>().unwrap();
    errno::set_errno(errno::Errno(34));
    assert_eq!(call(&kept, 3), 3);
    assert_eq!(errno::errno().0, 34);
}

/// The host passes structs as the C compiler for WebAssembly does. The guest is written for a host whose
/// `long` has 64 bits.
#[test]
#[cfg(all(unix, target_pointer_width = "64"))]
fn a_guest_in_c_passes_structs_as_its_compiler_does() {
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Point(c_int, c_int);
    callbox::c_struct!(Point { 0, 1 });
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct One(f64);
    callbox::c_struct!(One { 0 });
    #[repr(C)]
    struct Record {
        size: c_long,
        kind: u8,
    }
    let c = std::fs::read_to_string(crate::support::path("guest/c/values.c")).unwrap();
    let Some((_dir, wasm)) = clang(&c) else { return };
    let guest = sandbox().load(&wasm).unwrap();
    let callback =
        |export: &str, prototype: &str| guest.callback(export, prototype.parse().unwrap()).unwrap();
    let mirror = callback("mirror", "struct point { int x; int y; } (struct point)");
    let mirror = mirror.retain_as::<unsafe extern "C" fn(Point) -> Point>().unwrap();
    let half = callback("half", "struct one { double d; } (struct one)");
    let half = half.retain_as::<unsafe extern "C" fn(One) -> One>().unwrap();
    let grow =
        callback("grow", "short (struct record { long size; unsigned char kind; } *, unsigned char, _Bool)");
    let grow = grow.retain_as::<unsafe extern "C" fn(*mut Record, u8, bool) -> i16>().unwrap();
    let mut record = Record { size: 1 << 40, kind: 7 };
    // SAFETY: the pointer leads to a record; the other functions take no pointers.
    unsafe {
        assert_eq!(mirror.pointer()(Point(1, -2)), Point(-2, 1));
        assert_eq!(half.pointer()(One(5.0)), One(2.5));
        assert_eq!(grow.pointer()(&mut record, 255, true), -1);
    }
    assert_eq!((record.size, record.kind), ((1 << 40) + 255, 200));
}

#[test]
fn a_guest_sees_no_padding_and_leaves_none_behind() {
    // Fills all of the first struct with ones, and returns the sum of the padding it read in both.
    let text = r#"(func (export "f") (param $a i32) (param $b i32) (result i32) (local $sum i32)
        (local.set $sum (i32.add (i32.load8_u offset=1 (local.get $a)) (i32.add
            (i32.load16_u offset=2 (local.get $a)) (i32.load16_u offset=10 (local.get $b)))))
        (i64.store (local.get $a) (i64.const -1))
        (local.get $sum))"#;
    let pair = "struct pair { char c; int n; }";
    let kept = callback(text, "f", &format!("int ({pair} *, const struct {{ long l; short s; }} *)"))
        .retain_as::<unsafe extern "C" fn(*mut u8, *const u8) -> c_int>()
        .unwrap();
    let (mut a, b) = (*b"\x07\xaa\xaa\xaa\x01\x02\x03\x04", [0xbb; 16]);
    // SAFETY: both buffers are as long as their structs, and nothing reads them as structs.
    assert_eq!(unsafe { kept.pointer()(a.as_mut_ptr(), b.as_ptr()) }, 0);
    assert_eq!(a, *b"\xff\xaa\xaa\xaa\xff\xff\xff\xff");
}

#[test]
fn a_list_of_many_texts_and_tokens_is_followed_without_searching() {
    // Counts texts that begin with "n", and tokens equal to their position in the list.
    let text = "(func (export \"f\") (param $n i32) (param $names i32) (param $tokens i32) (result i32)
        (local $at i32) (local $count i32)
        (loop $next
            (if (i32.eq (i32.load8_u \
                    (i32.load (i32.add (local.get $names) (i32.shl (local.get $at) (i32.const 3)))))
                    (i32.const 110))
                (then (local.set $count (i32.add (local.get $count) (i32.const 1)))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (if (i32.eq (i32.load (i32.sub \
                    (i32.add (local.get $tokens) (i32.shl (local.get $at) (i32.const 3))) (i32.const 8)))
                    (local.get $at))
                (then (local.set $count (i32.add (local.get $count) (i32.const 1)))))
            (br_if $next (i32.lt_u (local.get $at) (local.get $n))))
        (local.get $count))";
    let prototype = "int (size_t n, const char *const names[n], void *tokens[n])";
    let kept = callback(text, "f", prototype)
        .retain_as::<unsafe extern "C" fn(usize, *const *const c_char, *mut *mut c_void) -> c_int>()
        .unwrap();
    let texts: Vec<_> = (0..50_000).map(|n| std::ffi::CString::new(format!("name{n}")).unwrap()).collect();
    let mut names: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
    names[1000] = names[7]; // one text twice is one copy
    let mut tokens: Vec<*mut c_void> = names.iter().map(|name| name.cast_mut().cast()).collect();
    tokens[1000] = ptr::without_provenance_mut(1);
    let before = tokens.clone();
    // SAFETY: both lists have `names.len()` entries, one of texts and one of arbitrary pointers.
    let count = unsafe { kept.pointer()(names.len(), names.as_ptr(), tokens.as_mut_ptr()) };
    let failure = kept.take_failure();
    assert!(failure.is_none(), "{}", failure.unwrap());
    assert_eq!((count, tokens), (100_000, before));
}
