//! Kernel functions that compute answers ahead of the C library's merge sort.

use wasm_encoder::{BlockType, MemArg, ValType};

use super::ItemRepr;
use super::compare::Operand;
use super::code::{DefinedFunction, FunctionBuilder, KernelBuilder, SORT_BLOCK};

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

/// Maximum number of answers of one call.
const MAX_ANSWERS: u32 = 63;

/// Number of answers of one iteration of the loop.
const ANSWERS_PER_ITERATION: u32 = 4;

impl KernelBuilder<'_> {
    /// `merge_answers (left, right, left_end, right_end) -> (i64, i32)`: compares the elements of two runs as
    /// a merge does, from the front, until one of them is used up or there are some 60 answers. Bit n is set
    /// if the nth comparison put the right element first; the second result is the number of answers.
    pub(super) fn merge_answers(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 4]);
        let (left, right, left_end, right_end) = (0, 1, 2, 3);
        let [step] = code.locals(I32);
        let [count, bits] = code.locals(I64);
        let [x, y, next_x, next_y] = code.locals(self.item());
        let locals = self.compare_locals(&mut code);
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
        // Unrolled, so that several comparisons share one check of fuel and deadline.
        code.s().block(BlockType::Empty).loop_(BlockType::Empty);
        for last in (1..=ANSWERS_PER_ITERATION).map(|nth| nth == ANSWERS_PER_ITERATION) {
            if by_value {
                self.load_nexts(&mut code, [(left, next_x), (right, next_y)]);
            } else if self.spec.items != ItemRepr::Lines {
                code.s().local_get(left).local_set(x).local_get(right).local_set(y);
            }
            self.must_swap_operands(&mut code, &locals, operands);
            code.s().local_set(step);
            if by_value {
                advance_fronts(&mut code, step, [(x, next_x), (y, next_y)]);
            }
            code.s().local_get(step).i64_extend_i32_u().local_get(count).i64_shl().local_get(bits).i64_or();
            code.s().local_set(bits);
            code.s().local_get(count).i64_const(1).i64_add().local_set(count);
            code.s().local_get(step).i32_const(width).i32_mul().local_tee(step);
            code.s().local_get(right).i32_add().local_set(right);
            code.s().local_get(left).i32_const(width).i32_add().local_get(step).i32_sub().local_set(left);
            code.s().local_get(left).local_get(left_end).i32_lt_u();
            code.s().local_get(right).local_get(right_end).i32_lt_u().i32_and();
            if last {
                code.s()
                    .local_get(count)
                    .i64_const(i64::from(MAX_ANSWERS - ANSWERS_PER_ITERATION))
                    .i64_le_u()
                    .i32_and()
                    .br_if(0);
            } else {
                code.s().i32_eqz().br_if(1);
            }
        }
        code.s().end().end();
        code.s().local_get(bits).local_get(count).i32_wrap_i64();
        code.done(&[I64, I32])
    }

    /// `sort_block (items, to, scratch, len, answers) -> i32`: sorts up to 64 items as glibc does, first the
    /// halves, then merging both from the front, so that they end up at `to`; `items` is the same address as
    /// `to` or `scratch`, and both are written to. Each merge writes 16 bytes, from `answers` on: its answers
    /// as [`merge_answers`](KernelBuilder::merge_answers) gives them, and their number. Returns the end of
    /// these bytes.
    pub(super) fn sort_block(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 5]);
        let (items, to, scratch, len, out) = (0, 1, 2, 3, 4);
        let [half, left, middle, right, end, step] = code.locals(I32);
        let [answers, count] = code.locals(I64);
        let [x, y, next_x, next_y] = code.locals(self.item());
        let locals = self.compare_locals(&mut code);
        let (width, shift, own) = (self.width(), self.width().trailing_zeros() as i32, self.memory());
        let write_answers = |code: &mut FunctionBuilder| {
            for (value, offset) in [(answers, 0), (count, 8)] {
                let place = MemArg { offset, align: 3, memory_index: own };
                code.s().local_get(out).local_get(value).i64_store(place);
            }
            code.s().local_get(out).i32_const(16).i32_add();
        };
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
        code.s().local_get(step).i64_extend_i32_u().local_set(answers).i64_const(1).local_set(count);
        write_answers(&mut code);
        code.s().return_().end();

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
        code.s().loop_(BlockType::Empty);
        self.load_nexts(&mut code, [(left, next_x), (right, next_y)]);
        self.must_swap(&mut code, &locals, x, y);
        code.s().local_set(step);
        code.s().local_get(step).i64_extend_i32_u().local_get(count).i64_shl().local_get(answers).i64_or();
        code.s().local_set(answers);
        code.s().local_get(count).i64_const(1).i64_add().local_set(count);
        code.s().local_get(to).local_get(y).local_get(x).local_get(step).select();
        self.store(&mut code, 0);
        advance_fronts(&mut code, step, [(x, next_x), (y, next_y)]);
        code.s().local_get(to).i32_const(width).i32_add().local_set(to);
        code.s().local_get(step).i32_const(shift).i32_shl().local_tee(step);
        code.s().local_get(right).i32_add().local_set(right);
        code.s().local_get(left).i32_const(width).i32_add().local_get(step).i32_sub().local_set(left);
        code.s().local_get(left).local_get(middle).i32_lt_u();
        code.s().local_get(right).local_get(end).i32_lt_u().i32_and().br_if(0).end();
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
        write_answers(&mut code);
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
