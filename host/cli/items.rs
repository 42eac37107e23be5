//! Types of items: their form in the input, their C types, and the names of guests' exports.

use std::fmt;
use std::str::FromStr;

use callbox::{CType, CompareShape, NumberKind, Prototype};

use super::number;

/// The type of the input's items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Lines,
    Scalar { name: &'static str, ctype: CType },
    Bytes { width: usize },
}

/// Name and C type of each scalar.
const SCALARS: [(&str, CType); 10] = [
    ("i8", CType::Int8),
    ("u8", CType::UInt8),
    ("i16", CType::Int16),
    ("u16", CType::UInt16),
    ("i32", CType::Int32),
    ("u32", CType::UInt32),
    ("i64", CType::Int64),
    ("u64", CType::UInt64),
    ("f32", CType::Float),
    ("f64", CType::Double),
];

impl FromStr for Type {
    type Err = String;

    fn from_str(text: &str) -> Result<Type, String> {
        if text == "lines" {
            return Ok(Type::Lines);
        }
        if let Some(width) = text.strip_prefix("bytes:") {
            return match number::size(width) {
                Ok(width @ 1..=0x4000_0000) => Ok(Type::Bytes { width: width as usize }),
                _ => Err("expected a width between 1 and 1G after bytes:".into()),
            };
        }
        Type::scalar(text)
            .ok_or_else(|| "expected lines, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64 or bytes:N".into())
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Lines => f.write_str("lines"),
            Type::Scalar { name, .. } => f.write_str(name),
            Type::Bytes { width } => write!(f, "bytes:{width}"),
        }
    }
}

impl Type {
    pub(super) fn scalar(text: &str) -> Option<Type> {
        let (name, ctype) = SCALARS.iter().find(|(name, _)| *name == text)?;
        Some(Type::Scalar { name, ctype: ctype.clone() })
    }

    /// Returns the type of the elements of a comparator.
    pub(super) fn of_element(element: &CType) -> Type {
        let scalar = SCALARS.iter().find(|(_, ctype)| ctype.same_layout(element));
        scalar.map_or(Type::Lines, |(name, ctype)| Type::Scalar { name, ctype: ctype.clone() })
    }

    /// Returns the type of items that an export compares, as far as its name states it.
    pub(super) fn of_export(name: &str) -> Option<Type> {
        match name.strip_prefix("compare_")? {
            "bytes" => Some(Type::Lines),
            scalar => Type::scalar(scalar),
        }
    }

    /// Returns whether a comparator of this type accepts numbers of the other one, and takes some of them for
    /// others: large ones for negative ones, or negative ones for large ones.
    pub(super) fn misreads(&self, other: &Type) -> bool {
        match (self.number(), other.number()) {
            (Some(NumberKind::Signed), Some(NumberKind::Unsigned)) => self.width() == other.width(),
            (Some(NumberKind::Unsigned), Some(NumberKind::Signed)) => self.width() >= other.width(),
            _ => false,
        }
    }

    /// Returns the kind of the items that are numbers.
    pub(super) fn number(&self) -> Option<NumberKind> {
        match self {
            Type::Scalar { ctype, .. } => ctype.kind(),
            Type::Lines | Type::Bytes { .. } => None,
        }
    }

    /// Returns the width of a record in bytes; `None` for lines.
    pub(super) fn width(&self) -> Option<usize> {
        match self {
            Type::Lines => None,
            Type::Scalar { ctype, .. } => ctype.size(),
            Type::Bytes { width } => Some(*width),
        }
    }

    /// Returns the names of exports that can compare such items, the best match first.
    pub(super) fn exports(&self) -> Vec<String> {
        match self {
            Type::Lines => CompareShape::exports_for(&CType::Void),
            Type::Bytes { .. } => vec!["compare_bytes".into(), "compare".into()],
            Type::Scalar { ctype, .. } => CompareShape::exports_for(ctype),
        }
    }

    /// Returns the prototype of a comparator of such items.
    pub(super) fn prototype(&self) -> Prototype {
        match self {
            Type::Scalar { ctype, .. } => Prototype::comparator(ctype.clone()),
            Type::Lines | Type::Bytes { .. } => Prototype::comparator(CType::Void),
        }
    }

    /// Formats an item for display: numbers in decimal, bytes escaped and quoted.
    pub(super) fn show(&self, item: &[u8]) -> String {
        let number = match self {
            Type::Scalar { ctype, .. } => ctype.show(item),
            Type::Lines | Type::Bytes { .. } => None,
        };
        number.unwrap_or_else(|| format!("\"{}\"", item.escape_ascii()))
    }
}
