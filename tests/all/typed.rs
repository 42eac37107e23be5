//! Exports called from Rust, with Rust's types.

use std::ffi::{c_char, c_void};
use std::ptr;

use callbox::{Blame, CallError, Callback, Error, Limits, Module, Sandbox};

use crate::support::{good, granting_print, guest, sandbox};

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Point {
    x: i32,
    y: i32,
}

callbox::c_struct!(Point { x, y });

#[derive(Clone, Copy)]
#[repr(C)]
struct Named {
    name: *const c_char,
    id: i64,
}

callbox::c_struct!(Named { name, id });

/// Returns a callback of a guest that consists of these functions, and a memory.
fn callback(functions: &str, prototype: &str) -> Callback {
    let text = format!(r#"(module (memory (export "memory") 1) {functions})"#);
    guest(&text).callback("f", prototype.parse().unwrap()).unwrap()
}

/// Writes 7 to the first four bytes of its first argument.
const SEVEN: &str = r#"(func (export "f") (param i32) (i32.store (local.get 0) (i32.const 7)))"#;

/// Returns the sum of the numbers in an array, which it also sets to zero.
const DRAIN: &str = r#"(func (export "f") (param $a i32) (param $n i32) (result i64) (local $sum i64)
    (block $done (loop $next
        (br_if $done (i32.le_s (local.get $n) (i32.const 0)))
        (local.set $sum (i64.add (local.get $sum) (i64.load32_s (local.get $a))))
        (i32.store (local.get $a) (i32.const 0))
        (local.set $a (i32.add (local.get $a) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $sum))"#;

#[test]
fn numbers_of_every_class_cross_and_come_back() {
    macro_rules! same {
        ($($rust:ty, $c:literal, $core:literal: $($value:expr),*;)*) => { $(
            let text = format!("(func (export \"f\") (param {0}) (result {0}) (local.get 0))", $core);
            let same = callback(&text, concat!($c, " (", $c, ")"));
            $(
                let value: $rust = $value;
                let back: $rust = same.call((value,)).unwrap();
                assert_eq!(back, value, $c);
            )*
        )* };
    }
    same! {
        i8, "signed char", "i32": -128, 0, 127;
        u8, "unsigned char", "i32": 0, 255;
        i16, "short", "i32": -32768, 32767;
        u16, "unsigned short", "i32": 65535;
        i32, "int", "i32": i32::MIN, -1, i32::MAX;
        u32, "unsigned", "i32": u32::MAX;
        i64, "int64_t", "i64": i64::MIN, i64::MAX;
        u64, "uint64_t", "i64": u64::MAX;
        usize, "size_t", "i64": usize::MAX;
        f32, "float", "f32": -0.5, f32::INFINITY;
        f64, "double", "f64": f64::MIN, 1e-300;
        bool, "_Bool", "i32": false, true;
    }
    callback(r#"(func (export "f"))"#, "void (void)").call::<()>(()).unwrap();
}

#[test]
fn what_a_mutable_reference_leads_to_is_written_and_what_a_shared_one_leads_to_is_not() {
    let seven = callback(SEVEN, "void (int *)");
    let mut number = 1;
    seven.call::<()>((&mut number,)).unwrap();
    assert_eq!(number, 7);
    let error = seven.call::<()>((&number,)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"f\" was called with types that are not those of \"void (int *)\": \
         argument 1 is int *, which &i32 is not"
    );

    let seven = callback(SEVEN, "void (const int *)");
    let mut number = 1;
    seven.call::<()>((&number,)).unwrap();
    seven.call::<()>((&mut number,)).unwrap();
    assert_eq!(number, 1);
}

#[test]
fn a_slice_is_read_and_written_as_far_as_its_count_says() {
    let drain = callback(DRAIN, "int64_t (int a[n], int n)");
    let mut numbers = [1, 2, 3, 4];
    assert_eq!(drain.call::<i64>((&mut numbers[..], 3)).unwrap(), 6);
    assert_eq!(numbers, [0, 0, 0, 4]);
    assert_eq!(drain.call::<i64>((&mut numbers[..], 0)).unwrap(), 0);
    assert_eq!(drain.call::<i64>((&mut [5][..], 1)).unwrap(), 5);
    assert_eq!(drain.call::<i64>((&mut 9, 1)).unwrap(), 9);

    let error = drain.call::<i64>((&mut numbers[..2], 3)).unwrap_err();
    assert!(error.to_string().ends_with("argument 1 holds 8 bytes, and has to hold 3 times 4"), "{error}");
    assert!(drain.call::<i64>((&mut [0; 0][..], 1)).is_err());
    assert!(drain.call::<i64>((&mut numbers[..], i32::MAX)).is_err());
    let error = drain.call::<i64>((&mut numbers[..], -1)).unwrap_err();
    assert!(matches!(error, Error::Call(CallError::Count { count: -1, .. })), "{error}");
    assert_eq!(numbers, [0, 0, 0, 4]);

    let bytes = callback(DRAIN, "int64_t (const void a[n], int n)");
    assert_eq!(bytes.call::<i64>((&[1_u8, 0, 0, 0][..], 1)).unwrap(), 1);
    assert!(bytes.call::<i64>((&[1_i32][..], 4)).is_err(), "bytes only");
}

#[test]
fn no_byte_is_touched_beyond_those_that_there_are() {
    // The numbers of this type take no room, and there are as many as you like.
    let drain = callback(DRAIN, "int64_t (void a[n], int n)");
    for n in [1, 64, 4096] {
        assert!(drain.call::<i64>((&mut [(); 4096][..], n)).is_err());
        assert!(drain.call::<i64>((&(), n)).is_err());
    }
    let text = "int64_t (int a[n], enum { NONE, ONE, MANY = 1000000 } n)";
    assert!(callback(DRAIN, text).call::<i64>((&mut [1, 2][..], 1_000_000)).is_err());
    let many = r#"(func (export "f") (param i32 i64) (result i64) (i64.load8_u (local.get 0)))"#;
    let many = callback(many, "int64_t (const void a[n], size_t n)");
    assert!(many.call::<i64>((&[1_u8][..], usize::MAX)).is_err());
    assert_eq!(many.call::<i64>((&[9_u8][..], 1_usize)).unwrap(), 9);
    // One count for two runs has to fit both; it may come before them.
    let two = r#"(func (export "f") (param i32 i32 i32) (result i32) (local.get 0))"#;
    let two = callback(two, "int (int n, const int a[n], const short b[n])");
    let (a, b) = ([1, 2, 3], [1_i16, 2]);
    assert_eq!(two.call::<i32>((2, &a[..], &b[..])).unwrap(), 2);
    assert!(two.call::<i32>((3, &a[..], &b[..])).is_err());
}

#[test]
fn the_same_memory_may_be_passed_twice_and_overlap_where_it_is_only_read() {
    let sum = r#"(func (export "f") (param i32 i32 i32) (result i32)
        (i32.add (i32.load (local.get 0)) (i32.load (local.get 1))))"#;
    let sum = callback(sum, "int (const int a[n], const int b[n], int n)");
    let numbers = [1, 2, 3];
    assert_eq!(sum.call::<i32>((&numbers[..], &numbers[..], 3)).unwrap(), 2);
    assert_eq!(sum.call::<i32>((&numbers[1..], &numbers[..2], 2)).unwrap(), 3);
}

#[test]
fn a_guest_leaves_only_values_of_the_types_behind() {
    let two = r#"(func (export "f") (param i32) (result i32)
        (i32.store (local.get 0) (i32.const 0x02020202)) (i32.const 2))"#;
    let mut truth = [false; 4];
    assert!(callback(two, "_Bool (_Bool a[4])").call::<bool>((&mut truth,)).unwrap());
    assert_eq!(truth, [true; 4]);
    assert!(callback(two, "_Bool (_Bool a[4])").call::<bool>((&mut truth[..],)).unwrap());
    // 0x02020202 is none of them.
    let mut colour = 1;
    let error = callback(two, "int (enum { RED, GREEN } *)").call::<i32>((&mut colour,)).unwrap_err();
    assert!(matches!(error, Error::Call(CallError::NoValue { .. })), "{error}");
    assert_eq!(colour, 1);
}

/// Has three bytes of padding, which are nobody's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Padded {
    small: u8,
    large: u32,
}

callbox::c_struct!(Padded { small, large });

#[test]
fn padding_is_zero_to_the_guest_and_stays_as_it_is() {
    let spy = r#"(func (export "f") (param i32) (result i32)
        (i32.store offset=4 (local.get 0) (i32.const 7))
        (i32.load (local.get 0)))"#;
    let spy = callback(spy, "int (struct padded { unsigned char small; unsigned large; } *)");
    for small in [0, 1, 255] {
        let mut value = Padded { small, large: 1 };
        assert_eq!(spy.call::<i32>((&mut value,)).unwrap(), i32::from(small));
        assert_eq!(value, Padded { small, large: 7 });
    }
}

