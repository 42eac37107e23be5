//! Tests of generated kernels against naive oracles and golden texts.
//!
//! `tests/golden/kernel` has the text of a kernel for each kind of item. After a change of the generator,
//! `CALLBOX_BLESS=1 cargo test --lib kernel` rewrites them.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use proptest::prelude::*;
use wasmtime::{Config, Engine, Func, Instance, Memory, Module, Store, Trap};

use super::*;

const fn number(core: CoreType, width: u8, signed: bool) -> StoredNumber {
    StoredNumber { core, width, signed }
}

const I32: StoredNumber = number(CoreType::I32, 4, true);

fn spec(items: ItemRepr) -> KernelSpec {
    KernelSpec { task: Task::Sort, items, reverse: false, ties_by_bytes: false, inline: None }
}

/// Returns a kernel for each representation of items, and for each rule.
fn golden() -> Vec<(&'static str, KernelSpec)> {
    let values = || spec(ItemRepr::Values(I32));
    vec![
        ("values-i32", values()),
        ("values-i32-inlined", KernelSpec { inline: Some(ascending()), ..values() }),
        ("values-i32-reverse-ties", KernelSpec { reverse: true, ties_by_bytes: true, ..values() }),
        ("values-f64", spec(ItemRepr::Values(number(CoreType::F64, 8, true)))),
        ("numbers-i32", spec(ItemRepr::Numbers(I32))),
        ("addresses", spec(ItemRepr::Addresses { width: 12 })),
        ("records", spec(ItemRepr::Records { width: 12 })),
        ("lines", spec(ItemRepr::Lines)),
        ("rows-i32", KernelSpec { task: Task::AskRows, ..values() }),
        ("rows-lines", KernelSpec { task: Task::AskRows, ..spec(ItemRepr::Lines) }),
    ]
}

/// Returns a comparator that is short enough to be inlined.
fn ascending() -> Arc<InlineBody> {
    let text = r#"(module (func (export "compare") (param i32 i32) (result i32)
        (i32.sub (i32.gt_s (local.get 0) (local.get 1)) (i32.lt_s (local.get 0) (local.get 1)))))"#;
    Arc::new(InlineBody::of_export(&wat::parse_str(text).unwrap(), "compare").unwrap())
}

#[test]
fn the_kernel_of_every_specification_is_a_valid_module() {
    use CoreType::{F32, F64, I32, I64};
    let mut numbers = vec![number(F32, 4, true), number(F64, 4, true), number(F64, 8, true)];
    for signed in [true, false] {
        numbers.extend([1, 2, 4].map(|width| number(I32, width, signed)));
        numbers.extend([1, 2, 4, 8].map(|width| number(I64, width, signed)));
    }
    let mut items: Vec<_> =
        numbers.iter().flat_map(|n| [ItemRepr::Values(*n), ItemRepr::Numbers(*n)]).collect();
    items.extend([1, 12, 4096].map(|width| ItemRepr::Addresses { width }));
    items.extend([1, 12, 4096].map(|width| ItemRepr::Records { width }));
    items.push(ItemRepr::Lines);
    let features = wasmparser::WasmFeatures::default() | wasmparser::WasmFeatures::MULTI_MEMORY;
    for items in items {
        let rules = [(false, false), (false, true), (true, false), (true, true)];
        let sorts =
            rules.map(|(reverse, ties_by_bytes)| KernelSpec { reverse, ties_by_bytes, ..spec(items) });
        for spec in sorts.into_iter().chain([KernelSpec { task: Task::AskRows, ..spec(items) }]) {
            let valid = wasmparser::Validator::new_with_features(features).validate_all(&spec.module());
            assert!(valid.is_ok(), "{spec:?}: {}", valid.err().unwrap());
        }
    }
}

#[test]
fn the_text_of_each_kernel_is_the_golden_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/kernel");
    let bless = std::env::var_os("CALLBOX_BLESS").is_some();
    let mut names = Vec::new();
    for (name, spec) in golden() {
        let text = wasmprinter::print_bytes(spec.module()).unwrap();
        let file = folder.join(name).with_extension("wat");
        if bless {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        let differs = golden.lines().zip(text.lines()).position(|(golden, text)| golden != text);
        assert!(
            golden == text,
            "{} differs from line {} on; if that is meant, run CALLBOX_BLESS=1 cargo test --lib kernel",
            file.display(),
            differs.map_or(golden.lines().count().min(text.lines().count()), |at| at) + 1,
        );
        names.push(file);
    }
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    found.sort();
    assert_eq!(found, names, "a golden text of no kernel");
}

/// A kernel of `i32` values whose comparator is a closure.
struct Harness {
    store: Store<()>,
    kernel: Instance,
    memory: Memory,
}

