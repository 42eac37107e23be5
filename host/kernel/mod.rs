//! A sorter inside the sandbox: a wasm module of ours that calls a guest's comparator directly.
//!
//! It is made to measure for a comparator and for what is to be sorted. Its memory is its own: the
//! guest cannot reach it, so what is sorted there stays a permutation of what was put there, or the
//! kernel finds that the answers contradict each other, says so, and traps.
//!
//! The sort is a stable merge sort, from the top down. Each merge runs from both ends at once, which
//! makes two chains of work that do not wait for each other, needs no bounds to be checked, and
//! finds out by itself whether the answers made sense: if they did, the cursors meet. It is the
//! merge of Rust's own small sorts (`bidirectional_merge` in `core::slice::sort`).

mod batch;
mod code;
mod compare;
mod inline;
mod merge_halves;
mod merge_runs;
mod sort;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, FunctionSection, GlobalSection,
    GlobalType, ImportSection, MemorySection, MemoryType, Module, NameMap, NameSection, TypeSection, ValType,
};

use crate::ctype::{CoreType, StoredNumber};

use code::KernelBuilder;
pub(crate) use inline::InlineBody;

/// What the kernel calls itself; its frames are not the guest's.
pub(crate) const NAME: &str = "callbox kernel";

/// So many items of each run the kernel looks at before it merges them, so that what they stand for
/// is in the processor's cache when the comparator wants it.
const PREFETCH_DISTANCE: i32 = 8;

/// What the kernel may read beyond its items, in bytes.
pub(crate) const SLACK_BYTES: usize = 4 * PREFETCH_DISTANCE as usize;

/// What the kernel is to sort, and how the comparator takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemRepr {
    /// Numbers themselves, of these many bytes each.
    Values(StoredNumber),
    /// Positions in a table of numbers, as `u32`; the table is in the kernel's memory.
    Numbers(StoredNumber),
    /// Addresses of elements of so many bytes in the guest's memory, as `u32`; by pointers.
    Addresses { width: u32 },
    /// The same, by slices.
    Records { width: u32 },
    /// Numbers of lines, as `u32`; where they begin in the guest's memory, counted from the first
    /// line, is in a table in the kernel's. A line ends one byte before the next begins. Its length
    /// is handed over where the comparator takes slices.
    Lines { lengths: bool },
}

/// Which kernel is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KernelSpec {
    pub(crate) items: ItemRepr,
    /// Largest first.
    pub(crate) reverse: bool,
    /// Where the guest says "equal", the bytes decide; for addresses and lines as they are in the
    /// guest's memory. Otherwise the order of the input does.
    pub(crate) ties_by_bytes: bool,
    /// The comparator's code, where it is so short that calling it would take longer.
    pub(crate) inline: Option<Arc<InlineBody>>,
}

impl ItemRepr {
    /// Bytes of an item in the kernel's memory.
    pub(crate) fn width(self) -> u32 {
        match self {
            ItemRepr::Values(number) => number.width.into(),
            _ => 4,
        }
    }
}

fn name_map<const N: usize>(names: [&str; N]) -> NameMap {
    let mut map = NameMap::new();
    (0..).zip(names).for_each(|(at, name)| map.append(at, name));
    map
}

fn val_type(core: CoreType) -> ValType {
    match core {
        CoreType::I32 => ValType::I32,
        CoreType::I64 => ValType::I64,
        CoreType::F32 => ValType::F32,
        CoreType::F64 => ValType::F64,
    }
}

impl KernelSpec {
    /// Types of the comparator's parameters.
    fn params(&self) -> Vec<ValType> {
        match self.items {
            ItemRepr::Values(number) | ItemRepr::Numbers(number) => vec![val_type(number.core); 2],
            ItemRepr::Addresses { .. } | ItemRepr::Lines { lengths: false } => vec![ValType::I32; 2],
            ItemRepr::Records { .. } | ItemRepr::Lines { lengths: true } => vec![ValType::I32; 4],
        }
    }

    /// Whether the kernel sees the guest's memory, to compare bytes there and to fetch them early.
    pub(crate) fn sees_guest(&self) -> bool {
        matches!(self.items, ItemRepr::Addresses { .. } | ItemRepr::Records { .. } | ItemRepr::Lines { .. })
    }

    /// The module. It imports the comparator as `guest.compare`, and where it
    /// [sees](Spec::sees_guest) it the memory as `guest.memory`. It exports:
    ///
    /// - `memory`;
    /// - `sort (a, b, len)`: sorts `len` items at `a`, with as much room at `b`; [`SLACK`] zero bytes
    ///   have to be on both sides of the two;
    /// - `ahead (left, right, left_end, right_end) -> (i64, i32)`: the answers of a merge, a bit each,
    ///   and how many there are;
    /// - `halves (items, to, room, len, answers) -> i32`: sorts up to 64 items as glibc does, and writes down
    ///   the answers of each merge; where they end;
    /// - `join (from, to, left, right)`: merges two sorted runs of items that follow each other;
    /// - globals `base`, where the first line begins in the guest's memory; `table`, where the kernel's
    ///   table is; `comparisons`, how many there were; and `lied`, which is 1 after a trap because the
    ///   answers contradict each other.
    pub(crate) fn module(&self) -> Vec<u8> {
        let kernel = KernelBuilder::new(self);
        let mut types = TypeSection::new();
        types.ty().function(self.params(), [ValType::I32]);
        let mut imports = ImportSection::new();
        imports.import("guest", "compare", EntityType::Function(0));
        let any =
            MemoryType { minimum: 0, maximum: None, memory64: false, shared: false, page_size_log2: None };
        if self.sees_guest() {
            imports.import("guest", "memory", EntityType::Memory(any));
        }
        let mut memories = MemorySection::new();
        memories.memory(any);
        let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
        for (ty, function) in (1..).zip(kernel.functions()) {
            let (params, results, body) = function;
            types.ty().function(params, results);
            functions.function(ty);
            code.function(&body);
        }
        let mut globals = GlobalSection::new();
        for (ty, zero) in code::GLOBALS.map(|(_, ty)| (ty, ty == ValType::I64)) {
            let zero = if zero { ConstExpr::i64_const(0) } else { ConstExpr::i32_const(0) };
            globals.global(GlobalType { val_type: ty, mutable: true, shared: false }, &zero);
        }
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, kernel.memory());
        exports.export("sort", ExportKind::Func, code::ENTRY);
        exports.export("merge_runs", ExportKind::Func, code::MERGE_RUNS);
        exports.export("merge_answers", ExportKind::Func, code::MERGE_ANSWERS);
        exports.export("sort_block", ExportKind::Func, code::SORT_BLOCK);
        for (at, (name, _)) in (0..).zip(code::GLOBALS) {
            exports.export(name, ExportKind::Global, at);
        }
        let mut names = NameSection::new();
        names.module(NAME);
        names.functions(&name_map(code::FUNCTIONS));
        names.globals(&name_map(code::GLOBALS.map(|(name, _)| name)));
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&memories).section(&globals);
        module.section(&exports).section(&code).section(&names);
        module.finish()
    }
}
