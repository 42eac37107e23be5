//! The loop of `calls.c`, and a guest for it.

use std::ffi::{CString, c_int, c_void};

pub const GUEST: &str = r#"(module (memory (export "memory") 1)
    (func (export "compare_i32") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
    (func (export "compare") (param i32 i32) (result i32)
        (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1))))
    (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "first") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "add") (param i32)
        (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))))"#;

pub struct Native {
    time_calls: unsafe extern "C" fn(c_int, *const c_void, i64) -> i64,
    calls: i64,
}

impl Native {
    pub fn open(library: &str, calls: &str) -> Self {
        let library = CString::new(library).unwrap();
        // SAFETY: the library is calls.c, which does nothing when it is loaded.
        let handle = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW) };
        assert!(!handle.is_null(), "{library:?} does not load");
        // SAFETY: the handle is open.
        let symbol = unsafe { libc::dlsym(handle, c"time_calls".as_ptr()) };
        assert!(!symbol.is_null(), "no time_calls");
        // SAFETY: this is the function's type.
        let time_calls = unsafe { std::mem::transmute::<*mut c_void, _>(symbol) };
        Self { time_calls, calls: calls.parse().unwrap() }
    }

    /// Prints the nanoseconds of calls of a function pointer, which must be of this prototype.
    pub fn time(&self, prototype: usize, callback: *const c_void) {
        // SAFETY: the caller promises the type, and keeps the pointer alive.
        println!("{}", unsafe { (self.time_calls)(prototype as c_int, callback, self.calls) });
    }
}
