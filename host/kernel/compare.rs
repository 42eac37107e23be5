//! The kernel's comparison of two items.

use wasm_encoder::{BlockType, MemArg, ValType};

use super::code::{COMPARE, DefinedFunction, FunctionBuilder, KernelBuilder, TABLE, TIE};
use super::inline::Site;
use super::{ItemRepr, PREFETCH_DISTANCE};
use crate::ctype::{CoreType, StoredNumber};

/// Locals that all comparisons in a function share.
pub(super) struct CompareLocals {
    answer: u32,
    ahead: u32,
    /// Bits of an `f32` that is being promoted to `f64`.
    bits: u32,
    site: Option<Site>,
}

/// Place of an item to compare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    /// In a local.
    Local(u32),
    /// In memory, at the address in a local.
    At(u32),
}

impl KernelBuilder<'_> {
    /// Adds the locals that comparisons need to a function.
    pub(super) fn compare_locals(&self, code: &mut FunctionBuilder) -> CompareLocals {
        let [answer, ahead, bits] = code.locals(ValType::I32);
        let site = self.spec.inline.as_ref().map(|body| body.site(code));
        CompareLocals { answer, ahead, bits, site }
    }

    /// Emits the load of the item at a cursor into a local, for a comparison. Both halves of a line are
    /// loaded when they are needed, because to take them out of a local would take longer.
    pub(super) fn operand(&self, code: &mut FunctionBuilder, cursor: u32, item: u32) -> Operand {
        if self.spec.items == ItemRepr::Lines {
            return Operand::At(cursor);
        }
        code.s().local_get(cursor);
        self.load(code, 0);
        code.s().local_set(item);
        Operand::Local(item)
    }

    /// `[] -> [item]`: the first item if the local `condition` is not zero, the second otherwise.
    pub(super) fn select(&self, code: &mut FunctionBuilder, [first, second]: [Operand; 2], condition: u32) {
        let [Operand::Local(a) | Operand::At(a), Operand::Local(b) | Operand::At(b)] = [first, second];
        code.s().local_get(a).local_get(b).local_get(condition).select();
        if let Operand::At(_) = first {
            self.load(code, 0);
        }
    }

    /// As [`KernelBuilder::must_swap_operands`], for items in locals.
    pub(super) fn must_swap(&self, code: &mut FunctionBuilder, locals: &CompareLocals, x: u32, y: u32) {
        self.must_swap_operands(code, locals, [x, y].map(Operand::Local));
    }

    /// `[] -> [i32]`: 1 if the second item must come before the first, which precedes it in the input.
    pub(super) fn must_swap_operands(
        &self,
        code: &mut FunctionBuilder,
        locals: &CompareLocals,
        [x, y]: [Operand; 2],
    ) {
        self.ask(code, locals, [x, y]);
        if self.spec.ties_by_bytes {
            let r = locals.answer;
            code.s().local_tee(r).i32_eqz();
            if let ItemRepr::Values(_) = self.spec.items {
                // Identical values need no tie-break.
                self.push_item(code, x);
                self.push_item(code, y);
                if self.item() == ValType::I64 {
                    code.s().i64_ne().i32_and();
                } else {
                    code.s().i32_ne().i32_and();
                }
            }
            code.s().if_(BlockType::Empty);
            self.push_item(code, x);
            self.push_item(code, y);
            code.s().call(TIE).local_set(r).end().local_get(r);
        }
        code.s().i32_const(0);
        if self.spec.reverse {
            code.s().i32_lt_s();
        } else {
            code.s().i32_gt_s();
        }
    }

    /// `[] -> [answer]`: asks the guest about two items.
    pub(super) fn ask(&self, code: &mut FunctionBuilder, locals: &CompareLocals, items: [Operand; 2]) {
        for item in items {
            self.push(code, locals, item);
        }
        match &locals.site {
            Some(site) => site.place(code),
            None => {
                code.s().call(COMPARE);
            }
        }
    }

    /// `[] -> [item]`.
    fn push_item(&self, code: &mut FunctionBuilder, item: Operand) {
        match item {
            Operand::Local(item) => {
                code.s().local_get(item);
            }
            Operand::At(cursor) => {
                code.s().local_get(cursor);
                self.load(code, 0);
            }
        }
    }

    /// Emits the comparator's arguments for an item.
    fn push(&self, code: &mut FunctionBuilder, locals: &CompareLocals, item: Operand) {
        match (self.spec.items, item) {
            (ItemRepr::Lines, Operand::At(cursor)) => {
                for offset in [0, 4] {
                    code.s().local_get(cursor).i32_load(self.at(offset, 2));
                }
            }
            (ItemRepr::Lines, Operand::Local(item)) => push_line(code, item),
            (repr, _) => {
                self.push_item(code, item);
                match repr {
                    ItemRepr::Values(number) => convert(code, number, locals.bits),
                    ItemRepr::Numbers(number) => {
                        let width = i32::from(number.width);
                        code.s().i32_const(width).i32_mul().global_get(TABLE).i32_add();
                        self.load_number(code, number, 0);
                        convert(code, number, locals.bits);
                    }
                    ItemRepr::Records { width } => {
                        code.s().i32_const(width as i32);
                    }
                    ItemRepr::Addresses { .. } | ItemRepr::Lines => {}
                }
            }
        }
    }

    /// Emits reads of a byte of each of the next [`PREFETCH_DISTANCE`] items in the guest's memory, from a
    /// cursor on. Beyond a run's end there are other items, or zeros, which are valid items too. The reads
    /// are independent, so that their cache misses overlap.
    pub(super) fn prefetch(
        &self,
        code: &mut FunctionBuilder,
        locals: &CompareLocals,
        cursor: u32,
        forward: bool,
    ) {
        let width = self.width();
        let first = if forward {
            cursor
        } else {
            let first = locals.ahead;
            code.s().local_get(cursor).i32_const((PREFETCH_DISTANCE - 1) * width).i32_sub().local_set(first);
            first
        };
        for at in 0..PREFETCH_DISTANCE {
            // An item, or the first half of a line, is an address.
            code.s().local_get(first).i32_load(self.at(at * width, 2));
            code.s().i32_load8_u(MemArg { offset: 0, align: 0, memory_index: 0 }).drop();
        }
    }

    /// `tie (x, y) -> i32`: compares two items by their bytes.
    pub(super) fn tie(&self) -> DefinedFunction {
        let item = self.item();
        let mut code = FunctionBuilder::new(&[item, item]);
        match self.spec.items {
            _ if !self.spec.ties_by_bytes => {
                code.s().i32_const(0);
            }
            ItemRepr::Values(number) => tie_of_numbers(&mut code, number),
            ItemRepr::Numbers(number) => {
                let long = matches!(number.width, 8) || number.core == CoreType::I64;
                let bits = if long { ValType::I64 } else { ValType::I32 };
                let [x, y] = code.locals(bits);
                for (position, bits) in [(0, x), (1, y)] {
                    let width = i32::from(number.width);
                    code.s().local_get(position).i32_const(width).i32_mul().global_get(TABLE).i32_add();
                    self.load_number(&mut code, number, 0);
                    code.s().local_set(bits);
                }
                tie_of_bits(&mut code, long, x, y);
            }
            ItemRepr::Addresses { width } | ItemRepr::Records { width } => {
                let len = code.local(ValType::I32);
                code.s().i32_const(width as i32).local_set(len);
                tie_of_bytes(&mut code, [0, 1], [len, len]);
            }
            ItemRepr::Lines => {
                let [a, a_len, b, b_len] = code.locals(ValType::I32);
                for (item, at, len) in [(0, a, a_len), (1, b, b_len)] {
                    push_line(&mut code, item);
                    code.s().local_set(len).local_set(at);
                }
                tie_of_bytes(&mut code, [a, b], [a_len, b_len]);
            }
        }
        code.done(&[ValType::I32])
    }
}