#[test]
fn an_array_of_fixed_length_is_an_array_or_a_slice_that_is_long_enough() {
    let drain = r#"(func (export "f") (param $a i32) (result i32)
        (i32.add (i32.load (local.get $a)) (i32.load offset=8 (local.get $a))))"#;
    let ends = callback(drain, "int (const int a[3])");
    assert_eq!(ends.call::<i32>((&[1, 2, 3],)).unwrap(), 4);
    assert_eq!(ends.call::<i32>((&[1, 2, 3, 4][..],)).unwrap(), 4);
    assert!(ends.call::<i32>((&[1, 2][..],)).is_err());
    assert!(ends.call::<i32>((&[1, 2],)).is_err());
    assert!(ends.call::<i32>((&1,)).is_err());
}

#[test]
fn a_text_crosses_with_its_nul_and_one_character_is_no_text() {
    let length = r#"(func (export "f") (param $a i32) (result i32) (local $n i32)
        (block $done (loop $next
            (br_if $done (i32.eqz (i32.load8_u (i32.add (local.get $a) (local.get $n)))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br $next)))
        (local.get $n))"#;
    let length = callback(length, "int (const char *)");
    for text in [c"", c"one", c"\xff\xfe"] {
        assert_eq!(length.call::<i32>((text,)).unwrap() as usize, text.to_bytes().len());
    }
    // Without a NUL, C would read on.
    let character: c_char = 65;
    assert!(length.call::<i32>((&character,)).is_err());
    assert!(length.call::<i32>((&[character; 4][..],)).is_err());
    assert!(length.call::<i32>((ptr::from_ref(&character),)).is_err());
    let other = callback(SEVEN, "void (const int *)");
    assert!(other.call::<()>((c"a",)).is_err());
}

