//! The merge of two runs of any lengths.

use wasm_encoder::{BlockType, ValType};

use super::code::{DefinedFunction, FunctionBuilder, KernelBuilder};

const I32: ValType = ValType::I32;

impl KernelBuilder<'_> {
    /// `merge_runs (from, to, left, right)`: merges a sorted run of `left` items with one of `right` items
    /// that follows it. Works from one end only, so that no answer can make it lose an item.
    pub(super) fn merge_runs(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 4]);
        let (from, out, left_len, right_len) = (0, 1, 2, 3);
        let [left, middle, right, end, step, asked] = code.locals(I32);
        let [x, y] = code.locals(self.item());
        let locals = self.compare_locals(&mut code);
        let (width, shift) = (self.width(), self.width().trailing_zeros() as i32);
        let own = self.memory();
        code.s().local_get(from).local_tee(left);
        code.s().local_get(left_len).i32_const(shift).i32_shl().i32_add().local_tee(middle).local_tee(right);
        code.s().local_get(right_len).i32_const(shift).i32_shl().i32_add().local_set(end);
        code.s().block(BlockType::Empty).loop_(BlockType::Empty);
        code.s().local_get(left).local_get(middle).i32_ge_u().br_if(1);
        code.s().local_get(right).local_get(end).i32_ge_u().br_if(1);
        let [x, y] = [(left, x), (right, y)].map(|(cursor, item)| self.operand(&mut code, cursor, item));
        code.s().local_get(asked).i32_const(1).i32_add().local_set(asked);
        self.must_swap_operands(&mut code, &locals, [x, y]);
        code.s().i32_const(shift).i32_shl().local_set(step);
        code.s().local_get(out);
        self.select(&mut code, [y, x], step);
        self.store(&mut code, 0);
        code.s().local_get(right).local_get(step).i32_add().local_set(right);
        code.s().local_get(left).i32_const(width).i32_add().local_get(step).i32_sub().local_set(left);
        code.s().local_get(out).i32_const(width).i32_add().local_set(out);
        code.s().br(0).end().end();
        // One of the runs is used up: copy the rest of the other.
        code.s().local_get(out).local_get(left).local_get(middle).local_get(left).i32_sub();
        code.s().memory_copy(own, own);
        code.s().local_get(out).local_get(middle).i32_add().local_get(left).i32_sub();
        code.s().local_get(right).local_get(end).local_get(right).i32_sub().memory_copy(own, own);
        self.count(&mut code, |code| {
            code.s().local_get(asked);
        });
        code.done(&[])
    }
}
