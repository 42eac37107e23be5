//! Rust's types as C passes them, compared with C types.
#![allow(unsafe_code, reason = "declares which types are passed as C's")]

use std::ffi::c_void;

use crate::ctype::{CType, NumberKind};

/// The class of a type in the C ABI, and the values that it has: C and Rust pass values of one class alike,
/// and either may take those of the other.
///
/// A struct is of the class of its fields, each at its place, because that is what the ABIs look at: System V
/// passes a struct of two `float` and one of two `int` in registers of different kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum AbiClass {
    /// No value.
    Void,
    /// `_Bool`, Rust's `bool`: a byte that is 0 or 1.
    Bool,
    /// An integer, or an enumeration, of this many bytes. Only that of a narrow one shows in how it is
    /// passed, but then it has to be right: C extends a result to a register by its sign.
    Integer { size: usize, signed: bool },
    /// A floating-point number of this many bytes.
    Float(usize),
    /// Any pointer to data or code.
    Pointer,
    /// A struct of this size and alignment, with the offset and class of each field: [`c_struct!`].
    ///
    /// [`c_struct!`]: crate::c_struct
    Struct { size: usize, align: usize, fields: &'static [(usize, AbiClass)] },
    /// An array, as a field of a struct.
    Array { element: &'static AbiClass, len: usize },
}

/// A Rust type whose values C passes: integers, floats, `bool`, pointers, `()` for `void`, and your own
/// `#[repr(C)]` structs by [`c_struct!`](crate::c_struct). Arrays are fields of structs only.
///
/// # Safety
///
/// C passes values of the type as the class says, and each value that C has of the class is one of the type.
pub unsafe trait CValue {
    /// Class of the type.
    const CLASS: AbiClass;
}

/// Implements [`CValue`] and [`Argument`](crate::Argument) for a `#[repr(C)]` struct, whose fields are listed
/// in order, all of them.
///
/// A struct that is not laid out as C lays out these fields is not accepted.
///
/// ```
/// #[repr(C)]
/// #[derive(Clone, Copy)]
/// struct Point { x: i32, y: i32 }
/// callbox::c_struct!(Point { x, y });
/// ```
///
/// ```compile_fail
/// #[repr(C)]
/// struct Point { x: i32, y: i32 }
/// callbox::c_struct!(Point { x }); // a field is missing
/// ```
///
/// ```compile_fail
/// #[repr(C, packed)]
/// struct Mixed { x: u8, y: i32 }
/// callbox::c_struct!(Mixed { x, y }); // C has padding between them
/// ```
#[macro_export]
macro_rules! c_struct {
    ($name:ident { $($field:tt),+ $(,)? }) => {
        // SAFETY: each field is listed, is a `CValue`, and lies where C has it: `AbiClass::of_struct` checks.
        #[allow(unsafe_code, reason = "the layout is checked")]
        unsafe impl $crate::CValue for $name {
            const CLASS: $crate::AbiClass = {
                // Every field is listed.
                const fn _all($name { $($field: _),+ }: &$name) {}
                $crate::AbiClass::of_struct::<$name>(&[$((
                    $crate::core::mem::offset_of!($name, $field),
                    $crate::AbiClass::of_field::<$name, _>(|of| &of.$field),
                )),+])
            };
        }

        // SAFETY: a struct is at its own address.
        #[allow(unsafe_code, reason = "the value is itself")]
        unsafe impl $crate::Argument for $name {
            fn form(&mut self) -> $crate::ArgumentForm {
                $crate::ArgumentForm::of_value(self)
            }
        }
    };
}

impl AbiClass {
    /// Returns the class of a `#[repr(C)]` struct with these fields, in order, each with its offset. Used by
    /// [`c_struct!`](crate::c_struct).
    ///
    /// # Panics
    ///
    /// At compile time, where C would lay out the fields in another way.
    pub const fn of_struct<T>(fields: &'static [(usize, AbiClass)]) -> AbiClass {
        let (mut end, mut align, mut at) = (0_usize, 1, 0);
        while at < fields.len() {
            let (size, its_align) = fields[at].1.layout();
            let offset = end.next_multiple_of(its_align);
            assert!(fields[at].0 == offset, "a field is not where C has it; the struct has to be repr(C)");
            end = offset + size;
            align = if its_align > align { its_align } else { align };
            at += 1;
        }
        assert!(
            size_of::<T>() == end.next_multiple_of(align),
            "the struct is not of the size that it has in C"
        );
        assert!(align_of::<T>() == align, "the struct is not aligned as in C");
        AbiClass::Struct { size: size_of::<T>(), align, fields }
    }

    /// Returns the class of a field. Used by [`c_struct!`](crate::c_struct).
    pub const fn of_field<T, F: CValue>(_field: fn(&T) -> &F) -> AbiClass {
        F::CLASS
    }

    /// Returns size and alignment in bytes.
    const fn layout(self) -> (usize, usize) {
        match self {
            AbiClass::Void => (0, 1),
            AbiClass::Bool => (1, 1),
            AbiClass::Integer { size: 8, .. } => (8, align_of::<u64>()),
            AbiClass::Float(8) => (8, align_of::<f64>()),
            AbiClass::Integer { size, .. } | AbiClass::Float(size) => (size, size),
            AbiClass::Pointer => (size_of::<*const c_void>(), align_of::<*const c_void>()),
            AbiClass::Struct { size, align, .. } => (size, align),
            AbiClass::Array { element, len } => {
                let (size, align) = element.layout();
                (size * len, align)
            }
        }
    }

    /// Returns whether a pointer of this C type leads to values of this class, one or more.
    pub(crate) fn is_pointee_of(&self, pointer: &CType) -> bool {
        match pointer {
            CType::Pointer { pointee, .. } => match &**pointee {
                CType::Array { element, .. } => self.is_of(pointee) || self.is_of(element),
                pointee => self.is_of(pointee),
            },
            CType::Counted { element, .. } if **element == CType::Void => self.is_byte(),
            CType::Counted { element, .. } => self.is_of(element),
            _ => false,
        }
    }

    /// Returns whether any value of one byte is of this class.
    pub(crate) const fn is_byte(&self) -> bool {
        matches!(self, AbiClass::Integer { size: 1, .. })
    }

    /// Returns whether C and Rust pass values of this class and of a C type alike, and have the same ones.
    pub fn is_of(&self, ctype: &CType) -> bool {
        let same_layout = ctype.size() == Some(self.layout().0) && ctype.align() == Some(self.layout().1);
        match (self, ctype) {
            (AbiClass::Void, CType::Void) => true,
            (AbiClass::Bool, CType::Bool) => true,
            (AbiClass::Integer { .. }, CType::Enum(_)) => same_layout,
            (AbiClass::Integer { .. }, CType::Bool) => false,
            (AbiClass::Integer { size, signed }, _) => {
                let its_sign = match ctype.kind() {
                    Some(NumberKind::Signed) => true,
                    Some(NumberKind::Unsigned) => false,
                    _ => return false,
                };
                same_layout && (!is_extended(*size) || *signed == its_sign)
            }
            (AbiClass::Float(_), _) => same_layout && ctype.kind() == Some(NumberKind::Float),
            (AbiClass::Pointer, CType::Pointer { .. } | CType::Counted { .. }) => true,
            (AbiClass::Struct { fields, .. }, CType::Struct(plain)) => {
                let mut pairs = fields.iter().zip(plain.fields());
                same_layout
                    && fields.len() == plain.fields().len()
                    && pairs.all(|((at, class), field)| *at == field.offset && class.is_of(&field.ctype))
            }
            (AbiClass::Array { element, len }, CType::Array { element: its, len: its_len }) => {
                len == its_len && element.is_of(its)
            }
            _ => false,
        }
    }
}

/// Returns whether an integer of this many bytes is extended to the size of a register by its sign.
const fn is_extended(size: usize) -> bool {
    let words = cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_pointer_width = "32"));
    size < 4 || size == 4 && !words
}

