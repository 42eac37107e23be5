//! The generator. Every comparator that it makes is valid.

use super::{
    BlockTy, Comparator, DATA_BYTES, Ins, Kind, MIX, Shape, TICK, Ty, load, saturating_signature, signature,
};

/// Decisions, taken from bytes. Where there are no more, each is the first of its alternatives.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        let byte = usize::from(self.byte());
        if n > 256 { (byte << 8 | usize::from(self.byte())) % n } else { byte % n }
    }

    /// True in one of `n` cases.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    fn of<T: Copy>(&mut self, alternatives: &[T]) -> T {
        alternatives[self.below(alternatives.len())]
    }

    fn bits(&mut self) -> u64 {
        (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte()))
    }

    /// Returns the bits of an integer: small, at an end of a range, or any.
    fn integer(&mut self) -> u64 {
        match self.below(4) {
            0 | 1 => self.below(9).wrapping_sub(2) as u64,
            2 => {
                let power = 1u64 << self.below(64);
                power.wrapping_sub(self.below(3) as u64).wrapping_mul(self.of(&[1, u64::MAX]))
            }
            _ => self.bits(),
        }
    }

    /// Returns the bits of a float: small, special, a NaN of any kind, or any.
    fn float(&mut self, ty: Ty) -> u64 {
        let sign = self.below(2) as u64;
        let (double, special) = match self.below(6) {
            0 | 1 => (self.below(7) as f64 / 2.0 - 1.0, None),
            2 => (self.of(&[0.0, f64::INFINITY, 2147483648.0, 9223372036854775808.0, 1e-40, 1e300]), None),
            3 => (0.0, Some(self.of(&[0x7fc0_0000, 0x7f80_0001, 0x7fff_ffff, 0x7f80_2000, 0x7fc1_0000u32]))),
            4 => (self.integer() as i64 as f64, None),
            _ => return if ty == Ty::F32 { self.bits() & 0xffff_ffff } else { self.bits() },
        };
        match (ty, special) {
            (Ty::F32, special) => u64::from(special.unwrap_or((double as f32).to_bits())) | sign << 31,
            (_, Some(special)) => {
                // Of the same class: exponent, quiet bit and payload are at other places.
                0x7ff0 << 48 | u64::from(special & 0x007f_ffff) << 29 | u64::from(special & 1) | sign << 63
            }
            (_, None) => double.to_bits() ^ sign << 63,
        }
    }

    /// Returns up to `most` different elements of a shape, or equal ones, from a small domain or a large one.
    pub(crate) fn elements(&mut self, shape: Shape, most: usize) -> Vec<Vec<u8>> {
        let count = 1 + self.below(most);
        let small = self.one_in(2);
        let number = |choices: &mut Self, kind: Kind, width: usize| {
            let bits = match kind {
                Kind::Float if small => choices.of(&[0, 1 << 63, 0x7ff8 << 48, 1023 << 52, 3 << 61]),
                Kind::Float => choices.float(if width == 4 { Ty::F32 } else { Ty::F64 }),
                _ if small => choices.below(6).wrapping_sub(2) as u64,
                _ => choices.integer(),
            };
            // The upper half of a small double is a float of the same class.
            let bits = if kind == Kind::Float && width == 4 && small { bits >> 32 } else { bits };
            bits.to_le_bytes()[..width].to_vec()
        };
        let byte = |choices: &mut Self| if small { choices.below(3) as u8 } else { choices.byte() };
        (0..count)
            .map(|_| match shape {
                Shape::Numbers { kind, width, .. } => number(self, kind, width),
                Shape::Pointers { width } | Shape::Slices { width } => {
                    let mut element = vec![0; width];
                    (0..width.min(9)).for_each(|at| element[at] = byte(self));
                    element
                }
                Shape::Lines => {
                    let len = super::SHORTEST_LINE + self.below(4);
                    (0..len).map(|_| byte(self).max(11)).collect()
                }
            })
            .collect()
    }
}