impl Harness {
    fn new(spec: &KernelSpec, compare: impl Fn(i32, i32) -> Ordering + Send + Sync + 'static) -> Harness {
        let mut config = Config::new();
        config.wasm_features(wasmtime::WasmFeatures::MULTI_MEMORY, true);
        let engine = Engine::new(&config).unwrap();
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, spec.module()).unwrap();
        let compare = Func::wrap(&mut store, move |a: i32, b: i32| compare(a, b) as i32);
        let kernel = Instance::new(&mut store, &module, &[compare.into()]).unwrap();
        let memory = kernel.get_memory(&mut store, "memory").unwrap();
        memory.grow(&mut store, 1).unwrap();
        Harness { store, kernel, memory }
    }

    fn write(&mut self, items: &[i32]) {
        let bytes: Vec<u8> = items.iter().flat_map(|item| item.to_le_bytes()).collect();
        self.memory.write(&mut self.store, SLACK_BYTES, &bytes).unwrap();
    }

    fn read(&self, at: usize, len: usize) -> Vec<i32> {
        let bytes = &self.memory.data(&self.store)[at..][..4 * len];
        bytes.chunks_exact(4).map(|item| i32::from_le_bytes(item.try_into().unwrap())).collect()
    }

    fn global(&mut self, name: &str) -> i64 {
        let value = self.kernel.get_global(&mut self.store, name).unwrap().get(&mut self.store);
        value.i64().unwrap_or_else(|| value.unwrap_i32().into())
    }

    /// Returns the addresses of the items and of the scratch space after them.
    fn places(len: usize) -> (u32, u32) {
        (SLACK_BYTES as u32, (SLACK_BYTES + 4 * len) as u32)
    }

    fn sort(&mut self, items: &[i32]) -> wasmtime::Result<Vec<i32>> {
        self.write(items);
        let (at, scratch) = Harness::places(items.len());
        let sort = self.kernel.get_typed_func::<(u32, u32, u32), ()>(&mut self.store, "sort").unwrap();
        sort.call(&mut self.store, (at, scratch, items.len() as u32))?;
        Ok(self.read(at as usize, items.len()))
    }
}

/// Compares by the upper bits, so that items that compare as equal remain distinguishable.
fn by_key(a: i32, b: i32) -> Ordering {
    (a >> 16).cmp(&(b >> 16))
}

/// Returns items with few distinct keys, each with a unique position.
fn items(max: usize) -> impl Strategy<Value = Vec<i32>> {
    let keys = proptest::collection::vec(-4_i32..4, 0..max);
    keys.prop_map(|keys| (0..).zip(keys).map(|(at, key)| key << 16 | at).collect())
}

/// Returns the answers of a merge of two sorted runs, and the merged items.
fn merged(left: &[i32], right: &[i32]) -> (Vec<bool>, Vec<i32>) {
    let (mut answers, mut merged, mut l, mut r) = (Vec::new(), Vec::new(), 0, 0);
    while l < left.len() && r < right.len() {
        let right_first = by_key(left[l], right[r]).is_gt();
        answers.push(right_first);
        merged.push(if right_first { right[r] } else { left[l] });
        (l, r) = if right_first { (l, r + 1) } else { (l + 1, r) };
    }
    merged.extend(left[l..].iter().chain(&right[r..]));
    (answers, merged)
}

/// Sorts as glibc does, and appends the answers of each merge.
fn as_glibc(items: &[i32], answers: &mut Vec<Vec<bool>>) -> Vec<i32> {
    if items.len() < 2 {
        return items.to_vec();
    }
    let (left, right) = items.split_at(items.len() / 2);
    let (left, right) = (as_glibc(left, answers), as_glibc(right, answers));
    let (asked, merged) = merged(&left, &right);
    answers.push(asked);
    merged
}

