//! The cost of compiling a module's code, estimated from its instructions.
//!
//! The weights were measured with modules that repeat one instruction, or one pattern, as often as
//! a function can hold it. Code that is short in bytes and slow to compile gets a weight: instructions
//! that become calls with several blocks around them, values that calls and branches carry by the
//! hundred, and branches out of deep nests, after which each local may need a value of its own.

use wasmparser::{BlockType, CompositeInnerType, FuncType, Operator, OperatorsReader, Result, SubType};

/// Weight of a plain instruction.
const PLAIN: u64 = 1;
/// Weight of an instruction that becomes a branch, whose values the target has to merge.
const BRANCH: u64 = 30;
/// Weight of an instruction that becomes several blocks, or a call of the runtime with a reload of the
/// state that it may have changed.
const RUNTIME_CALL: u64 = 60;
/// Weight of a value that is passed to a call or returned from it.
const PASSED_VALUE: u64 = 4;
/// Number of locals, merged at a block after a branch, that weigh as much as a plain instruction.
const MERGED_LOCALS_PER_UNIT: u64 = 6;

/// Numbers of parameters and results.
#[derive(Clone, Copy, Debug, Default)]
struct Arity {
    params: u64,
    results: u64,
}

/// The weight of a module's functions so far, and the types needed to weigh one.
#[derive(Debug, Default)]
pub(super) struct CostEstimate {
    types: Vec<Arity>,
    functions: Vec<Arity>,
    imported: usize,
    total: u64,
}

impl CostEstimate {
    pub(super) fn add_type(&mut self, ty: &SubType) {
        let arity = |func: &FuncType| Arity {
            params: func.params().len() as u64,
            results: func.results().len() as u64,
        };
        self.types.push(match &ty.composite_type.inner {
            CompositeInnerType::Func(func) => arity(func),
            _ => Arity::default(),
        });
    }

    /// Returns the number of types so far.
    pub(super) fn types(&self) -> u32 {
        u32::try_from(self.types.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn add_import(&mut self, ty: u32) {
        self.imported += 1;
        self.add_function(ty);
    }

    pub(super) fn add_function(&mut self, ty: u32) {
        self.functions.push(self.ty(ty));
    }

    /// Returns the number of parameters of function `defined`, counted from 0 without the imports.
    pub(super) fn params(&self, defined: usize) -> u64 {
        self.functions.get(self.imported + defined).map_or(0, |arity| arity.params)
    }

    /// Returns a type's arity; an index out of range counts as empty, and the validator rejects it.
    fn ty(&self, index: u32) -> Arity {
        self.types.get(index as usize).copied().unwrap_or_default()
    }

    fn block(&self, ty: BlockType) -> Arity {
        match ty {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { params: 0, results: 1 },
            BlockType::FuncType(index) => self.ty(index),
        }
    }

    /// Returns the weight of all functions added so far.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Adds the weight of a function with `locals` locals. Returns whether it grows the memory.
    pub(super) fn add_body(&mut self, locals: u64, operators: OperatorsReader<'_>) -> Result<bool> {
        let mut grows = false;
        // For each open block, the number of values that a branch to it carries, and whether it is a loop.
        let mut open: Vec<(u64, bool)> = vec![(0, false)];
        let mut loops = 0;
        let (mut weight, mut merged) = (0u64, 0u64);
        for operator in operators {
            let operator = operator?;
            let mut branch = |depth: u32, open: &[(u64, bool)]| {
                let at = open.len().checked_sub(1 + depth as usize);
                let carried = at.map_or(0, |at| open[at].0);
                // The validator rejects a depth out of range, too.
                let out = (u64::from(depth) + 1).saturating_mul(locals + 1);
                merged = merged.saturating_add(out);
                carried
            };
            weight += match operator {
                Operator::Block { blockty } => {
                    let arity = self.block(blockty);
                    open.push((arity.results, false));
                    2 * PLAIN + arity.params + arity.results
                }
                Operator::Loop { blockty } => {
                    let arity = self.block(blockty);
                    open.push((arity.params, true));
                    loops += 1;
                    merged += loops * (loops + locals);
                    RUNTIME_CALL + arity.params + arity.results
                }
                Operator::If { blockty } => {
                    let arity = self.block(blockty);
                    open.push((arity.results, false));
                    branch(0, &open);
                    BRANCH / 3 * 2 + arity.params + arity.results
                }
                Operator::End => {
                    if let Some((_, true)) = open.pop() {
                        loops -= 1;
                    }
                    PLAIN
                }
                Operator::Br { relative_depth } => PLAIN + branch(relative_depth, &open),
                Operator::BrIf { relative_depth } => BRANCH + branch(relative_depth, &open),
                Operator::BrTable { targets } => {
                    let mut weight = BRANCH + branch(targets.default(), &open);
                    for target in targets.targets() {
                        weight += PLAIN + branch(target?, &open);
                    }
                    weight
                }
                Operator::Call { function_index } => {
                    let called = self.functions.get(function_index as usize).copied().unwrap_or_default();
                    PASSED_VALUE * (1 + called.params + called.results)
                }
                Operator::CallIndirect { type_index, .. } => {
                    let called = self.ty(type_index);
                    RUNTIME_CALL + PASSED_VALUE * (called.params + called.results)
                }
                Operator::MemoryGrow { .. } => {
                    grows = true;
                    RUNTIME_CALL
                }
                Operator::TableGet { .. }
                | Operator::TableSet { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. }
                | Operator::MemoryInit { .. }
                | Operator::MemoryCopy { .. }
                | Operator::MemoryFill { .. }
                | Operator::DataDrop { .. }
                | Operator::ElemDrop { .. }
                | Operator::RefFunc { .. } => RUNTIME_CALL,
                Operator::F32Ceil | Operator::F32Floor | Operator::F32Trunc | Operator::F32Nearest
                | Operator::F64Ceil | Operator::F64Floor | Operator::F64Trunc | Operator::F64Nearest
                | Operator::F32Sqrt | Operator::F64Sqrt
                // Conversions that trap, or treat the signs separately.
                | Operator::I32TruncF32S | Operator::I32TruncF32U | Operator::I32TruncF64S
                | Operator::I32TruncF64U | Operator::I64TruncF32S | Operator::I64TruncF32U
                | Operator::I64TruncF64S | Operator::I64TruncF64U | Operator::I32TruncSatF32S
                | Operator::I32TruncSatF32U | Operator::I32TruncSatF64S | Operator::I32TruncSatF64U
                | Operator::I64TruncSatF32S | Operator::I64TruncSatF32U | Operator::I64TruncSatF64S
                | Operator::I64TruncSatF64U | Operator::F32ConvertI64U | Operator::F64ConvertI64U => {
                    4 * PLAIN
                }
                _ => PLAIN,
            };
        }
        self.total += weight + merged / MERGED_LOCALS_PER_UNIT;
        Ok(grows)
    }
}
