//! Time per call, by prototype: the table in docs/performance.md.
//!
//! All figures are relative to `libffi`, a closure of libffi with a native callee, or to wasmtime alone.
#![allow(unsafe_code, missing_docs, reason = "calls function pointers")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::hint::black_box;
use std::ptr;
use std::thread;
use std::time::Instant;

use callbox::{Callback, CompareFn, Guest, Limits, Module, Sandbox};
use criterion::{Criterion, criterion_group, criterion_main};
use libffi::low::ffi_cif;
use libffi::middle::{Cif, Closure, Type};

const GUEST: &str = r#"(module (memory (export "memory") 1)
    (func (export "compare") (param i32 i32) (result i32)
        (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1))))
    (func (export "nothing"))
    (func (export "int") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "text") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "in_out") (param i32)
        (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1))))
    (func (export "collate") (param i32 i32 i32 i32 i32) (result i32) (i32.sub (local.get 1) (local.get 3)))
    (func (export "swap") (param i32 i32)
        (i64.store (local.get 0) (i64.rotl (i64.load (local.get 1)) (i64.const 32)))))"#;

#[repr(C)]
#[derive(Clone, Copy)]
struct Pair(c_int, c_int);

callbox::c_struct!(Pair { 0, 1 });

unsafe extern "C" fn add_one(_: &ffi_cif, result: &mut u64, args: *const *const c_void, _: &()) {
    // SAFETY: libffi passes a pointer to each argument, and there is one.
    let argument = unsafe { *args };
    // SAFETY: the argument is an int.
    *result = unsafe { *argument.cast::<c_int>() } as u64 + 1;
}

fn callback(guest: &Guest, export: &str, prototype: &str) -> Callback {
    guest.callback(export, prototype.parse().unwrap()).unwrap()
}

