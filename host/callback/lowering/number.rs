//! Lowering of C numbers to core values, and lifting back.

use crate::ctype::CoreType;
use crate::ctype::{CType, NumberKind, Values};

/// A type of C numbers: its size in bytes and the meaning of its bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CNumber {
    size: u8,
    kind: NumberKind,
    values: Values,
}

impl CNumber {
    pub(super) fn of(ctype: &CType) -> Result<CNumber, &'static str> {
        let (Some(size), Some(kind)) = (ctype.size(), ctype.kind()) else {
            return Err("an array is passed by a pointer, not by value");
        };
        if size > 8 || *ctype == CType::LongDouble {
            return Err("a long double does not cross; WebAssembly has no such number");
        }
        Ok(CNumber { size: size as u8, kind, values: Values::of(ctype) })
    }

    pub(crate) fn size(&self) -> usize {
        self.size.into()
    }

    pub(crate) fn is_integer(&self) -> bool {
        self.kind != NumberKind::Float
    }

    /// Returns the core types that a guest may take the number as; the first one represents every value.
    pub(super) fn param_types(&self) -> &'static [CoreType] {
        match (self.kind, self.size) {
            (NumberKind::Float, 4) => &[CoreType::F32, CoreType::F64],
            (NumberKind::Float, _) => &[CoreType::F64],
            (_, 8) => &[CoreType::I64, CoreType::I32],
            _ => &[CoreType::I32, CoreType::I64],
        }
    }

    /// Returns the core types that a guest may answer with: those whose lifting loses nothing.
    pub(super) fn result_types(&self) -> &'static [CoreType] {
        match (self.kind, self.size) {
            (NumberKind::Float, 4) => &[CoreType::F32],
            (NumberKind::Float, _) => &[CoreType::F64, CoreType::F32],
            (_, 8) => &[CoreType::I64, CoreType::I32],
            _ => &[CoreType::I32],
        }
    }

    /// Returns the value of a host integer, which is in the first of the bytes.
    pub(crate) fn integer(&self, bytes: [u8; 8]) -> i128 {
        let bits = self.extended(u64::from_ne_bytes(bytes));
        if self.kind == NumberKind::Signed { i128::from(bits as i64) } else { i128::from(bits) }
    }

    /// Lowers a host number, which is in the first of the bytes, to a core value; the error is an integer
    /// that does not fit.
    pub(crate) fn lower(&self, bytes: [u8; 8], core: CoreType) -> Result<u64, i128> {
        let bits = u64::from_ne_bytes(bytes);
        match (core, self.kind) {
            (CoreType::F64, NumberKind::Float) if self.size == 4 => {
                Ok(f64::from(f32::from_bits(bits as u32)).to_bits())
            }
            (_, NumberKind::Float) => Ok(bits),
            (CoreType::I32, _) if self.size == 8 => {
                let value = self.integer(bytes);
                let fits = i32::try_from(value).is_ok()
                    || u32::try_from(value).is_ok() && self.kind == NumberKind::Unsigned;
                if fits { Ok(bits) } else { Err(value) }
            }
            _ => Ok(self.extended(bits)),
        }
    }

    /// Lifts a core value to a host number, integers extended to eight bytes as C extends them; the error is
    /// an integer that is no value of the type.
    pub(crate) fn lift(&self, bits: u64, core: CoreType) -> Result<[u8; 8], i128> {
        let number = match (core, self.kind) {
            (CoreType::F32, NumberKind::Float) if self.size == 8 => {
                f64::from(f32::from_bits(bits as u32)).to_bits()
            }
            (_, NumberKind::Float) => bits,
            // C makes a `_Bool` of the whole number, not of its lowest byte.
            (CoreType::I32, _) if self.values == Values::Bool => u64::from(bits as u32 != 0),
            (CoreType::I32, NumberKind::Signed) => self.extended(i64::from(bits as i32) as u64),
            (CoreType::I32, _) => self.extended(u64::from(bits as u32)),
            _ => self.extended(bits),
        };
        let mut bytes = number.to_ne_bytes();
        self.values.admit(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns the bytes of an integer, extended to eight; `None` if it is not of this type.
    pub(crate) fn of_integer(&self, value: i128) -> Option<Vec<u8>> {
        let mut bytes = self.extended(value as u64).to_ne_bytes();
        let fits = self.is_integer() && self.integer(bytes) == value;
        (fits && self.values.admit(&mut bytes).is_ok()).then(|| bytes.to_vec())
    }

    /// Returns the bytes of a floating-point number, in eight; `None` if it is not of this type.
    pub(crate) fn of_float(&self, value: f64) -> Option<Vec<u8>> {
        let bits = if self.size == 4 { u64::from((value as f32).to_bits()) } else { value.to_bits() };
        (self.kind == NumberKind::Float).then(|| bits.to_ne_bytes().to_vec())
    }

    fn extended(&self, bits: u64) -> u64 {
        match (self.size, self.kind) {
            (1, _) if self.values == Values::Bool => u64::from(bits as u8 != 0),
            (1, NumberKind::Signed) => i64::from(bits as i8) as u64,
            (2, NumberKind::Signed) => i64::from(bits as i16) as u64,
            (4, NumberKind::Signed) => i64::from(bits as i32) as u64,
            (1, _) => u64::from(bits as u8),
            (2, _) => u64::from(bits as u16),
            (4, _) => u64::from(bits as u32),
            _ => bits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctype::Enum;

    fn lower(ctype: CType, bits: u64, core: CoreType) -> Result<u64, i128> {
        CNumber::of(&ctype).unwrap().lower(bits.to_ne_bytes(), core)
    }

    fn lift(ctype: CType, bits: u64, core: CoreType) -> i64 {
        i64::from_ne_bytes(CNumber::of(&ctype).unwrap().lift(bits, core).unwrap())
    }

    #[test]
    fn narrow_integers_are_extended_as_c_extends_them() {
        // The bytes after a narrow integer are unspecified.
        let dirt = 0xdead_beef_dead_be00;
        assert_eq!(lower(CType::SignedChar, dirt | 0x80, CoreType::I32), Ok(-128_i64 as u64));
        assert_eq!(lower(CType::UnsignedChar, dirt | 0x80, CoreType::I64), Ok(0x80));
        assert_eq!(lower(CType::Bool, dirt | 1, CoreType::I32), Ok(1));
        assert_eq!(lower(CType::Short, 0xdead_ffff, CoreType::I64), Ok(-1_i64 as u64));
        assert_eq!(lower(CType::UnsignedInt, u64::MAX, CoreType::I64), Ok(0xffff_ffff));
    }

    #[test]
    fn a_wide_integer_enters_an_i32_only_if_it_fits() {
        assert_eq!(lower(CType::Size, 0xffff_ffff, CoreType::I32), Ok(0xffff_ffff));
        assert_eq!(lower(CType::Size, 1 << 32, CoreType::I32), Err(1 << 32));
        assert_eq!(lower(CType::Int64, -1_i64 as u64, CoreType::I32), Ok(-1_i64 as u64));
        assert_eq!(lower(CType::Int64, 0xffff_ffff, CoreType::I32), Err(0xffff_ffff));
        assert_eq!(lower(CType::Int64, i64::MIN as u64, CoreType::I32), Err(i64::MIN.into()));
    }

    #[test]
    fn answers_are_cut_to_the_size_of_the_result_as_c_cuts_them() {
        assert_eq!(lift(CType::SignedChar, 0x1ff, CoreType::I32), -1);
        assert_eq!(lift(CType::UnsignedShort, 0xffff_ffff, CoreType::I32), 0xffff);
        assert_eq!(lift(CType::Bool, 0x100, CoreType::I32), 1);
        assert_eq!(lift(CType::Long, 0xffff_ffff, CoreType::I32), -1);
        assert_eq!(lift(CType::UnsignedLongLong, 0xffff_ffff, CoreType::I32), 0xffff_ffff);
        assert_eq!(lift(CType::Int64, u64::MAX, CoreType::I64), -1);
    }

    #[test]
    fn an_answer_that_is_no_enumerator_is_refused() {
        let colour = CType::from(Enum::new("", [("RED", -1), ("BLUE", 3)]).unwrap());
        let lift = |value: i32| CNumber::of(&colour).unwrap().lift(value as u32 as u64, CoreType::I32);
        assert_eq!(lift(-1), Ok((-1_i64).to_ne_bytes()));
        assert_eq!(lift(2), Err(2));
    }

    #[test]
    fn floats_are_widened() {
        let half = u64::from(0.5_f32.to_bits());
        assert_eq!(lower(CType::Float, half, CoreType::F64), Ok(0.5_f64.to_bits()));
        assert_eq!(lower(CType::Float, half, CoreType::F32), Ok(half));
        assert_eq!(lift(CType::Double, half, CoreType::F32) as u64, 0.5_f64.to_bits());
    }
}
