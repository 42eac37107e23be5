//! Kernel functions that compute answers ahead of the C library's merge sort.

use wasm_encoder::{BlockType, ValType};

use super::ItemRepr;
use super::code::{DefinedFunction, FunctionBuilder, KernelBuilder, SORT_BLOCK};
use super::compare::Operand;

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

/// A set of answers before the first one: the mark alone, which moves down by a bit with each answer.
const NO_ANSWER: i64 = i64::MIN;

/// Minimum number of answers in a set that is full.
pub(crate) const MIN_FULL_SET: usize = 64 - ANSWERS_PER_ITERATION as usize;

/// Number of answers of one iteration of a loop, so that they share one check of fuel and deadline.
const ANSWERS_PER_ITERATION: u32 = 4;

/// Locals of a merge: the fronts of both runs and their ends, the address of the next set of answers, the
/// current set, and an answer.
struct Merge {
    left: u32,
    right: u32,
    left_end: u32,
    right_end: u32,
    out: u32,
    answers: u32,
    step: u32,
}

impl KernelBuilder<'_> {
    /// `merge_answers (left, right, left_end, right_end, answers) -> i32`: compares the elements of two runs,
    /// neither of them empty, as a merge does from the front, until one is used up. Writes the sets of
    /// answers from `answers` on, 8 bytes each; returns their end.
    ///
    /// In a set a bit is set where the right element comes first. The first answer is the lowest bit above
    /// the lowest set bit, which is the mark of where the set begins: a full set has [`MIN_FULL_SET`] answers
    /// or up to 63.
    pub(super) fn merge_answers(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 5]);
        let (left, right, left_end, right_end, out) = (0, 1, 2, 3, 4);
        let [step] = code.locals(I32);
        let [answers] = code.locals(I64);
        let [x, y, next_x, next_y] = code.locals(self.item());
        let locals = self.compare_locals(&mut code);
        let merge = Merge { left, right, left_end, right_end, out, answers, step };
        let width = match self.spec.items {
            ItemRepr::Addresses { width } | ItemRepr::Records { width } => width as i32,
            _ => self.width(),
        };
        let by_value = matches!(self.spec.items, ItemRepr::Values(_));
        let operands = match self.spec.items {
            ItemRepr::Lines => [left, right].map(Operand::At),
            _ => [x, y].map(Operand::Local),
        };
        if by_value {
            self.load_fronts(&mut code, [(left, x), (right, y)]);
        }
        self.until_used_up(&mut code, &merge, width, |code| {
            if by_value {
                self.load_nexts(code, [(left, next_x), (right, next_y)]);
            } else if self.spec.items != ItemRepr::Lines {
                code.s().local_get(left).local_set(x).local_get(right).local_set(y);
            }
            self.must_swap_operands(code, &locals, operands);
            code.s().local_set(step);
            if by_value {
                advance_fronts(code, step, [(x, next_x), (y, next_y)]);
            }
        });
        code.s().local_get(out);
        code.done(&[I32])
    }

    /// Emits the loop of a merge. `compare` leaves the answer about the fronts in the local for it; here it
    /// is added to the sets, and the front is moved on.
    fn until_used_up(
        &self,
        code: &mut FunctionBuilder,
        merge: &Merge,
        width: i32,
        mut compare: impl FnMut(&mut FunctionBuilder),
    ) {
        let Merge { left, right, left_end, right_end, out, answers, step } = *merge;
        let flush = |code: &mut FunctionBuilder| {
            code.s().local_get(out).local_get(answers).i64_store(self.at(0, 3));
            code.s().local_get(out).i32_const(8).i32_add().local_set(out);
        };
        code.s().i64_const(NO_ANSWER).local_set(answers);
        code.s().block(BlockType::Empty).loop_(BlockType::Empty);
        for last in (1..=ANSWERS_PER_ITERATION).map(|nth| nth == ANSWERS_PER_ITERATION) {
            compare(code);
            code.s().local_get(answers).i64_const(1).i64_shr_u();
            code.s().local_get(step).i64_extend_i32_u().i64_const(63).i64_shl().i64_or().local_set(answers);
            code.s().local_get(step).i32_const(width).i32_mul().local_tee(step);
            code.s().local_get(right).i32_add().local_set(right);
            code.s().local_get(left).i32_const(width).i32_add().local_get(step).i32_sub().local_set(left);
            code.s().local_get(left).local_get(left_end).i32_lt_u();
            code.s().local_get(right).local_get(right_end).i32_lt_u().i32_and();
            if !last {
                code.s().i32_eqz().br_if(1);
            }
        }
        // Whether the mark leaves no room for another iteration.
        let full = (1 << ANSWERS_PER_ITERATION) - 1;
        code.s().local_get(answers).i64_const(full).i64_and().i64_eqz().i32_and().br_if(0);
        code.s().local_get(answers).i64_const(full).i64_and().i64_eqz().br_if(1);
        flush(code);
        code.s().i64_const(NO_ANSWER).local_set(answers);
        code.s().local_get(left).local_get(left_end).i32_lt_u();
        code.s().local_get(right).local_get(right_end).i32_lt_u().i32_and().br_if(0);
        code.s().end().end();
        code.s().local_get(answers).i64_const(NO_ANSWER).i64_ne().if_(BlockType::Empty);
        flush(code);
        code.s().end();
    }

    /// `sort_block (items, to, scratch, len, answers) -> i32`: sorts items as glibc does, first the halves,
    /// then merging both from the front, so that they end up at `to`; `items` is the same address as `to` or
    /// `scratch`, and both are written to. Writes the sets of answers of each merge, from `answers` on, as
    /// [`merge_answers`](KernelBuilder::merge_answers) does; returns their end.
    pub(super) fn sort_block(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 5]);
        let (items, to, scratch, len, out) = (0, 1, 2, 3, 4);
        let [half, left, middle, right, end, step] = code.locals(I32);
        let [answers] = code.locals(I64);
        let [x, y, next_x, next_y] = code.locals(self.item());
        let locals = self.compare_locals(&mut code);
        let (width, shift) = (self.width(), self.width().trailing_zeros() as i32);
        let merge = Merge { left, right, left_end: middle, right_end: end, out, answers, step };
        code.s().local_get(len).i32_const(2).i32_lt_u().if_(BlockType::Empty);
        self.copy_item(&mut code, items, to);
        code.s().local_get(out).return_().end();
        code.s().local_get(len).i32_const(2).i32_eq().if_(BlockType::Empty);
        self.load_fronts(&mut code, [(items, x)]);
        self.load_nexts(&mut code, [(items, y)]);
        self.must_swap(&mut code, &locals, x, y);
        code.s().local_set(step);
        for (offset, [first, second]) in [(0, [y, x]), (width, [x, y])] {
            code.s().local_get(to).local_get(first).local_get(second).local_get(step).select();
            self.store(&mut code, offset);
        }
        // A set of one answer: the answer, and the mark below it.
        code.s().local_get(out).local_get(step).i64_extend_i32_u().i64_const(63).i64_shl();
        code.s().i64_const(1 << 62).i64_or().i64_store(self.at(0, 3));
        code.s().local_get(out).i32_const(8).i32_add().return_().end();

        code.s().local_get(len).i32_const(1).i32_shr_u().local_tee(half);
        code.s().i32_const(shift).i32_shl().local_set(step);
        code.s().local_get(items).local_get(scratch).local_get(to).local_get(half).local_get(out);
        code.s().call(SORT_BLOCK).local_set(out);
        for place in [items, scratch, to] {
            code.s().local_get(place).local_get(step).i32_add();
        }
        code.s().local_get(len).local_get(half).i32_sub().local_get(out).call(SORT_BLOCK).local_set(out);
        code.s()
            .local_get(scratch)
            .local_tee(left)
            .local_get(step)
            .i32_add()
            .local_tee(middle)
            .local_set(right);
        code.s().local_get(scratch).local_get(len).i32_const(shift).i32_shl().i32_add().local_set(end);
        self.load_fronts(&mut code, [(left, x), (right, y)]);
        self.until_used_up(&mut code, &merge, width, |code| {
            self.load_nexts(code, [(left, next_x), (right, next_y)]);
            self.must_swap(code, &locals, x, y);
            code.s().local_set(step);
            code.s().local_get(to).local_get(y).local_get(x).local_get(step).select();
            self.store(code, 0);
            advance_fronts(code, step, [(x, next_x), (y, next_y)]);
            code.s().local_get(to).i32_const(width).i32_add().local_set(to);
        });
        // One of the runs is used up: copy the rest of the other.
        for (run, run_end) in [(left, middle), (right, end)] {
            code.s().block(BlockType::Empty).loop_(BlockType::Empty);
            code.s().local_get(run).local_get(run_end).i32_ge_u().br_if(1);
            self.copy_item(&mut code, run, to);
            for cursor in [run, to] {
                code.s().local_get(cursor).i32_const(width).i32_add().local_set(cursor);
            }
            code.s().br(0).end().end();
        }
        code.s().local_get(out);
        code.done(&[I32])
    }

    /// Emits the copy of an item.
    fn copy_item(&self, code: &mut FunctionBuilder, from: u32, to: u32) {
        code.s().local_get(to).local_get(from);
        self.load(code, 0);
        self.store(code, 0);
    }

    /// Emits loads of the items at the fronts of the runs.
    fn load_fronts<const N: usize>(&self, code: &mut FunctionBuilder, runs: [(u32, u32); N]) {
        for (cursor, item) in runs {
            code.s().local_get(cursor);
            self.load(code, 0);
            code.s().local_set(item);
        }
    }

    /// Emits loads of the items after the fronts, one of which is next after the answer: early, to hide their
    /// latency.
    fn load_nexts<const N: usize>(&self, code: &mut FunctionBuilder, runs: [(u32, u32); N]) {
        for (cursor, item) in runs {
            code.s().local_get(cursor);
            self.load(code, self.width());
            code.s().local_set(item);
        }
    }
}

/// Emits the advance to the next item of the run that the answer took one from.
fn advance_fronts(code: &mut FunctionBuilder, step: u32, [(x, next_x), (y, next_y)]: [(u32, u32); 2]) {
    code.s().local_get(x).local_get(next_x).local_get(step).select().local_set(x);
    code.s().local_get(next_y).local_get(y).local_get(step).select().local_set(y);
}
