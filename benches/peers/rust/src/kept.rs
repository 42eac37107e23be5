//! Keeps a callback of each prototype, for the loop of `calls.c`.

use std::ffi::{c_char, c_int, c_void};

use callbox::{Limits, Module, Sandbox, UntypedFn};
use libffi::low::ffi_cif;
use libffi::middle::{Cif, Closure, Type};

use crate::calls::{GUEST, Native};

/// In the order of `calls.c`.
const PROTOTYPES: [(&str, &str); 4] = [
    ("compare", "int (const int *, const int *)"),
    ("next", "int (int)"),
    ("first", "int (const char *)"),
    ("add", "void (int *)"),
];

pub fn kept(name: &str, native: &Native) {
    match name {
        "callbox" => {
            let kept = crate::callback(Limits::default()).retain().unwrap();
            native.time(0, kept.pointer() as *const c_void);
        }
        "callbox-as" => {
            let sandbox = Sandbox::new(Limits::default()).unwrap();
            let guest = Module::from_text(&sandbox, "calls", GUEST).unwrap().instantiate().unwrap();
            for (at, (export, prototype)) in PROTOTYPES.into_iter().enumerate() {
                let callback = guest.callback(export, prototype.parse().unwrap()).unwrap();
                let kept = callback.retain_as::<UntypedFn>().unwrap();
                native.time(at, kept.pointer().as_ptr());
            }
        }
        "libffi" => {
            let (int, pointer) = (Type::i32, Type::pointer);
            let callees: [(_, _, Callee); 4] = [
                (vec![pointer(), pointer()], int(), compare),
                (vec![int()], int(), next),
                (vec![pointer()], int(), first),
                (vec![pointer()], Type::void(), add),
            ];
            for (at, (arguments, result, callee)) in callees.into_iter().enumerate() {
                let closure = Closure::new(Cif::new(arguments, result), callee, &());
                // SAFETY: a function pointer is an address.
                native.time(at, unsafe { *closure.instantiate_code_ptr::<*const c_void>() });
            }
        }
        other => panic!("no {other}"),
    }
}

type Callee = unsafe extern "C" fn(&ffi_cif, &mut u64, *const *const c_void, &());

/// Reads an argument.
///
/// # Safety
///
/// Argument `at` exists, and is a `T`.
unsafe fn argument<T: Copy>(args: *const *const c_void, at: usize) -> T {
    // SAFETY: libffi passes a pointer to each argument.
    unsafe { *(*args.add(at)).cast() }
}

unsafe extern "C" fn compare(_: &ffi_cif, result: &mut u64, args: *const *const c_void, _: &()) {
    // SAFETY: both arguments point to an int.
    let (a, b): (c_int, c_int) =
        unsafe { (*argument::<*const c_int>(args, 0), *argument::<*const c_int>(args, 1)) };
    *result = a.cmp(&b) as u64;
}

unsafe extern "C" fn next(_: &ffi_cif, result: &mut u64, args: *const *const c_void, _: &()) {
    // SAFETY: the argument is an int.
    *result = unsafe { argument::<c_int>(args, 0) } as u64 + 1;
}

unsafe extern "C" fn first(_: &ffi_cif, result: &mut u64, args: *const *const c_void, _: &()) {
    // SAFETY: the argument points to a NUL-terminated text.
    *result = unsafe { *argument::<*const c_char>(args, 0) } as u64;
}

unsafe extern "C" fn add(_: &ffi_cif, _: &mut u64, args: *const *const c_void, _: &()) {
    // SAFETY: the argument points to an int that nobody else uses.
    unsafe { *argument::<*mut c_int>(args, 0) += 1 };
}
