//! Generated modules through a whole job: load, sort, search, lend.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{Blame, Callback, Limits, Module, Sandbox, native};
use libfuzzer_sys::fuzz_target;

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    Sandbox::new(Limits::default().fuel(100_000).memory(4 << 20)).unwrap()
});

/// Exports of every module, with generated bodies.
static EXPORTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    wat::parse_str(
        r#"(module (memory (export "memory") 1)
            (func (export "compare") (param i32 i32) (result i32) unreachable)
            (func (export "compare_i64") (param i64 i64) (result i32) unreachable)
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) unreachable))"#,
    )
    .unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let mut config = wasm_smith::Config::arbitrary(&mut input).unwrap_or_default();
    config.exports = input.ratio(9, 10).unwrap_or(true).then(|| EXPORTS.clone());
    config.max_imports = 0;
    config.min_imports = 0;
    config.max_tables = 1;
    config.max_memories = 1;
    // Mostly generates only the features that the sandbox allows.
    if input.ratio(9, 10).unwrap_or(true) {
        config.gc_enabled = false;
        config.simd_enabled = false;
        config.relaxed_simd_enabled = false;
        config.exceptions_enabled = false;
        config.tail_call_enabled = false;
        config.threads_enabled = false;
        config.memory64_enabled = false;
        config.multi_value_enabled = true;
        config.custom_page_sizes_enabled = false;
        config.wide_arithmetic_enabled = false;
        config.shared_everything_threads_enabled = false;
    }
    let Ok(module) = wasm_smith::Module::new(config, &mut input) else { return };
    let wasm = module.to_bytes();
    let guest = match Module::new(&SANDBOX, "job", &wasm).and_then(|module| module.instantiate()) {
        Ok(guest) => guest,
        Err(error) => return assert_eq!(error.blame(), Blame::Guest, "{error}"),
    };
    let callback = |export: &str, prototype: &str| guest.callback(export, prototype.parse().unwrap());
    if let Ok(compare) = callback("compare", "int (const int *, const int *)") {
        work(&compare);
    }
    if let Ok(compare) = callback("compare_i64", "int (const int *, const int *)") {
        work(&compare);
    }
    if let Ok(compare) = callback("compare_bytes", "int (const int *, const int *)") {
        work(&compare);
    }
});

fn work(compare: &Callback) {
    let numbers: Vec<i32> = (0..300).map(|n: i32| n.wrapping_mul(0x1234_5677)).collect();
    for sort in [native::qsort::<i32>, native::msvcrt_qsort::<i32>] {
        let mut sorted = numbers.clone();
        let outcome = sort(&mut sorted, compare);
        if let Err(error) = outcome {
            assert_eq!(error.blame(), Blame::Guest, "{error}");
            assert_eq!(sorted, numbers);
        }
        sorted.sort();
        let mut numbers = numbers.clone();
        numbers.sort();
        assert_eq!(sorted, numbers);
    }
    sandboxed(compare, &numbers);
    if let Ok(Some(at)) = native::bsearch(&7, &numbers, compare) {
        assert!(at < numbers.len());
    }
    let kept = compare.retain().unwrap();
    let (a, b) = (1, 2);
    // SAFETY: both arguments point to an int.
    let answer = unsafe { kept.pointer()((&raw const a).cast(), (&raw const b).cast()) };
    assert!((-1..=1).contains(&answer));
}

/// Sorts inside the sandbox: the result is a permutation, or an error that blames the guest.
fn sandboxed(compare: &Callback, numbers: &[i32]) {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    let mut items = Items::records(bytes, 4).unwrap();
    for (stable, reverse) in [(false, false), (true, true)] {
        let options = Options::default().sorter(Sorter::Sandboxed).stable(stable).reverse(reverse);
        match Job::new(compare, options.clone()).sort(&items) {
            Ok(sorted) => {
                let mut order = sorted.order;
                order.sort();
                assert!(order.into_iter().eq(0..numbers.len() as u32));
            }
            Err(error) => assert_eq!(error.blame(), Blame::Guest, "{error}"),
        }
        if let Err(error) = Job::new(compare, options).sort_in_place(&mut items) {
            assert_eq!(error.blame(), Blame::Guest, "{error}");
        }
    }
    let mut sorted: Vec<i32> =
        items.iter().map(|item| i32::from_le_bytes(item.try_into().unwrap())).collect();
    sorted.sort();
    let mut numbers = numbers.to_vec();
    numbers.sort();
    assert_eq!(sorted, numbers);
}
