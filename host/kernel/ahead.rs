//! Answers that the C library's merge sort is going to ask for.

use wasm_encoder::{BlockType, ValType};

use super::Items;
use super::code::{Code, Defined, Kernel};

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

impl Kernel<'_> {
    /// `ahead (left, right, left_end, right_end) -> (i64, i32)`: compares the elements of two runs as a merge
    /// does, from the front, until one of them is used up or there are 64 answers. Bit n tells whether
    /// the nth comparison found that the right one comes first; the other result is how many there are.
    pub(super) fn ahead(&self) -> Defined {
        let mut code = Code::new(&[I32; 4]);
        let (left, right, left_end, right_end) = (0, 1, 2, 3);
        let [step] = code.locals(I32);
        let [count, bits] = code.locals(I64);
        let [x, y] = code.locals(self.item());
        let asking = self.asking(&mut code);
        let width = match self.spec.items {
            Items::Addresses { width } | Items::Records { width } => width as i32,
            _ => self.width(),
        };
        code.s().loop_(BlockType::Empty);
        for (cursor, item) in [(left, x), (right, y)] {
            code.s().local_get(cursor);
            if let Items::Values(_) = self.spec.items {
                self.load(&mut code, 0);
            }
            code.s().local_set(item);
        }
        self.after(&mut code, &asking, x, y);
        code.s().local_set(step);
        code.s().local_get(step).i64_extend_i32_u().local_get(count).i64_shl().local_get(bits).i64_or();
        code.s().local_set(bits);
        code.s().local_get(count).i64_const(1).i64_add().local_set(count);
        code.s().local_get(step).i32_const(width).i32_mul().local_tee(step);
        code.s().local_get(right).i32_add().local_set(right);
        code.s().local_get(left).i32_const(width).i32_add().local_get(step).i32_sub().local_set(left);
        code.s().local_get(left).local_get(left_end).i32_lt_u();
        code.s().local_get(right).local_get(right_end).i32_lt_u().i32_and();
        code.s().local_get(count).i64_const(64).i64_lt_u().i32_and().br_if(0).end();
        code.s().local_get(bits).local_get(count).i32_wrap_i64();
        code.done(&[I64, I32])
    }
}