macro_rules! values {
    ($($rust:ty => $class:expr;)*) => {
        $(
            // SAFETY: Rust's FFI types are passed as C's of the same kind and size.
            unsafe impl CValue for $rust {
                const CLASS: AbiClass = $class;
            }
        )*
    };
}

macro_rules! integers {
    ($($rust:ty)*) => {
        values! { $($rust => AbiClass::Integer { size: size_of::<$rust>(), signed: <$rust>::MIN != 0 };)* }
    };
}

integers! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

values! {
    bool => AbiClass::Bool;
    f32 => AbiClass::Float(4);
    f64 => AbiClass::Float(8);
}

// SAFETY: an array in a struct is its elements in order. No function of C takes or returns an array.
unsafe impl<T: CValue, const N: usize> CValue for [T; N] {
    const CLASS: AbiClass = AbiClass::Array { element: &T::CLASS, len: N };
}

// SAFETY: `()` is the return type of a function without a result.
unsafe impl CValue for () {
    const CLASS: AbiClass = AbiClass::Void;
}

// SAFETY: a thin pointer is passed as C's.
unsafe impl<T> CValue for *const T {
    const CLASS: AbiClass = AbiClass::Pointer;
}

// SAFETY: as above.
unsafe impl<T> CValue for *mut T {
    const CLASS: AbiClass = AbiClass::Pointer;
}
