//! The cost of compiling a module, estimated from its types, functions, segments and instructions.
//!
//! A unit stands for a fixed share of the compiler's time and memory: where everything together weighs the
//! default limit, the worst module that `benches/compile` has found takes half of what the limits promise.
//! The weights are upper bounds found by that search, not averages, so ordinary code compiles faster.

use wasmparser::{
    BlockType, ConstExpr, DataKind, Element, ElementItems, ElementKind, ExternalKind, FuncType,
    FuncValidator, FunctionBody, Operator, Payload, Result, TableInit, TypeRef, ValidatorResources,
};

use super::code_cost::{BodyFacts, CodeCost};
use super::weights as weight;

/// Numbers of parameters and results.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arity {
    pub(super) params: u64,
    pub(super) results: u64,
}

impl Arity {
    pub(super) fn values(self) -> u64 {
        self.params + self.results
    }
}

/// The weight of the parts of a module that were added so far, and the types needed to weigh the others.
#[derive(Debug, Default)]
pub(super) struct CostEstimate {
    types: Vec<Arity>,
    functions: Vec<Arity>,
    /// Functions that C or a table can reach, each with a trampoline.
    escaping: Vec<bool>,
    /// Elements that the table has at first.
    table: u64,
    /// Whether some segment has to be put into the table by code, and all later ones with it.
    dynamic_tables: bool,
    total: u64,
}

impl CostEstimate {
    /// Creates an estimate for a module of this size, which is copied some times.
    pub(super) fn new(bytes: usize) -> CostEstimate {
        CostEstimate { total: bytes as u64 / weight::BYTES_PER_UNIT, ..CostEstimate::default() }
    }

    /// Returns the weight of everything that was added.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Adds the weight of a section; functions have [`CostEstimate::add_body`].
    pub(super) fn add(&mut self, payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.clone().into_iter_err_on_gc_types() {
                    self.add_type(&ty?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    self.total += weight::DECLARATION;
                    match import?.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.add_function(ty),
                        TypeRef::Table(_) => self.dynamic_tables = true,
                        _ => {}
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section.clone() {
                    self.add_function(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    let table = table?;
                    self.table = table.ty.initial;
                    if let TableInit::Expr(expr) = table.init {
                        self.add_initializer(&expr)?;
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    self.add_initializer(&global?.init_expr)?;
                }
            }
            Payload::ExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    self.total += weight::DECLARATION;
                    if let ExternalKind::Func | ExternalKind::FuncExact = export.kind {
                        self.add_escaping(export.index);
                    }
                }
            }
            Payload::StartSection { func, .. } => self.add_escaping(*func),
            Payload::ElementSection(section) => {
                for segment in section.clone() {
                    self.add_segment(&segment?)?;
                }
            }
            Payload::DataSection(section) => {
                for segment in section.clone() {
                    self.total += weight::DATA_SEGMENT;
                    if let DataKind::Active { offset_expr, .. } = segment?.kind {
                        self.add_initializer(&offset_expr)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds an element segment. Its entries become code unless it is put into the table by copying, which
    /// ends at the first segment that is not known to fit.
    fn add_segment(&mut self, segment: &Element<'_>) -> Result<()> {
        self.total += weight::ELEMENT_SEGMENT;
        let known = match &segment.kind {
            ElementKind::Active { offset_expr, .. } => {
                self.add_initializer(offset_expr)?;
                let mut operators = offset_expr.get_operators_reader();
                match (operators.read()?, operators.is_end_then_eof()) {
                    (Operator::I32Const { value }, true) => Some(u64::from(value.cast_unsigned())),
                    _ => None,
                }
            }
            // A declared segment only names functions.
            ElementKind::Declared => Some(0),
            ElementKind::Passive => None,
        };
        match &segment.items {
            ElementItems::Functions(items) => {
                for function in items.clone() {
                    self.add_escaping(function?);
                }
                let fits = known.is_some_and(|offset| offset + u64::from(items.count()) <= self.table);
                let declared = matches!(segment.kind, ElementKind::Declared);
                self.dynamic_tables |= !fits && !declared && !matches!(segment.kind, ElementKind::Passive);
                if !declared && (!fits || self.dynamic_tables) {
                    self.total += weight::ENTRY * u64::from(items.count());
                }
            }
            ElementItems::Expressions(_, items) => {
                self.dynamic_tables = true;
                for item in items.clone() {
                    self.total += weight::ENTRY;
                    self.add_initializer(&item?)?;
                }
            }
        }
        Ok(())
    }

    /// Adds a constant expression, which becomes code of a function that runs at the start.
    fn add_initializer(&mut self, expr: &ConstExpr<'_>) -> Result<()> {
        self.total += weight::DECLARATION;
        let mut operators = expr.get_operators_reader();
        while !operators.eof() {
            self.total += weight::INITIALIZER;
            if let Operator::RefFunc { function_index } = operators.read()? {
                self.total += weight::ENTRY;
                self.add_escaping(function_index);
            }
        }
        Ok(())
    }

    /// Adds a type, for which a trampoline is compiled.
    fn add_type(&mut self, ty: &FuncType) {
        let arity = Arity { params: ty.params().len() as u64, results: ty.results().len() as u64 };
        self.types.push(arity);
        self.total += weight::TRAMPOLINE + weight::TRAMPOLINE_VALUE * arity.values();
    }

    /// Adds an imported or defined function of this type.
    fn add_function(&mut self, ty: u32) {
        let arity = self.ty(ty);
        self.functions.push(arity);
        self.escaping.push(false);
        self.total += weight::FUNCTION + weight::PASSED_VALUE * arity.values();
    }

    /// Adds the trampoline of a function that is exported, or in a segment, or otherwise referred to.
    fn add_escaping(&mut self, function: u32) {
        let at = function as usize;
        if let Some(escaping @ false) = self.escaping.get_mut(at) {
            *escaping = true;
            self.total += weight::TRAMPOLINE + weight::TRAMPOLINE_VALUE * self.functions[at].values();
        }
    }

    /// Returns a function's arity.
    pub(super) fn function(&self, index: u32) -> Arity {
        self.functions.get(index as usize).copied().unwrap_or_default()
    }

    /// Returns a type's arity; an index out of range counts as empty, and the validator rejects it.
    pub(super) fn ty(&self, index: u32) -> Arity {
        self.types.get(index as usize).copied().unwrap_or_default()
    }

    pub(super) fn block(&self, ty: BlockType) -> Arity {
        match ty {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { params: 0, results: 1 },
            BlockType::FuncType(index) => self.ty(index),
        }
    }

    /// Validates a function and adds its weight.
    pub(super) fn add_body(
        &mut self,
        validator: &mut FuncValidator<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<BodyFacts> {
        let (weight, facts) = CodeCost::weigh(self, validator, body)?;
        self.total += weight;
        Ok(facts)
    }
}