/// Returns the answers of merges from the sets that a kernel has written, as many for each as `naive` has.
fn written(memory: &[u8], naive: &[Vec<bool>]) -> Vec<Vec<bool>> {
    let mut sets = memory.as_chunks::<8>().0.iter().map(|set| u64::from_le_bytes(*set));
    let mut merges = vec![Vec::new(); naive.len()];
    for (answers, asked) in merges.iter_mut().zip(naive) {
        while answers.len() < asked.len() {
            let (set, mark) = sets.next().map(|set| (set, set.trailing_zeros())).unwrap();
            answers.extend((mark + 1..64).map(|bit| set >> bit & 1 == 1));
            assert!(63 - mark as usize >= MIN_FULL_SET || answers.len() == asked.len(), "a set is not full");
        }
    }
    assert_eq!(sets.next(), None);
    merges
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_sorts_as_a_stable_sort_does_and_counts_its_comparisons(items in items(200), reverse: bool) {
        static ASKED: AtomicU64 = AtomicU64::new(0);
        let asked = ASKED.load(Relaxed);
        let compare = |a, b| {
            ASKED.fetch_add(1, Relaxed);
            by_key(a, b)
        };
        let mut harness = Harness::new(&KernelSpec { reverse, ..spec(ItemRepr::Values(I32)) }, compare);
        let mut naive = items.clone();
        naive.sort_by(|a, b| if reverse { by_key(*b, *a) } else { by_key(*a, *b) });
        prop_assert_eq!(harness.sort(&items).unwrap(), naive);
        prop_assert_eq!(harness.global("comparisons") as u64, ASKED.load(Relaxed) - asked);
    }

    #[test]
    fn ties_go_by_the_bytes_as_they_lie_in_memory(items in items(100)) {
        let mut harness =
            Harness::new(&KernelSpec { ties_by_bytes: true, ..spec(ItemRepr::Values(I32)) }, by_key);
        let mut naive = items.clone();
        naive.sort_by(|a, b| by_key(*a, *b).then(a.to_le_bytes().cmp(&b.to_le_bytes())));
        prop_assert_eq!(harness.sort(&items).unwrap(), naive);
    }

    #[test]
    fn a_comparator_that_lies_gets_a_permutation_or_is_found_out(items in items(200), answers: u64) {
        let calls = AtomicU64::new(0);
        let lie = move |_, _| match answers.rotate_left(calls.fetch_add(1, Relaxed) as u32) % 3 {
            0 => Ordering::Less,
            1 => Ordering::Equal,
            _ => Ordering::Greater,
        };
        let mut harness = Harness::new(&spec(ItemRepr::Values(I32)), lie);
        match harness.sort(&items) {
            Ok(mut sorted) => {
                let mut naive = items.clone();
                sorted.sort(); naive.sort();
                prop_assert_eq!(sorted, naive);
            }
            Err(error) => {
                prop_assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::UnreachableCodeReached));
                prop_assert_eq!(harness.global("inconsistent"), 1);
            }
        }
    }

    #[test]
    fn runs_of_any_lengths_are_merged(mut left in items(60), mut right in items(60)) {
        left.sort_by(|a, b| by_key(*a, *b));
        right.sort_by(|a, b| by_key(*a, *b));
        let all = [&left[..], &right].concat();
        let mut harness = Harness::new(&spec(ItemRepr::Values(I32)), by_key);
        harness.write(&all);
        let (from, to) = Harness::places(all.len()); type MergeRuns = (u32, u32, u32, u32);
        let merge = harness.kernel.get_typed_func::<MergeRuns, ()>(&mut harness.store, "merge_runs");
        merge.unwrap().call(&mut harness.store, (from, to, left.len() as u32, right.len() as u32)).unwrap();
        prop_assert_eq!(harness.read(to as usize, all.len()), merged(&left, &right).1);
    }

    #[test]
    fn the_answers_of_a_merge_are_those_that_it_asks_for(mut left in items(200), mut right in items(200)) {
        prop_assume!(!left.is_empty() && !right.is_empty());
        left.sort_by(|a, b| by_key(*a, *b));
        right.sort_by(|a, b| by_key(*a, *b));
        let mut harness = Harness::new(&spec(ItemRepr::Values(I32)), by_key);
        harness.write(&[&left[..], &right].concat());
        let (start, end) = Harness::places(left.len() + right.len());
        let middle = start + 4 * left.len() as u32;
        let ask = harness
            .kernel
            .get_typed_func::<(u32, u32, u32, u32, u32), u32>(&mut harness.store, "merge_answers")
            .unwrap();
        let last = ask.call(&mut harness.store, (start, middle, middle, end, end)).unwrap();
        let naive = [merged(&left, &right).0];
        let found = written(&harness.memory.data(&harness.store)[end as usize..last as usize], &naive);
        prop_assert_eq!(&found[..], naive);
    }

    #[test]
    fn a_block_is_sorted_as_glibc_sorts_it(items in items(400)) {
        let mut harness = Harness::new(&spec(ItemRepr::Values(I32)), by_key);
        harness.write(&items); let (at, scratch) = Harness::places(items.len());
        let out = scratch + 4 * items.len() as u32;
        let sort = harness
            .kernel
            .get_typed_func::<(u32, u32, u32, u32, u32), u32>(&mut harness.store, "sort_block")
            .unwrap();
        let end = sort.call(&mut harness.store, (at, at, scratch, items.len() as u32, out)).unwrap();
        let mut naive = Vec::new(); let sorted = as_glibc(&items, &mut naive);
        prop_assert_eq!(harness.read(at as usize, items.len()), sorted);
        let found = written(&harness.memory.data(&harness.store)[out as usize..end as usize], &naive);
        prop_assert_eq!(found, naive);
    }
}
