//! Random short comparators: a generator, an encoder of their modules, and a reference interpreter.
//!
//! Depends on nothing of the library, so that its unit tests and the fuzz targets include it too.
#![allow(dead_code, reason = "each of the crates that include it uses a part")]

mod generate;
mod interpret;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, MemorySection, MemoryType, Module, TypeSection, ValType,
};

pub(crate) use generate::Choices;
pub(crate) use interpret::{Interpreter, Stop};

/// Types of the generator: WebAssembly's, and one that the validator does not tell from `i32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    I32,
    I64,
    F32,
    F64,
    /// An address from which on [`Shape::readable`] bytes may be read, and which nothing but a load sees:
    /// elements lie at other addresses in each sorter.
    Addr,
}

/// The kind of a number in C's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Signed,
    Unsigned,
    Float,
}

/// The way in which a comparator takes its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Numbers of `width` bytes each, passed as `core`.
    Numbers { core: Ty, kind: Kind, width: usize },
    /// Addresses of elements of `width` bytes.
    Pointers { width: usize },
    /// Addresses and lengths of elements of `width` bytes.
    Slices { width: usize },
    /// Addresses and lengths of lines.
    Lines,
}

/// Minimum length of a line.
pub(crate) const SHORTEST_LINE: usize = 4;

/// Number of bytes at the start of the memory that are not zero.
pub(crate) const DATA_BYTES: usize = 256;

/// Indices of the functions that comparators call: one of its arguments, one with a state.
const MIX: u32 = 0;
const TICK: u32 = 1;

/// An instruction; those of a block are inside it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ins {
    /// The bits of a constant, and the least number of bytes to encode an integer in.
    Const(Ty, u64, u8),
    /// A local, and the least number of bytes to encode its index in.
    Get(u32, u8),
    Set(u32, u8),
    Tee(u32, u8),
    /// An instruction without immediates, by its opcode, from `i32.eqz` to `i64.extend32_s`.
    Numeric(u8),
    /// A saturating conversion, by its second opcode.
    Saturating(u8),
    Load {
        op: u8,
        align: u8,
        offset: u32,
        at_least: u8,
    },
    Drop,
    Select,
    SelectTyped(Ty),
    Nop,
    Unreachable,
    Return,
    Block(BlockTy, Vec<Ins>),
    Loop(BlockTy, Vec<Ins>),
    If(BlockTy, Vec<Ins>, Option<Vec<Ins>>),
    Br(u32),
    BrIf(u32),
    BrTable(Vec<u32>, u32),
    GlobalGet(u32),
    GlobalSet(u32),
    MemorySize,
    Call(u32),
}

/// A block's type: parameters and results. `by_index`: encoded as an index of a function type even where a
/// shorter encoding exists.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BlockTy {
    params: Vec<Ty>,
    results: Vec<Ty>,
    by_index: bool,
}

/// A comparator.
#[derive(Clone, Debug)]
pub(crate) struct Comparator {
    pub(crate) shape: Shape,
    /// Declared locals.
    locals: Vec<Ty>,
    /// Whether each local is declared in a group of its own.
    split: bool,
    body: Vec<Ins>,
}

impl Ty {
    fn val_type(self) -> ValType {
        match self {
            Ty::I32 | Ty::Addr => ValType::I32,
            Ty::I64 => ValType::I64,
            Ty::F32 => ValType::F32,
            Ty::F64 => ValType::F64,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Ty::I32 | Ty::Addr => 0x7f,
            Ty::I64 => 0x7e,
            Ty::F32 => 0x7d,
            Ty::F64 => 0x7c,
        }
    }
}

impl Shape {
    fn params(self) -> Vec<Ty> {
        match self {
            Shape::Numbers { core, .. } => vec![core; 2],
            Shape::Pointers { .. } => vec![Ty::Addr; 2],
            Shape::Slices { .. } | Shape::Lines => vec![Ty::Addr, Ty::I32, Ty::Addr, Ty::I32],
        }
    }

    /// Returns the number of bytes that may be read at any [`Ty::Addr`].
    fn readable(self) -> usize {
        match self {
            Shape::Numbers { .. } => 1,
            Shape::Pointers { width } | Shape::Slices { width } => width,
            Shape::Lines => SHORTEST_LINE,
        }
    }

    /// Returns the end of an export's name, which says the shape.
    fn suffix(self) -> &'static str {
        match self {
            Shape::Numbers { core: Ty::I64, .. } => "_i64",
            Shape::Numbers { core: Ty::F32, .. } => "_f32",
            Shape::Numbers { core: Ty::F64, .. } => "_f64",
            Shape::Numbers { .. } => "_i32",
            Shape::Pointers { .. } => "",
            Shape::Slices { .. } | Shape::Lines => "_bytes",
        }
    }
}

