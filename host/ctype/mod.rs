//! C types: size, alignment, and WebAssembly's core types.

mod aggregate;
mod enumeration;
mod error;
mod print;
mod values;
mod wasm;

use std::ffi::{c_char, c_int, c_long, c_longlong, c_short, c_void};
use std::mem::{align_of, size_of};
use std::sync::Arc;

pub use aggregate::{Struct, StructField};
pub use enumeration::Enum;
pub use error::TypeError;
pub(crate) use print::Printer;
pub(crate) use values::Values;
pub(crate) use wasm::{CoreType, StoredNumber};

/// A C type in the layout of this target.
///
/// Types are compared by their spelling: `int` and `int32_t` are different types of the same layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the C type of its name")]
pub enum CType {
    Void,
    Bool,
    Char,
    SignedChar,
    UnsignedChar,
    Short,
    UnsignedShort,
    Int,
    UnsignedInt,
    Long,
    UnsignedLong,
    LongLong,
    UnsignedLongLong,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Size,
    SSize,
    IntPtr,
    UIntPtr,
    PtrDiff,
    Float,
    Double,
    /// 80, 64 or 128 bits wide, depending on the target; otherwise opaque.
    LongDouble,
    WChar,
    /// `T *`, or `const T *` where `readonly`.
    Pointer {
        /// Type of the pointee.
        pointee: Box<CType>,
        /// Whether the pointee is const.
        readonly: bool,
    },
    /// `T[n]`, in a struct or behind a pointer: [`CType::array`].
    Array {
        /// Type of each element.
        element: Box<CType>,
        /// Number of elements.
        len: usize,
    },
    /// A plain struct: [`Struct::new`].
    Struct(Arc<Struct>),
    /// A struct of this tag whose fields are unknown, which has no size. A pointer to it is opaque.
    Opaque(Arc<str>),
    /// An enumeration with its enumerators: [`Enum::new`]. One whose enumerators are unknown is an `int`.
    Enum(Arc<Enum>),
    /// `T a[n]` as an argument, where `n` is another argument: a pointer to `n` elements
    /// ([`CType::counted`]).
    Counted {
        /// Type of each element; `void` for a byte.
        element: Box<CType>,
        /// Whether the elements are const.
        readonly: bool,
        /// Index of the argument that is the number of elements, counted from 0.
        count: usize,
    },
}

/// The kind of number that a C type represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// Two's complement.
    Signed,
    /// Not negative; includes `_Bool`.
    Unsigned,
    /// IEEE 754.
    Float,
}

/// The scalars with their canonical C spellings.
pub(crate) const SCALARS: &[(CType, &str)] = &[
    (CType::Void, "void"),
    (CType::Bool, "_Bool"),
    (CType::Char, "char"),
    (CType::SignedChar, "signed char"),
    (CType::UnsignedChar, "unsigned char"),
    (CType::Short, "short"),
    (CType::UnsignedShort, "unsigned short"),
    (CType::Int, "int"),
    (CType::UnsignedInt, "unsigned int"),
    (CType::Long, "long"),
    (CType::UnsignedLong, "unsigned long"),
    (CType::LongLong, "long long"),
    (CType::UnsignedLongLong, "unsigned long long"),
    (CType::Int8, "int8_t"),
    (CType::Int16, "int16_t"),
    (CType::Int32, "int32_t"),
    (CType::Int64, "int64_t"),
    (CType::UInt8, "uint8_t"),
    (CType::UInt16, "uint16_t"),
    (CType::UInt32, "uint32_t"),
    (CType::UInt64, "uint64_t"),
    (CType::Size, "size_t"),
    (CType::SSize, "ssize_t"),
    (CType::IntPtr, "intptr_t"),
    (CType::UIntPtr, "uintptr_t"),
    (CType::PtrDiff, "ptrdiff_t"),
    (CType::Float, "float"),
    (CType::Double, "double"),
    (CType::LongDouble, "long double"),
    (CType::WChar, "wchar_t"),
];

impl CType {
    /// Returns `T *`, ctypes' `POINTER(T)`.
    pub fn pointer(self) -> CType {
        CType::Pointer { pointee: Box::new(self), readonly: false }
    }

    /// Returns `const T *`.
    pub fn const_pointer(self) -> CType {
        CType::Pointer { pointee: Box::new(self), readonly: true }
    }

    /// Returns `struct tag` with unknown fields, behind whose pointers a guest sees nothing.
    pub fn opaque(tag: &str) -> CType {
        CType::Opaque(tag.into())
    }

    /// Returns the size in bytes; `None` for `void` and structs with unknown fields.
    pub fn size(&self) -> Option<usize> {
        self.layout().map(|(size, _)| size)
    }

    /// Returns the alignment in bytes; `None` for `void` and structs with unknown fields.
    pub fn align(&self) -> Option<usize> {
        self.layout().map(|(_, align)| align)
    }

    /// Returns the kind of number; `None` for types that are not numbers.
    pub fn kind(&self) -> Option<NumberKind> {
        use CType::*;
        match self {
            Void | Pointer { .. } | Array { .. } | Struct(_) | Opaque(_) | Counted { .. } => None,
            Char if c_char::MIN == 0 => Some(NumberKind::Unsigned),
            Char | SignedChar | Short | Int | Long | LongLong | Int8 | Int16 | Int32 | Int64 | SSize
            | IntPtr | PtrDiff | Enum(_) => Some(NumberKind::Signed),
            Bool | UnsignedChar | UnsignedShort | UnsignedInt | UnsignedLong | UnsignedLongLong | UInt8
            | UInt16 | UInt32 | UInt64 | Size | UIntPtr => Some(NumberKind::Unsigned),
            WChar if libc::wchar_t::MIN == 0 => Some(NumberKind::Unsigned),
            WChar => Some(NumberKind::Signed),
            Float | Double | LongDouble => Some(NumberKind::Float),
        }
    }

