//! The merge of two halves, from both ends at once.

use wasm_encoder::{BlockType, ValType};

use super::PREFETCH_DISTANCE;
use super::code::{DefinedFunction, FunctionBuilder, KernelBuilder};
use super::compare::CompareLocals;

/// Minimum number of items for which a merge tries the fast paths.
const MIN_PRECHECKED_ITEMS: i32 = 32;

/// Minimum number of items to prefetch; fewer are assumed to be in the processor's cache.
const MIN_PREFETCHED_ITEMS: i32 = 1024;

const I32: ValType = ValType::I32;

/// Locals of a merge: the address of the result, its length in items and in bytes, the first and the last
/// item of both runs, and two items.
struct MergeLocals {
    to: u32,
    len: u32,
    bytes: u32,
    left: u32,
    left_end: u32,
    right: u32,
    right_end: u32,
    x: u32,
    y: u32,
}

impl KernelBuilder<'_> {
    /// `merge_halves (from, to, half, len)`: merges the first `half` of `len` items with the rest, which is
    /// as long or longer by one; both are sorted.
    pub(super) fn merge_halves(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 4]);
        let (from, to, half, len) = (0, 1, 2, 3);
        // Cursors into the left run, the right run and the result, from the front and from the back.
        let [left, right, out, back_left, back_right, back] = code.locals(I32);
        let [bytes, middle, step, front_sum, back_sum, ends] = code.locals(I32);
        let [x, y, u, v] = code.locals(self.item());
        let locals = self.compare_locals(&mut code);
        let (width, shift) = (self.width(), self.width().trailing_zeros() as i32);
        let scaled = |code: &mut FunctionBuilder, count| {
            code.s().local_get(count).i32_const(shift).i32_shl();
        };

        scaled(&mut code, len);
        code.s().local_set(bytes);
        code.s().local_get(from).local_tee(left);
        scaled(&mut code, half);
        code.s().i32_add().local_tee(right).i32_const(width).i32_sub().local_set(back_left);
        code.s().local_get(from).local_get(bytes).i32_add().i32_const(width).i32_sub().local_set(back_right);
        let (left_end, right_end) = (back_left, back_right);
        let merge = MergeLocals { to, len, bytes, left, left_end, right, right_end, x, y };
        self.fast_paths(&mut code, &locals, merge);

        code.s().local_get(to).local_tee(out);
        scaled(&mut code, half);
        code.s().i32_add().local_set(middle);
        code.s().local_get(to).local_get(bytes).i32_add().i32_const(width).i32_sub().local_set(back);
        self.count(&mut code, |code| {
            code.s().local_get(half).i32_const(1).i32_shl();
        });
        // The loop keeps three cursors in registers and computes the other three from them: each step
        // advances the result and one of the runs.
        code.s().local_get(left).local_get(right).i32_add().local_get(out).i32_sub().local_set(front_sum);
        code.s().local_get(out).local_get(back).i32_add().local_tee(ends);
        code.s().local_get(back_left).local_get(back_right).i32_add().local_get(back).i32_sub();
        code.s().i32_add().local_set(back_sum);
        let derive_cursor = |code: &mut FunctionBuilder, cursor| {
            if cursor == left {
                code.s().local_get(front_sum).local_get(right).i32_sub().local_get(out).i32_add();
            } else {
                code.s().local_get(back_sum).local_get(back_left).i32_sub().local_get(out).i32_sub();
            }
            code.s().local_set(cursor);
        };
        // The end of the items of this round, before which the next ones are prefetched.
        let limit = code.local(I32);
        code.s().local_get(middle).local_set(limit);
        if self.spec.sees_guest() {
            code.s().loop_(BlockType::Empty);
            code.s().local_get(len).i32_const(MIN_PREFETCHED_ITEMS).i32_ge_u().if_(BlockType::Empty);
            derive_cursor(&mut code, left);
            derive_cursor(&mut code, back_right);
            for (cursor, forward) in [(left, true), (right, true), (back_left, false), (back_right, false)] {
                self.prefetch(&mut code, &locals, cursor, forward);
            }
            code.s().local_get(out).i32_const(PREFETCH_DISTANCE * width).i32_add().local_tee(limit);
            code.s().local_get(middle).local_get(limit).local_get(middle).i32_lt_u().select();
            code.s().local_set(limit).end();
        }
        code.s().loop_(BlockType::Empty);
        derive_cursor(&mut code, left);
        derive_cursor(&mut code, back_right);
        let fronts = [(left, x), (right, y), (back_left, u), (back_right, v)];
        let [x, y, u, v] = fronts.map(|(cursor, item)| self.operand(&mut code, cursor, item));
        self.must_swap_operands(&mut code, &locals, [x, y]);
        code.s().local_set(step);
        code.s().local_get(out);
        self.select(&mut code, [y, x], step);
        self.store(&mut code, 0);
        code.s().local_get(right).local_get(step).i32_const(shift).i32_shl().i32_add().local_set(right);

        self.must_swap_operands(&mut code, &locals, [u, v]);
        code.s().local_set(step);
        code.s().local_get(ends).local_get(out).i32_sub();
        self.select(&mut code, [u, v], step);
        self.store(&mut code, 0);
        code.s()
            .local_get(back_left)
            .local_get(step)
            .i32_const(shift)
            .i32_shl()
            .i32_sub()
            .local_set(back_left);
        code.s().local_get(out).i32_const(width).i32_add().local_tee(out);
        code.s().local_get(limit).i32_lt_u().br_if(0).end();
        if self.spec.sees_guest() {
            code.s().local_get(out).local_get(middle).i32_lt_u().br_if(0).end();
        }
        derive_cursor(&mut code, left);
        derive_cursor(&mut code, back_right);

        // An odd item is left over, in the run whose cursors have not met yet.
        code.s().local_get(len).i32_const(1).i32_and().if_(BlockType::Empty);
        code.s().local_get(left).local_get(back_left).i32_le_u().local_set(step);
        code.s().local_get(out).local_get(left).local_get(right).local_get(step).select();
        self.load(&mut code, 0);
        self.store(&mut code, 0);
        code.s().local_get(step).i32_const(shift).i32_shl().local_set(step);
        code.s().local_get(left).local_get(step).i32_add().local_set(left);
        code.s().local_get(right).i32_const(width).i32_add().local_get(step).i32_sub().local_set(right);
        code.s().end();
        for (cursor, other, instead) in [(left, back_left, false), (right, back_right, true)] {
            code.s().local_get(cursor).local_get(other).i32_const(width).i32_add().i32_ne();
            if instead {
                code.s().i32_or();
            }
        }
        self.trap_if_inconsistent(&mut code);
        code.done(&[])
    }

    /// Emits the fast paths: runs already in order, or exactly swapped.
    fn fast_paths(&self, code: &mut FunctionBuilder, locals: &CompareLocals, merge: MergeLocals) {
        let MergeLocals { to, len, bytes, left, left_end, right, right_end, x, y } = merge;
        let own = self.memory();
        let [part] = code.locals(I32);
        let ask = |code: &mut FunctionBuilder, first, second| {
            for (cursor, item) in [(first, x), (second, y)] {
                code.s().local_get(cursor);
                self.load(code, 0);
                code.s().local_set(item);
            }
            self.count(code, |code| {
                code.s().i32_const(1);
            });
            self.must_swap(code, locals, x, y);
        };
        code.s().local_get(len).i32_const(MIN_PRECHECKED_ITEMS).i32_ge_u().if_(BlockType::Empty);
        ask(code, left_end, right);
        code.s().i32_eqz().if_(BlockType::Empty);
        code.s().local_get(to).local_get(left).local_get(bytes).memory_copy(own, own).return_().end();
        ask(code, left, right_end);
        code.s().if_(BlockType::Empty);
        // All of the right run comes before all of the left one.
        code.s().local_get(bytes).local_get(right).local_get(left).i32_sub().i32_sub().local_set(part);
        code.s().local_get(to).local_get(right).local_get(part).memory_copy(own, own);
        code.s().local_get(to).local_get(part).i32_add().local_get(left);
        code.s().local_get(right).local_get(left).i32_sub().memory_copy(own, own).return_().end();
        code.s().end();
    }
}