/// Every shape of numbers.
const NUMBERS: [(Ty, Kind, usize); 17] = [
    (Ty::I32, Kind::Signed, 4),
    (Ty::I32, Kind::Signed, 1),
    (Ty::I32, Kind::Signed, 2),
    (Ty::I32, Kind::Unsigned, 1),
    (Ty::I32, Kind::Unsigned, 2),
    (Ty::I32, Kind::Unsigned, 4),
    (Ty::I64, Kind::Signed, 1),
    (Ty::I64, Kind::Signed, 2),
    (Ty::I64, Kind::Signed, 4),
    (Ty::I64, Kind::Signed, 8),
    (Ty::I64, Kind::Unsigned, 1),
    (Ty::I64, Kind::Unsigned, 2),
    (Ty::I64, Kind::Unsigned, 4),
    (Ty::I64, Kind::Unsigned, 8),
    (Ty::F32, Kind::Float, 4),
    (Ty::F64, Kind::Float, 4),
    (Ty::F64, Kind::Float, 8),
];

/// Instructions without immediates that an inlined body may have.
const HARMLESS: [std::ops::RangeInclusive<u8>; 11] = [
    0x45..=0x6c, // comparisons, and arithmetic of i32
    0x71..=0x7e,
    0x83..=0x8c,
    0x92..=0x94,
    0x99..=0x9a,
    0xa0..=0xa2,
    0xa7..=0xa7,
    0xac..=0xad,
    0xbb..=0xbb,
    0xbc..=0xbf,
    0xc0..=0xc4,
];

/// A label: the types that a branch to it carries; `None` where a branch might not end.
type Label = Option<Vec<Ty>>;

struct Generator<'c, 'b> {
    choices: &'c mut Choices<'b>,
    shape: Shape,
    /// Whether it may emit what no inlined body may have.
    anything: bool,
    locals: Vec<Ty>,
    params: usize,
    /// Locals that may be read, and those that may be written.
    reads: Vec<u32>,
    writes: Vec<u32>,
    labels: Vec<Label>,
    /// Whether it may return.
    returns: bool,
    /// Number of instructions that may still be nested.
    left: usize,
}

impl Comparator {
    /// Generates a comparator.
    pub(crate) fn generate(choices: &mut Choices<'_>) -> Comparator {
        let width = |choices: &mut Choices<'_>| choices.of(&[4, 8, 1, 2, 3, 12, 16, 33, 40]);
        let shape = match choices.below(8) {
            0..=3 => {
                let (core, kind, width) = choices.of(&NUMBERS);
                Shape::Numbers { core, kind, width }
            }
            4 | 5 => Shape::Pointers { width: width(choices) },
            6 => Shape::Slices { width: width(choices) },
            _ => Shape::Lines,
        };
        let mut locals = shape.params();
        let params = locals.len();
        for _ in 0..choices.of(&[0, 0, 1, 2, 3, 4, 16, 17, 20]) {
            let ty = choices.of(&[Ty::I32, Ty::I64, Ty::F32, Ty::F64, Ty::Addr]);
            locals.push(if choices.one_in(2) { shape_key(shape) } else { ty });
        }
        let anything = choices.one_in(3);
        let all: Vec<u32> = (0..locals.len() as u32).collect();
        let left = choices.of(&[3, 1, 2, 5, 8, 14]);
        let split = choices.one_in(4);
        let (reads, writes) = (all.clone(), all);
        let (labels, returns) = (vec![Some(vec![Ty::I32])], true);
        let mut generator =
            Generator { choices, shape, anything, locals, params, reads, writes, labels, returns, left };
        let body = generator.body();
        let locals = generator.locals.split_off(params);
        Comparator { shape, locals, split, body }
    }
}

/// Returns the type of what elements of a shape are most easily compared by.
fn shape_key(shape: Shape) -> Ty {
    match shape {
        Shape::Numbers { core, .. } => core,
        _ => Ty::I32,
    }
}

/// Opcodes of `a < b` and `a > b`, signed or not.
fn less_and_greater(ty: Ty, signed: bool) -> [u8; 2] {
    match (ty, signed) {
        (Ty::I64, true) => [0x53, 0x55],
        (Ty::I64, false) => [0x54, 0x56],
        (Ty::F32, _) => [0x5d, 0x5e],
        (Ty::F64, _) => [0x63, 0x64],
        (_, true) => [0x48, 0x4a],
        (_, false) => [0x49, 0x4b],
    }
}