impl Comparator {
    /// Returns the name of the export of the `nth` comparator of a module.
    pub(crate) fn export(&self, nth: usize) -> String {
        format!("c{nth}{}", self.shape.suffix())
    }

    /// Returns the name of an export that calls the `nth` comparator, and so is never inlined.
    pub(crate) fn twin(&self, nth: usize) -> String {
        format!("t{nth}{}", self.shape.suffix())
    }

    /// Returns the types of the parameters.
    pub(crate) fn params(&self) -> Vec<ValType> {
        self.shape.params().into_iter().map(Ty::val_type).collect()
    }

    /// Returns the bits of the arguments for an element, which lies at this address if it is in memory.
    pub(crate) fn arguments(&self, element: &[u8], place: u64) -> Vec<u64> {
        match self.shape {
            Shape::Numbers { core, kind, .. } => vec![interpret::number(element, core, kind)],
            Shape::Pointers { .. } => vec![place],
            Shape::Slices { .. } | Shape::Lines => vec![place, element.len() as u64],
        }
    }

    /// Returns whether an answer may depend on the answers before it.
    pub(crate) fn has_state(&self) -> bool {
        self.uses(&|ins| matches!(ins, Ins::GlobalGet(0 | 1) | Ins::GlobalSet(_) | Ins::Call(TICK)))
    }

    /// Returns whether it reads the memory.
    pub(crate) fn reads(&self) -> bool {
        self.uses(&|ins| matches!(ins, Ins::Load { .. }))
    }

    /// Returns whether it has an instruction that an inlined body must not have, because it does not mean
    /// the same elsewhere, may trap, or may take long.
    pub(crate) fn is_bound_to_its_module(&self) -> bool {
        self.uses(&|ins| match ins {
            Ins::GlobalGet(_) | Ins::GlobalSet(_) | Ins::MemorySize | Ins::Call(_) => true,
            Ins::Unreachable | Ins::Loop(..) => true,
            Ins::Block(ty, _) | Ins::If(ty, ..) => ty.is_indexed(),
            Ins::Numeric(op) => may_trap(*op),
            _ => false,
        })
    }

    fn uses(&self, is: &impl Fn(&Ins) -> bool) -> bool {
        fn any(code: &[Ins], is: &impl Fn(&Ins) -> bool) -> bool {
            code.iter().any(|ins| {
                is(ins)
                    || match ins {
                        Ins::Block(_, inner) | Ins::Loop(_, inner) => any(inner, is),
                        Ins::If(_, then, other) => {
                            any(then, is) || other.as_ref().is_some_and(|code| any(code, is))
                        }
                        _ => false,
                    }
            })
        }
        any(&self.body, is)
    }
}

/// Divisions, and conversions of floats to integers.
fn may_trap(op: u8) -> bool {
    matches!(op, 0x6d..=0x70 | 0x7f..=0x82 | 0xa8..=0xab | 0xae..=0xb1)
}

/// Returns the operands and the result of an instruction without immediates.
fn signature(op: u8) -> (&'static [Ty], Ty) {
    use Ty::{F32, F64, I32, I64};
    match op {
        0x45 => (&[I32], I32),
        0x46..=0x4f => (&[I32, I32], I32),
        0x50 => (&[I64], I32),
        0x51..=0x5a => (&[I64, I64], I32),
        0x5b..=0x60 => (&[F32, F32], I32),
        0x61..=0x66 => (&[F64, F64], I32),
        0x67..=0x69 => (&[I32], I32),
        0x6a..=0x78 => (&[I32, I32], I32),
        0x79..=0x7b => (&[I64], I64),
        0x7c..=0x8a => (&[I64, I64], I64),
        0x8b..=0x91 => (&[F32], F32),
        0x92..=0x98 => (&[F32, F32], F32),
        0x99..=0x9f => (&[F64], F64),
        0xa0..=0xa6 => (&[F64, F64], F64),
        0xa7 => (&[I64], I32),
        0xa8 | 0xa9 | 0xbc => (&[F32], I32),
        0xaa | 0xab => (&[F64], I32),
        0xac | 0xad => (&[I32], I64),
        0xae | 0xaf => (&[F32], I64),
        0xb0 | 0xb1 | 0xbd => (&[F64], I64),
        0xb2 | 0xb3 | 0xbe => (&[I32], F32),
        0xb4 | 0xb5 => (&[I64], F32),
        0xb6 => (&[F64], F32),
        0xb7 | 0xb8 => (&[I32], F64),
        0xb9 | 0xba | 0xbf => (&[I64], F64),
        0xbb => (&[F32], F64),
        0xc0 | 0xc1 => (&[I32], I32),
        0xc2..=0xc4 => (&[I64], I64),
        _ => panic!("{op:#x} has immediates"),
    }
}

