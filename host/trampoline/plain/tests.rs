//! Plain calls against calls with copies, which serve every prototype.
#![allow(unsafe_code, reason = "passes arguments as C does")]

use super::*;
use crate::callback::Callback;
use crate::limits::Limits;
use crate::registry::Access;
use crate::sandbox::{Module, Sandbox};
use crate::trampoline::call::ask_with_copies;
use crate::trampoline::watch::Unwatched;

const GUEST: &str = r#"(module
    (func (export "nothing"))
    (func (export "take") (param i32))
    (func (export "i32") (param i32) (result i32) (local.get 0))
    (func (export "i64") (param i64) (result i64) (local.get 0))
    (func (export "f32") (param f32) (result f32) (local.get 0))
    (func (export "f64") (param f64) (result f64) (local.get 0))
    (func (export "first") (param i32 i64) (result i32) (local.get 0))
    (func (export "six") (param i32 i32 i32 i32 i32 i32) (result i32)
        (if (local.get 0) (then unreachable))
        (i32.add (local.get 5) (i32.sub (local.get 3) (local.get 1)))))"#;

/// Returns the result's bytes, or the error, of one of the two ways.
fn answer(callback: &Callback, args: &[[u8; 8]], plain: bool) -> Result<[u8; 8], String> {
    let entry = Entry::new(callback.clone(), Access::Values { budget: None });
    let (_, lowering) = callback.function().unwrap();
    let pointers: Vec<_> = args.iter().map(|arg| arg.as_ptr().cast()).collect();
    let mut bytes = [0xAA; 8];
    let (args, size) = (ArgPointers(pointers.as_ptr()), 8);
    let result = ResultBuffer { at: bytes.as_mut_ptr().cast(), size };
    let answer = if plain {
        // SAFETY: there are eight bytes for each argument, and for the result.
        unsafe { ask(&entry, lowering, None, args, result) }
    } else {
        // SAFETY: as above.
        unsafe { ask_with_copies(&entry, lowering, None, args, result, &mut Unwatched) }
    };
    assert_eq!(entry.calls(), 1);
    answer.map(|()| bytes).map_err(|error| error.to_string())
}

#[test]
fn a_plain_call_answers_as_one_with_copies_does() {
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    let guest = Module::from_text(&sandbox, "plain", GUEST).unwrap().instantiate().unwrap();
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        match state >> 62 {
            0 => (state >> 20) as u8 as u64,
            1 => (state >> 20) as i8 as u64,
            _ => state >> 3 ^ state << 40,
        }
    };
    for (export, prototype) in [
        ("nothing", "void (void)"),
        ("take", "void (int)"),
        ("take", "void (void *)"),
        ("i32", "int (int)"),
        ("i32", "int (void *)"),
        ("i32", "int (const void *)"),
        ("i32", "_Bool (_Bool)"),
        ("i32", "signed char (unsigned short)"),
        ("i32", "long (long)"),
        ("i32", "unsigned (unsigned long)"),
        ("i64", "long (long)"),
        ("i64", "unsigned long (long)"),
        ("f32", "float (float)"),
        ("f64", "double (double)"),
        ("first", "int (void *, long)"),
        ("six", "int (_Bool, char, short, int, long, unsigned)"),
    ] {
        let callback = guest.callback(export, prototype.parse().unwrap()).unwrap();
        assert!(callback.function().unwrap().1.plain, "{prototype}");
        for round in 0..200 {
            let args: Vec<_> = (0..6).map(|_| if round < 2 { round } else { next() }.to_ne_bytes()).collect();
            let both = [true, false].map(|plain| answer(&callback, &args, plain));
            assert_eq!(both[0], both[1], "{prototype} {args:?}");
        }
    }
    for prototype in ["int (const char *)", "int (void *, void *)", "void *(int)", "int (const int *)"] {
        let lowering = Lowering::of(&prototype.parse().unwrap()).unwrap();
        assert!(!lowering.plain, "{prototype}");
    }
}
