//! The code of a function: valid whatever the genes are.

use super::ops::{self, Op, Ty};
use super::shape::{Gene, Kind, Shape, leb};

/// Maximum number of values that genes leave on the operand stack.
const MAX_STACK: usize = 3000;

/// Maximum number of open blocks.
const MAX_DEPTH: usize = 900;

struct Frame {
    is_loop: bool,
    params: Vec<Ty>,
    results: Vec<Ty>,
    /// Values on the stack beneath it.
    height: usize,
}

impl Frame {
    /// Returns the types that a branch to it carries.
    fn label(&self) -> &[Ty] {
        if self.is_loop { &self.params } else { &self.results }
    }
}

struct Writer<'a> {
    shape: &'a Shape,
    ops: Vec<Op>,
    bytes: Vec<u8>,
    stack: Vec<Ty>,
    frames: Vec<Frame>,
    /// Counts up with each gene, for indices that move on.
    step: usize,
    params: Vec<Ty>,
}

/// Returns the code of a shape's function, its end included.
pub(crate) fn of(shape: &Shape) -> Vec<u8> {
    let mut writer = Writer {
        shape,
        ops: ops::all(),
        bytes: Vec::new(),
        stack: Vec::new(),
        frames: vec![Frame {
            is_loop: false,
            params: Vec::new(),
            results: shape.results(shape.last()),
            height: 0,
        }],
        step: 0,
        params: shape.params(shape.last()),
    };
    while !writer.full() && !shape.genes.is_empty() {
        let before = writer.bytes.len();
        writer.genes(&shape.genes);
        if writer.bytes.len() == before {
            break;
        }
    }
    writer.end();
    writer.bytes
}