/// Returns the operand and the result of a saturating conversion.
fn saturating_signature(op: u8) -> (Ty, Ty) {
    let from = if op % 4 < 2 { Ty::F32 } else { Ty::F64 };
    (from, if op < 4 { Ty::I32 } else { Ty::I64 })
}

/// Returns the result of a load, its width in bytes, and whether it extends a sign.
fn load(op: u8) -> (Ty, usize, bool) {
    match op {
        0x28 => (Ty::I32, 4, false),
        0x29 => (Ty::I64, 8, false),
        0x2a => (Ty::F32, 4, false),
        0x2b => (Ty::F64, 8, false),
        0x2c | 0x2d => (Ty::I32, 1, op == 0x2c),
        0x2e | 0x2f => (Ty::I32, 2, op == 0x2e),
        0x30 | 0x31 => (Ty::I64, 1, op == 0x30),
        0x32 | 0x33 => (Ty::I64, 2, op == 0x32),
        _ => (Ty::I64, 4, op == 0x34),
    }
}

/// Returns a byte of the memory as it begins.
pub(crate) fn data(at: usize) -> u8 {
    if at < DATA_BYTES { (at * 37 + 11) as u8 } else { 0 }
}

/// Encodes an unsigned number in at least this many bytes.
fn unsigned(mut value: u64, at_least: u8, out: &mut Vec<u8>) {
    for nth in 1.. {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        let last = value == 0 && nth >= at_least;
        out.push(if last { byte } else { byte | 0x80 });
        if last {
            return;
        }
    }
}

/// Encodes a signed number in at least this many bytes.
fn signed(mut value: i64, at_least: u8, out: &mut Vec<u8>) {
    for nth in 1.. {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        let rest = if byte & 0x40 == 0 { 0 } else { -1 };
        let last = value == rest && nth >= at_least;
        out.push(if last { byte } else { byte | 0x80 });
        if last {
            return;
        }
    }
}

impl BlockTy {
    fn empty() -> BlockTy {
        BlockTy { params: vec![], results: vec![], by_index: false }
    }

    fn value(ty: Ty) -> BlockTy {
        BlockTy { results: vec![ty], ..BlockTy::empty() }
    }

    fn is_indexed(&self) -> bool {
        self.by_index || !self.params.is_empty() || self.results.len() > 1
    }

    fn encode(&self, types: &mut FunctionTypes, out: &mut Vec<u8>) {
        match self.results[..] {
            _ if self.is_indexed() => signed(types.index(&self.params, &self.results).into(), 0, out),
            [] => out.push(0x40),
            [ty, ..] => out.push(ty.byte()),
        }
    }
}

/// The function types of a module, each once.
#[derive(Default)]
struct FunctionTypes(Vec<[Vec<ValType>; 2]>);

impl FunctionTypes {
    fn index(&mut self, params: &[Ty], results: &[Ty]) -> u32 {
        let ty = [params, results].map(|list| list.iter().map(|ty| ty.val_type()).collect::<Vec<_>>());
        let known = self.0.iter().position(|known| *known == ty);
        known.unwrap_or_else(|| {
            self.0.push(ty);
            self.0.len() - 1
        }) as u32
    }
}