/// Returns the code with the second element's parameters for the first one's.
fn mirrored(code: &[Ins], half: u32) -> Vec<Ins> {
    let mirror = |ins: &Ins| match ins {
        Ins::Get(at, pad) if *at < half => Ins::Get(at + half, *pad),
        Ins::Block(ty, inner) => Ins::Block(ty.clone(), mirrored(inner, half)),
        Ins::Loop(ty, inner) => Ins::Loop(ty.clone(), mirrored(inner, half)),
        Ins::If(ty, then, other) => {
            let other = other.as_ref().map(|code| mirrored(code, half));
            Ins::If(ty.clone(), mirrored(then, half), other)
        }
        other => other.clone(),
    };
    code.iter().map(mirror).collect()
}

impl Generator<'_, '_> {
    /// A comparison of keys of the two elements, which is often consistent; or anything at all.
    fn body(&mut self) -> Vec<Ins> {
        let mut out = Vec::new();
        let how = self.choices.below(10);
        if how >= 7 {
            for _ in 0..self.choices.below(3) {
                self.statement(&mut out);
            }
            self.expr(Ty::I32, &mut out);
            return out;
        }
        let ty = match self.choices.below(3) {
            0 | 1 => shape_key(self.shape),
            _ => self.choices.of(&[Ty::I32, Ty::I64, Ty::F32, Ty::F64]),
        };
        let (a, b) = self.keys(ty);
        let [less, greater] = less_and_greater(ty, self.choices.below(2) == 0);
        let compare = |op: u8, out: &mut Vec<Ins>| {
            out.extend(a.iter().chain(&b).cloned());
            out.push(Ins::Numeric(op));
        };
        let pad = self.pad();
        let minus_one = Ins::Const(Ty::I32, 0xffff_ffff, pad);
        match how {
            0 => {
                compare(greater, &mut out);
                compare(less, &mut out);
                out.push(Ins::Numeric(0x6b));
            }
            1 | 2 => {
                // Each key is computed once.
                let [x, y] = [self.local(ty), self.local(ty)];
                out.extend(a.iter().cloned().chain([Ins::Tee(x, 0)]));
                out.extend(b.iter().cloned().chain([Ins::Tee(y, 0), Ins::Numeric(greater)]));
                out.extend([Ins::Get(x, 0), Ins::Get(y, 0), Ins::Numeric(less), Ins::Numeric(0x6b)]);
            }
            3 => {
                compare(less, &mut out);
                let leave = if self.choices.one_in(2) { Ins::Br(1) } else { Ins::Return };
                out.push(Ins::If(BlockTy::empty(), vec![minus_one, leave], None));
                compare(greater, &mut out);
            }
            4 => {
                // Out of two blocks: -1 by the default, and the rest by the first label.
                let mut inner = vec![minus_one];
                compare(less, &mut inner);
                inner.push(Ins::BrTable(vec![0], 1));
                let mut outer = vec![Ins::Block(BlockTy::value(Ty::I32), inner), Ins::Drop];
                compare(greater, &mut outer);
                out.push(Ins::Block(BlockTy::value(Ty::I32), outer));
            }
            5 => {
                out.push(minus_one);
                compare(greater, &mut out);
                compare(less, &mut out);
                out.push(if self.anything { Ins::SelectTyped(Ty::I32) } else { Ins::Select });
            }
            _ => {
                // Overflows for some.
                out.extend(a.iter().chain(&b).cloned());
                match ty {
                    Ty::I64 => out.extend([Ins::Numeric(0x7d), Ins::Numeric(0xa7)]),
                    Ty::F32 => out.extend([Ins::Numeric(0x93), Ins::Numeric(0xbc)]),
                    Ty::F64 => out.extend([Ins::Numeric(0xa1), Ins::Numeric(0xbd), Ins::Numeric(0xa7)]),
                    _ => out.push(Ins::Numeric(0x6b)),
                }
            }
        }
        out
    }

    /// Returns the code of the same key of each element.
    fn keys(&mut self, ty: Ty) -> (Vec<Ins>, Vec<Ins>) {
        let half = (self.params / 2) as u32;
        let reads = std::mem::replace(&mut self.reads, (0..half).collect());
        let params = self.params as u32;
        let writes = std::mem::replace(&mut self.writes, (params..self.locals.len() as u32).collect());
        let labels = std::mem::take(&mut self.labels);
        self.returns = false;
        self.left = self.left.min(if self.anything { 8 } else { 3 });
        let mut a = Vec::new();
        self.expr(ty, &mut a);
        (self.reads, self.writes, self.labels, self.returns) = (reads, writes, labels, true);
        let b = mirrored(&a, half);
        (a, b)
    }