/// `[] -> [i32, i32]`: the address and the length of a line in a local.
fn push_line(code: &mut FunctionBuilder, item: u32) {
    code.s().local_get(item).i32_wrap_i64().local_get(item).i64_const(32).i64_shr_u().i32_wrap_i64();
}

/// `[bits] -> [argument]`: converts a number to the comparator's parameter type.
fn convert(code: &mut FunctionBuilder, StoredNumber { core, width, .. }: StoredNumber, bits: u32) {
    match (core, width) {
        (CoreType::F32, _) => {
            code.s().f32_reinterpret_i32();
        }
        (CoreType::F64, 4) => promote(code, bits),
        (CoreType::F64, _) => {
            code.s().f64_reinterpret_i64();
        }
        _ => {}
    }
}

/// `[bits of an f32] -> [f64]`: preserves the bits of a NaN as x86 and Rust do, which wasm's own
/// instruction need not.
fn promote(code: &mut FunctionBuilder, bits: u32) {
    let high = |code: &mut FunctionBuilder, mask: i64, shift: i64| {
        code.s().local_get(bits).i64_extend_i32_u().i64_const(mask).i64_and().i64_const(shift).i64_shl();
    };
    code.s().local_set(bits);
    high(code, 0x8000_0000, 32);
    high(code, 0x007f_ffff, 29);
    code.s().i64_or().i64_const(0x7ff8 << 48).i64_or().f64_reinterpret_i64();
    code.s().local_get(bits).f32_reinterpret_i32().f64_promote_f32();
    code.s().local_get(bits).i32_const(0x7fff_ffff).i32_and().i32_const(0x7f80_0000).i32_gt_u().select();
}

