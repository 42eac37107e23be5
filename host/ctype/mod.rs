//! C types: size, alignment, and how wasm sees them.

mod aggregate;
mod print;
mod wasm;

use std::ffi::{c_char, c_int, c_long, c_longlong, c_short, c_void};
use std::mem::{align_of, size_of};
use std::sync::Arc;

pub use aggregate::{Struct, StructField};
pub(crate) use print::Printer;
pub(crate) use wasm::{CoreType, StoredNumber};

/// A C type, as this target lays it out.
///
/// Equality is by spelling: `int` and `int32_t` are two types here, though they have one layout.
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
    /// 80, 64 or 128 bits wide, as the target has it; nothing else is known of it here.
    LongDouble,
    WChar,
    /// `T *`, or `const T *` where `readonly`.
    Pointer {
        /// What it points to.
        pointee: Box<CType>,
        /// Whether the pointee is const.
        readonly: bool,
    },
    /// `T[n]`, in a struct or behind a pointer: [`CType::array`].
    Array {
        /// What each element is.
        element: Box<CType>,
        /// How many there are.
        len: usize,
    },
    /// A plain struct: [`Struct::new`].
    Struct(Arc<Struct>),
    /// `T a[n]` among arguments, where `n` is another one: a pointer to as many elements as that says
    /// ([`CType::counted`]).
    Counted {
        /// What each element is; `void` for a byte.
        element: Box<CType>,
        /// Whether the elements are const.
        readonly: bool,
        /// Which argument says how many there are, counted from 0.
        count: usize,
    },
}

/// What kind of number a C type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// Two's complement.
    Signed,
    /// Not negative; `_Bool` is one.
    Unsigned,
    /// IEEE 754.
    Float,
}

/// Each scalar with its canonical C spelling.
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
    /// `T *`, ctypes' `POINTER(T)`.
    pub fn pointer(self) -> CType {
        CType::Pointer { pointee: Box::new(self), readonly: false }
    }

    /// `const T *`.
    pub fn const_pointer(self) -> CType {
        CType::Pointer { pointee: Box::new(self), readonly: true }
    }

    /// Size in bytes; `None` for `void`.
    pub fn size(&self) -> Option<usize> {
        self.layout().map(|(size, _)| size)
    }

    /// Alignment in bytes; `None` for `void`.
    pub fn align(&self) -> Option<usize> {
        self.layout().map(|(_, align)| align)
    }

    /// What kind of number it is; `None` for what is no number.
    pub fn kind(&self) -> Option<NumberKind> {
        use CType::*;
        match self {
            Void | Pointer { .. } | Array { .. } | Struct(_) | Counted { .. } => None,
            Char if c_char::MIN == 0 => Some(NumberKind::Unsigned),
            Char | SignedChar | Short | Int | Long | LongLong | Int8 | Int16 | Int32 | Int64 | SSize
            | IntPtr | PtrDiff => Some(NumberKind::Signed),
            Bool | UnsignedChar | UnsignedShort | UnsignedInt | UnsignedLong | UnsignedLongLong | UInt8
            | UInt16 | UInt32 | UInt64 | Size | UIntPtr => Some(NumberKind::Unsigned),
            WChar if libc::wchar_t::MIN == 0 => Some(NumberKind::Unsigned),
            WChar => Some(NumberKind::Signed),
            Float | Double | LongDouble => Some(NumberKind::Float),
        }
    }

    /// Whether values of both types are the same bytes with the same meaning, as `int` and
    /// `int32_t` are.
    pub fn same_layout(&self, other: &CType) -> bool {
        self.layout() == other.layout()
            && self.kind() == other.kind()
            && self.has_pointers() == other.has_pointers()
    }

    /// Whether a value of it is an address, or holds one.
    pub(crate) fn has_pointers(&self) -> bool {
        match self {
            CType::Pointer { .. } | CType::Counted { .. } => true,
            CType::Array { element, .. } => element.has_pointers(),
            CType::Struct(plain) => plain.fields().iter().any(|field| field.ctype.has_pointers()),
            _ => false,
        }
    }

    /// Whether some of its bytes belong to no value.
    pub(crate) fn has_padding(&self) -> bool {
        match self {
            CType::Array { element, .. } => element.has_padding(),
            CType::Struct(plain) => {
                let used: usize = plain.fields().iter().map(|field| field.ctype.size().unwrap_or(0)).sum();
                Some(used) != self.size() || plain.fields().iter().any(|field| field.ctype.has_padding())
            }
            scalar => scalar.used() != scalar.size().unwrap_or(0),
        }
    }

    /// Bytes of a scalar that mean something: of an 80-bit `long double` ten.
    pub(crate) fn used(&self) -> usize {
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
            Void => None,
            Bool | Char | SignedChar | UnsignedChar | Int8 | UInt8 => of::<u8>(),
            Short | UnsignedShort => of::<c_short>(),
            Int | UnsignedInt => of::<c_int>(),
            Long | UnsignedLong => of::<c_long>(),
            LongLong | UnsignedLongLong => of::<c_longlong>(),
            Int16 | UInt16 => of::<i16>(),
            Int32 | UInt32 => of::<i32>(),
            Int64 | UInt64 => of::<i64>(),
            Size | SSize | IntPtr | UIntPtr | PtrDiff => of::<usize>(),
            Float => of::<f32>(),
            Double => of::<f64>(),
            // Rust has no such type. Of the targets there are, those with Apple's arm64 ABI or
            // Microsoft's make it a double, 32-bit x86 and ARM pack it closer.
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
