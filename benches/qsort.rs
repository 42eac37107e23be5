//! Sorts of the same elements, with trusted and untrusted comparators. Only ratios between the rows of
//! one run are meaningful, not times. `CALLBOX_BENCH=large` adds ten million elements, which takes long.
#![allow(unsafe_code, missing_docs, reason = "calls qsort without us, to compare with")]

use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use callbox::bundled::Bundled;
use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{CType, Callback, Limits, Module, Prototype, Sandbox, native};
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

type Group<'a> = BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// Returns pseudo-random numbers, the same in each run.
fn numbers(len: usize) -> Vec<i32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as i32
    };
    (0..len).map(|_| next()).collect()
}

/// Returns elements of `width` bytes, each of which begins with a number.
fn elements(len: usize, width: usize) -> Vec<u8> {
    let mut bytes = vec![0; len * width];
    for (element, number) in bytes.chunks_exact_mut(width).zip(numbers(len)) {
        element[..4].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

unsafe extern "C" fn trusted(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: qsort passes pointers to elements, which begin with an `i32`.
    let [a, b] = [a, b].map(|at| unsafe { at.cast::<i32>().read_unaligned() });
    a.cmp(&b) as c_int
}

fn sandbox() -> Sandbox {
    // Admits the guests and arrays of the largest rows.
    let limits = Limits::default().memory(2 << 30).array(2 << 30).deadline(Duration::from_secs(600));
    Sandbox::new(limits).unwrap()
}

fn bundled(name: &str) -> Module {
    Module::new(&sandbox(), name, Bundled::find(name).unwrap().wasm).unwrap()
}

fn callback(module: &Module, export: &str, element: CType) -> Callback {
    module.instantiate().unwrap().callback(export, Prototype::comparator(element)).unwrap()
}

/// Returns a comparator by pointers, for elements of any width that begin with an `i32`.
fn by_pointers() -> Callback {
    let module = Module::from_file(&sandbox(), "wat/good/ascending.wat").unwrap();
    callback(&module, "compare", CType::Void)
}

fn large() -> bool {
    std::env::var_os("CALLBOX_BENCH").is_some_and(|what| what == "large")
}

fn samples(group: &mut Group<'_>, len: usize) {
    group.throughput(Throughput::Elements(len as u64)).sample_size(if len > 1000 { 10 } else { 50 });
    group.warm_up_time(Duration::from_secs(if len > 1000 { 1 } else { 2 }));
}

fn row(group: &mut Group<'_>, name: &str, elements: &[u8], mut sort: impl FnMut(&mut Vec<u8>)) {
    group.bench_function(name, |b| {
        b.iter_batched_ref(|| elements.to_vec(), |bytes| sort(bytes), BatchSize::LargeInput)
    });
}

/// Benchmarks the sandboxed sorter on `threads` threads.
fn sandboxed(group: &mut Group<'_>, callback: &Callback, elements: &[u8], width: usize, threads: usize) {
    group.bench_function(format!("sandboxed sorter, {threads} threads"), |b| {
        let threads = NonZeroUsize::new(threads).unwrap();
        let options = Options::default().sorter(Sorter::Sandboxed).parallel(threads);
        b.iter_batched_ref(
            || Items::records(elements.to_vec(), width).unwrap(),
            |items| Job::new(callback, options.clone()).sort_in_place(items).unwrap(),
            BatchSize::LargeInput,
        )
    });
}

/// Benchmarks `i32` elements: trusted comparator, guests of each shape, lent pointer, and sandboxed sorter.
fn integers(c: &mut Criterion) {
    let module = bundled("i32");
    let (scalars, pointers) = (callback(&module, "compare_i32", CType::Int32), by_pointers());
    let slices = callback(&bundled("bytes"), "compare_bytes", CType::Void);
    let lens = [5, 1000, 1_000_000, 10_000_000];
    for len in lens.into_iter().take(if large() { 4 } else { 3 }) {
        let all = elements(len, 4);
        let mut group = c.benchmark_group(format!("{len} i32"));
        samples(&mut group, len);
        row(&mut group, "C qsort, trusted comparator", &all, |bytes| {
            // SAFETY: the array has `len` elements of four bytes, which `trusted` compares.
            unsafe { libc::qsort(bytes.as_mut_ptr().cast(), len, 4, Some(trusted)) }
        });
        for (name, compare) in [("scalars", &scalars), ("pointers", &pointers), ("slices", &slices)] {
            row(&mut group, &format!("C qsort, guest by {name}"), &all, |bytes| {
                native::qsort_records(bytes, 4, compare).unwrap();
            });
        }
        row(&mut group, "C qsort, guest behind a lent pointer", &all, |bytes| {
            let mut lease = scalars.lend_records(bytes, 4).unwrap();
            // SAFETY: the array and the pointer are the live lease's, and the guest does not lie.
            unsafe { libc::qsort(lease.base(), lease.len(), lease.width(), Some(lease.pointer())) };
            lease.finish().unwrap();
        });
        sandboxed(&mut group, &scalars, &all, 4, 1);
        sandboxed(&mut group, &scalars, &all, 4, 2);
        group.finish();
    }
}

/// Benchmarks elements of other widths, by pointers.
fn widths(c: &mut Criterion) {
    let compare = by_pointers();
    let len = 1_000_000;
    for width in [8, 16, 64, 256] {
        let all = elements(len, width);
        let mut group = c.benchmark_group(format!("{len} elements of {width} bytes"));
        samples(&mut group, len);
        row(&mut group, "C qsort, trusted comparator", &all, |bytes| {
            // SAFETY: the array has `len` elements of `width` bytes, which `trusted` compares.
            unsafe { libc::qsort(bytes.as_mut_ptr().cast(), len, width, Some(trusted)) }
        });
        row(&mut group, "C qsort, guest by pointers", &all, |bytes| {
            native::qsort_records(bytes, width, &compare).unwrap();
        });
        sandboxed(&mut group, &compare, &all, width, 1);
        sandboxed(&mut group, &compare, &all, width, 2);
        group.finish();
    }
}

/// Benchmarks operations that run once, or seldom.
fn once(c: &mut Criterion) {
    let wasm = Bundled::find("i32").unwrap().wasm;
    let module = bundled("i32");
    let scalars = callback(&module, "compare_i32", CType::Int32);
    let mut group = c.benchmark_group("once");
    let bytes = [5, 1].map(i32::to_ne_bytes);
    group.bench_function("one call, no C in between", |b| {
        b.iter(|| scalars.compare(black_box(&bytes[0]), &bytes[1]).unwrap())
    });
    group.bench_function("qsort of 5 elements", |b| {
        b.iter(|| native::qsort(black_box(&mut [5, 1, 7, 33, 99]), &scalars).unwrap())
    });
    group.bench_function("retain and release", |b| b.iter(|| scalars.retain().unwrap()));
    group.bench_function("an engine", |b| b.iter(sandbox));
    let engine = sandbox();
    group.bench_function("load: compile a module of 122 bytes", |b| {
        b.iter(|| Module::new(&engine, "i32", wasm).unwrap())
    });
    group.bench_function("a second guest of a module", |b| b.iter(|| module.instantiate().unwrap()));
    group.bench_function("the first call of a new guest", |b| {
        b.iter_batched(
            || callback(&module, "compare_i32", CType::Int32),
            |callback| callback.compare(&bytes[0], &bytes[1]).unwrap(),
            BatchSize::SmallInput,
        )
    });
    group.finish();
}

criterion_group!(benches, once, integers, widths);
criterion_main!(benches);
