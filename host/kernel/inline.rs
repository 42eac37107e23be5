//! Inlining of short comparators into the kernel.

use wasm_encoder::{BlockType, ValType};
use wasmparser::{
    BinaryReaderError, BlockType as ParsedBlock, ExternalKind, Operator, Parser, Payload, TypeRef,
};

use super::code::FunctionBuilder;

/// Maximum size in bytes of code to inline: the kernel has a dozen comparisons.
const MAX_INLINE_BYTES: usize = 64;

/// Maximum number of declared locals, each of which is zeroed at each comparison.
const MAX_INLINE_LOCALS: usize = 16;

/// A comparator's code that uses nothing of its module except, where that is allowed, reads of its memory:
/// no global, table or call, no loop, and no other instruction that could trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InlineBody {
    params: Vec<ValType>,
    /// Declared locals, which begin as zero.
    locals: Vec<ValType>,
    ops: Vec<InlineOp>,
    reads: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum InlineOp {
    /// An encoded instruction.
    Plain(Vec<u8>),
    LocalGet(u32),
    LocalSet(u32),
    LocalTee(u32),
    /// A return from this depth of nested blocks.
    Return(u32),
}

/// A function's locals for a body that is inlined into it.
pub(super) struct Site {
    locals: Vec<u32>,
    body: InlineBody,
}

impl InlineBody {
    /// Returns the code of the function that a valid module exports by this name, if it can be inlined.
    pub(crate) fn of_export(module: &[u8], export: &str) -> Option<InlineBody> {
        InlineBody::find(module, export).ok().flatten()
    }

