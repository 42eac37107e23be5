//! The reference: an interpreter of the instructions that the generator emits, as the specification of
//! WebAssembly words them. NaNs that arithmetic makes are canonical, as the sandbox has them.

use std::rc::Rc;

use super::{Comparator, Ins, Kind, MIX, Shape, TICK, Ty, data, load};

/// Value of the global that never changes.
pub(super) const FIXED: i32 = 7;

/// A page of WebAssembly.
const PAGE: u64 = 1 << 16;

/// Address from which on no memory of a guest reaches.
const BEYOND: u64 = 64 << 20;

/// Addresses of the two elements: no other address reaches them, and no comparator can tell them from others.
const PLACES: [u64; 2] = [1 << 40, 1 << 41];

/// Returns from the function, as a label.
const RETURN: u32 = u32::MAX;

/// The reason why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A trap, as wasmtime words it.
    Trap(&'static str),
    /// It reads memory whose content depends on the sorter.
    Unknown,
}

const OUT_OF_BOUNDS: Stop = Stop::Trap("out of bounds memory access");
const DIVIDED_BY_ZERO: Stop = Stop::Trap("integer divide by zero");
const OVERFLOW: Stop = Stop::Trap("integer overflow");
const NOT_A_NUMBER: Stop = Stop::Trap("invalid conversion to integer");
const UNREACHABLE: Stop = Stop::Trap("wasm `unreachable` instruction executed");

/// One instance of a comparator.
#[derive(Clone)]
pub(crate) struct Interpreter {
    comparator: Rc<Comparator>,
    globals: [u64; 2],
    locals: Vec<u64>,
    stack: Vec<u64>,
    elements: [Vec<u8>; 2],
}

impl Interpreter {
    pub(crate) fn new(comparator: Comparator) -> Interpreter {
        let comparator = Rc::new(comparator);
        Interpreter { comparator, globals: [0; 2], locals: vec![], stack: vec![], elements: [vec![], vec![]] }
    }

    /// Compares two elements. The globals stay as the comparator leaves them.
    pub(crate) fn compare(&mut self, a: &[u8], b: &[u8]) -> Result<i32, Stop> {
        let comparator = self.comparator.clone();
        self.elements = [a.to_vec(), b.to_vec()];
        self.locals.clear();
        for (element, place) in [a, b].into_iter().zip(PLACES) {
            self.locals.extend(comparator.arguments(element, place));
        }
        self.locals.resize(self.locals.len() + comparator.locals.len(), 0);
        self.stack.clear();
        self.run(&comparator.body)?;
        Ok(self.pop() as i32)
    }

    fn pop(&mut self) -> u64 {
        self.stack.pop().expect("a valid body has its operands")
    }

