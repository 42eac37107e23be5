//! What a call passes: Rust values, as C sees them.
#![allow(unsafe_code, reason = "declares what Rust's references lead to")]

use std::any::type_name;
use std::ffi::{CStr, c_void};
use std::ptr;

#[cfg(doc)]
use crate::callback::Callback;
use crate::prototype::{AbiClass, CValue};

/// A Rust value that [`Callback::call`] passes where C would pass one:
///
/// | Rust | C |
/// |---|---|
/// | an integer, a float, `bool` | a number of the same class |
/// | a struct declared with [`c_struct!`](crate::c_struct) | that struct, by value |
/// | `&T`, `&mut T` of one of these | `const T *`, `T *` |
/// | `&[T]`, `&mut [T]` of at least as many elements | `const T a[n]`, `T a[n]`, `const T a[5]`, … |
/// | `&CStr` | `const char *` |
/// | `*const T`, `*mut T` | `void *`, `struct unknown *`: a token, which nobody follows |
///
/// # Safety
///
/// What `form` returns describes this value: memory can be read, and written if it says so, for as long as
/// the value is borrowed.
pub unsafe trait Argument {
    /// Returns how C sees the value.
    #[doc(hidden)]
    fn form(&mut self) -> ArgumentForm;

    /// Returns the name of its type.
    #[doc(hidden)]
    fn type_name(&self) -> &'static str {
        type_name::<Self>()
    }
}

/// A value as C sees it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "nobody but the implementations of `Argument` has to know")]
pub enum ArgumentForm {
    /// A number or a struct, which is at this address.
    Value { class: AbiClass, at: *const c_void },
    /// A pointer to elements, of `size` bytes in all. Its provenance is exposed.
    Memory { class: AbiClass, size: usize, writable: bool, at: *mut c_void },
    /// A pointer to characters and a NUL. Its provenance is exposed.
    Text { at: *const c_void },
    /// A pointer that is not followed. Its provenance is exposed, so that it can come back.
    Token { at: *const c_void, writable: bool },
}

/// The arguments of a call: a tuple of up to twelve [`Argument`]s, `()` for none, `(x,)` for one.
pub trait CallArguments: sealed::Sealed {
    /// Calls `then` with each argument.
    #[doc(hidden)]
    fn with<T>(self, then: impl FnOnce(&mut [&mut dyn Argument]) -> T) -> T;
}

mod sealed {
    #[allow(unnameable_types, reason = "tuples only are arguments")]
    pub trait Sealed {}
}

impl ArgumentForm {
    /// Returns the pointer that C would pass; null for a value.
    pub(super) fn word(&self) -> *const c_void {
        match *self {
            ArgumentForm::Value { .. } => ptr::null(),
            ArgumentForm::Memory { at, .. } => at,
            ArgumentForm::Text { at } | ArgumentForm::Token { at, .. } => at,
        }
    }

    /// Returns the form of a value that is passed itself.
    pub fn of_value<T: CValue>(value: &T) -> ArgumentForm {
        ArgumentForm::Value { class: T::CLASS, at: ptr::from_ref(value).cast() }
    }

    /// Returns the form of elements that a reference leads to.
    fn of_memory<T: CValue>(at: *const T, len: usize, writable: bool) -> ArgumentForm {
        at.expose_provenance();
        let size = len * size_of::<T>();
        ArgumentForm::Memory { class: T::CLASS, size, writable, at: at.cast_mut().cast() }
    }
}

macro_rules! values {
    ($($value:ty)*) => {
        $(
            // SAFETY: a value is at its own address.
            unsafe impl Argument for $value {
                fn form(&mut self) -> ArgumentForm {
                    ArgumentForm::of_value(self)
                }
            }
        )*
    };
}

values! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 bool }

// SAFETY: a shared reference leads to one value, which is not written to.
unsafe impl<T: CValue> Argument for &T {
    fn form(&mut self) -> ArgumentForm {
        ArgumentForm::of_memory(ptr::from_ref(*self), 1, false)
    }
}

// SAFETY: an exclusive reference leads to one value, which may be written to.
unsafe impl<T: CValue> Argument for &mut T {
    fn form(&mut self) -> ArgumentForm {
        ArgumentForm::of_memory(ptr::from_mut(*self), 1, true)
    }
}

// SAFETY: as above, of as many values as the slice has.
unsafe impl<T: CValue> Argument for &[T] {
    fn form(&mut self) -> ArgumentForm {
        ArgumentForm::of_memory(self.as_ptr(), self.len(), false)
    }
}

// SAFETY: as above.
unsafe impl<T: CValue> Argument for &mut [T] {
    fn form(&mut self) -> ArgumentForm {
        ArgumentForm::of_memory(self.as_mut_ptr(), self.len(), true)
    }
}

// SAFETY: the characters end with a NUL.
unsafe impl Argument for &CStr {
    fn form(&mut self) -> ArgumentForm {
        self.as_ptr().expose_provenance();
        ArgumentForm::Text { at: self.as_ptr().cast() }
    }
}

// SAFETY: a token is not followed.
unsafe impl<T> Argument for *const T {
    fn form(&mut self) -> ArgumentForm {
        self.expose_provenance();
        ArgumentForm::Token { at: self.cast(), writable: false }
    }
}

// SAFETY: as above.
unsafe impl<T> Argument for *mut T {
    fn form(&mut self) -> ArgumentForm {
        self.expose_provenance();
        ArgumentForm::Token { at: self.cast(), writable: true }
    }
}

macro_rules! tuples {
    ($($arg:ident)*) => { tuples!(@ [] $($arg)*); };
    (@ [$($arg:ident)*]) => { tuples!(! $($arg)*); };
    (@ [$($arg:ident)*] $next:ident $($rest:ident)*) => {
        tuples!(! $($arg)*);
        tuples!(@ [$($arg)* $next] $($rest)*);
    };
    (! $($arg:ident)*) => {
        impl<$($arg: Argument),*> sealed::Sealed for ($($arg,)*) {}

        impl<$($arg: Argument),*> CallArguments for ($($arg,)*) {
            #[allow(non_snake_case, reason = "each argument is called as its type")]
            fn with<T>(self, then: impl FnOnce(&mut [&mut dyn Argument]) -> T) -> T {
                let ($(mut $arg,)*) = self;
                then(&mut [$(&mut $arg),*])
            }
        }
    };
}

tuples!(A B C D E F G H I J K L);
