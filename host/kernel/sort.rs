//! The merge sort itself.

use wasm_encoder::{BlockType, ValType};

use super::code::{DefinedFunction, FunctionBuilder, KernelBuilder, MERGE_HALVES, SORT};
use super::compare::CompareLocals;

const I32: ValType = ValType::I32;

impl KernelBuilder<'_> {
    /// `sort (a, b, len)`: returns early if the input is already in order, and calls [`SORT`] otherwise.
    pub(super) fn entry(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 3]);
        let (a, b, len) = (0, 1, 2);
        let [at, last] = code.locals(I32);
        let [x, y] = code.locals(self.item());
        let locals = self.compare_locals(&mut code);
        let width = self.width();
        code.s().local_get(len).i32_const(2).i32_lt_u().if_(BlockType::Empty).return_().end();
        code.s().local_get(a).local_set(at);
        code.s().local_get(len).i32_const(1).i32_sub().i32_const(width).i32_mul().local_get(a).i32_add();
        code.s().local_set(last);
        code.s().local_get(a);
        self.load(&mut code, 0);
        code.s().local_set(y);
        code.s().block(BlockType::Empty).loop_(BlockType::Empty);
        code.s().local_get(y).local_set(x).local_get(at);
        self.load(&mut code, width);
        code.s().local_set(y);
        self.count(&mut code, |code| {
            code.s().i32_const(1);
        });
        self.must_swap(&mut code, &locals, x, y);
        code.s().br_if(1);
        code.s().local_get(at).i32_const(width).i32_add().local_tee(at);
        code.s().local_get(last).i32_lt_u().br_if(0).return_().end().end();
        code.s().local_get(a).local_get(a).local_get(b).local_get(len).call(SORT);
        code.done(&[])
    }

    /// `sort_part (data, to, scratch, len)`: sorts the items at `data` so that they end up at `to`; `data`
    /// is the same address as `to` or `scratch`, and both are written to.
    pub(super) fn sort(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 4]);
        let (data, to, scratch, len) = (0, 1, 2, 3);
        let [half, bytes] = code.locals(I32);
        let locals = self.compare_locals(&mut code);
        code.s().local_get(len).i32_const(4).i32_le_u().if_(BlockType::Empty);
        self.leaf(&mut code, &locals, data, to, len);
        code.s().return_().end();
        code.s().local_get(len).i32_const(1).i32_shr_u().local_tee(half);
        code.s().i32_const(self.width()).i32_mul().local_set(bytes);
        code.s().local_get(data).local_get(scratch).local_get(to).local_get(half).call(SORT);
        for place in [data, scratch, to] {
            code.s().local_get(place).local_get(bytes).i32_add();
        }
        code.s().local_get(len).local_get(half).i32_sub().call(SORT);
        code.s().local_get(scratch).local_get(to).local_get(half).local_get(len).call(MERGE_HALVES);
        code.done(&[])
    }

    /// Emits the sort of up to four items, with the fewest comparisons that suffice for every input, and
    /// without branches that depend on an answer.
    fn leaf(&self, code: &mut FunctionBuilder, locals: &CompareLocals, data: u32, to: u32, len: u32) {
        let items: [u32; 4] = code.locals(self.item());
        let [a, b, c, d] = items;
        let at = |n: i32| n * self.width();
        for (count, comparisons) in [(4, 5), (3, 3), (2, 1), (1, 0)] {
            code.s().local_get(len).i32_const(count).i32_eq().if_(BlockType::Empty);
            for (n, item) in (0..count).zip(items) {
                code.s().local_get(data);
                self.load(code, at(n));
                code.s().local_set(item);
            }
            self.count(code, |code| {
                code.s().i32_const(comparisons);
            });
            match count {
                4 => self.four(code, locals, items),
                3 => self.three(code, locals, [a, b, c]),
                2 => self.swap_if_after(code, locals, a, b),
                _ => {}
            }
            for (n, item) in (0..count).zip([a, b, c, d]) {
                code.s().local_get(to).local_get(item);
                self.store(code, at(n));
            }
            code.s().return_().end();
        }
    }

    /// Emits code that puts two items in order.
    fn swap_if_after(&self, code: &mut FunctionBuilder, locals: &CompareLocals, x: u32, y: u32) {
        let [c] = code.locals(I32);
        let [first] = code.locals(self.item());
        self.must_swap(code, locals, x, y);
        code.s().local_set(c);
        code.s().local_get(y).local_get(x).local_get(c).select().local_set(first);
        code.s().local_get(x).local_get(y).local_get(c).select().local_set(y);
        code.s().local_get(first).local_set(x);
    }

    fn three(&self, code: &mut FunctionBuilder, locals: &CompareLocals, [a, b, c]: [u32; 3]) {
        self.swap_if_after(code, locals, a, b);
        // Compares the third with both in any case: a branch would take longer than it saves.
        self.swap_if_after(code, locals, b, c);
        self.swap_if_after(code, locals, a, b);
    }

    /// Emits code that sorts two pairs, then finds the first, the last and the two between: `sort4_stable`
    /// of Rust's `core::slice::sort`.
    fn four(&self, code: &mut FunctionBuilder, locals: &CompareLocals, [a, b, c, d]: [u32; 4]) {
        self.swap_if_after(code, locals, a, b);
        self.swap_if_after(code, locals, c, d);
        let [first, last, left, right] = code.locals(self.item());
        let [c1, c2] = code.locals(I32);
        self.must_swap(code, locals, a, c);
        code.s().local_set(c1);
        self.must_swap(code, locals, b, d);
        code.s().local_set(c2);
        code.s().local_get(c).local_get(a).local_get(c1).select().local_set(first);
        code.s().local_get(b).local_get(d).local_get(c2).select().local_set(last);
        // left = c1 ? a : (c2 ? c : b); right = c2 ? d : (c1 ? b : c)
        code.s().local_get(a).local_get(c).local_get(b).local_get(c2).select().local_get(c1).select();
        code.s().local_set(left);
        code.s().local_get(d).local_get(b).local_get(c).local_get(c1).select().local_get(c2).select();
        code.s().local_set(right);
        self.swap_if_after(code, locals, left, right);
        for (item, place) in [(first, a), (left, b), (right, c), (last, d)] {
            code.s().local_get(item).local_set(place);
        }
    }
}
