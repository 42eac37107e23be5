//! P1: a guest reads and writes its own memory only, and sees no host address.
#![allow(unsafe_code, reason = "plays C, which calls the guest's function pointer")]

use std::ffi::{c_int, c_void};

use callbox::{Error, Limits, Module, ModuleError, Sandbox};

use super::{behind, pointer};

/// Counts the words in all of its memory that look like an address of this process, at any offset.
const SCAN: &str = "(func (export \"f\") (param i32 i64 i32) (result i64)
    (local $at i32) (local $end i32) (local $found i64) (local $top i64)
    (local.set $end (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)))
    (loop $next
        (local.set $top (i64.shr_u (i64.load (local.get $at)) (i64.const 40)))
        (if (i32.or (i64.eq (local.get $top) (i64.const 0x7f)) (i32.or
                (i64.eq (local.get $top) (i64.const 0x55)) (i64.eq (local.get $top) (i64.const 0x56))))
            (then (local.set $found (i64.add (local.get $found) (i64.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $found))";

#[test]
fn a_guest_that_scans_all_its_memory_finds_no_host_address() {
    #[repr(C)]
    struct Mixed {
        token: *mut c_void,
        small: u8,
        followed: *const c_int,
    }
    type Scan = unsafe extern "C" fn(*mut Mixed, *mut c_void, *const *const c_int) -> i64;
    let prototype =
        "int64_t (struct { void *t; unsigned char s; const int *f; } *, void *, const int *const *)";
    let kept = pointer::<Scan>(SCAN, prototype).unwrap();
    let number = 7;
    let cell: *const c_int = &number;
    let token: *mut c_void = (&raw const number).cast_mut().cast();
    let mut mixed = std::mem::MaybeUninit::<Mixed>::uninit();
    // Padding holds an address, as stack memory does.
    let words: *mut u64 = mixed.as_mut_ptr().cast();
    for word in 0..3 {
        // SAFETY: the struct has three words.
        unsafe { words.wrapping_add(word).write(token.addr() as u64) };
    }
    let at = mixed.as_mut_ptr();
    // SAFETY: only its fields are written.
    unsafe { (*at).token = token };
    // SAFETY: as above.
    unsafe { (*at).small = 1 };
    // SAFETY: as above.
    unsafe { (*at).followed = cell };
    for _ in 0..3 {
        // SAFETY: all pointers lead to what the prototype says.
        let found = unsafe { kept.pointer()(at, token, &cell) };
        assert!(kept.take_failure().is_none());
        assert_eq!(found, 0, "words like host addresses");
    }
}

#[test]
fn nothing_can_be_imported_but_print_where_it_is_granted() {
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    for import in [
        "(import \"callbox\" \"print\" (func (param i32 i32)))",
        "(import \"env\" \"memory\" (memory 1))",
        "(import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))",
        "(import \"\" \"\" (table 1 funcref))",
        "(import \"a\" \"b\" (global (mut i64)))",
    ] {
        let text = format!("(module {import})");
        let refused = Module::from_text(&sandbox, "greedy", &text).and_then(|module| module.instantiate());
        assert!(matches!(refused, Err(Error::Module(ModuleError::Imports { .. }))), "{import}: {refused:?}");
    }
}

#[test]
fn memory_outside_of_its_own_is_a_trap() {
    for (at, offset) in [(65_536 * 100, 0_u32), (-1, 0), (0, u32::MAX), (i32::MAX, u32::MAX)] {
        let body = format!(
            "(func (export \"f\") (param i32 i32) (result i32) (i32.load offset={offset} (i32.const {at})))"
        );
        let compare = behind(&body, "int (const int *, const int *)").unwrap();
        let mut array = [3, 1, 2];
        let outcome = callbox::native::qsort(&mut array, &compare);
        assert!(matches!(outcome, Err(Error::Trap { .. })), "{outcome:?}");
        assert_eq!(array, [3, 1, 2]);
    }
}