    /// Declares a local that nothing else uses.
    fn local(&mut self, ty: Ty) -> u32 {
        self.locals.push(ty);
        self.locals.len() as u32 - 1
    }

    /// Returns the least number of bytes for an integer: mostly as few as it takes.
    fn pad(&mut self) -> u8 {
        self.choices.of(&[0, 0, 0, 0, 0, 0, 2, 3, 5, 10])
    }

    /// Returns the least number of bytes for an index.
    fn index_pad(&mut self) -> u8 {
        self.pad().min(5)
    }

    /// Emits code that leaves a value.
    fn expr(&mut self, ty: Ty, out: &mut Vec<Ins>) {
        if self.left == 0 {
            return self.leaf(ty, out);
        }
        self.left -= 1;
        match self.choices.below(if self.anything { 27 } else { 20 }) {
            0..=2 => self.leaf(ty, out),
            3..=7 => self.operation(ty, out),
            8..=10 => self.read(ty, out),
            11 => match self.writable(ty) {
                Some(local) => {
                    self.expr(ty, out);
                    out.push(Ins::Tee(local, self.index_pad()));
                }
                None => self.operation(ty, out),
            },
            12 | 13 => {
                self.expr(ty, out);
                self.expr(ty, out);
                self.expr(Ty::I32, out);
                out.push(Ins::Select);
            }
            14 => {
                let inner = self.nested(Some(vec![ty]), |this, inner| {
                    this.statements(inner);
                    this.expr(ty, inner);
                });
                out.push(Ins::Block(BlockTy::value(ty), inner));
            }
            15 | 16 => {
                self.expr(Ty::I32, out);
                let [then, other] = [(); 2].map(|()| {
                    self.nested(Some(vec![ty]), |this, inner| {
                        if !this.choices.one_in(4) || !this.jump(inner) {
                            this.expr(ty, inner);
                        }
                    })
                });
                out.push(Ins::If(BlockTy::value(ty), then, Some(other)));
            }
            17 => {
                self.expr(ty, out);
                if let Some(label) = self.label(&[ty]) {
                    self.expr(Ty::I32, out);
                    out.push(Ins::BrIf(label));
                }
            }
            18 => {
                self.expr(ty, out);
                self.statement(out);
            }
            19 => {
                if !self.jump(out) {
                    self.leaf(ty, out);
                }
            }
            20 => {
                self.expr(ty, out);
                self.expr(ty, out);
                self.expr(Ty::I32, out);
                out.push(Ins::SelectTyped(ty));
            }
            21 => {
                let inner = self.nested(None, |this, inner| {
                    this.statements(inner);
                    this.expr(ty, inner);
                });
                out.push(Ins::Loop(BlockTy::value(ty), inner));
            }
            22 => self.block_by_index(ty, out),
            23 if ty == Ty::I32 => {
                let global = self.choices.of(&[0, 2]);
                out.push(Ins::GlobalGet(global));
            }
            23 if ty == Ty::I64 => out.push(Ins::GlobalGet(1)),
            24 if ty == Ty::I32 => {
                self.expr(Ty::I32, out);
                self.expr(Ty::I32, out);
                out.push(Ins::Call(MIX));
            }
            25 if ty == Ty::I32 => match self.choices.below(3) {
                0 => out.push(Ins::Call(TICK)),
                // The number of pages depends on the sorter, but is never zero.
                _ => out.extend([Ins::MemorySize, Ins::Numeric(0x45)]),
            },
            _ => self.operation(ty, out),
        }
    }

    fn leaf(&mut self, ty: Ty, out: &mut Vec<Ins>) {
        if ty != Ty::Addr && self.choices.below(5) < 3 {
            return self.element(ty, out);
        }
        let known: Vec<u32> =
            self.reads.iter().copied().filter(|local| self.locals[*local as usize] == ty).collect();
        if !known.is_empty() && !self.choices.one_in(4) {
            let local = self.choices.of(&known);
            return out.push(Ins::Get(local, self.index_pad()));
        }
        let bits = match ty {
            Ty::Addr => self.choices.below(DATA_BYTES) as u64,
            Ty::I32 => self.choices.integer() & 0xffff_ffff,
            Ty::I64 => self.choices.integer(),
            _ => self.choices.float(ty),
        };
        out.push(Ins::Const(ty, bits, self.pad()));
    }

