//! Shapes of modules: what the search changes, and the module that a shape stands for.

use std::borrow::Cow;

use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, Encode, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, MemorySection, MemoryType, RefType,
    StartSection, TableSection, TableType, TypeSection, ValType,
};

use super::body;
use super::ops::Ty;

/// A piece of code, repeated until the function is full.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Gene {
    /// An instruction of [`super::ops::all`], which takes its operands from the source of this number.
    Op(usize, u8),
    /// A read of a local of this type; the index moves on by the second number each time.
    Get(Ty, u16, u16),
    Set(Ty, u16, u16),
    Tee(Ty, u16, u16),
    /// A block of a kind and a type, around genes.
    Block(Kind, usize, Vec<Gene>),
    /// Nested blocks of this number; the first genes are in the innermost, the second before each end.
    Nest(Kind, usize, u16, Vec<Gene>, Vec<Gene>),
    /// A branch out of this many blocks, and the second number more each time.
    BrIf(u16, u16),
    Br(u16, u16),
    /// A branch table with this many targets.
    Table(u16, u16),
    Return,
    /// A call of the function of a type.
    Call(usize),
    Indirect(usize),
    Repeat(u16, Vec<Gene>),
    /// Drops of this many values.
    Drop(u16),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Block,
    Loop,
    If,
}

/// How functions come to be reachable from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Escape {
    No,
    Exports,
    Declared,
    Passive,
    Active,
    /// Active at an offset that is only known when a guest is made.
    Dynamic,
    Expressions,
}

/// A module, as far as the search changes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Numbers of parameters and results, and which types the values have.
    pub(crate) types: Vec<(u8, u8, u8)>,
    /// Copies of the function, whose type is the last.
    pub(crate) functions: u16,
    /// Functions without code, of the last type as well.
    pub(crate) empty: u16,
    pub(crate) locals: [u16; 4],
    /// Bytes of code in each function.
    pub(crate) size: u16,
    pub(crate) genes: Vec<Gene>,
    pub(crate) escape: Escape,
    /// Segments that name functions, and the entries of each.
    pub(crate) segments: (u16, u16),
    /// Globals, and the length of the constant expression of each.
    pub(crate) globals: (u16, u16),
    /// Data segments, the bytes of each, and the distance between them.
    pub(crate) data: (u16, u16, u32),
    /// Length of the name of each export.
    pub(crate) name: u16,
    pub(crate) start: bool,
}

fn val(ty: Ty) -> ValType {
    match ty {
        Ty::I32 => ValType::I32,
        Ty::I64 => ValType::I64,
        Ty::F32 => ValType::F32,
        Ty::F64 => ValType::F64,
    }
}

/// Returns the types of so many values, all of one or mixed.
pub(crate) fn values(count: u8, mix: u8) -> Vec<Ty> {
    let at = |at: u8| match mix % 6 {
        mix @ 0..4 => Ty::ALL[usize::from(mix)],
        4 => Ty::ALL[usize::from(at % 4)],
        _ => Ty::ALL[usize::from(at % 2)],
    };
    (0..count).map(at).collect()
}

impl Shape {
    pub(crate) fn params(&self, ty: usize) -> Vec<Ty> {
        let (params, _, mix) = self.types[ty % self.types.len()];
        values(params, mix)
    }

    pub(crate) fn results(&self, ty: usize) -> Vec<Ty> {
        let (_, results, mix) = self.types[ty % self.types.len()];
        values(results, mix)
    }

    /// Returns the index of the type that its functions have.
    pub(crate) fn last(&self) -> usize {
        self.types.len() - 1
    }

    /// Returns the shape with this many times as many functions, types, segments and data.
    pub(crate) fn scaled(&self, times: f64) -> Shape {
        let many = |count: u16| (f64::from(count) * times) as u16;
        Shape { functions: many(self.functions).max(1), empty: many(self.empty), ..self.clone() }
    }

