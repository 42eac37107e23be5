//! The cost of compiling a function's code.

use wasmparser::{
    FrameKind, FuncValidator, FunctionBody, Operator, OperatorsReader, Result, ValidatorResources,
};

use super::cost::CostEstimate;
use super::weights as weight;

/// Facts about a function that its weight does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BodyFacts {
    pub(super) grows_memory: bool,
    /// Maximum number of blocks that are open at a time.
    pub(super) nesting: u64,
}

/// A function's control flow, as far as it multiplies.
#[derive(Debug, Default)]
struct Flow {
    /// Edges between blocks, along each of which each local may have a value of its own.
    edges: u64,
    /// Edges that are targets of a `br_table`.
    targets: u64,
    /// Values that edges carry for the operand stack.
    carried: u64,
    /// Values on the operand stack beneath each block, which live through it.
    live: u64,
    /// Calls, each weighed by what it costs for a value that lives through it, which is kept in memory.
    calls: u64,
    /// The same for the values on the operand stack at each call.
    kept: u64,
}

impl Flow {
    fn weight(&self, locals: u64) -> u64 {
        let merged = self.edges.saturating_mul(locals);
        let walked = self.edges - self.targets + self.targets / weight::TARGETS_PER_EDGE;
        merged / weight::MERGED_LOCALS_PER_UNIT
            + walked.saturating_mul(walked) / weight::SQUARED_EDGES_PER_UNIT
            + weight::CARRIED_VALUE * self.carried
            + self.live / weight::LIVE_VALUES_PER_UNIT
            + self.calls.saturating_mul(locals)
            + self.kept
    }
}

/// The weight of one function's instructions so far.
pub(super) struct CodeCost<'a> {
    module: &'a CostEstimate,
    validator: &'a mut FuncValidator<ValidatorResources>,
    weight: u64,
    flow: Flow,
}

impl<'a> CodeCost<'a> {
    /// Validates a function of a module, and returns its weight.
    pub(super) fn weigh(
        module: &'a CostEstimate,
        validator: &'a mut FuncValidator<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<(u64, BodyFacts)> {
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        reader.set_features(*validator.features());
        let mut operators = OperatorsReader::new(reader);
        let locals = u64::from(validator.len_locals());
        let mut weigher = CodeCost { module, validator, weight: 0, flow: Flow::default() };
        let mut read = vec![false; locals as usize];
        let mut facts = BodyFacts::default();
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            weigher.add(&operator, &mut read);
            weigher.validator.op(offset, &operator)?;
            facts.grows_memory |= matches!(operator, Operator::MemoryGrow { .. });
            facts.nesting = facts.nesting.max(u64::from(weigher.validator.control_stack_height()));
        }
        operators.finish()?;
        let read = read.into_iter().filter(|read| *read).count() as u64;
        let total = weigher.weight + weight::LOCAL * locals + weigher.flow.weight(read);
        Ok((total, facts))
    }

    /// Adds an instruction that comes next.
    fn add(&mut self, operator: &Operator<'_>, read: &mut [bool]) {
        self.weight += weight::of(operator);
        let kept = weight::kept_value(operator);
        self.flow.calls += kept;
        self.flow.kept += kept * u64::from(self.validator.operand_stack_height());
        match operator {
            Operator::LocalGet { local_index } => {
                if let Some(read) = read.get_mut(*local_index as usize) {
                    *read = true;
                }
            }
            Operator::Block { blockty } | Operator::If { blockty } => {
                self.boundary(1, self.module.block(*blockty).values());
            }
            Operator::Loop { blockty } => {
                self.boundary(2, self.module.block(*blockty).values());
                self.weight += u64::from(self.validator.control_stack_height()) * weight::LOOP_DEPTH;
            }
            Operator::Else | Operator::End => self.branch(0),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.branch(*relative_depth);
            }
            Operator::BrTable { targets } => {
                self.branch(targets.default());
                for target in targets.targets().flatten() {
                    self.weight += weight::TARGET;
                    self.flow.targets += 1;
                    self.branch(target);
                }
            }
            Operator::Return => self.branch(self.validator.control_stack_height().saturating_sub(1)),
            Operator::Call { function_index } => {
                let called = self.module.function(*function_index);
                self.weight += weight::PASSED_VALUE * called.values();
            }
            Operator::CallIndirect { type_index, .. } => {
                self.weight += weight::PASSED_VALUE * self.module.ty(*type_index).values();
            }
            _ => {}
        }
    }

    /// Adds a branch out of this many blocks, with the values that their label carries.
    fn branch(&mut self, depth: u32) {
        let frame = self.validator.get_control_frame(depth as usize);
        let carried = frame.map_or(0, |frame| {
            let arity = self.module.block(frame.block_type);
            if frame.kind == FrameKind::Loop { arity.params } else { arity.results }
        });
        self.boundary(1, carried);
    }

    fn boundary(&mut self, edges: u64, carried: u64) {
        self.flow.edges += edges;
        self.flow.carried += carried;
        self.flow.live += u64::from(self.validator.operand_stack_height());
    }
}
