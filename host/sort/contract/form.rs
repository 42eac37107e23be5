//! The form of the values that a comparator compares.

use crate::callback::Callback;
use crate::ctype::{CType, NumberKind};
use crate::sort::Items;

/// Maximum number of fields that are looked at: the first ones and the last ones of a large record.
const MAX_FIELDS: usize = 32;

/// The form of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Runs of bytes of any length, without the separator of lines.
    Runs { separator: Option<u8> },
    /// Elements of one width with numbers in them.
    Record { width: usize, fields: Vec<Field> },
}

/// A number in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) offset: usize,
    pub(super) number: Number,
}

/// The values of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Integer {
        width: usize,
        signed: bool,
    },
    /// 4 or 8 bytes wide.
    Float {
        width: usize,
    },
    /// One of these numbers: a `_Bool` or an enumeration.
    OneOf {
        width: usize,
        values: Vec<i128>,
    },
}

impl Form {
    /// Returns the form of the elements of a callback, or else of the items.
    pub(super) fn of(callback: &Callback, items: &Items<'_>) -> Form {
        let mut fields = Vec::new();
        let width = match (callback.element(), items.width()) {
            (Some(element), _) => {
                add(element, 0, &mut fields);
                element.size().unwrap_or(0)
            }
            (None, Some(width)) => {
                add_bytes(0, width, &mut fields);
                width
            }
            (None, None) => return Form::Runs { separator: items.separator() },
        };
        if fields.len() > MAX_FIELDS {
            fields.drain(MAX_FIELDS / 2..fields.len() - MAX_FIELDS / 2);
        }
        Form::Record { width, fields }
    }
}

/// Adds the numbers in an element of this type.
fn add(ctype: &CType, offset: usize, fields: &mut Vec<Field>) {
    let width = ctype.size().unwrap_or(0);
    let number = match (ctype, ctype.kind()) {
        (CType::Array { element, len }, _) => {
            let size = element.size().unwrap_or(0);
            // Those in between would be left out.
            let ends = (0..*len).filter(|at| *at < MAX_FIELDS || at + MAX_FIELDS >= *len);
            return ends.for_each(|at| add(element, offset + at * size, fields));
        }
        (CType::Struct(plain), _) => {
            let each = plain.fields().iter();
            return each.for_each(|field| add(&field.ctype, offset + field.offset, fields));
        }
        (CType::Bool, _) => Number::OneOf { width, values: vec![0, 1] },
        (CType::Enum(listed), _) => {
            let values = listed.enumerators().iter().map(|(_, value)| i128::from(*value));
            Number::OneOf { width, values: values.collect() }
        }
        (_, Some(NumberKind::Float)) if matches!(width, 4 | 8) => Number::Float { width },
        (_, Some(kind @ (NumberKind::Signed | NumberKind::Unsigned))) => {
            Number::Integer { width, signed: kind == NumberKind::Signed }
        }
        _ => return add_bytes(offset, width, fields),
    };
    fields.push(Field { offset, number });
}

/// Adds each byte as a number, of many the first ones and the last ones.
fn add_bytes(offset: usize, width: usize, fields: &mut Vec<Field>) {
    let ends = (0..width.min(MAX_FIELDS)).chain(width.saturating_sub(MAX_FIELDS).max(MAX_FIELDS)..width);
    let byte = Number::Integer { width: 1, signed: false };
    fields.extend(ends.map(|at| Field { offset: offset + at, number: byte.clone() }));
}

impl Number {
    pub(super) fn width(&self) -> usize {
        match self {
            Number::Integer { width, .. } | Number::Float { width } | Number::OneOf { width, .. } => *width,
        }
    }
}

impl Field {
    /// Returns the bits of the field in an element, extended to the left as its type says.
    pub(super) fn get(&self, element: &[u8]) -> i128 {
        let bytes = &element[self.offset..][..self.number.width()];
        let signed = !matches!(self.number, Number::Integer { signed: false, .. } | Number::Float { .. });
        let negative = signed && bytes.last().is_some_and(|last| *last >= 0x80);
        let mut wide = [if negative { 0xff } else { 0 }; size_of::<i128>()];
        wide[..bytes.len()].copy_from_slice(bytes);
        i128::from_le_bytes(wide)
    }

    /// Sets the field of an element to these bits, cut to its width.
    pub(super) fn set(&self, element: &mut [u8], bits: i128) {
        let width = self.number.width();
        element[self.offset..][..width].copy_from_slice(&bits.to_le_bytes()[..width]);
    }
}
