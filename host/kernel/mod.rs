//! A sorter inside the sandbox: a generated wasm module that calls a guest's comparator directly.
//!
//! It is specialized for a comparator and for the items to sort. Its memory is its own: the guest
//! cannot reach it, so the items there stay a permutation of the input, or the kernel detects that the
//! answers are inconsistent, reports that in a global, and traps.
//!
//! The sort is a stable top-down merge sort. Each merge runs from both ends at once, which makes two
//! independent dependency chains, needs no bounds checks, and detects by itself whether the answers
//! were consistent: if they were, the cursors meet. It is the merge of Rust's own small sorts
//! (`bidirectional_merge` in `core::slice::sort`).

mod batch;
mod code;
mod compare;
mod inline;
#[cfg(test)]
mod inline_tests;
mod merge_halves;
mod merge_runs;
mod rows;
mod sort;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, FunctionSection, GlobalSection,
    GlobalType, ImportSection, MemorySection, MemoryType, Module, NameMap, NameSection, TypeSection, ValType,
};

use crate::ctype::{CoreType, StoredNumber};

pub(crate) use batch::MIN_FULL_SET;
use code::KernelBuilder;
pub(crate) use inline::InlineBody;
pub(crate) use rows::{row_answers, row_byte};

/// Name of the kernel's module, which tells its stack frames from the guest's.
pub(crate) const NAME: &str = "callbox kernel";

/// Number of items of each run that the kernel reads before it merges them, so that the data they refer
/// to is in the processor's cache when the comparator needs it.
const PREFETCH_DISTANCE: i32 = 8;

/// Maximum number of bytes that the kernel reads beyond its items.
pub(crate) const SLACK_BYTES: usize = 8 * PREFETCH_DISTANCE as usize;

/// Representation of the items that the kernel sorts, and of the comparator's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemRepr {
    /// Numbers themselves, each in its stored width.
    Values(StoredNumber),
    /// Positions in a table of numbers, as `u32`; the table is in the kernel's memory.
    Numbers(StoredNumber),
    /// Addresses of elements of `width` bytes in the guest's memory, as `u32`; passed as pointers.
    Addresses { width: u32 },
    /// As [`ItemRepr::Addresses`], but passed as slices.
    Records { width: u32 },
    /// Lines in the guest's memory: the address of each and its length, as two `u32`; passed as slices.
    Lines,
}

/// The work of a kernel, which decides the functions that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Sort,
    /// Asks about an item and each of others, both ways.
    AskRows,
}

/// The specification of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KernelSpec {
    pub(crate) task: Task,
    pub(crate) items: ItemRepr,
    /// Whether the largest item comes first.
    pub(crate) reverse: bool,
    /// Whether the bytes decide where the guest answers "equal", for addresses and lines those in the
    /// guest's memory; the order of the input does otherwise.
    pub(crate) ties_by_bytes: bool,
    /// The comparator's code to inline, where it is so short that calling it would take longer.
    pub(crate) inline: Option<Arc<InlineBody>>,
}

impl ItemRepr {
    /// Returns the width in bytes of an item in the kernel's memory.
    pub(crate) fn width(self) -> u32 {
        match self {
            ItemRepr::Values(number) => number.width.into(),
            ItemRepr::Lines => 8,
            _ => 4,
        }
    }
}

fn name_map(names: &[&str]) -> NameMap {
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
    /// Returns the types of the comparator's parameters.
    fn params(&self) -> Vec<ValType> {
        match self.items {
            ItemRepr::Values(number) | ItemRepr::Numbers(number) => vec![val_type(number.core); 2],
            ItemRepr::Addresses { .. } => vec![ValType::I32; 2],
            ItemRepr::Records { .. } | ItemRepr::Lines => vec![ValType::I32; 4],
        }
    }

    /// Returns whether the kernel imports the guest's memory, to compare bytes there and to prefetch them.
    pub(crate) fn sees_guest(&self) -> bool {
        matches!(self.items, ItemRepr::Addresses { .. } | ItemRepr::Records { .. } | ItemRepr::Lines)
    }

    /// Returns the module. It imports the comparator as `guest.compare`, and where it
    /// [uses](KernelSpec::sees_guest) it the guest's memory as `guest.memory`. It exports:
    ///
    /// - `memory`;
    /// - `sort (a, b, len)`: sorts `len` items at `a`, with as much scratch space at `b`; [`SLACK_BYTES`]
    ///   zero bytes have to be on both sides of the two;
    /// - `merge_answers (left, right, left_end, right_end, answers) -> i32`: writes the answers of a merge,
    ///   in sets of up to 63; returns their end;
    /// - `sort_block (items, to, scratch, len, answers) -> i32`: sorts items as glibc does, and writes the
    ///   answers of each merge; returns their end;
    /// - `merge_runs (from, to, left, right)`: merges two sorted runs of items that follow each other;
    /// - of [`Task::AskRows`], in place of these, `ask_row (item, from, end, answers)`: writes a byte for
    ///   each of the items from `from` to `end`, the [answers](row_answers) about `item` and it;
    /// - globals `table`, the address of the kernel's table of numbers; `comparisons`, the number of
    ///   comparisons; and `inconsistent`, which is 1 after a trap on inconsistent answers.
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
        for (name, function) in self.task.exports() {
            exports.export(name, ExportKind::Func, *function);
        }
        for (at, (name, _)) in (0..).zip(code::GLOBALS) {
            exports.export(name, ExportKind::Global, at);
        }
        let mut names = NameSection::new();
        names.module(NAME);
        names.functions(&name_map(self.task.functions()));
        names.globals(&name_map(&code::GLOBALS.map(|(name, _)| name)));
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&memories).section(&globals);
        module.section(&exports).section(&code).section(&names);
        module.finish()
    }
}
