//! How a comparator takes its two elements, by the name and core type of its export.

use wasmtime::{FuncType, ValType};

/// How a comparator export takes its two elements.
///
/// The type alone cannot decide, because pointers and `i32` scalars look the same; the name does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `(i32, i32) -> i32`: addresses of both elements in the guest's memory. Export `compare`.
    Pointers,
    /// `(T, T) -> i32`: both values. Exports `compare_i32`, `_i64`, `_f32`, `_f64`.
    Scalars,
    /// `(ptr, len, ptr, len) -> i32`: two runs of bytes. Export `compare_bytes`.
    Slices,
}

impl Shape {
    /// The shape that an export of this name has, or failing that of this type.
    pub(super) fn of(name: &str, ty: &FuncType) -> Shape {
        match name.rsplit_once('_') {
            Some((_, "bytes")) => return Shape::Slices,
            Some((_, suffix)) if scalar_suffix(suffix) => return Shape::Scalars,
            _ => {}
        }
        let params: Vec<_> = ty.params().collect();
        match params[..] {
            [ValType::I32, ValType::I32, ValType::I32, ValType::I32] => Shape::Slices,
            [ValType::I64 | ValType::F32 | ValType::F64, _] => Shape::Scalars,
            _ => Shape::Pointers,
        }
    }

    /// Whether a function of this type has the shape.
    pub(super) fn fits(self, ty: &FuncType) -> bool {
        let params: Vec<_> = ty.params().collect();
        let results: Vec<_> = ty.results().collect();
        let same = |a: &ValType, b: &ValType| ValType::eq(a, b);
        let shape = match (self, &params[..]) {
            (Shape::Pointers, [ValType::I32, ValType::I32]) => true,
            (Shape::Scalars, [a, b]) => same(a, b) && is_number(a),
            (Shape::Slices, [a, b, c, d]) => [a, b, c, d].iter().all(|t| matches!(t, ValType::I32)),
            _ => false,
        };
        shape && matches!(results[..], [ValType::I32])
    }

    /// The types that fit, for an error.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Shape::Pointers => "(i32, i32) -> i32",
            Shape::Scalars => "(T, T) -> i32, where T is i32, i64, f32 or f64",
            Shape::Slices => "(i32, i32, i32, i32) -> i32",
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Shape::Pointers => "pointers",
            Shape::Scalars => "scalars",
            Shape::Slices => "slices",
        })
    }
}

fn is_number(ty: &ValType) -> bool {
    matches!(ty, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
}

fn scalar_suffix(suffix: &str) -> bool {
    matches!(suffix, "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f32" | "f64")
}

/// `(i32, i32) -> i32`.
pub(super) fn signature(ty: &FuncType) -> String {
    let list = |types: Vec<String>| types.join(", ");
    let params = list(ty.params().map(|t| t.to_string()).collect());
    match list(ty.results().map(|t| t.to_string()).collect()).as_str() {
        "" => format!("({params})"),
        results => format!("({params}) -> {results}"),
    }
}
