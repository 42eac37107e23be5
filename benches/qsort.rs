//! The C library's qsort over the same integers, with comparators that are trusted and not.
//! Ratios count, not times: compare the rows of one run.
#![allow(unsafe_code, missing_docs, reason = "calls qsort without us, to compare with")]

use std::ffi::{c_int, c_void};
use std::hint::black_box;

use callbox::bundled::Bundled;
use callbox::{Callback, Limits, Module, Prototype, Sandbox, native};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const LEN: usize = 100_000;

/// Numbers that look random and are the same each time.
fn numbers() -> Vec<i32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as i32
    };
    (0..LEN).map(|_| next()).collect()
}

unsafe extern "C" fn trusted(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: qsort passes pointers to elements, which are `i32`.
    let [a, b] = [a, b].map(|at| unsafe { *at.cast::<i32>() });
    a.cmp(&b) as c_int
}

fn callback(module: &Module, export: &str) -> Callback {
    let cmp: Prototype = "int (const int *, const int *)".parse().unwrap();
    module.instantiate().unwrap().callback(export, cmp).unwrap()
}

fn qsort(c: &mut Criterion) {
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    let scalars = Module::new(&sandbox, "i32", Bundled::find("i32").unwrap().wasm).unwrap();
    let pointers = Module::from_file(&sandbox, "wat/good/ascending.wat").unwrap();
    let (scalars, pointers) = (callback(&scalars, "compare_i32"), callback(&pointers, "compare"));
    let numbers = numbers();

    let mut group = c.benchmark_group("qsort, 100,000 i32");
    group.throughput(Throughput::Elements(LEN as u64)).sample_size(20);
    group.bench_function("C qsort, trusted comparator", |b| {
        b.iter_batched_ref(
            || numbers.clone(),
            // SAFETY: `ia` is `LEN` elements of four bytes, and `trusted` compares such.
            |ia| unsafe { libc::qsort(ia.as_mut_ptr().cast(), LEN, 4, Some(trusted)) },
            BatchSize::LargeInput,
        )
    });
    for (name, compare) in [("scalars", &scalars), ("pointers", &pointers)] {
        group.bench_function(format!("C qsort, guest by {name}"), |b| {
            b.iter_batched_ref(
                || numbers.clone(),
                |ia| native::qsort(ia, compare).unwrap(),
                BatchSize::LargeInput,
            )
        });
    }
    group.bench_function("C qsort, guest behind a lent pointer", |b| {
        b.iter_batched_ref(
            || numbers.clone(),
            |ia| {
                let mut lease = scalars.lend(ia).unwrap();
                // SAFETY: the lease's array, and its pointer while it lives; the guest does not lie.
                unsafe { libc::qsort(lease.base(), lease.len(), lease.width(), Some(lease.pointer())) };
                lease.finish().unwrap();
            },
            BatchSize::LargeInput,
        )
    });
    group.finish();
}

fn small(c: &mut Criterion) {
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    let module = Module::new(&sandbox, "i32", Bundled::find("i32").unwrap().wasm).unwrap();
    let scalars = callback(&module, "compare_i32");
    c.bench_function("qsort of 5 elements", |b| {
        b.iter(|| native::qsort(black_box(&mut [5, 1, 7, 33, 99]), &scalars).unwrap())
    });
    c.bench_function("retain and release", |b| b.iter(|| scalars.retain().unwrap()));
    c.bench_function("a second guest of a module", |b| b.iter(|| module.instantiate().unwrap()));
}

criterion_group!(benches, qsort, small);
criterion_main!(benches);
