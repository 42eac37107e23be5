//! Answers that the C library's merge sort is going to ask for.

use wasm_encoder::{BlockType, MemArg, ValType};

use super::ItemRepr;
use super::code::{DefinedFunction, FunctionBuilder, KernelBuilder, SORT_BLOCK};

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

/// So many answers are given at most, and so many in one turn of the loop.
const MAX_ANSWERS: u32 = 63;
const ANSWERS_PER_ITERATION: u32 = 4;

impl KernelBuilder<'_> {
    /// `ahead (left, right, left_end, right_end) -> (i64, i32)`: compares the elements of two runs as a merge
    /// does, from the front, until one of them is used up or there are some 60 answers. Bit n tells whether
    /// the nth comparison found that the right one comes first; the other result is how many there are.
    pub(super) fn merge_answers(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 4]);
        let (left, right, left_end, right_end) = (0, 1, 2, 3);
        let [step] = code.locals(I32);
        let [count, bits] = code.locals(I64);
        let [x, y, next_x, next_y] = code.locals(self.item());
        let asking = self.asking(&mut code);
        let width = match self.spec.items {
            ItemRepr::Addresses { width } | ItemRepr::Records { width } => width as i32,
            _ => self.width(),
        };
        let by_value = matches!(self.spec.items, ItemRepr::Values(_));
        if by_value {
            self.first(&mut code, [(left, x), (right, y)]);
        }
        // Fuel and the deadline are looked at once for several questions.
        code.s().block(BlockType::Empty).loop_(BlockType::Empty);
        for last in (1..=ANSWERS_PER_ITERATION).map(|nth| nth == ANSWERS_PER_ITERATION) {
            if by_value {
                self.second(&mut code, [(left, next_x), (right, next_y)]);
            } else {
                code.s().local_get(left).local_set(x).local_get(right).local_set(y);
            }
            self.after(&mut code, &asking, x, y);
            code.s().local_set(step);
            if by_value {
                choose(&mut code, step, [(x, next_x), (y, next_y)]);
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

    /// `halves (items, to, room, len, answers) -> i32`: sorts up to 64 items as glibc does, its halves first
    /// and then both into one, from the front, so that they end up at `to`; `items` is the same place as
    /// `to` or `room`, and both are written to. For each merge 16 bytes are written from `answers` on: its
    /// answers as [`ahead`](Kernel::ahead) gives them, and how many; returns where they end.
    pub(super) fn sort_block(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 5]);
        let (items, to, scratch, len, out) = (0, 1, 2, 3, 4);
        let [half, left, middle, right, end, step] = code.locals(I32);
        let [answers, count] = code.locals(I64);
        let [x, y, next_x, next_y] = code.locals(self.item());
        let asking = self.asking(&mut code);
        let (width, shift, own) = (self.width(), self.width().trailing_zeros() as i32, self.memory());
        let written = |code: &mut FunctionBuilder| {
            for (value, offset) in [(answers, 0), (count, 8)] {
                let place = MemArg { offset, align: 3, memory_index: own };
                code.s().local_get(out).local_get(value).i64_store(place);
            }
            code.s().local_get(out).i32_const(16).i32_add();
        };
        code.s().local_get(len).i32_const(2).i32_lt_u().if_(BlockType::Empty);
        self.moved(&mut code, items, to);
        code.s().local_get(out).return_().end();
        code.s().local_get(len).i32_const(2).i32_eq().if_(BlockType::Empty);
        self.first(&mut code, [(items, x)]);
        self.second(&mut code, [(items, y)]);
        self.after(&mut code, &asking, x, y);
        code.s().local_set(step);
        for (offset, [first, second]) in [(0, [y, x]), (width, [x, y])] {
            code.s().local_get(to).local_get(first).local_get(second).local_get(step).select();
            self.store(&mut code, offset);
        }
        code.s().local_get(step).i64_extend_i32_u().local_set(answers).i64_const(1).local_set(count);
        written(&mut code);
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
        self.first(&mut code, [(left, x), (right, y)]);
        code.s().loop_(BlockType::Empty);
        self.second(&mut code, [(left, next_x), (right, next_y)]);
        self.after(&mut code, &asking, x, y);
        code.s().local_set(step);
        code.s().local_get(step).i64_extend_i32_u().local_get(count).i64_shl().local_get(answers).i64_or();
        code.s().local_set(answers);
        code.s().local_get(count).i64_const(1).i64_add().local_set(count);
        code.s().local_get(to).local_get(y).local_get(x).local_get(step).select();
        self.store(&mut code, 0);
        choose(&mut code, step, [(x, next_x), (y, next_y)]);
        code.s().local_get(to).i32_const(width).i32_add().local_set(to);
        code.s().local_get(step).i32_const(shift).i32_shl().local_tee(step);
        code.s().local_get(right).i32_add().local_set(right);
        code.s().local_get(left).i32_const(width).i32_add().local_get(step).i32_sub().local_set(left);
        code.s().local_get(left).local_get(middle).i32_lt_u();
        code.s().local_get(right).local_get(end).i32_lt_u().i32_and().br_if(0).end();
        // One of the two is used up.
        for (run, run_end) in [(left, middle), (right, end)] {
            code.s().block(BlockType::Empty).loop_(BlockType::Empty);
            code.s().local_get(run).local_get(run_end).i32_ge_u().br_if(1);
            self.moved(&mut code, run, to);
            for cursor in [run, to] {
                code.s().local_get(cursor).i32_const(width).i32_add().local_set(cursor);
            }
            code.s().br(0).end().end();
        }
        written(&mut code);
        code.done(&[I32])
    }

    /// Copies an item.
    fn moved(&self, code: &mut FunctionBuilder, from: u32, to: u32) {
        code.s().local_get(to).local_get(from);
        self.load(code, 0);
        self.store(code, 0);
    }

    /// Reads the items at the fronts of two runs.
    fn first<const N: usize>(&self, code: &mut FunctionBuilder, runs: [(u32, u32); N]) {
        for (cursor, item) in runs {
            code.s().local_get(cursor);
            self.load(code, 0);
            code.s().local_set(item);
        }
    }

    /// Reads the items behind them, of which the answer makes one the next: then it need not be waited for.
    fn second<const N: usize>(&self, code: &mut FunctionBuilder, runs: [(u32, u32); N]) {
        for (cursor, item) in runs {
            code.s().local_get(cursor);
            self.load(code, self.width());
            code.s().local_set(item);
        }
    }
}

/// Goes on to the next item of the run that the answer has taken one from.
fn choose(code: &mut FunctionBuilder, step: u32, [(x, next_x), (y, next_y)]: [(u32, u32); 2]) {
    code.s().local_get(x).local_get(next_x).local_get(step).select().local_set(x);
    code.s().local_get(next_y).local_get(y).local_get(step).select().local_set(y);
}