impl Writer<'_> {
    fn full(&self) -> bool {
        // Each open block may need some bytes to end.
        let ends = self.frames.len() * 4 + self.frames.iter().map(|f| f.results.len() * 4).sum::<usize>();
        self.bytes.len() + ends + 200 > usize::from(self.shape.size)
    }

    fn genes(&mut self, genes: &[Gene]) {
        for gene in genes {
            if self.full() {
                break;
            }
            self.step += 1;
            self.gene(gene);
        }
    }

    fn gene(&mut self, gene: &Gene) {
        match gene {
            Gene::Op(at, source) => {
                let op = self.ops[at % self.ops.len()];
                self.take(op.takes, *source);
                self.bytes.extend(op.bytes);
                self.give(op.gives.as_slice());
            }
            Gene::Get(ty, at, by) => {
                if let Some(local) = self.local(*ty, *at, *by) {
                    self.put(0x20, local);
                    self.give(&[*ty]);
                }
            }
            Gene::Set(ty, at, by) => {
                if let Some(local) = self.local(*ty, *at, *by) {
                    self.take(&[*ty], 0);
                    self.put(0x21, local);
                }
            }
            Gene::Tee(ty, at, by) => {
                if let Some(local) = self.local(*ty, *at, *by) {
                    self.take(&[*ty], 0);
                    self.put(0x22, local);
                    self.give(&[*ty]);
                }
            }
            Gene::Block(kind, ty, genes) => self.block(*kind, *ty, |writer| writer.genes(genes)),
            Gene::Nest(kind, ty, depth, inner, after) => {
                let outer = self.frames.len();
                for _ in 0..*depth {
                    if !self.full() && self.frames.len() < MAX_DEPTH {
                        self.open(*kind, *ty);
                    }
                }
                self.genes(inner);
                while self.frames.len() > outer {
                    self.genes(after);
                    self.end();
                }
            }
            Gene::BrIf(at, by) => {
                let depth = self.depth(*at, *by);
                let label = self.label(depth);
                self.take(&label, 1);
                self.take(&[Ty::I32], 1);
                self.put(0x0d, depth as u32);
                self.give(&label);
            }
            Gene::Br(at, by) => {
                let at = self.depth(*at, *by);
                self.leave(|writer| {
                    let label = writer.label(at);
                    writer.take(&label, 1);
                    writer.put(0x0c, at as u32);
                });
            }
            Gene::Return => self.leave(|writer| {
                let results = writer.frames[0].results.clone();
                writer.take(&results, 1);
                writer.bytes.push(0x0f);
            }),
            Gene::Table(count, by) => {
                let count = usize::from(*count).min(usize::from(self.shape.size) / 4);
                let by = usize::from(*by);
                self.leave(|writer| {
                    let label = writer.label(writer.step % writer.frames.len());
                    let fits = |at: &usize| writer.label(*at) == label;
                    let open: Vec<usize> = (0..writer.frames.len()).filter(fits).collect();
                    writer.take(&label, 1);
                    writer.take(&[Ty::I32], 1);
                    writer.put(0x0e, count as u32);
                    for target in 0..=count {
                        leb(&mut writer.bytes, open[(target * by) % open.len()] as u32);
                    }
                });
            }
            Gene::Call(ty) => {
                let ty = ty % self.shape.types.len();
                self.take(&self.shape.params(ty), 0);
                self.put(0x10, ty as u32);
                self.give(&self.shape.results(ty));
            }
            Gene::Indirect(ty) => {
                let ty = ty % self.shape.types.len();
                self.take(&self.shape.params(ty), 0);
                self.take(&[Ty::I32], 1);
                self.put(0x11, ty as u32);
                self.bytes.push(0);
                self.give(&self.shape.results(ty));
            }
            Gene::Repeat(times, genes) => {
                for _ in 0..*times {
                    if self.full() {
                        break;
                    }
                    self.genes(genes);
                }
            }
            Gene::Drop(count) => {
                let height = self.frames.last().map_or(0, |frame| frame.height);
                for _ in 0..(usize::from(*count)).min(self.stack.len() - height) {
                    self.stack.pop();
                    self.bytes.push(0x1a);
                }
            }
        }
    }

    fn put(&mut self, opcode: u8, number: u32) {
        self.bytes.push(opcode);
        leb(&mut self.bytes, number);
    }

    fn depth(&self, at: u16, by: u16) -> usize {
        (usize::from(at) + usize::from(by) * self.step) % self.frames.len()
    }

    fn label(&self, depth: usize) -> Vec<Ty> {
        self.frames[self.frames.len() - 1 - depth].label().to_vec()
    }

    fn local(&self, ty: Ty, at: u16, by: u16) -> Option<u32> {
        let of_type = usize::from(self.shape.locals[ty as usize]);
        let params = self.params.iter().enumerate().filter(|(_, param)| **param == ty);
        let params: Vec<usize> = params.map(|(at, _)| at).collect();
        let all = of_type + params.len();
        if all == 0 {
            return None;
        }
        let at = (usize::from(at) + usize::from(by) * self.step) % all;
        let before: u16 = self.shape.locals[..ty as usize].iter().sum();
        Some(match at.checked_sub(of_type) {
            None => self.params.len() + usize::from(before) + at,
            Some(at) => params[at],
        } as u32)
    }

    /// Makes the top of the stack these types; source 0 takes them from the stack where it has them.
    fn take(&mut self, types: &[Ty], source: u8) {
        let height = self.frames.last().map_or(0, |frame| frame.height);
        if source == 0 && self.stack[height..].ends_with(types) {
            self.stack.truncate(self.stack.len() - types.len());
            return;
        }
        for (at, ty) in types.iter().enumerate() {
            self.push(*ty, usize::from(source) + at);
        }
    }

    /// Emits a value.
    fn push(&mut self, ty: Ty, source: usize) {
        if source % 4 < 2
            && let Some(local) = self.local(ty, source as u16, 1)
        {
            return self.put(0x20, local);
        }
        if source % 4 == 2 {
            return self.put(0x23, ty as u32);
        }
        let byte = (self.step % 60) as u8;
        match ty {
            Ty::I32 => self.bytes.extend([0x41, byte]),
            Ty::I64 => self.bytes.extend([0x42, byte]),
            Ty::F32 => self.bytes.extend([0x43, byte, 0, 0, 0x3f]),
            Ty::F64 => self.bytes.extend([0x44, byte, 0, 0, 0, 0, 0, 0, 0x3f]),
        }
    }

    fn give(&mut self, types: &[Ty]) {
        for ty in types {
            if self.stack.len() < MAX_STACK {
                self.stack.push(*ty);
            } else {
                // Values that are not kept track of would stay beneath everything.
                self.bytes.push(0x1a);
            }
        }
    }

    fn open(&mut self, kind: Kind, ty: usize) {
        let ty = ty % self.shape.types.len();
        let (params, results) = (self.shape.params(ty), self.shape.results(ty));
        self.take(&params, 0);
        let opcode = match kind {
            Kind::Block => 0x02,
            Kind::Loop => 0x03,
            Kind::If => {
                self.take(&[Ty::I32], 1);
                0x04
            }
        };
        self.put(opcode, ty as u32);
        let height = self.stack.len();
        self.frames.push(Frame { is_loop: kind == Kind::Loop, params: params.clone(), results, height });
        self.stack.extend(&params);
        if kind == Kind::If {
            // The other way has to give the results too.
            let results = self.frames.last().map(|frame| frame.results.clone()).unwrap_or_default();
            if results != params {
                self.finish_values(&results);
                self.bytes.push(0x05);
                self.stack.truncate(height);
                self.stack.extend(&params);
            }
        }
    }

    /// Replaces the values of the innermost block by these.
    fn finish_values(&mut self, results: &[Ty]) {
        let height = self.frames.last().map_or(0, |frame| frame.height);
        if self.stack[height..] == *results {
            return;
        }
        let is_loop = self.frames.last().is_some_and(|frame| frame.is_loop);
        if is_loop || self.stack.len() - height < 2 {
            while self.stack.len() > height {
                self.stack.pop();
                self.bytes.push(0x1a);
            }
            results.iter().for_each(|ty| self.push(*ty, 1));
        } else {
            results.iter().for_each(|ty| self.push(*ty, 1));
            self.bytes.extend([0x0c, 0x00]); // a branch drops what is beneath
        }
    }

    fn end(&mut self) {
        let Some(results) = self.frames.last().map(|frame| frame.results.clone()) else { return };
        self.finish_values(&results);
        self.bytes.push(0x0b);
        if let Some(frame) = self.frames.pop() {
            self.stack.truncate(frame.height);
        }
        self.stack.extend(results);
    }

    fn block(&mut self, kind: Kind, ty: usize, inside: impl FnOnce(&mut Self)) {
        if self.frames.len() < MAX_DEPTH {
            self.open(kind, ty);
            inside(self);
            self.end();
        }
    }

    /// Emits code that leaves, in a branch of an `if` without a type.
    fn leave(&mut self, inside: impl FnOnce(&mut Self)) {
        self.push(Ty::I32, 1);
        self.bytes.extend([0x04, 0x40]);
        let (params, results, height) = (Vec::new(), Vec::new(), self.stack.len());
        self.frames.push(Frame { is_loop: false, params, results, height });
        inside(self);
        self.bytes.push(0x0b);
        self.frames.pop();
        self.stack.truncate(height);
    }
}