fn calls(criterion: &mut Criterion) {
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    let guest = Module::from_text(&sandbox, "calls", GUEST).unwrap().instantiate().unwrap();
    let mut group = criterion.benchmark_group("call");
    let (a, b): (c_int, c_int) = (1, 2);
    let (a, b): (*const c_void, *const c_void) = ((&raw const a).cast(), (&raw const b).cast());
    let text: &CStr = c"a short text";

    let closure = Closure::new(Cif::new([Type::i32()], Type::i32()), add_one, &());
    // SAFETY: this is the closure's type.
    let native: unsafe extern "C" fn(c_int) -> c_int = unsafe { *closure.instantiate_code_ptr() };
    group.bench_function("libffi, native callee: int (int)", |bench| {
        // SAFETY: the function takes no pointers.
        bench.iter(|| unsafe { native(black_box(1)) })
    });

    let (bare, mut store) = bare();
    group.bench_function("wasmtime alone, from Rust: (i32, i32) -> i32", |bench| {
        bench.iter(|| bare.call(&mut store, (black_box(8), 12)).unwrap())
    });

    let prototype = "int (const int *, const int *)";
    let retained = callback(&guest, "compare", prototype).retain().unwrap();
    let (compare, mut ia) = (callback(&guest, "compare", prototype), [1, 2]);
    group.bench_function(format!("compiled in, kept: {prototype}"), |bench| {
        // SAFETY: both point to an int.
        bench.iter(|| unsafe { retained.pointer()(black_box(a), b) })
    });
    let mut lease = compare.lend(&mut ia).unwrap();
    let base: *const c_void = lease.base();
    group.bench_function(format!("compiled in, lent: {prototype}"), |bench| {
        // SAFETY: both are elements of the lease's array.
        bench.iter(|| unsafe { lease.pointer()(black_box(base), base.wrapping_byte_add(4)) })
    });
    drop(lease);
    let exact = compare.retain_as::<CompareFn>().unwrap();
    group.bench_function(prototype, |bench| {
        // SAFETY: both point to an int.
        bench.iter(|| unsafe { exact.pointer()(black_box(a), b) })
    });

    let nothing = callback(&guest, "nothing", "void (void)").retain_as::<unsafe extern "C" fn()>().unwrap();
    group.bench_function("void (void)", |bench| {
        // SAFETY: the function takes no arguments.
        bench.iter(|| unsafe { nothing.pointer()() })
    });
    let int =
        callback(&guest, "int", "int (int)").retain_as::<unsafe extern "C" fn(c_int) -> c_int>().unwrap();
    group.bench_function("int (int)", |bench| {
        // SAFETY: the function takes no pointers.
        bench.iter(|| unsafe { int.pointer()(black_box(1)) })
    });
    let from_rust = callback(&guest, "int", "int (int)");
    group.bench_function("int (int), from Rust", |bench| {
        bench.iter(|| from_rust.call::<c_int>((black_box(1),)).unwrap())
    });
    let word = callback(&guest, "text", "int (const char *)")
        .retain_as::<unsafe extern "C" fn(*const c_char) -> c_int>()
        .unwrap();
    group.bench_function("int (const char *)", |bench| {
        // SAFETY: the argument is a NUL-terminated text.
        bench.iter(|| unsafe { word.pointer()(black_box(text.as_ptr())) })
    });
    let in_out =
        callback(&guest, "in_out", "void (int *)").retain_as::<unsafe extern "C" fn(*mut c_int)>().unwrap();
    let mut n = 0;
    group.bench_function("void (int *)", |bench| {
        // SAFETY: the argument points to an int.
        bench.iter(|| unsafe { in_out.pointer()(black_box(&mut n)) })
    });
    let swap = callback(&guest, "swap", "struct pair { int a; int b; } (struct pair)")
        .retain_as::<unsafe extern "C" fn(Pair) -> Pair>()
        .unwrap();
    group.bench_function("struct pair (struct pair)", |bench| {
        // SAFETY: the function takes no pointers.
        bench.iter(|| unsafe { swap.pointer()(black_box(Pair(1, 2))) })
    });
    type Collate = unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int;
    let prototype = "int (void *, int n, const void a[n], int m, const void b[m])";
    let collate = callback(&guest, "collate", prototype).retain_as::<Collate>().unwrap();
    let (at, len) = (text.as_ptr().cast(), text.count_bytes() as c_int);
    group.bench_function(prototype, |bench| {
        // SAFETY: both pointers lead to `len` bytes.
        bench.iter(|| unsafe { collate.pointer()(ptr::null_mut(), black_box(len), at, len, at) })
    });
    group.finish();
}

/// Returns the comparator of the same guest in wasmtime with its default features, without limits.
fn bare() -> (wasmtime::TypedFunc<(i32, i32), i32>, wasmtime::Store<()>) {
    let engine = wasmtime::Engine::default();
    let module = wasmtime::Module::new(&engine, wat::parse_str(GUEST).unwrap()).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    (instance.get_typed_func(&mut store, "compare").unwrap(), store)
}

/// Time per call of all threads together, with one guest and with one for each thread.
fn threads(criterion: &mut Criterion) {
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    let guest = Module::from_text(&sandbox, "calls", GUEST).unwrap().instantiate().unwrap();
    let compare = callback(&guest, "compare", "int (const int *, const int *)");
    let mut group = criterion.benchmark_group("threads");
    for (guests, callback) in [("one guest", compare.clone()), ("a guest each", compare.per_thread(8))] {
        let kept = callback.retain().unwrap();
        let pointer = kept.pointer();
        let work = |calls: u64| {
            let (a, b): (c_int, c_int) = (1, 2);
            for _ in 0..calls {
                // SAFETY: both point to an int.
                black_box(unsafe { pointer(black_box(&raw const a).cast(), (&raw const b).cast()) });
            }
        };
        for threads in [1, 2, 8] {
            group.bench_function(format!("{threads}, {guests}"), |bench| {
                bench.iter_custom(|calls| {
                    let started = Instant::now();
                    thread::scope(|scope| {
                        for _ in 0..threads {
                            scope.spawn(|| work(calls / threads));
                        }
                    });
                    started.elapsed()
                })
            });
        }
    }
    group.finish();
}

criterion_group!(benches, calls, threads);
criterion_main!(benches);