    /// Returns the binary.
    pub(crate) fn module(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        for ty in 0..self.types.len() {
            types.ty().function(self.params(ty).into_iter().map(val), self.results(ty).into_iter().map(val));
        }
        let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
        // One function of each type, to be called.
        for ty in 0..self.types.len() {
            functions.function(ty as u32);
            code.function(&trap());
        }
        let locals: Vec<_> =
            Ty::ALL.iter().zip(self.locals).map(|(ty, count)| (u32::from(count), val(*ty))).collect();
        let mut function = Function::new(locals);
        function.raw(body::of(self));
        for _ in 0..self.functions {
            functions.function(self.last() as u32);
            code.function(&function);
        }
        for _ in 0..self.empty {
            functions.function(self.last() as u32);
            code.function(&trap());
        }
        let mut tables = TableSection::new();
        let (table64, shared) = (false, false);
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64,
            minimum: 5000,
            maximum: None,
            shared,
        });
        let mut memories = MemorySection::new();
        let (memory64, page_size_log2) = (false, None);
        memories.memory(MemoryType { minimum: 500, maximum: None, memory64, shared, page_size_log2 });
        let mut module = wasm_encoder::Module::new();
        module.section(&types).section(&functions).section(&tables).section(&memories);
        module.section(&self.global_section()).section(&self.export_section());
        if self.start && self.types[0].0 == 0 && self.types[0].1 == 0 {
            module.section(&StartSection { function_index: 0 });
        }
        module.section(&self.element_section());
        module.section(&DataCountSection { count: u32::from(self.data.0) + 1 });
        module.section(&code).section(&self.data_section());
        module.finish()
    }

    fn global_section(&self) -> GlobalSection {
        let mut globals = GlobalSection::new();
        let ty = |val_type| GlobalType { val_type, mutable: true, shared: false };
        globals.global(ty(ValType::I32), &ConstExpr::i32_const(1));
        globals.global(ty(ValType::I64), &ConstExpr::i64_const(1));
        globals.global(ty(ValType::F32), &ConstExpr::f32_const(1.0.into()));
        globals.global(ty(ValType::F64), &ConstExpr::f64_const(1.0.into()));
        let fixed = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
        globals.global(fixed, &ConstExpr::i32_const(1));
        for _ in 0..self.globals.0 {
            let chain = (0..self.globals.1)
                .fold(ConstExpr::i32_const(3), |chain, _| chain.with_i32_const(5).with_i32_mul());
            globals.global(fixed, &chain);
        }
        globals
    }

    /// Returns the indices of the functions that escape.
    fn escaping(&self) -> Vec<u32> {
        let first = self.types.len() as u32;
        let count = u32::from(self.functions) + u32::from(self.empty);
        let at = |at: u32| first + at % count.max(1);
        (0..u32::from(self.segments.0) * u32::from(self.segments.1)).map(at).collect()
    }

    fn export_section(&self) -> ExportSection {
        let mut exports = ExportSection::new();
        if self.escape == Escape::Exports && self.functions + self.empty > 0 {
            for (at, function) in self.escaping().into_iter().enumerate() {
                let name = format!("{at:0width$}", width = usize::from(self.name));
                exports.export(&name, ExportKind::Func, function);
            }
        }
        exports
    }

    fn element_section(&self) -> ElementSection {
        let mut elements = ElementSection::new();
        elements.passive(Elements::Functions(Cow::Borrowed(&[0])));
        let escaping = self.escaping();
        if self.functions + self.empty == 0 {
            return elements;
        }
        for entries in escaping.chunks(usize::from(self.segments.1).max(1)) {
            let functions = Elements::Functions(Cow::Borrowed(entries));
            match self.escape {
                Escape::No | Escape::Exports => continue,
                Escape::Declared => elements.declared(functions),
                Escape::Passive => elements.passive(functions),
                Escape::Active => elements.active(None, &ConstExpr::i32_const(0), functions),
                Escape::Dynamic => {
                    let offset = ConstExpr::i32_const(0).with_i32_const(1).with_i32_add();
                    elements.active(None, &offset, functions)
                }
                Escape::Expressions => {
                    let exprs: Vec<_> = entries.iter().map(|at| ConstExpr::ref_func(*at)).collect();
                    elements.passive(Elements::Expressions(RefType::FUNCREF, Cow::Owned(exprs)))
                }
            };
        }
        elements
    }

    fn data_section(&self) -> DataSection {
        let mut data = DataSection::new();
        data.passive([1]);
        let (segments, bytes, distance) = self.data;
        for at in 0..u32::from(segments) {
            let offset = (at.wrapping_mul(distance) % (30 << 20)) as i32;
            data.active(0, &ConstExpr::i32_const(offset), std::iter::repeat_n(1, usize::from(bytes)));
        }
        data
    }
}

fn trap() -> Function {
    let mut function = Function::new([]);
    function.raw([0x00, 0x0b]);
    function
}

/// Appends a number in LEB128.
pub(crate) fn leb(bytes: &mut Vec<u8>, number: u32) {
    number.encode(bytes);
}
