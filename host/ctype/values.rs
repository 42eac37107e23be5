//! The values of each scalar type: the one judge of the bytes that a guest hands back.
//!
//! A pointer has no values of its own. It is judged by what the call passed in: `trampoline/arguments`.

use std::sync::Arc;

use super::{CType, Enum};

/// The bit patterns that are values of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// All: integers, and floating-point numbers in a format of IEEE 754.
    All,
    /// 0 and 1.
    Bool,
    /// The enumerators.
    Enum(Arc<Enum>),
    /// The numbers that the x87 unit produces; its other patterns are invalid operands.
    Extended,
}

impl Values {
    /// Returns the values of a scalar.
    pub(crate) fn of(ctype: &CType) -> Values {
        match ctype {
            CType::Bool => Values::Bool,
            CType::Enum(listed) => Values::Enum(listed.clone()),
            CType::LongDouble if ctype.value_size() == 10 => Values::Extended,
            _ => Values::All,
        }
    }

    /// Returns whether every bit pattern is a value.
    pub(crate) fn is_all(&self) -> bool {
        *self == Values::All
    }

    /// Makes a value of the type of these bytes, which begin with a scalar of the type. As C does, it makes a
    /// `_Bool` of a number by comparing it with 0. The error is the integer that is no value of the type, or
    /// the significand of an invalid floating-point number.
    pub(crate) fn admit(&self, bytes: &mut [u8]) -> Result<(), i128> {
        match (self, &mut *bytes) {
            (Values::Bool, [byte, ..]) => *byte = (*byte != 0).into(),
            (Values::Enum(listed), [a, b, c, d, ..]) => {
                let value = i32::from_ne_bytes([*a, *b, *c, *d]);
                if !listed.contains(value) {
                    return Err(value.into());
                }
            }
            (Values::Extended, [significand @ .., low, high]) if significand.len() == 8 => {
                let exponent = u16::from_le_bytes([*low, *high]) & 0x7fff;
                let significand = significand.iter().rfold(0_u64, |all, byte| all << 8 | u64::from(*byte));
                // The integer bit is explicit, and follows from the exponent.
                if (significand >> 63 == 1) != (exponent != 0) {
                    return Err(significand.into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted<const N: usize>(ctype: &CType, mut bytes: [u8; N]) -> Result<[u8; N], i128> {
        Values::of(ctype).admit(&mut bytes).map(|()| bytes)
    }

    #[test]
    fn a_bool_is_0_or_1() {
        for byte in 0..=u8::MAX {
            assert_eq!(admitted(&CType::Bool, [byte]), Ok([u8::from(byte != 0)]));
        }
    }

    #[test]
    fn an_enumeration_is_one_of_its_enumerators() {
        let colour = CType::from(Enum::new("colour", [("RED", -1), ("BLUE", 3)]).unwrap());
        for value in -5..9_i32 {
            let good = admitted(&colour, value.to_ne_bytes());
            assert_eq!(
                good,
                if value == -1 || value == 3 { Ok(value.to_ne_bytes()) } else { Err(value.into()) }
            );
        }
    }

    #[test]
    #[cfg(all(target_arch = "x86_64", unix))]
    fn a_long_double_is_a_number_of_the_x87_unit() {
        let number = |significand: u64, exponent: u16| {
            let mut bytes = [0; 10];
            bytes[..8].copy_from_slice(&significand.to_le_bytes());
            bytes[8..].copy_from_slice(&exponent.to_le_bytes());
            admitted(&CType::LongDouble, bytes).is_ok()
        };
        let one = 1 << 63;
        for (significand, exponent) in [(one, 0x3fff), (0, 0), (1, 0x8000), (one, 0x7fff), (one | 1, 0xffff)]
        {
            assert!(number(significand, exponent), "{significand:x} {exponent:x}");
        }
        for (significand, exponent) in [(1, 0x3fff), (one, 0), (0, 0x7fff), (0, 1)] {
            assert!(!number(significand, exponent), "{significand:x} {exponent:x}");
        }
    }

    #[test]
    fn every_pattern_of_other_numbers_is_a_value() {
        for ctype in [CType::Char, CType::Int, CType::Float, CType::Double, CType::Size] {
            assert!(Values::of(&ctype).is_all());
        }
    }
}
