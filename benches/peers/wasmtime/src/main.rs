//! Sorts a file of integers once with a guest, without checks or budgets: `plain-wasmtime FILE`. Or keeps a
//! callback of each prototype, for calls.c to call: `plain-wasmtime LIBRARY CALLS`. Prints the nanoseconds.

#[path = "../../calls.rs"]
mod calls;
mod kept;

use std::ffi::{c_int, c_void};
use std::time::Instant;

use wasmtime::{Engine, Instance, Module, Store, TypedFunc};

struct Plain {
    store: Store<()>,
    compare: TypedFunc<(i32, i32), i32>,
}

static mut PLAIN: *mut Plain = std::ptr::null_mut();

unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: `main` has set `PLAIN`, and waits; qsort passes pointers to elements.
    unsafe {
        let plain = &mut *PLAIN;
        plain.compare.call(&mut plain.store, (*a.cast(), *b.cast())).unwrap()
    }
}

fn main() {
    let args: Vec<_> = std::env::args().collect();
    if let [_, library, calls] = &args[..] {
        return kept::kept(&calls::Native::open(library, calls));
    }
    let bytes = std::fs::read(&args[1]).unwrap();
    let mut ia: Vec<i32> = bytes.as_chunks().0.iter().map(|four| i32::from_le_bytes(*four)).collect();
    let engine = Engine::default();
    let module = Module::new(&engine, include_bytes!("../../../../host/bundled/i32.wasm")).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let compare_i32 = instance.get_typed_func(&mut store, "compare_i32").unwrap();
    let mut plain = Plain { store, compare: compare_i32 };
    // SAFETY: there is one thread, and `plain` lives until the sort is over.
    unsafe { PLAIN = &mut plain };
    let started = Instant::now();
    // SAFETY: the array has `ia.len()` elements of four bytes.
    unsafe { libc::qsort(ia.as_mut_ptr().cast(), ia.len(), 4, Some(compare)) };
    let nanoseconds = started.elapsed().as_nanos();
    assert!(ia.is_sorted(), "not sorted");
    println!("{nanoseconds}");
}