#[test]
fn structs_cross_by_value_by_reference_and_as_results() {
    let mirror = r#"(func (export "f") (param $to i32) (param $p i32)
        (i32.store (local.get $to) (i32.load offset=4 (local.get $p)))
        (i32.store offset=4 (local.get $to) (i32.load (local.get $p))))"#;
    let by_value = callback(mirror, "struct point { int x; int y; } (struct point)");
    assert_eq!(by_value.call::<Point>((Point { x: 1, y: -2 },)).unwrap(), Point { x: -2, y: 1 });
    let by_reference =
        callback(mirror, "struct point { int x; int y; }; void (struct point *, const struct point *)");
    let mut to = Point { x: 0, y: 0 };
    by_reference.call::<()>((&mut to, &Point { x: 3, y: 4 })).unwrap();
    assert_eq!(to, Point { x: 4, y: 3 });
    assert!(by_value.call::<Point>((1_i64,)).is_err());
    assert!(by_value.call::<i64>((to,)).is_err());
}

#[test]
fn a_pointer_that_the_call_would_follow_is_refused_and_a_token_comes_back() {
    let same = r#"(func (export "f") (param i32) (result i32) (local.get 0))"#;
    let here = 5;
    let at = ptr::from_ref(&here).cast::<c_void>();
    let token = callback(same, "const void * (const void *)");
    assert_eq!(token.call::<*const c_void>((at,)).unwrap(), at);
    assert_eq!(token.call::<*const c_void>((ptr::null::<c_void>(),)).unwrap(), ptr::null());
    assert!(callback(same, "void * (void *)").call::<*mut c_void>((at,)).is_err(), "const is kept");

    // These lead nowhere, and C would follow them.
    let wild = ptr::without_provenance::<i32>(0x10);
    assert!(callback(SEVEN, "void (const int *)").call::<()>((wild,)).is_err());
    let named = Named { name: wild.cast(), id: 1 };
    let text = "struct named { const char *name; int64_t id; }; void (const struct named *)";
    assert!(callback(SEVEN, text).call::<()>((&named,)).is_err());
    let text = "struct named { const char *name; int64_t id; }; void (struct named)";
    assert!(callback(SEVEN, text).call::<()>((named,)).is_err());
    // Nobody follows this one.
    let text = "struct named { const void *name; int64_t id; }; void (const struct named *)";
    callback(SEVEN, text).call::<()>((&named,)).unwrap();
}

#[test]
fn types_that_are_not_the_prototypes_are_refused_before_the_guest_is_called() {
    let sum = r#"(func (export "f") (param i32 f64) (result i32) (local.get 0))"#;
    let sum = callback(sum, "int (int, double)");
    let reasons = [
        (sum.call::<i64>((1, 1.0)).unwrap_err(), "its result is int, which i64 is not"),
        (sum.call::<()>((1, 1.0)).unwrap_err(), "its result is int, which () is not"),
        (sum.call::<i32>((1,)).unwrap_err(), "it takes 2 arguments, and 1 are passed"),
        (sum.call::<i32>((1, 1.0, 1)).unwrap_err(), "it takes 2 arguments, and 3 are passed"),
        (sum.call::<i32>((1_i64, 1.0)).unwrap_err(), "argument 1 is int, which i64 is not"),
        (sum.call::<i32>((1, 1_f32)).unwrap_err(), "argument 2 is double, which f32 is not"),
        (sum.call::<i32>((1, &1.0)).unwrap_err(), "argument 2 is double, which &f64 is not"),
    ];
    for (error, reason) in reasons {
        assert!(error.to_string().ends_with(reason), "{error}");
        assert_eq!(error.blame(), Blame::Caller);
    }
    assert_eq!(sum.calls(), 0);
    assert_eq!(sum.call::<i32>((1, 1.0)).unwrap(), 1);
}

