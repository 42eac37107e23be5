//! The way in which a comparator takes its two elements, by the name and core type of its export.

use wasmtime::{FuncType, ValType};

use crate::ctype::{CType, NumberKind};

/// The way in which a comparator export takes its two elements.
///
/// The type alone cannot decide, because pointers and `i32` scalars look the same; the name does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareShape {
    /// `(i32, i32) -> i32`: addresses of both elements in the guest's memory. Export `compare`.
    Pointers,
    /// `(T, T) -> i32`: both values. Exports `compare_i32`, `_i64`, `_f32`, `_f64`.
    Scalars,
    /// `(ptr, len, ptr, len) -> i32`: two byte slices. Export `compare_bytes`.
    Slices,
}

impl CompareShape {
    /// Returns the shape that an export of this name has, or failing that, of this type.
    pub(super) fn of(name: &str, ty: &FuncType) -> CompareShape {
        match name.rsplit_once('_') {
            Some((_, "bytes")) => return CompareShape::Slices,
            _ if scalar_kind(name).is_some() => return CompareShape::Scalars,
            _ => {}
        }
        let params: Vec<_> = ty.params().collect();
        match params[..] {
            [ValType::I32, ValType::I32, ValType::I32, ValType::I32] => CompareShape::Slices,
            [ValType::I64 | ValType::F32 | ValType::F64, _] => CompareShape::Scalars,
            _ => CompareShape::Pointers,
        }
    }

    /// Returns whether a function of this type has the shape.
    pub(super) fn fits(self, ty: &FuncType) -> bool {
        let params: Vec<_> = ty.params().collect();
        let results: Vec<_> = ty.results().collect();
        let same = |a: &ValType, b: &ValType| ValType::eq(a, b);
        let shape = match (self, &params[..]) {
            (CompareShape::Pointers, [ValType::I32, ValType::I32]) => true,
            (CompareShape::Scalars, [a, b]) => same(a, b) && is_number(a),
            (CompareShape::Slices, [a, b, c, d]) => [a, b, c, d].iter().all(|t| matches!(t, ValType::I32)),
            _ => false,
        };
        shape && matches!(results[..], [ValType::I32])
    }

    /// Returns the names of exports that can compare such elements, the best match first. `void` stands for
    /// runs of bytes.
    ///
    /// ```
    /// use callbox::{CType, CompareShape};
    /// assert_eq!(CompareShape::exports_for(&CType::Void), ["compare_bytes"]);
    /// assert_eq!(CompareShape::exports_for(&CType::Int32), ["compare_i32", "compare"]);
    /// assert_eq!(CompareShape::exports_for(&CType::UInt8), ["compare_u8", "compare_i32", "compare"]);
    /// ```
    pub fn exports_for(element: &CType) -> Vec<String> {
        let own = match (element, element.kind(), element.size()) {
            (CType::Void, ..) => return vec!["compare_bytes".into()],
            (_, Some(kind), Some(size)) => (kind, 8 * size),
            _ => return vec!["compare_bytes".into(), "compare".into()],
        };
        // The core type, which narrower numbers are extended to; it would misread unsigned ones of its width.
        let core = match own {
            (NumberKind::Float, bits) => (NumberKind::Float, bits),
            (NumberKind::Unsigned, bits @ (32 | 64)) => (NumberKind::Unsigned, bits),
            (_, bits) => (NumberKind::Signed, bits.max(32)),
        };
        let name = |(kind, bits)| match kind {
            NumberKind::Signed => format!("compare_i{bits}"),
            NumberKind::Unsigned => format!("compare_u{bits}"),
            NumberKind::Float => format!("compare_f{bits}"),
        };
        let mut names = vec![name(own)];
        names.extend((core != own).then(|| name(core)));
        names.push("compare".into());
        names
    }

    /// Returns the types that fit, for an error.
    pub(super) fn expected(self) -> &'static str {
        match self {
            CompareShape::Pointers => "(i32, i32) -> i32",
            CompareShape::Scalars => "(T, T) -> i32, where T is i32, i64, f32 or f64",
            CompareShape::Slices => "(i32, i32, i32, i32) -> i32",
        }
    }
}

impl std::fmt::Display for CompareShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CompareShape::Pointers => "pointers",
            CompareShape::Scalars => "scalars",
            CompareShape::Slices => "slices",
        })
    }
}

fn is_number(ty: &ValType) -> bool {
    matches!(ty, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
}

/// Returns the kind of number that the name of an export states: its last word, as in `compare_u32`.
pub(super) fn scalar_kind(export: &str) -> Option<NumberKind> {
    match export.rsplit_once('_')?.1 {
        "i8" | "i16" | "i32" | "i64" => Some(NumberKind::Signed),
        "u8" | "u16" | "u32" | "u64" => Some(NumberKind::Unsigned),
        "f32" | "f64" => Some(NumberKind::Float),
        _ => None,
    }
}

/// Formats a type as in `(i32, i32) -> i32`.
pub(super) fn func_type_text(ty: &FuncType) -> String {
    let list = |types: Vec<String>| types.join(", ");
    let params = list(ty.params().map(|t| t.to_string()).collect());
    match list(ty.results().map(|t| t.to_string()).collect()).as_str() {
        "" => format!("({params})"),
        results => format!("({params}) -> {results}"),
    }
}
