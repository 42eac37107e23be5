//! The weights of a module's parts, as `benches/compile` found them.

use wasmparser::Operator;

/// Number of bytes of a module, its data and names included, that weigh a unit.
pub(super) const BYTES_PER_UNIT: u64 = 64;
/// Weight of an import, export, global or offset of a segment.
pub(super) const DECLARATION: u64 = 20;
/// Weight of an instruction of a constant expression.
pub(super) const INITIALIZER: u64 = 15;
/// Weight of a data segment before its bytes.
pub(super) const DATA_SEGMENT: u64 = 150;
/// Weight of an element segment before its entries.
pub(super) const ELEMENT_SEGMENT: u64 = 150;
/// Weight of an entry that is made a reference and stored by code.
pub(super) const ENTRY: u64 = 300;
/// Weight of a function before its code.
pub(super) const FUNCTION: u64 = 80;
/// Weight of a trampoline between C's calling convention and WebAssembly's.
pub(super) const TRAMPOLINE: u64 = 100;
/// Weight of each parameter and result of a trampoline.
pub(super) const TRAMPOLINE_VALUE: u64 = 4;
/// Weight of a parameter or result of a function or call.
pub(super) const PASSED_VALUE: u64 = 8;
/// Weight of a local.
pub(super) const LOCAL: u64 = 1;
/// Weight of a target of a `br_table`.
pub(super) const TARGET: u64 = 4;
/// Weight of a value that a branch carries.
pub(super) const CARRIED_VALUE: u64 = 6;
/// Weight of a loop for each block around it.
pub(super) const LOOP_DEPTH: u64 = 4;
/// Number of locals, merged at the end of an edge, that weigh a unit.
pub(super) const MERGED_LOCALS_PER_UNIT: u64 = 2;
/// Square of the number of edges of a function that weighs a unit: the compiler walks from each edge to the
/// block that dominates it.
pub(super) const SQUARED_EDGES_PER_UNIT: u64 = 20;
/// Number of targets of a `br_table` that are as much as another edge, for the square.
pub(super) const TARGETS_PER_EDGE: u64 = 4;
/// Number of values beneath a block on the operand stack that weigh a unit.
pub(super) const LIVE_VALUES_PER_UNIT: u64 = 20;

/// Weight of an instruction that becomes no code, or is merged into another.
const PLAIN: u64 = 1;
/// Weight of an instruction that reads or writes memory, or is checked.
const ACCESS: u64 = 5;
/// Weight of arithmetic whose NaNs are made canonical, or that becomes some instructions.
const FLOAT: u64 = 12;
/// Weight of a rotation by a number that is not known.
const ROTATION: u64 = 100;
/// Weight of an instruction that begins or ends a block.
const BLOCK: u64 = 3;
/// Weight of an instruction that becomes a branch.
const BRANCH: u64 = 30;
/// Weight of a call, before the values that it passes.
const CALL: u64 = 20;
/// Weight of an instruction that becomes several blocks, or a call of the runtime with a reload of the
/// state that it may have changed.
const RUNTIME_CALL: u64 = 200;
/// Weight of an instruction that becomes loops and calls of the runtime for the elements of a table.
const TABLE: u64 = 1500;
/// Weight of an access whose bounds are checked by instructions.
const CHECKED_ACCESS: u64 = 15;
/// Offsets from which on an access is checked by instructions.
const CHECKED_OFFSET: u64 = 1 << 30;

macro_rules! names {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// Returns the proposal that an instruction is of, and its name, as `wasmparser` spells them.
        fn names(operator: &Operator<'_>) -> (&'static str, &'static str) {
            match operator {
                $(Operator::$op { .. } => (stringify!($proposal), stringify!($op)),)*
                _ => ("", ""),
            }
        }
    };
}
wasmparser::for_each_operator!(names);

/// Returns the weight of an instruction, without the values that it passes or carries.
pub(super) fn of(operator: &Operator<'_>) -> u64 {
    use Operator::*;
    match operator {
        Block { .. } | End | Else | Br { .. } | Return | Unreachable => BLOCK,
        If { .. } | BrIf { .. } | BrTable { .. } => BRANCH,
        Loop { .. } | MemoryGrow { .. } | CallIndirect { .. } => RUNTIME_CALL,
        TableCopy { .. } | TableInit { .. } | TableFill { .. } | TableGrow { .. } => TABLE,
        Call { .. } => CALL,
        I32Rotl | I32Rotr | I64Rotl | I64Rotr => ROTATION,
        I32Load { memarg }
        | I64Load { memarg }
        | F32Load { memarg }
        | F64Load { memarg }
        | I32Load8S { memarg }
        | I32Load8U { memarg }
        | I32Load16S { memarg }
        | I32Load16U { memarg }
        | I64Load8S { memarg }
        | I64Load8U { memarg }
        | I64Load16S { memarg }
        | I64Load16U { memarg }
        | I64Load32S { memarg }
        | I64Load32U { memarg }
        | I32Store { memarg }
        | I64Store { memarg }
        | F32Store { memarg }
        | F64Store { memarg }
        | I32Store8 { memarg }
        | I32Store16 { memarg }
        | I64Store8 { memarg }
        | I64Store16 { memarg }
        | I64Store32 { memarg } => access(memarg.offset),
        GlobalGet { .. }
        | GlobalSet { .. }
        | MemorySize { .. }
        | I32DivS
        | I32DivU
        | I32RemS
        | I32RemU
        | I64DivS
        | I64DivU
        | I64RemS
        | I64RemU
        | Select
        | TypedSelect { .. } => ACCESS,
        operator => match names(operator) {
            ("mvp", name) if is_float(name) => FLOAT,
            ("mvp" | "sign_extension", _) => PLAIN,
            ("saturating_float_to_int" | "simd", _) => FLOAT,
            _ => RUNTIME_CALL,
        },
    }
}

/// Returns the weight of each value that lives through the instruction, if it is a call: the value is put
/// into memory before it, and taken out after it.
pub(super) fn kept_value(operator: &Operator<'_>) -> u64 {
    match operator {
        Operator::Call { .. } => 1,
        Operator::CallIndirect { .. } => 2,
        Operator::Loop { .. } => 0,
        operator if of(operator) >= RUNTIME_CALL => 5,
        _ => 0,
    }
}

/// Returns whether the instruction of this name calculates with floating-point numbers, or converts them.
fn is_float(name: &str) -> bool {
    let converts = name.contains("Trunc") || name.contains("Convert");
    let plain = name.contains("Const") || name.contains("Reinterpret");
    converts || (name.starts_with('F') && !plain)
}

/// Returns the weight of an access to memory at an offset.
fn access(offset: u64) -> u64 {
    if offset < CHECKED_OFFSET { ACCESS } else { CHECKED_ACCESS }
}