    /// Runs instructions. Returns the label that was branched to, counted from the innermost, if one was.
    fn run(&mut self, code: &[Ins]) -> Result<Option<u32>, Stop> {
        for ins in code {
            match ins {
                Ins::Const(_, bits, _) => self.stack.push(*bits),
                Ins::Get(local, _) => self.stack.push(self.locals[*local as usize]),
                Ins::Set(local, _) => self.locals[*local as usize] = self.pop(),
                Ins::Tee(local, _) => self.locals[*local as usize] = *self.stack.last().unwrap(),
                Ins::Numeric(op) => {
                    let binary = super::signature(*op).0.len() == 2;
                    let b = if binary { self.pop() } else { 0 };
                    let a = self.pop();
                    self.stack.push(numeric(*op, a, b)?);
                }
                Ins::Saturating(op) => {
                    let bits = self.pop();
                    // Rust's casts saturate, too.
                    let from = if op % 4 < 2 { f32_of(bits).into() } else { f64::from_bits(bits) };
                    self.stack.push(match op {
                        0 | 2 => u64::from(from as i32 as u32),
                        1 | 3 => u64::from(from as u32),
                        4 | 6 => from as i64 as u64,
                        _ => from as u64,
                    });
                }
                Ins::Load { op, offset, .. } => {
                    let at = self.pop() + u64::from(*offset);
                    let value = self.load(*op, at)?;
                    self.stack.push(value);
                }
                Ins::Drop => {
                    self.pop();
                }
                Ins::Select | Ins::SelectTyped(_) => {
                    let (condition, second, first) = (self.pop(), self.pop(), self.pop());
                    self.stack.push(if condition != 0 { first } else { second });
                }
                Ins::Nop => {}
                Ins::Unreachable => return Err(UNREACHABLE),
                Ins::Return => return Ok(Some(RETURN)),
                Ins::Block(ty, inner) => {
                    if let Some(out) = self.block(inner, ty.params.len(), ty.results.len())? {
                        return Ok(Some(out));
                    }
                }
                Ins::If(ty, then, other) => {
                    let code =
                        if self.pop() != 0 { then } else { other.as_ref().map_or(&[][..], |code| code) };
                    if let Some(out) = self.block(code, ty.params.len(), ty.results.len())? {
                        return Ok(Some(out));
                    }
                }
                Ins::Loop(ty, inner) => loop {
                    let height = self.stack.len() - ty.params.len();
                    match self.run(inner)? {
                        None => break,
                        Some(0) => self.unwind(height, ty.params.len()),
                        Some(RETURN) => return Ok(Some(RETURN)),
                        Some(label) => return Ok(Some(label - 1)),
                    }
                },
                Ins::Br(label) => return Ok(Some(*label)),
                Ins::BrIf(label) => {
                    if self.pop() != 0 {
                        return Ok(Some(*label));
                    }
                }
                Ins::BrTable(labels, default) => {
                    let at = self.pop() as usize;
                    return Ok(Some(*labels.get(at).unwrap_or(default)));
                }
                Ins::GlobalGet(global) => {
                    self.stack.push(self.globals.get(*global as usize).copied().unwrap_or(FIXED as u64))
                }
                Ins::GlobalSet(global) => self.globals[*global as usize] = self.pop(),
                Ins::MemorySize => self.stack.push(1),
                Ins::Call(MIX) => {
                    let (b, a) = (self.pop() as u32, self.pop() as u32);
                    self.stack.push((a.wrapping_mul(3) ^ b).into());
                }
                Ins::Call(function) => {
                    assert_eq!(*function, TICK);
                    self.globals[0] = (self.globals[0] as u32).wrapping_add(1).into();
                    self.stack.push(self.globals[0]);
                }
            }
        }
        Ok(None)
    }

    /// Runs a block. Returns the label outside of it that was branched to.
    fn block(&mut self, code: &[Ins], params: usize, results: usize) -> Result<Option<u32>, Stop> {
        let height = self.stack.len() - params;
        Ok(match self.run(code)? {
            None => None,
            Some(0) => {
                self.unwind(height, results);
                None
            }
            Some(RETURN) => Some(RETURN),
            Some(label) => Some(label - 1),
        })
    }

    /// Drops what lies between `height` and the `kept` last values.
    fn unwind(&mut self, height: usize, kept: usize) {
        let from = self.stack.len() - kept;
        self.stack.drain(height..from);
    }

    fn load(&self, op: u8, at: u64) -> Result<u64, Stop> {
        let (ty, width, extends) = load(op);
        let end = at + width as u64;
        let numbers = matches!(self.comparator.shape, Shape::Numbers { .. });
        let mut bits = 0;
        for nth in (0..width as u64).rev() {
            let at = at + nth;
            let element = PLACES
                .into_iter()
                .zip(&self.elements)
                .find_map(|(place, element)| element.get(usize::try_from(at.checked_sub(place)?).unwrap()));
            let byte = match element {
                Some(byte) => *byte,
                // Numbers are passed without memory, so that the guest keeps its page.
                None if numbers && end > PAGE || end > BEYOND => return Err(OUT_OF_BOUNDS),
                None if at < PAGE => data(at as usize),
                None => return Err(Stop::Unknown),
            };
            bits = bits << 8 | u64::from(byte);
        }
        if extends {
            let unused = 64 - 8 * width as u32;
            bits = ((bits << unused) as i64 >> unused) as u64;
        }
        Ok(if ty == Ty::I32 { bits & 0xffff_ffff } else { bits })
    }
}

/// Returns a number in C's memory as the comparator's argument.
pub(super) fn number(bytes: &[u8], core: Ty, kind: Kind) -> u64 {
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    let (bits, unused) = (u64::from_le_bytes(eight), 64 - 8 * bytes.len() as u32);
    match (kind, core) {
        (Kind::Float, Ty::F64) if bytes.len() == 4 => {
            let (sign, payload) = (bits >> 31 << 63, (bits & 0x007f_ffff) << 29);
            // A NaN keeps its payload, made quiet.
            if f32_of(bits).is_nan() {
                sign | 0x7ff8 << 48 | payload
            } else {
                f64::from(f32_of(bits)).to_bits()
            }
        }
        (Kind::Signed, Ty::I32) => u64::from(((bits << unused) as i64 >> unused) as u32),
        (Kind::Signed, _) => ((bits << unused) as i64 >> unused) as u64,
        _ => bits,
    }
}