    /// Emits code that makes a value of an element: a number, a part of what lies in memory, or a length.
    fn element(&mut self, ty: Ty, out: &mut Vec<Ins>) {
        let params: Vec<u32> =
            self.reads.iter().copied().filter(|local| (*local as usize) < self.params).collect();
        let param = self.choices.of(&params);
        let mut core = self.locals[param as usize];
        if core == Ty::Addr {
            let fits = |op: &u8| load(*op).1 <= self.shape.readable();
            let same: Vec<u8> = (0x28..=0x35).filter(fits).filter(|op| load(*op).0 == ty).collect();
            let op = if same.is_empty() { 0x2d } else { self.choices.of(&same) };
            out.push(Ins::Get(param, self.index_pad()));
            self.load(op, out);
            core = load(op).0;
        } else {
            out.push(Ins::Get(param, self.index_pad()));
        }
        // By instructions that an inlined body may have; the others are as likely as all operations.
        let signed = self.choices.below(2) as u8;
        let steps: &[u8] = match (core, ty) {
            (Ty::I32, Ty::I64) => &[0xac + signed],
            (Ty::I32, Ty::F32) => &[0xbe],
            (Ty::I32, Ty::F64) => &[0xac + signed, 0xbf],
            (Ty::I64, Ty::I32) => &[0xa7],
            (Ty::I64, Ty::F32) => &[0xa7, 0xbe],
            (Ty::I64, Ty::F64) => &[0xbf],
            (Ty::F32, Ty::I32) => &[0xbc],
            (Ty::F32, Ty::I64) => &[0xbc, 0xac + signed],
            (Ty::F32, Ty::F64) => &[0xbb],
            (Ty::F64, Ty::I32) => &[0xbd, 0xa7],
            (Ty::F64, Ty::I64) => &[0xbd],
            (Ty::F64, Ty::F32) => &[0xbd, 0xa7, 0xbe],
            _ => &[],
        };
        out.extend(steps.iter().map(|op| Ins::Numeric(*op)));
    }

    /// Emits a load at an offset that is readable.
    fn load(&mut self, op: u8, out: &mut Vec<Ins>) {
        let width = load(op).1;
        let offset = self.choices.below((self.shape.readable() - width + 1).min(9)) as u32;
        let align = self.choices.below(width.trailing_zeros() as usize + 1) as u8;
        out.push(Ins::Load { op, align, offset, at_least: self.index_pad() });
    }

    /// Emits an instruction without immediates, and its operands.
    fn operation(&mut self, ty: Ty, out: &mut Vec<Ins>) {
        let all: Vec<u8> = if self.anything {
            (0x45..=0xc4).collect()
        } else {
            HARMLESS.iter().cloned().flatten().collect()
        };
        let fits: Vec<u8> = all.into_iter().filter(|op| signature(*op).1 == ty).collect();
        if fits.is_empty() {
            return self.leaf(ty, out);
        }
        if self.anything && self.choices.one_in(12) {
            let op = self.choices.below(8) as u8;
            let (from, to) = saturating_signature(op);
            if to == ty {
                self.expr(from, out);
                return out.push(Ins::Saturating(op));
            }
        }
        let op = self.choices.of(&fits);
        for operand in signature(op).0 {
            self.expr(*operand, out);
        }
        out.push(Ins::Numeric(op));
    }

    /// Emits a load, mostly from an element or from the data.
    fn read(&mut self, ty: Ty, out: &mut Vec<Ins>) {
        let readable = self.shape.readable();
        let fits: Vec<u8> = (0x28..=0x35).filter(|op| load(*op).0 == ty).collect();
        if fits.is_empty() {
            return self.leaf(ty, out);
        }
        let op = self.choices.of(&fits);
        let width = load(op).1;
        if width <= readable && !self.choices.one_in(5) {
            self.expr(Ty::Addr, out);
            return self.load(op, out);
        }
        // An address that is computed: into the data, or out of any memory.
        self.expr(Ty::I32, out);
        let offset = match self.choices.below(4) {
            0 | 1 => {
                let mask = Ins::Const(Ty::I32, 0xff, self.pad());
                out.extend([mask, Ins::Numeric(0x71)]);
                self.choices.below(DATA_BYTES)
            }
            2 => self.choices.of(&[0, 1, 0x8000_0000, 0xffff_ffff]),
            _ => 0,
        };
        let align = self.choices.below(width.trailing_zeros() as usize + 1) as u8;
        out.push(Ins::Load { op, align, offset: offset as u32, at_least: self.index_pad() });
    }