fn encode(code: &[Ins], types: &mut FunctionTypes, out: &mut Vec<u8>) {
    let index = |op: u8, index: u32, at_least: u8, out: &mut Vec<u8>| {
        out.push(op);
        unsigned(index.into(), at_least, out);
    };
    for ins in code {
        match ins {
            Ins::Const(ty, bits, at_least) => match ty {
                Ty::I32 | Ty::Addr => {
                    out.push(0x41);
                    signed((*bits as i32).into(), *at_least.min(&5), out);
                }
                Ty::I64 => {
                    out.push(0x42);
                    signed(*bits as i64, *at_least.min(&10), out);
                }
                Ty::F32 => {
                    out.push(0x43);
                    out.extend((*bits as u32).to_le_bytes());
                }
                Ty::F64 => {
                    out.push(0x44);
                    out.extend(bits.to_le_bytes());
                }
            },
            Ins::Get(local, at_least) => index(0x20, *local, *at_least, out),
            Ins::Set(local, at_least) => index(0x21, *local, *at_least, out),
            Ins::Tee(local, at_least) => index(0x22, *local, *at_least, out),
            Ins::Numeric(op) => out.push(*op),
            Ins::Saturating(op) => out.extend([0xfc, *op]),
            Ins::Load { op, align, offset, at_least } => {
                out.extend([*op, *align]);
                unsigned((*offset).into(), *at_least, out);
            }
            Ins::Drop => out.push(0x1a),
            Ins::Select => out.push(0x1b),
            Ins::SelectTyped(ty) => out.extend([0x1c, 1, ty.byte()]),
            Ins::Nop => out.push(0x01),
            Ins::Unreachable => out.push(0x00),
            Ins::Return => out.push(0x0f),
            Ins::Block(ty, inner) | Ins::Loop(ty, inner) => {
                out.push(if matches!(ins, Ins::Block(..)) { 0x02 } else { 0x03 });
                ty.encode(types, out);
                encode(inner, types, out);
                out.push(0x0b);
            }
            Ins::If(ty, then, other) => {
                out.push(0x04);
                ty.encode(types, out);
                encode(then, types, out);
                if let Some(other) = other {
                    out.push(0x05);
                    encode(other, types, out);
                }
                out.push(0x0b);
            }
            Ins::Br(label) => index(0x0c, *label, 0, out),
            Ins::BrIf(label) => index(0x0d, *label, 0, out),
            Ins::BrTable(labels, default) => {
                index(0x0e, labels.len() as u32, 0, out);
                labels.iter().chain([default]).for_each(|label| unsigned((*label).into(), 0, out));
            }
            Ins::GlobalGet(global) => index(0x23, *global, 0, out),
            Ins::GlobalSet(global) => index(0x24, *global, 0, out),
            Ins::MemorySize => out.extend([0x3f, 0x00]),
            Ins::Call(function) => index(0x10, *function, 0, out),
        }
    }
}

/// Returns a module that exports comparators, and twins of them that are not inlined.
pub(crate) fn module(comparators: &[Comparator]) -> Vec<u8> {
    let mut types = FunctionTypes::default();
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let (mut exports, mut globals) = (ExportSection::new(), GlobalSection::new());
    functions.function(types.index(&[Ty::I32; 2], &[Ty::I32]));
    let mut mix = Function::new([]);
    mix.instructions().local_get(0).i32_const(3).i32_mul().local_get(1).i32_xor().end();
    code.function(&mix);
    functions.function(types.index(&[], &[Ty::I32]));
    let mut tick = Function::new([]);
    tick.instructions().global_get(0).i32_const(1).i32_add().global_set(0).global_get(0).end();
    code.function(&tick);
    for (nth, comparator) in comparators.iter().enumerate() {
        let params = comparator.shape.params();
        let ty = types.index(&params, &[Ty::I32]);
        let index = functions.len();
        functions.function(ty).function(ty);
        let mut body = Vec::new();
        let mut groups: Vec<(u64, u8)> = Vec::new();
        for local in &comparator.locals {
            match groups.last_mut() {
                Some((count, ty)) if *ty == local.byte() && !comparator.split => *count += 1,
                _ => groups.push((1, local.byte())),
            }
        }
        unsigned(groups.len() as u64, 0, &mut body);
        for (count, ty) in groups {
            unsigned(count, 0, &mut body);
            body.push(ty);
        }
        encode(&comparator.body, &mut types, &mut body);
        body.push(0x0b);
        code.raw(&body);
        let mut twin = Function::new([]);
        for param in 0..params.len() as u32 {
            twin.instructions().local_get(param);
        }
        twin.instructions().call(index).end();
        code.function(&twin);
        exports.export(&comparator.export(nth), ExportKind::Func, index);
        exports.export(&comparator.twin(nth), ExportKind::Func, index + 1);
    }
    exports.export("memory", ExportKind::Memory, 0);
    let global = |val_type, mutable| GlobalType { val_type, mutable, shared: false };
    globals.global(global(ValType::I32, true), &ConstExpr::i32_const(0));
    globals.global(global(ValType::I64, true), &ConstExpr::i64_const(0));
    globals.global(global(ValType::I32, false), &ConstExpr::i32_const(interpret::FIXED));
    let mut memories = MemorySection::new();
    let (memory64, shared, page_size_log2) = (false, false, None);
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64, shared, page_size_log2 });
    let mut section = TypeSection::new();
    for [params, results] in types.0 {
        section.ty().function(params, results);
    }
    let mut segments = DataSection::new();
    segments.active(0, &ConstExpr::i32_const(0), (0..DATA_BYTES).map(data));
    let mut module = Module::new();
    module.section(&section).section(&functions).section(&memories).section(&globals).section(&exports);
    module.section(&code).section(&segments);
    module.finish()
}
