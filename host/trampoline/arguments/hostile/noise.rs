//! Random decisions, and random types.

use crate::ctype::{CType, Enum, Struct};
use crate::prototype::Prototype;

/// Bytes to decide with, followed by pseudo-random ones.
pub(crate) struct Noise<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl<'a> Noise<'a> {
    pub(crate) fn new(bytes: &'a [u8], seed: u64) -> Noise<'a> {
        Noise { bytes, state: seed | 1 }
    }

    pub(super) fn byte(&mut self) -> u8 {
        if let Some((first, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            return *first;
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 32) as u8
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % n
    }
}

pub(super) fn any_prototype(noise: &mut Noise<'_>) -> Prototype {
    let mut params = Vec::new();
    for _ in 0..1 + noise.below(4) {
        if noise.below(4) == 0 {
            let of = [CType::Void, CType::Char, any_object(noise, 2)][noise.below(3)].clone();
            params.push(of.counted(noise.below(2) == 0, params.len() + 1));
            params.push(CType::Size);
        } else {
            params.push(any_value(noise, 3));
        }
    }
    let result =
        if noise.below(2) == 0 { params[noise.below(params.len())].clone() } else { any_value(noise, 2) };
    let result = if matches!(result, CType::Counted { .. }) { CType::Char.const_pointer() } else { result };
    Prototype::new(result, params)
}

/// Returns a type that is passed by value.
fn any_value(noise: &mut Noise<'_>, depth: usize) -> CType {
    match any_object(noise, depth) {
        array @ CType::Array { .. } => array.pointer(),
        CType::LongDouble => CType::LongDouble.pointer(),
        other if noise.below(3) > 0 => {
            CType::Pointer { pointee: Box::new(other), readonly: noise.below(2) == 0 }
        }
        other => other,
    }
}

fn any_object(noise: &mut Noise<'_>, depth: usize) -> CType {
    match noise.below(if depth == 0 { 9 } else { 12 }) {
        0 => CType::Bool,
        1 => CType::from(Enum::new("", [("A", -1), ("B", 1), ("C", 0x0102_0304)]).unwrap()),
        2 => CType::LongDouble,
        3 => CType::UnsignedChar,
        4 => CType::Char.const_pointer(),
        5 => [CType::Void.pointer(), CType::Void.const_pointer()][noise.below(2)].clone(),
        6 => {
            let opaque = CType::opaque(["a", "b"][noise.below(2)]);
            CType::Pointer { pointee: Box::new(opaque), readonly: noise.below(2) == 0 }
        }
        7 => CType::Int,
        8 => [CType::Long, CType::Double, CType::Char][noise.below(3)].clone(),
        9 => {
            let pointee = Box::new(any_object(noise, depth - 1));
            CType::Pointer { pointee, readonly: noise.below(2) == 0 }
        }
        10 => any_object(noise, depth - 1).array(1 + noise.below(3)).unwrap(),
        _ => {
            let fields: Vec<_> =
                (0..1 + noise.below(3)).map(|n| (format!("f{n}"), any_object(noise, depth - 1))).collect();
            Struct::new("", fields).unwrap().into()
        }
    }
}
