//! P5: a guest changes only what it may, and hands back only values that C could have made itself.
#![allow(unsafe_code, reason = "plays C, which calls the guest's function pointer")]

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr;

use callbox::{CallError, Error, Prototype, TypeError, UntypedFn};

use super::pointer;

fn refuses(error: Option<Error>) -> bool {
    matches!(error, Some(Error::Call(CallError::Forged { .. } | CallError::NoValue { .. })))
}

#[test]
fn a_bool_is_0_or_1_wherever_it_lies() {
    let store = "(func (export \"f\") (param i32) (i32.store (local.get 0) (i32.const 0xc8c8c8c8)))";
    // In memory, in an array, in a struct.
    for (prototype, len) in
        [("void (_Bool *)", 1), ("void (_Bool [4])", 4), ("void (struct { _Bool a; _Bool b[3]; } *)", 4)]
    {
        let kept = pointer::<unsafe extern "C" fn(*mut u8)>(store, prototype).unwrap();
        let mut bytes = [0_u8; 4];
        // SAFETY: it points to as many `_Bool`.
        unsafe { kept.pointer()(bytes.as_mut_ptr()) };
        assert!(bytes.iter().all(|byte| *byte <= 1), "{prototype}: {bytes:?}");
        assert_eq!(bytes.iter().filter(|byte| **byte == 1).count(), len, "{prototype}");
    }
    // In a struct that is the result, as an answer, and in a struct of one.
    #[repr(C)]
    struct Two(u8, u8);
    let two = pointer::<UntypedFn>(store, "struct { _Bool a; _Bool b; } (void)").unwrap();
    // SAFETY: C returns a struct of two bytes in this way.
    let call = unsafe { std::mem::transmute::<UntypedFn, unsafe extern "C" fn() -> Two>(two.pointer()) };
    // SAFETY: it takes nothing.
    let two = unsafe { call() };
    assert!(two.0 == 1 && two.1 == 1, "{} {}", two.0, two.1);
    let answer = "(func (export \"f\") (result i32) (i32.const 0x7fffff00))";
    for prototype in ["_Bool (void)", "struct { _Bool only[1]; } (void)"] {
        let one = pointer::<UntypedFn>(answer, prototype).unwrap();
        // SAFETY: a `_Bool` is returned as a byte.
        let call = unsafe { std::mem::transmute::<UntypedFn, unsafe extern "C" fn() -> u8>(one.pointer()) };
        // SAFETY: it takes nothing.
        let one = unsafe { call() };
        assert_eq!(one, 1, "{prototype}");
    }
}

#[test]
fn an_enumeration_is_one_of_its_enumerators() {
    let give = |value: i32| format!("(func (export \"f\") (result i32) (i32.const {value}))");
    let prototype = "enum colour { RED = -1, BLUE = 3 } (void)";
    for (value, good) in [(-1, true), (3, true), (0, false), (2, false), (i32::MIN, false)] {
        let kept = pointer::<unsafe extern "C" fn() -> c_int>(&give(value), prototype).unwrap();
        // SAFETY: the function takes nothing.
        let answer = unsafe { kept.pointer()() };
        assert_eq!(answer, if good { value } else { 0 });
        assert_eq!(refuses(kept.take_failure()), !good, "{value}");
    }
    let store = "(func (export \"f\") (param i32) (i32.store offset=4 (local.get 0) (i32.const 2)))";
    let kept = pointer::<unsafe extern "C" fn(*mut c_int)>(store, "void (enum { A, B } [2])").unwrap();
    let mut two = [1, 1];
    // SAFETY: it points to two enumerations.
    unsafe { kept.pointer()(two.as_mut_ptr()) };
    assert!(two == [1, 1] && refuses(kept.take_failure()));
}

#[test]
fn const_comes_back_as_const() {
    let first = "(func (export \"f\") (param i32 i32) (result i32) (local.get 0))";
    type Choose = unsafe extern "C" fn(*const c_int, *mut c_int) -> *mut c_int;
    let (a, mut b) = (1, 2);
    for (prototype, good) in [
        ("int *(const int *, int *)", false),
        ("void *(const void *, void *)", false),
        ("struct s *(const struct s *, struct s *)", false),
        ("char *(const char *, char *)", false),
        ("const int *(const int *, int *)", true),
        ("const int *(int *, int *)", true),
    ] {
        let kept = pointer::<Choose>(first, prototype).unwrap();
        // SAFETY: both lead to four bytes; the first has a zero among them.
        let chosen = unsafe { kept.pointer()(&a, &mut b) };
        assert_eq!(!chosen.is_null(), good, "{prototype}");
        assert_eq!(refuses(kept.take_failure()), !good, "{prototype}");
    }
    // From one field to the other.
    #[repr(C)]
    struct Fields(*const c_int, *mut c_int);
    let copy =
        "(func (export \"f\") (param i32) (i64.store offset=8 (local.get 0) (i64.load (local.get 0))))";
    let prototype = "void (struct { const int *from; int *to; } *)";
    let kept = pointer::<unsafe extern "C" fn(*mut Fields)>(copy, prototype).unwrap();
    let mut fields = Fields(&a, &mut b);
    // SAFETY: both fields lead to a number.
    unsafe { kept.pointer()(&mut fields) };
    assert!(fields.1 == &raw mut b && refuses(kept.take_failure()));
}

