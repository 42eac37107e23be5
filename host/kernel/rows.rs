//! The kernel's questions about one item and each of others.

use std::cmp::Ordering;

use wasm_encoder::{BlockType, ValType};

use super::code::{DefinedFunction, FunctionBuilder, KernelBuilder};

const I32: ValType = ValType::I32;

/// Number of bits of an answer in a byte of `ask_row`.
const ANSWER_BITS: i32 = 2;

/// Returns the answers in a byte of `ask_row`: about the two items, and about the two swapped. Of a byte that
/// it has not written, they mean nothing.
pub(crate) fn row_answers(byte: u8) -> [Ordering; 2] {
    [byte & 3, byte >> ANSWER_BITS].map(|answer| answer.cmp(&1))
}

/// Returns the byte of `ask_row` for this answer about two items, and its reverse about the two swapped.
pub(crate) fn row_byte(answer: Ordering) -> u8 {
    match answer {
        Ordering::Less => 2 << ANSWER_BITS,
        Ordering::Equal => 1 | 1 << ANSWER_BITS,
        Ordering::Greater => 2,
    }
}

impl KernelBuilder<'_> {
    /// `ask_row (item, from, end, answers)`: asks about the item at the address `item` and each of those from
    /// `from` to `end`, both ways, and writes a byte for each of them: an answer, 0 for less, 1 for equal and
    /// 2 for greater, and four times the answer about the two swapped.
    pub(super) fn ask_row(&self) -> DefinedFunction {
        let mut code = FunctionBuilder::new(&[I32; 4]);
        let (item, other, end, answers) = (0, 1, 2, 3);
        let [answer, both] = code.locals(I32);
        let [x, y] = code.locals(self.item());
        let locals = self.compare_locals(&mut code);
        let x = self.operand(&mut code, item, x);
        code.s().block(BlockType::Empty).loop_(BlockType::Empty);
        code.s().local_get(other).local_get(end).i32_ge_u().br_if(1);
        let y = self.operand(&mut code, other, y);
        for pair in [[x, y], [y, x]] {
            self.ask(&mut code, &locals, pair);
            code.s().local_tee(answer).i32_const(0).i32_gt_s();
            code.s().local_get(answer).i32_const(0).i32_ge_s().i32_add();
            if pair == [x, y] {
                code.s().local_set(both);
            } else {
                code.s().i32_const(ANSWER_BITS).i32_shl().local_get(both).i32_or().local_set(both);
            }
        }
        code.s().local_get(answers).local_get(both).i32_store8(self.at(0, 0));
        for (cursor, step) in [(answers, 1), (other, self.width())] {
            code.s().local_get(cursor).i32_const(step).i32_add().local_set(cursor);
        }
        code.s().br(0).end().end();
        code.done(&[])
    }
}