    /// Generates the inside of a block with this label.
    fn nested(&mut self, label: Label, inside: impl FnOnce(&mut Self, &mut Vec<Ins>)) -> Vec<Ins> {
        let mut inner = Vec::new();
        self.labels.push(label);
        inside(self, &mut inner);
        self.labels.pop();
        inner
    }

    /// Returns a label to which a branch carries these types.
    fn label(&mut self, carried: &[Ty]) -> Option<u32> {
        let fits =
            |(depth, label): (usize, &Label)| (label.as_deref() == Some(carried)).then_some(depth as u32);
        let fits: Vec<u32> = self.labels.iter().rev().enumerate().filter_map(fits).collect();
        if fits.is_empty() { None } else { Some(self.choices.of(&fits)) }
    }

    fn writable(&mut self, ty: Ty) -> Option<u32> {
        let fits: Vec<u32> =
            self.writes.iter().copied().filter(|local| self.locals[*local as usize] == ty).collect();
        if fits.is_empty() { None } else { Some(self.choices.of(&fits)) }
    }

    fn statements(&mut self, out: &mut Vec<Ins>) {
        for _ in 0..self.choices.of(&[0, 0, 1, 2]) {
            self.statement(out);
        }
    }

    /// Emits code that leaves no value.
    fn statement(&mut self, out: &mut Vec<Ins>) {
        if self.left == 0 {
            return out.push(Ins::Nop);
        }
        self.left -= 1;
        let ty = self.choices.of(&[Ty::I32, Ty::I64, Ty::F32, Ty::F64, Ty::Addr, shape_key(self.shape)]);
        match self.choices.below(if self.anything { 13 } else { 10 }) {
            0 | 1 => {
                self.expr(ty, out);
                let local = self.writable(ty);
                out.push(local.map_or(Ins::Drop, |local| Ins::Set(local, self.index_pad())));
            }
            2..=4 => {
                self.expr(Ty::I32, out);
                let then = self.nested(Some(vec![]), |this, inner| {
                    this.statements(inner);
                    this.jump(inner);
                });
                let has_other = self.choices.one_in(3);
                let other =
                    has_other.then(|| self.nested(Some(vec![]), |this, inner| this.statements(inner)));
                out.push(Ins::If(BlockTy::empty(), then, other));
            }
            5 | 6 => {
                let inner = self.nested(Some(vec![]), |this, inner| {
                    this.statement(inner);
                    this.statements(inner);
                });
                out.push(Ins::Block(BlockTy::empty(), inner));
            }
            7 => {
                if let Some(label) = self.label(&[]) {
                    self.expr(Ty::I32, out);
                    out.push(Ins::BrIf(label));
                } else if let Some(label) = self.label(&[ty]) {
                    self.expr(ty, out);
                    self.expr(Ty::I32, out);
                    out.extend([Ins::BrIf(label), Ins::Drop]);
                }
            }
            8 => out.push(Ins::Nop),
            9 => {
                self.expr(ty, out);
                out.push(Ins::Drop);
            }
            10 => {
                // A few rounds.
                let counter = self.local(Ty::I32);
                let rounds = Ins::Const(Ty::I32, 1 + self.choices.below(3) as u64, self.pad());
                let mut inner = self.nested(None, |this, inner| this.statements(inner));
                inner.extend([Ins::Get(counter, 0), Ins::Const(Ty::I32, 1, 0), Ins::Numeric(0x6b)]);
                inner.extend([Ins::Tee(counter, 0), Ins::BrIf(0)]);
                out.extend([rounds, Ins::Set(counter, 0), Ins::Loop(BlockTy::empty(), inner)]);
            }
            11 => {
                let (ty, global) = self.choices.of(&[(Ty::I32, 0), (Ty::I64, 1)]);
                self.expr(ty, out);
                out.push(Ins::GlobalSet(global));
            }
            _ => {
                let inner = self.nested(Some(vec![]), |this, inner| this.statement(inner));
                out.push(Ins::Block(BlockTy { by_index: true, ..BlockTy::empty() }, inner));
            }
        }
    }