#[test]
fn a_text_that_comes_back_has_its_end_inside() {
    // Fills the buffer, without a NUL, and returns an address inside it.
    let fill = "(func (export \"f\") (param $n i64) (param $dst i32) (result i32)
        (memory.fill (local.get $dst) (i32.const 65) (i32.wrap_i64 (local.get $n)))
        (i32.add (local.get $dst) (i32.const 2)))";
    let kept = pointer::<unsafe extern "C" fn(usize, *mut c_char) -> *const c_char>(
        fill,
        "const char *(size_t n, char dst[n])",
    )
    .unwrap();
    let mut secret = *b"0123456789abcdefSECRET\0";
    // SAFETY: the buffer has 16 bytes, and more.
    let text = unsafe { kept.pointer()(16, secret.as_mut_ptr().cast()) };
    assert!(text.is_null() && refuses(kept.take_failure()));
    assert_eq!(&secret[..16], b"0123456789abcdef", "nothing is written back");
    // A second view of the same memory must not take the end away.
    let two = "(func (export \"f\") (param i64 i32 i64 i32) (result i32)
        (i32.store8 offset=3 (local.get 3) (i32.const 65)) (local.get 1))";
    let prototype = "const char *(size_t n, char a[n], size_t m, char b[m])";
    type TwoViews = unsafe extern "C" fn(usize, *mut c_char, usize, *mut c_char) -> *const c_char;
    let kept = pointer::<TwoViews>(two, prototype).unwrap();
    let mut memory = *b"abc\0SECRET\0";
    let start = memory.as_mut_ptr().cast();
    // SAFETY: both lengths are within the memory.
    let text = unsafe { kept.pointer()(4, start, 5, start) };
    assert!(text.is_null() && refuses(kept.take_failure()) && memory == *b"abc\0SECRET\0");
}

#[test]
fn a_text_of_cs_keeps_its_end_whatever_else_leads_there() {
    let fill = "(func (export \"f\") (param i32 i64 i32)
        (memory.fill (local.get 2) (i32.const 65) (i32.wrap_i64 (local.get 1))))";
    type Fill = unsafe extern "C" fn(*const c_char, usize, *mut c_char);
    let kept = pointer::<Fill>(fill, "void (const char *, size_t n, char a[n])").unwrap();
    // The run is the text itself, or goes past its end, or ends before.
    for (len, good) in [(4, false), (6, false), (3, true)] {
        let mut memory = *b"abc\0SECRET\0";
        let start = memory.as_mut_ptr().cast();
        // SAFETY: it is a text, and as many bytes.
        unsafe { kept.pointer()(start, len, start) };
        assert_eq!(memory[3], 0, "{len}");
        assert_eq!(refuses(kept.take_failure()), !good, "{len}");
        assert_eq!(&memory[..3], if good { b"AAA" } else { b"abc" }, "{len}");
    }
}

#[test]
fn a_token_goes_back_as_the_type_that_it_came_in_as() {
    let second = "(func (export \"f\") (param i64 i64) (result i64) (local.get 1))";
    for (prototype, good) in [
        ("struct a *(struct a *, struct b *)", false),
        ("void *(struct a *, struct b *)", false),
        ("struct b *(struct a *, void *)", false),
        ("struct b *(struct a *, struct b *)", true),
    ] {
        type Choose = unsafe extern "C" fn(*mut c_void, *mut c_void) -> *mut c_void;
        let kept = pointer::<Choose>(second, prototype).unwrap();
        let [a, b] = [8, 16].map(ptr::without_provenance_mut);
        // SAFETY: the pointers are not followed.
        let found = unsafe { kept.pointer()(a, b) };
        assert_eq!(found, if good { b } else { ptr::null_mut() }, "{prototype}");
        assert_eq!(refuses(kept.take_failure()), !good, "{prototype}");
    }
}