    fn find(module: &[u8], name: &str) -> Result<Option<InlineBody>, BinaryReaderError> {
        let (mut types, mut functions, mut imported, mut wanted, mut defined) = (vec![], vec![], 0, None, 0);
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        types.push(ty?);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        functions.push(ty?);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ExternalKind::Func && export.name == name {
                            wanted = (export.index as usize).checked_sub(imported);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    if wanted == Some(defined) && body.range().len() <= MAX_INLINE_BYTES {
                        let ty = functions.get(defined).and_then(|ty| types.get(*ty as usize));
                        let params = ty.and_then(|ty| ty.params().iter().copied().map(number).collect());
                        return params.map_or(Ok(None), |params| read(&body, params));
                    }
                    defined += 1;
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Returns whether the code reads its module's memory, and may trap there. A kernel that inlines it has
    /// to import that memory, at the same index.
    pub(crate) fn reads(&self) -> bool {
        self.reads
    }

    /// Adds the body's locals to a function.
    pub(super) fn site(&self, code: &mut FunctionBuilder) -> Site {
        let types = self.params.iter().chain(&self.locals);
        Site { locals: types.map(|ty| code.local(*ty)).collect(), body: self.clone() }
    }
}

impl Site {
    /// `[arguments] -> [answer]`: emits the body in place of a call.
    pub(super) fn place(&self, code: &mut FunctionBuilder) {
        let (params, declared) = self.locals.split_at(self.body.params.len());
        for param in params.iter().rev() {
            code.s().local_set(*param);
        }
        for (local, ty) in declared.iter().zip(&self.body.locals) {
            let mut s = code.s();
            match ty {
                ValType::I32 => s.i32_const(0),
                ValType::I64 => s.i64_const(0),
                ValType::F32 => s.f32_const(0.0.into()),
                _ => s.f64_const(0.0.into()),
            };
            s.local_set(*local);
        }
        code.s().block(BlockType::Result(ValType::I32));
        for piece in &self.body.ops {
            let local = |local: &u32| self.locals[*local as usize];
            if let InlineOp::Plain(bytes) = piece {
                code.raw(bytes);
                continue;
            }
            let mut s = code.s();
            match piece {
                InlineOp::LocalGet(at) => s.local_get(local(at)),
                InlineOp::LocalSet(at) => s.local_set(local(at)),
                InlineOp::LocalTee(at) => s.local_tee(local(at)),
                InlineOp::Return(depth) => s.br(*depth),
                InlineOp::Plain(_) => &mut s,
            };
        }
        code.s().end();
    }
}

fn number(ty: wasmparser::ValType) -> Option<ValType> {
    match ty {
        wasmparser::ValType::I32 => Some(ValType::I32),
        wasmparser::ValType::I64 => Some(ValType::I64),
        wasmparser::ValType::F32 => Some(ValType::F32),
        wasmparser::ValType::F64 => Some(ValType::F64),
        _ => None,
    }
}

fn read(
    body: &wasmparser::FunctionBody<'_>,
    params: Vec<ValType>,
) -> Result<Option<InlineBody>, BinaryReaderError> {
    let mut locals = Vec::new();
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        match number(ty) {
            Some(ty) if count as usize <= MAX_INLINE_LOCALS - locals.len() => {
                locals.extend(std::iter::repeat_n(ty, count as usize))
            }
            _ => return Ok(None),
        }
    }
    let mut ops = Vec::new();
    let mut depth = 0;
    let mut reads = false;
    let mut reader = body.get_operators_reader()?;
    let bytes = body.as_bytes();
    while !reader.eof() {
        let from = reader.original_position() - body.range().start;
        let op = reader.read()?;
        let to = reader.original_position() - body.range().start;
        match op {
            Operator::LocalGet { local_index } => ops.push(InlineOp::LocalGet(local_index)),
            Operator::LocalSet { local_index } => ops.push(InlineOp::LocalSet(local_index)),
            Operator::LocalTee { local_index } => ops.push(InlineOp::LocalTee(local_index)),
            Operator::Return => ops.push(InlineOp::Return(depth)),
            Operator::End if depth == 0 => break, // the end of the block around the inlined body
            op if is_plain(&op) || is_read(&op) => {
                reads |= is_read(&op);
                match op {
                    Operator::Block { .. } | Operator::If { .. } => depth += 1,
                    Operator::End => depth -= 1,
                    _ => {}
                }
                ops.push(InlineOp::Plain(bytes[from..to].to_vec()));
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(InlineBody { params, locals, ops, reads }))
}

/// Returns whether an instruction means the same in any function of any module, and cannot trap.
fn is_plain(op: &Operator<'_>) -> bool {
    use Operator::*;
    match op {
        Block { blockty } | If { blockty } => !matches!(blockty, ParsedBlock::FuncType(_)),
        Nop | Else | End | Br { .. } | BrIf { .. } | BrTable { .. } | Drop | Select => true,
        I32Const { .. } | I64Const { .. } | F32Const { .. } | F64Const { .. } => true,
        I32Eqz | I32Eq | I32Ne | I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU => {
            true
        }
        I64Eqz | I64Eq | I64Ne | I64LtS | I64LtU | I64GtS | I64GtU | I64LeS | I64LeU | I64GeS | I64GeU => {
            true
        }
        F32Eq | F32Ne | F32Lt | F32Gt | F32Le | F32Ge | F64Eq | F64Ne | F64Lt | F64Gt | F64Le | F64Ge => true,
        I32Clz | I32Ctz | I32Popcnt | I32Add | I32Sub | I32Mul | I32And | I32Or | I32Xor | I32Shl
        | I32ShrS | I32ShrU | I32Rotl | I32Rotr | I32Extend8S | I32Extend16S | I32WrapI64 => true,
        I64Clz | I64Ctz | I64Popcnt | I64Add | I64Sub | I64Mul | I64And | I64Or | I64Xor | I64Shl
        | I64ShrS | I64ShrU | I64Rotl | I64Rotr | I64Extend8S | I64Extend16S | I64Extend32S
        | I64ExtendI32S | I64ExtendI32U => true,
        F32Abs | F32Neg | F32Add | F32Sub | F32Mul | F64Abs | F64Neg | F64Add | F64Sub | F64Mul => true,
        I32ReinterpretF32 | I64ReinterpretF64 | F32ReinterpretI32 | F64ReinterpretI64 | F64PromoteF32 => true,
        _ => false,
    }
}

fn is_read(op: &Operator<'_>) -> bool {
    use Operator::*;
    matches!(
        op,
        I32Load { .. }
            | I32Load8S { .. }
            | I32Load8U { .. }
            | I32Load16S { .. }
            | I32Load16U { .. }
            | I64Load { .. }
            | I64Load8S { .. }
            | I64Load8U { .. }
            | I64Load16S { .. }
            | I64Load16U { .. }
            | I64Load32S { .. }
            | I64Load32U { .. }
            | F32Load { .. }
            | F64Load { .. }
    )
}
