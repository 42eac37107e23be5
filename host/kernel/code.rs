//! Parts shared by the kernel's functions: indices of functions and globals, loads and stores of items.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

use super::{ItemRepr, KernelSpec, Task};
use crate::ctype::{CoreType, StoredNumber};

/// Function indices; the comparator is imported as 0.
pub(super) const COMPARE: u32 = 0;
pub(super) const ENTRY: u32 = 1;
pub(super) const SORT: u32 = 2;
pub(super) const MERGE_HALVES: u32 = 3;
pub(super) const MERGE_RUNS: u32 = 4;
pub(super) const MERGE_ANSWERS: u32 = 5;
pub(super) const SORT_BLOCK: u32 = 6;
pub(super) const TIE: u32 = 7;

/// As [`ENTRY`], of [`Task::AskRows`].
const ASK_ROW: u32 = 1;

impl Task {
    /// Returns the names of all functions, by index.
    pub(super) fn functions(self) -> &'static [&'static str] {
        match self {
            Task::Sort => &[
                "compare",
                "sort",
                "sort_part",
                "merge_halves",
                "merge_runs",
                "merge_answers",
                "sort_block",
                "tie",
            ],
            Task::AskRows => &["compare", "ask_row"],
        }
    }

    /// Returns the names and the indices of the functions that are exported.
    pub(super) fn exports(self) -> &'static [(&'static str, u32)] {
        match self {
            Task::Sort => &[
                ("sort", ENTRY),
                ("merge_runs", MERGE_RUNS),
                ("merge_answers", MERGE_ANSWERS),
                ("sort_block", SORT_BLOCK),
            ],
            Task::AskRows => &[("ask_row", ASK_ROW)],
        }
    }
}

/// Indices of globals.
pub(super) const TABLE: u32 = 0;
pub(super) const COMPARISONS: u32 = 1;
pub(super) const INCONSISTENT: u32 = 2;

pub(super) const GLOBALS: [(&str, ValType); 3] =
    [("table", ValType::I32), ("comparisons", ValType::I64), ("inconsistent", ValType::I32)];

/// A function's parameters, results and body.
pub(super) type DefinedFunction = (Vec<ValType>, Vec<ValType>, Function);

/// Builder of a kernel module.
pub(super) struct KernelBuilder<'a> {
    pub(super) spec: &'a KernelSpec,
}

/// Builder of one function.
pub(super) struct FunctionBuilder {
    params: Vec<ValType>,
    locals: Vec<ValType>,
    bytes: Vec<u8>,
}

impl FunctionBuilder {
    pub(super) fn new(params: &[ValType]) -> FunctionBuilder {
        FunctionBuilder { params: params.to_vec(), locals: Vec::new(), bytes: Vec::new() }
    }

    /// Adds a local, which is zero when the function begins.
    pub(super) fn local(&mut self, ty: ValType) -> u32 {
        self.locals.push(ty);
        (self.params.len() + self.locals.len() - 1) as u32
    }

    pub(super) fn locals<const N: usize>(&mut self, ty: ValType) -> [u32; N] {
        [(); N].map(|()| self.local(ty))
    }

    /// Returns the sink for the next instructions.
    pub(super) fn s(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.bytes)
    }

    /// Appends encoded instructions.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn done(self, results: &[ValType]) -> DefinedFunction {
        let mut function = Function::new_with_locals_types(self.locals);
        function.raw(self.bytes);
        function.instructions().end();
        (self.params, results.to_vec(), function)
    }
}