fn f32_of(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

/// The result of arithmetic: any NaN becomes the canonical one.
fn of_f32(value: f32) -> u64 {
    if value.is_nan() { 0x7fc0_0000 } else { value.to_bits().into() }
}

fn of_f64(value: f64) -> u64 {
    if value.is_nan() { 0x7ff8 << 48 } else { value.to_bits() }
}

/// Minimum (or maximum) with the rules of WebAssembly for NaN and for the signs of zeros.
fn extreme(a: f64, b: f64, maximum: bool) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == b {
        return if a.is_sign_negative() == maximum { b } else { a };
    }
    if (a < b) == maximum { b } else { a }
}

/// Truncates to an integer in `[min, end)`, or traps.
fn truncated(value: f64, min: f64, end: f64) -> Result<f64, Stop> {
    let whole = value.trunc();
    match () {
        () if value.is_nan() => Err(NOT_A_NUMBER),
        () if whole < min || whole >= end => Err(OVERFLOW),
        () => Ok(whole),
    }
}

/// Returns the result of an instruction without immediates.
#[rustfmt::skip]
fn numeric(op: u8, a: u64, b: u64) -> Result<u64, Stop> {
    const TWO_31: f64 = 2147483648.0;
    const TWO_32: f64 = 4294967296.0;
    const TWO_63: f64 = 9223372036854775808.0;
    const TWO_64: f64 = 18446744073709551616.0;
    let (x, y, ux, uy) = (a as i32, b as i32, a as u32, b as u32);
    let (l, m, ul, um) = (a as i64, b as i64, a, b);
    let (f, g, d, e) = (f32_of(a), f32_of(b), f64::from_bits(a), f64::from_bits(b));
    let truth = u64::from;
    let int = |value: i32| u64::from(value as u32);
    let zero = |is_zero: bool| if is_zero { Err(DIVIDED_BY_ZERO) } else { Ok(()) };
    Ok(match op {
        // Comparisons: eqz; eq, ne, lt, gt, le, ge, the last four signed and unsigned.
        0x45 => truth(x == 0),
        0x46 => truth(x == y), 0x47 => truth(x != y),
        0x48 => truth(x < y), 0x49 => truth(ux < uy), 0x4a => truth(x > y), 0x4b => truth(ux > uy),
        0x4c => truth(x <= y), 0x4d => truth(ux <= uy), 0x4e => truth(x >= y), 0x4f => truth(ux >= uy),
        0x50 => truth(l == 0),
        0x51 => truth(l == m), 0x52 => truth(l != m),
        0x53 => truth(l < m), 0x54 => truth(ul < um), 0x55 => truth(l > m), 0x56 => truth(ul > um),
        0x57 => truth(l <= m), 0x58 => truth(ul <= um), 0x59 => truth(l >= m), 0x5a => truth(ul >= um),
        0x5b => truth(f == g), 0x5c => truth(f != g), 0x5d => truth(f < g), 0x5e => truth(f > g),
        0x5f => truth(f <= g), 0x60 => truth(f >= g),
        0x61 => truth(d == e), 0x62 => truth(d != e), 0x63 => truth(d < e), 0x64 => truth(d > e),
        0x65 => truth(d <= e), 0x66 => truth(d >= e),
        // i32: clz, ctz, popcnt, add, sub, mul, div, rem, and, or, xor, shl, shr, rotl, rotr.
        0x67 => ux.leading_zeros().into(), 0x68 => ux.trailing_zeros().into(), 0x69 => ux.count_ones().into(),
        0x6a => int(x.wrapping_add(y)), 0x6b => int(x.wrapping_sub(y)), 0x6c => int(x.wrapping_mul(y)),
        0x6d => { zero(y == 0)?; int(x.checked_div(y).ok_or(OVERFLOW)?) }
        0x6e => { zero(y == 0)?; (ux / uy).into() }
        0x6f => { zero(y == 0)?; int(x.wrapping_rem(y)) }
        0x70 => { zero(y == 0)?; (ux % uy).into() }
        0x71 => (ux & uy).into(), 0x72 => (ux | uy).into(), 0x73 => (ux ^ uy).into(),
        0x74 => ux.wrapping_shl(uy).into(), 0x75 => int(x.wrapping_shr(uy)),
        0x76 => ux.wrapping_shr(uy).into(),
        0x77 => ux.rotate_left(uy % 32).into(), 0x78 => ux.rotate_right(uy % 32).into(),
        // i64, likewise.
        0x79 => ul.leading_zeros().into(), 0x7a => ul.trailing_zeros().into(), 0x7b => ul.count_ones().into(),
        0x7c => ul.wrapping_add(um), 0x7d => ul.wrapping_sub(um), 0x7e => ul.wrapping_mul(um),
        0x7f => { zero(m == 0)?; l.checked_div(m).ok_or(OVERFLOW)? as u64 }
        0x80 => { zero(m == 0)?; ul / um }
        0x81 => { zero(m == 0)?; l.wrapping_rem(m) as u64 }
        0x82 => { zero(m == 0)?; ul % um }
        0x83 => ul & um, 0x84 => ul | um, 0x85 => ul ^ um,
        0x86 => ul.wrapping_shl(um as u32), 0x87 => l.wrapping_shr(um as u32) as u64,
        0x88 => ul.wrapping_shr(um as u32),
        0x89 => ul.rotate_left((um % 64) as u32), 0x8a => ul.rotate_right((um % 64) as u32),
        // Floats: abs, neg, ceil, floor, trunc, nearest, sqrt, add, sub, mul, div, min, max, copysign.
        0x8b => a & 0x7fff_ffff, 0x8c => a ^ 0x8000_0000,
        0x8d => of_f32(f.ceil()), 0x8e => of_f32(f.floor()), 0x8f => of_f32(f.trunc()),
        0x90 => of_f32(f.round_ties_even()), 0x91 => of_f32(f.sqrt()),
        0x92 => of_f32(f + g), 0x93 => of_f32(f - g), 0x94 => of_f32(f * g), 0x95 => of_f32(f / g),
        0x96 => of_f32(extreme(f.into(), g.into(), false) as f32),
        0x97 => of_f32(extreme(f.into(), g.into(), true) as f32),
        0x98 => a & 0x7fff_ffff | b & 0x8000_0000,
        0x99 => a & !(1 << 63), 0x9a => a ^ 1 << 63,
        0x9b => of_f64(d.ceil()), 0x9c => of_f64(d.floor()), 0x9d => of_f64(d.trunc()),
        0x9e => of_f64(d.round_ties_even()), 0x9f => of_f64(d.sqrt()),
        0xa0 => of_f64(d + e), 0xa1 => of_f64(d - e), 0xa2 => of_f64(d * e), 0xa3 => of_f64(d / e),
        0xa4 => of_f64(extreme(d, e, false)), 0xa5 => of_f64(extreme(d, e, true)),
        0xa6 => a & !(1 << 63) | b & 1 << 63,
        // Conversions.
        0xa7 => ux.into(),
        0xa8 => int(truncated(f.into(), -TWO_31, TWO_31)? as i32),
        0xa9 => u64::from(truncated(f.into(), 0.0, TWO_32)? as u32),
        0xaa => int(truncated(d, -TWO_31, TWO_31)? as i32),
        0xab => u64::from(truncated(d, 0.0, TWO_32)? as u32),
        0xac => i64::from(x) as u64, 0xad => ux.into(),
        0xae => truncated(f.into(), -TWO_63, TWO_63)? as i64 as u64,
        0xaf => truncated(f.into(), 0.0, TWO_64)? as u64,
        0xb0 => truncated(d, -TWO_63, TWO_63)? as i64 as u64,
        0xb1 => truncated(d, 0.0, TWO_64)? as u64,
        0xb2 => of_f32(x as f32), 0xb3 => of_f32(ux as f32), 0xb4 => of_f32(l as f32),
        0xb5 => of_f32(ul as f32),
        0xb6 => of_f32(d as f32),
        0xb7 => of_f64(x.into()), 0xb8 => of_f64(ux.into()), 0xb9 => of_f64(l as f64),
        0xba => of_f64(ul as f64),
        0xbb => of_f64(f.into()),
        0xbc..=0xbf => a,
        0xc0 => int((x as i8).into()), 0xc1 => int((x as i16).into()),
        0xc2 => i64::from(l as i8) as u64, 0xc3 => i64::from(l as i16) as u64,
        0xc4 => i64::from(l as i32) as u64,
        _ => panic!("{op:#x} has immediates"),
    })
}