fn tie_of_numbers(code: &mut FunctionBuilder, number: StoredNumber) {
    tie_of_bits(code, number.width == 8 || number.core == CoreType::I64, 0, 1);
}

/// Emits the comparison of two numbers by their bytes in memory: the lowest one that differs decides.
fn tie_of_bits(code: &mut FunctionBuilder, long: bool, x: u32, y: u32) {
    if long {
        let shift = code.local(ValType::I64);
        code.s().local_get(x).local_get(y).i64_xor().i64_ctz().i64_const(56).i64_and().local_set(shift);
        for bits in [x, y] {
            code.s().local_get(bits).local_get(shift).i64_shr_u().i64_const(255).i64_and().i32_wrap_i64();
        }
    } else {
        let shift = code.local(ValType::I32);
        code.s().local_get(x).local_get(y).i32_xor().i32_ctz().i32_const(24).i32_and().local_set(shift);
        for bits in [x, y] {
            code.s().local_get(bits).local_get(shift).i32_shr_u().i32_const(255).i32_and();
        }
    }
    code.s().i32_sub();
}

/// `[] -> [i32]`: compares by `memcmp` in the guest's memory, then by length. Overwrites the locals `at`.
fn tie_of_bytes(code: &mut FunctionBuilder, at: [u32; 2], lens: [u32; 2]) {
    let [a, b] = at;
    let left = code.local(ValType::I32);
    let at = |align| MemArg { offset: 0, align, memory_index: 0 };
    code.s().local_get(lens[0]).local_get(lens[1]).local_get(lens[0]).local_get(lens[1]);
    code.s().i32_lt_u().select().local_set(left);
    // Eight bytes at a time while they are equal, then one at a time.
    for (step, eight) in [(8, true), (1, false)] {
        code.s().block(BlockType::Empty).loop_(BlockType::Empty);
        code.s().local_get(left).i32_const(step).i32_lt_u().br_if(1);
        if eight {
            code.s().local_get(a).i64_load(at(0)).local_get(b).i64_load(at(0)).i64_ne().br_if(1);
        } else {
            code.s().local_get(a).i32_load8_u(at(0)).local_get(b).i32_load8_u(at(0)).i32_ne();
            code.s().if_(BlockType::Empty).local_get(a).i32_load8_u(at(0)).local_get(b).i32_load8_u(at(0));
            code.s().i32_sub().return_().end();
        }
        for cursor in [a, b] {
            code.s().local_get(cursor).i32_const(step).i32_add().local_set(cursor);
        }
        code.s().local_get(left).i32_const(step).i32_sub().local_set(left).br(0).end().end();
    }
    code.s().local_get(lens[0]).local_get(lens[1]).i32_gt_u();
    code.s().local_get(lens[0]).local_get(lens[1]).i32_lt_u().i32_sub();
}