    /// Returns whether values of both types are the same bytes with the same meaning, as `int` and
    /// `int32_t` are; of structs and arrays, whether this holds for each part. Pointers are alike if their
    /// pointees are, or one of those is `void`; an enumeration is like an `int`.
    pub fn same_layout(&self, other: &CType) -> bool {
        match (self, other) {
            (CType::Array { element: a, len: m }, CType::Array { element: b, len: n }) => {
                m == n && a.same_layout(b)
            }
            (CType::Struct(a), CType::Struct(b)) => {
                let pairs = || a.fields().iter().zip(b.fields());
                self.layout() == other.layout()
                    && a.fields().len() == b.fields().len()
                    && pairs().all(|(a, b)| a.offset == b.offset && a.ctype.same_layout(&b.ctype))
            }
            (CType::Pointer { pointee: a, .. }, CType::Pointer { pointee: b, .. }) => {
                **a == CType::Void || **b == CType::Void || a == b || a.same_layout(b)
            }
            _ => {
                self.kind().is_some()
                    && self.kind() == other.kind()
                    && self.layout() == other.layout()
                    && (*self == CType::Bool) == (*other == CType::Bool)
            }
        }
    }

    /// Returns whether a value of the type is or contains an address.
    pub(crate) fn has_pointers(&self) -> bool {
        match self {
            CType::Pointer { .. } | CType::Counted { .. } => true,
            CType::Array { element, .. } => element.has_pointers(),
            CType::Struct(plain) => plain.fields().iter().any(|field| field.ctype.has_pointers()),
            _ => false,
        }
    }

    /// Returns whether some bytes of the type are padding.
    pub(crate) fn has_padding(&self) -> bool {
        match self {
            CType::Array { element, .. } => element.has_padding(),
            CType::Struct(plain) => {
                let used: usize = plain.fields().iter().map(|field| field.ctype.size().unwrap_or(0)).sum();
                Some(used) != self.size() || plain.fields().iter().any(|field| field.ctype.has_padding())
            }
            scalar => scalar.value_size() != scalar.size().unwrap_or(0),
        }
    }

    /// Returns the number of bytes of a scalar that carry its value: 10 for an 80-bit `long double`.
    pub(crate) fn value_size(&self) -> usize {
        let size = self.size().unwrap_or(0);
        let extended = *self == CType::LongDouble && cfg!(any(target_arch = "x86_64", target_arch = "x86"));
        if extended { size.min(10) } else { size }
    }

    fn layout(&self) -> Option<(usize, usize)> {
        use CType::*;
        fn of<T>() -> Option<(usize, usize)> {
            Some((size_of::<T>(), align_of::<T>()))
        }
        match self {
            Void | Opaque(_) => None,
            Bool | Char | SignedChar | UnsignedChar | Int8 | UInt8 => of::<u8>(),
            Short | UnsignedShort => of::<c_short>(),
            Int | UnsignedInt | Enum(_) => of::<c_int>(),
            Long | UnsignedLong => of::<c_long>(),
            LongLong | UnsignedLongLong => of::<c_longlong>(),
            Int16 | UInt16 => of::<i16>(),
            Int32 | UInt32 => of::<i32>(),
            Int64 | UInt64 => of::<i64>(),
            Size | SSize | IntPtr | UIntPtr | PtrDiff => of::<usize>(),
            Float => of::<f32>(),
            Double => of::<f64>(),
            // Rust has no such type. It is a double in Apple's arm64 ABI and in Microsoft's ABI, and smaller
            // or less aligned on 32-bit x86 and ARM than on the other targets.
            LongDouble if cfg!(any(windows, all(target_vendor = "apple", target_arch = "aarch64"))) => {
                of::<f64>()
            }
            LongDouble if cfg!(target_arch = "x86") => Some((12, 4)),
            LongDouble if cfg!(target_arch = "arm") => of::<f64>(),
            LongDouble => Some((16, 16)),
            WChar => of::<libc::wchar_t>(),
            Pointer { .. } | Counted { .. } => of::<*const c_void>(),
            Array { element, len } => {
                element.layout().map(|(size, align)| (size.saturating_mul(*len), align))
            }
            Struct(plain) => Some(plain.layout()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG_DOUBLE: usize = if cfg!(all(target_arch = "x86_64", unix)) { 16 } else { 8 };

    #[test]
    fn every_scalar_has_the_size_that_the_c_compiler_gives_it() {
        let sizes: Vec<_> = SCALARS.iter().map(|(ctype, _)| ctype.size().unwrap_or(0)).collect();
        let long = size_of::<c_long>();
        let word = size_of::<usize>();
        assert_eq!(sizes[..13], [0, 1, 1, 1, 1, 2, 2, 4, 4, long, long, 8, 8]);
        assert_eq!(sizes[13..21], [1, 2, 4, 8, 1, 2, 4, 8]);
        assert_eq!(
            sizes[21..],
            [word, word, word, word, word, 4, 8, LONG_DOUBLE, size_of::<libc::wchar_t>()]
        );
    }
}