impl<'a> KernelBuilder<'a> {
    pub(super) fn new(spec: &'a KernelSpec) -> KernelBuilder<'a> {
        KernelBuilder { spec }
    }

    /// Returns all functions, in the order of their indices.
    pub(super) fn functions(&self) -> Vec<DefinedFunction> {
        match self.spec.task {
            Task::Sort => vec![
                self.entry(),
                self.sort(),
                self.merge_halves(),
                self.merge_runs(),
                self.merge_answers(),
                self.sort_block(),
                self.tie(),
            ],
            Task::AskRows => vec![self.ask_row()],
        }
    }

    /// Returns the index of the kernel's own memory.
    pub(super) fn memory(&self) -> u32 {
        self.spec.sees_guest().into()
    }

    /// Returns the width of an item in bytes.
    pub(super) fn width(&self) -> i32 {
        self.spec.items.width() as i32
    }

    /// Returns the core type of a local that holds an item.
    pub(super) fn item(&self) -> ValType {
        match self.spec.items {
            ItemRepr::Values(StoredNumber { core: CoreType::I64, .. } | StoredNumber { width: 8, .. }) => {
                ValType::I64
            }
            ItemRepr::Lines => ValType::I64,
            _ => ValType::I32,
        }
    }

    /// `[address] -> [item]`: loads an item from the kernel's memory.
    pub(super) fn load(&self, code: &mut FunctionBuilder, offset: i32) {
        match self.spec.items {
            ItemRepr::Values(number) => self.load_number(code, number, offset),
            ItemRepr::Lines => {
                code.s().i64_load(self.at(offset, 3));
            }
            _ => {
                code.s().i32_load(self.at(offset, 2));
            }
        }
    }

    /// `[address] -> [i32 or i64]`: loads a number from the kernel's memory, a float as its bits.
    pub(super) fn load_number(&self, code: &mut FunctionBuilder, number: StoredNumber, offset: i32) {
        let StoredNumber { core, width, signed } = number;
        let at = |align| self.at(offset, align);
        let mut s = code.s();
        match (core == CoreType::I64, width, signed) {
            (_, 8, _) => s.i64_load(at(3)),
            (true, 4, true) => s.i64_load32_s(at(2)),
            (true, 4, false) => s.i64_load32_u(at(2)),
            (true, 2, true) => s.i64_load16_s(at(1)),
            (true, 2, false) => s.i64_load16_u(at(1)),
            (true, _, true) => s.i64_load8_s(at(0)),
            (true, _, false) => s.i64_load8_u(at(0)),
            (false, 4, _) => s.i32_load(at(2)),
            (false, 2, true) => s.i32_load16_s(at(1)),
            (false, 2, false) => s.i32_load16_u(at(1)),
            (false, _, true) => s.i32_load8_s(at(0)),
            (false, _, false) => s.i32_load8_u(at(0)),
        };
    }

    /// `[address, item] -> []`: stores an item in the kernel's memory.
    pub(super) fn store(&self, code: &mut FunctionBuilder, offset: i32) {
        let at = |align| self.at(offset, align);
        let long = self.item() == ValType::I64;
        let mut s = code.s();
        match (long, self.width()) {
            (true, 8) => s.i64_store(at(3)),
            (true, 4) => s.i64_store32(at(2)),
            (true, 2) => s.i64_store16(at(1)),
            (true, _) => s.i64_store8(at(0)),
            (false, 4) => s.i32_store(at(2)),
            (false, 2) => s.i32_store16(at(1)),
            (false, _) => s.i32_store8(at(0)),
        };
    }

    /// Returns a place in the kernel's memory.
    pub(super) fn at(&self, offset: i32, align: u32) -> MemArg {
        MemArg { offset: offset as u64, align, memory_index: self.memory() }
    }

    /// Emits code that counts comparisons: `count` leaves their number on the stack, as an `i32`.
    pub(super) fn count(&self, code: &mut FunctionBuilder, count: impl FnOnce(&mut FunctionBuilder)) {
        code.s().global_get(COMPARISONS);
        count(code);
        code.s().i64_extend_i32_u().i64_add().global_set(COMPARISONS);
    }

    /// `[i32] -> []`: traps if the operand is not zero, because the answers are inconsistent.
    pub(super) fn trap_if_inconsistent(&self, code: &mut FunctionBuilder) {
        code.s().if_(BlockType::Empty).i32_const(1).global_set(INCONSISTENT).unreachable().end();
    }
}