#[test]
fn overlapping_memory_is_no_way_to_forge_a_pointer() {
    // The pointer of a struct is reached as bytes, too.
    let forge =
        "(func (export \"f\") (param i32 i64 i32) (i64.store (local.get 2) (i64.const 0x4141414141414141)))";
    let prototype = "void (struct { int *p; } *, size_t n, unsigned char a[n])";
    let kept = pointer::<unsafe extern "C" fn(*mut *mut c_int, usize, *mut u8)>(forge, prototype).unwrap();
    let mut number = 1;
    let mut cell: *mut c_int = &mut number;
    let cells = &raw mut cell;
    // SAFETY: the cell is eight bytes.
    unsafe { kept.pointer()(cells, 8, cells.cast()) };
    assert!(cell == &raw mut number && refuses(kept.take_failure()));
    // Two views of one cell, each with a good pointer, meet as a third.
    let halves = "(func (export \"f\") (param i32 i32 i32 i32)
        (i64.store (local.get 0) (i64.extend_i32_u (local.get 2)))
        (i64.store (local.get 1) (i64.extend_i32_u (local.get 3))))";
    let prototype = "void (int *[1], int *[2], int *, int *)";
    type Halves = unsafe extern "C" fn(*mut *mut c_int, *mut *mut c_int, *mut c_int, *mut c_int);
    let kept = pointer::<Halves>(halves, prototype).unwrap();
    let (mut numbers, mut old) = ([0; 512], 7);
    let far: [*mut c_int; 2] = [&raw mut numbers[1], &raw mut numbers[500]];
    let mut cells: [*mut c_int; 2] = [&raw mut old, &raw mut old];
    let start = cells.as_mut_ptr();
    // SAFETY: one cell, two cells, two numbers.
    unsafe { kept.pointer()(start, start, far[0], far[1]) };
    let failed = refuses(kept.take_failure());
    let known = [far[0], far[1], &raw mut old];
    assert!(known.contains(&cells[0]) && (failed == (cells[0] == &raw mut old)), "{:?} {failed}", cells[0]);
}

#[test]
fn a_function_pointer_is_of_the_type_by_which_c_calls_it() {
    #[repr(C)]
    struct Floats(f32, f32);
    callbox::c_struct!(Floats { 0, 1 });
    #[repr(C)]
    struct Leads(u64, *const u8);
    callbox::c_struct!(Leads { 0, 1 });
    #[repr(C)]
    struct Flags {
        a: bool,
        b: [u8; 3],
    }
    callbox::c_struct!(Flags { a, b });
    macro_rules! refused {
        ($($prototype:literal $core:literal => $pointer:ty;)*) => {$(
            let body = concat!("(func (export \"f\") ", $core, " unreachable)");
            let refused = pointer::<$pointer>(body, $prototype).map(|_| ());
            let other = matches!(refused, Err(Error::Type(TypeError::Pointer { .. })));
            assert!(other, "{}: {refused:?}", $prototype);
        )*};
    }
    refused! {
        "unsigned char (void)" "(result i32)" => unsafe extern "C" fn() -> bool;
        "char (void)" "(result i32)" => unsafe extern "C" fn() -> bool;
        "_Bool (void)" "(result i32)" => unsafe extern "C" fn() -> u8;
        "signed char (void)" "(result i32)" => unsafe extern "C" fn() -> u8;
        "void (unsigned char)" "(param i32)" => unsafe extern "C" fn(bool);
        "int (struct { int a; int b; })" "(param i32) (result i32)" => unsafe extern "C" fn(Floats) -> c_int;
        "struct { size_t a; size_t b; } (void)" "(param i32)" => unsafe extern "C" fn() -> Leads;
        "void (struct { unsigned char a; unsigned char b[3]; })" "(param i32)" => unsafe extern "C" fn(Flags);
        "void (float)" "(param f32)" => unsafe extern "C" fn(c_int);
        "void (long long)" "(param i64)" => unsafe extern "C" fn(*const c_void);
        "void (int)" "(param i32)" => unsafe extern "C" fn(c_int, c_int);
    }
    #[cfg(not(windows))] // there it is C's own
    refused! {
        "void __attribute__((ms_abi)) f(int)" "(param i32)" => unsafe extern "C" fn(c_int);
    }
    let flags = "void (struct { _Bool a; unsigned char b[3]; })";
    let body = "(func (export \"f\") (param i32))";
    assert!(pointer::<unsafe extern "C" fn(Flags)>(body, flags).is_ok());
    let unsigned = "(func (export \"f\") (result i32) unreachable)";
    assert!(pointer::<unsafe extern "C" fn() -> c_uint>(unsigned, "int (void)").is_ok());
}

#[test]
fn a_prototype_is_known_in_full_or_refused() {
    for text in [
        "int f(float _Complex)",
        "int f(double complex x)",
        "int f(_Atomic int)",
        "int f(int _Atomic x)",
        "inline int f(int)",
        "int inline f(int)",
        "int f(float double)",
        "int f(int double x)",
        "int f(unsigned __int128)",
        "int f(long __float128 x)",
        "int f(int x __attribute__((vector_size(16))))",
        "int f(struct { int x __attribute__((aligned(16))); })",
        "int f(struct __attribute__((packed)) { char c; int i; })",
        "int f(int a[08])",
        "int f(union { int i; float f; })",
        "int f(struct { int bits : 3; })",
        "int f(int, ...)",
        "int f(int) _Noreturn",
        "int f(short _Accum)",
        "int f(_BitInt(7))",
    ] {
        assert!(matches!(text.parse::<Prototype>(), Err(Error::PrototypeSyntax { .. })), "{text}");
    }
}