    /// Emits a block whose type is a function's.
    fn block_by_index(&mut self, ty: Ty, out: &mut Vec<Ins>) {
        let by_index = |params: Vec<Ty>, results: Vec<Ty>| BlockTy { params, results, by_index: true };
        match self.choices.below(4) {
            0 => {
                let inner = self.nested(Some(vec![ty]), |this, inner| this.expr(ty, inner));
                out.push(Ins::Block(by_index(vec![], vec![ty]), inner));
            }
            1 => {
                let param = self.choices.of(&[Ty::I32, Ty::I64, Ty::F32, Ty::F64]);
                self.expr(param, out);
                let inner = self.nested(Some(vec![ty]), |this, inner| {
                    let local = this.writable(param);
                    inner.push(local.map_or(Ins::Drop, |local| Ins::Set(local, 0)));
                    this.expr(ty, inner);
                });
                out.push(Ins::Block(by_index(vec![param], vec![ty]), inner));
            }
            2 => {
                let inner = self.nested(Some(vec![ty, Ty::I32]), |this, inner| {
                    this.expr(ty, inner);
                    this.statements(inner);
                    this.expr(Ty::I32, inner);
                });
                out.extend([Ins::Block(by_index(vec![], vec![ty, Ty::I32]), inner), Ins::Drop]);
            }
            _ => {
                // Without the other arm, the parameter is the result.
                self.expr(ty, out);
                self.expr(Ty::I32, out);
                let then = self.nested(Some(vec![ty]), |this, inner| {
                    inner.push(Ins::Drop);
                    this.expr(ty, inner);
                });
                out.push(Ins::If(by_index(vec![ty], vec![ty]), then, None));
            }
        }
    }

    /// Emits an end of the block's execution, and perhaps dead code. Returns whether there was a way out.
    fn jump(&mut self, out: &mut Vec<Ins>) -> bool {
        let labels: Vec<Vec<Ty>> = self.labels.iter().flatten().cloned().collect();
        match self.choices.below(if self.anything { 7 } else { 6 }) {
            0 | 1 if self.returns => {
                self.expr(Ty::I32, out);
                out.push(Ins::Return);
            }
            0..=5 if !labels.is_empty() => {
                let at = self.choices.below(labels.len());
                for ty in &labels[at] {
                    self.expr(*ty, out);
                }
                let target = |this: &mut Self| this.label(&labels[at]).unwrap_or(0);
                if self.choices.one_in(2) {
                    self.expr(Ty::I32, out);
                    let targets = (0..self.choices.below(4)).map(|_| target(self)).collect();
                    let default = target(self);
                    out.push(Ins::BrTable(targets, default));
                } else {
                    let label = target(self);
                    out.push(Ins::Br(label));
                }
            }
            6 => out.push(Ins::Unreachable),
            _ => return false,
        }
        for _ in 0..self.choices.of(&[0, 0, 0, 1, 2]) {
            self.dead(out);
        }
        true
    }

    /// Emits code that is never run, with operands of any type or none at all.
    fn dead(&mut self, out: &mut Vec<Ins>) {
        match self.choices.below(8) {
            0 => out.push(Ins::Drop),
            1 => out.extend([Ins::Numeric(self.choices.of(&[0x6a, 0x50, 0x92, 0xbf])), Ins::Drop]),
            2 => out.extend([Ins::Select, Ins::Drop]),
            3 => {
                if let Some(local) = self.writes.first() {
                    out.extend([Ins::Tee(*local, 0), Ins::Drop]);
                }
            }
            4 => {
                if let Some(label) = self.label(&[Ty::I32]) {
                    out.extend([Ins::BrIf(label), Ins::Drop, Ins::BrTable(vec![label; 2], label)]);
                }
            }
            5 => out.push(Ins::Block(BlockTy::empty(), vec![Ins::Br(0), Ins::Drop])),
            6 => self.statement(out),
            _ if self.returns => out.extend([Ins::Const(Ty::I32, 1, 0), Ins::Return]),
            _ => out.push(Ins::Nop),
        }
    }
}
