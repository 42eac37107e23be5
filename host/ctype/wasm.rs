//! WebAssembly's core types, and C's numbers as a guest loads them.

/// A core type of WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CoreType {
    I32,
    I64,
    F32,
    F64,
}

/// The representation of a number in memory, and the core type that it is loaded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredNumber {
    pub(crate) core: CoreType,
    /// Bytes in memory: 1, 2, 4 or 8.
    pub(crate) width: u8,
    pub(crate) signed: bool,
}

impl CoreType {
    /// Returns the name in WebAssembly's text format.
    pub(crate) fn name(self) -> &'static str {
        match self {
            CoreType::I32 => "i32",
            CoreType::I64 => "i64",
            CoreType::F32 => "f32",
            CoreType::F64 => "f64",
        }
    }
}