#[test]
fn a_comparator_of_any_shape_compares_two_references() {
    for name in ["i32", "f64"] {
        let export = format!("compare_{name}");
        let guest = sandbox().bundled(name).unwrap();
        match name {
            "i32" => {
                let compare = guest.callback(&export, "int (const int *, const int *)".parse().unwrap());
                assert_eq!(compare.unwrap().call::<i32>((&1, &2)).unwrap(), -1);
            }
            _ => {
                let prototype = "int (const double *, const double *)".parse().unwrap();
                let compare = guest.callback(&export, prototype).unwrap();
                assert_eq!(compare.call::<i32>((&f64::INFINITY, &2.0)).unwrap(), 1);
                assert!(compare.call::<i32>((&1, &2)).is_err());
                assert!(compare.call::<i32>((1.0, 2.0)).is_err());
            }
        }
    }
    assert!(good("ascending", "compare").call::<i32>((&5, &5)).unwrap() == 0);
    let bytes = sandbox().bundled("bytes").unwrap();
    let compare = bytes.callback("compare_bytes", "int (const void *, const void *)".parse().unwrap());
    let compare = compare.unwrap();
    assert_eq!(compare.call::<i32>((&b"b"[..], &b"abc"[..])).unwrap(), 1);
    assert_eq!(compare.call::<i32>((&b""[..], &b"a"[..])).unwrap(), -1);
    assert!(compare.call::<i32>((&1, &2)).is_err(), "of what width?");
    assert_eq!((compare.calls(), compare.failures()), (2, 0));
}

#[test]
fn a_panicking_sink_is_an_error_of_the_call_whatever_it_calls() {
    let text = r#"(module (import "callbox" "print" (func $print (param i32 i32)))
        (memory (export "memory") 1)
        (func (export "f") (param i32) (result i32) (call $print (i32.const 0) (i32.const 1)) (i32.const 0))
        (func (export "compare_i32") (param i32 i32) (result i32)
            (call $print (i32.const 0) (i32.const 1)) (i32.const 0)))"#;
    let sandbox = granting_print(|_| panic!("the sink is full"));
    let guest = Module::from_text(&sandbox, "printing", text).unwrap().instantiate().unwrap();
    let plain = guest.callback("f", "int (int)".parse().unwrap()).unwrap();
    let compare = guest.callback("compare_i32", "int (const int *, const int *)".parse().unwrap()).unwrap();
    for _ in 0..2 {
        assert!(matches!(plain.call::<i32>((1,)), Err(Error::Panic { .. })));
        assert!(matches!(compare.call::<i32>((&1, &2)), Err(Error::Panic { .. })));
    }
}

#[test]
fn a_failed_call_returns_its_error_changes_nothing_and_rules_out_no_other() {
    let moody = r#"(func (export "f") (param $a i32) (result i32) (local $old i32)
        (local.set $old (i32.load (local.get $a)))
        (i32.store (local.get $a) (i32.const 99))
        (if (i32.eq (local.get $old) (i32.const 13)) (then unreachable))
        (if (i32.eq (local.get $old) (i32.const 14)) (then (loop (br 0))))
        (local.get $old))"#;
    let text = format!(r#"(module (memory (export "memory") 1) {moody})"#);
    let sandbox = Sandbox::new(Limits::default().fuel(100_000)).unwrap();
    let guest = Module::from_text(&sandbox, "moody", text).unwrap().instantiate().unwrap();
    let moody = guest.callback("f", "int (int *)".parse().unwrap()).unwrap();
    for _ in 0..3 {
        for (number, fails) in [(1, false), (13, true), (14, true)] {
            let mut held = number;
            match moody.call::<i32>((&mut held,)) {
                Ok(old) => assert_eq!((old, held, fails), (number, 99, false)),
                Err(Error::Trap { .. }) => assert_eq!((held, number), (13, 13)),
                Err(Error::Limit { .. }) => assert_eq!((held, number), (14, 14)),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!((moody.calls(), moody.failures()), (9, 6));
}
