//! Rust's types of function pointers, checked against prototypes.
#![allow(unsafe_code, reason = "turns addresses of code into function pointers")]

use std::any::type_name;
use std::ffi::c_void;
use std::mem;

use super::{CallConv, Prototype};
use crate::ctype::{CType, NumberKind};
use crate::error::{Result, TypeError};

/// How C passes a value: two types of one class are passed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbiClass {
    /// No value.
    Void,
    /// An integer, `_Bool` or an enumeration of so many bytes, signed or not.
    Integer(usize),
    /// A floating-point number of so many bytes.
    Float(usize),
    /// Any pointer to data or code.
    Pointer,
    /// A struct of this size and alignment.
    #[allow(missing_docs, reason = "they are what they are called")]
    Struct { size: usize, align: usize },
}

/// A Rust type whose values C passes: integers, floats, `bool`, pointers, `()` for `void`, and your own
/// `#[repr(C)]` structs.
///
/// ```
/// # #![allow(unsafe_code)]
/// #[repr(C)]
/// #[derive(Clone, Copy)]
/// struct Point { x: i32, y: i32 }
///
/// // SAFETY: it is `repr(C)`, and its fields are C's.
/// unsafe impl callbox::CValue for Point {
///     const CLASS: callbox::AbiClass = callbox::AbiClass::of_struct::<Point>();
/// }
/// ```
///
/// # Safety
///
/// C passes values of the type as the class says.
pub unsafe trait CValue {
    /// How C passes it.
    const CLASS: AbiClass;
}

/// A Rust function pointer type, such as `unsafe extern "C" fn(c_int) -> c_int`, of up to twelve
/// arguments. `*const c_void` is one as well, of which nothing is known.
///
/// # Safety
///
/// A `*const c_void` that is the address of code with these arguments, result and calling convention can
/// be transmuted into it. `PASSED` is `None` only where calling it takes another transmutation.
pub unsafe trait FnPointer: Copy + 'static {
    /// Convention, result and arguments, as far as they are known.
    const PASSED: Option<(CallConv, AbiClass, &'static [AbiClass])>;
}

impl AbiClass {
    /// The class of a `#[repr(C)]` struct.
    pub const fn of_struct<T>() -> AbiClass {
        AbiClass::Struct { size: size_of::<T>(), align: align_of::<T>() }
    }

    /// The class of a C type.
    pub fn of(ctype: &CType) -> AbiClass {
        let (size, align) = (ctype.size().unwrap_or(0), ctype.align().unwrap_or(1));
        match (ctype, ctype.kind()) {
            (CType::Void, _) => AbiClass::Void,
            (_, Some(NumberKind::Float)) => AbiClass::Float(size),
            (_, Some(NumberKind::Signed | NumberKind::Unsigned)) => AbiClass::Integer(size),
            (CType::Struct(_), _) => AbiClass::Struct { size, align },
            _ => AbiClass::Pointer,
        }
    }
}

macro_rules! values {
    ($($class:ident: $($rust:ty)*;)*) => {
        $($(
            // SAFETY: Rust's FFI types are passed as C's of the same kind and size.
            unsafe impl CValue for $rust {
                const CLASS: AbiClass = AbiClass::$class(size_of::<$rust>());
            }
        )*)*
    };
}

values! {
    Integer: bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize;
    Float: f32 f64;
}

// SAFETY: it is what a function without a result returns.
unsafe impl CValue for () {
    const CLASS: AbiClass = AbiClass::Void;
}

// SAFETY: a thin pointer is C's.
unsafe impl<T> CValue for *const T {
    const CLASS: AbiClass = AbiClass::Pointer;
}

// SAFETY: as above.
unsafe impl<T> CValue for *mut T {
    const CLASS: AbiClass = AbiClass::Pointer;
}

// SAFETY: it says nothing, and is not called.
unsafe impl FnPointer for *const c_void {
    const PASSED: Option<(CallConv, AbiClass, &'static [AbiClass])> = None;
}

macro_rules! pointer {
    ($abi:literal $conv:ident $($arg:ident)*) => {
        // SAFETY: `PASSED` is what the type says itself.
        unsafe impl<R: CValue + 'static, $($arg: CValue + 'static),*> FnPointer
            for unsafe extern $abi fn($($arg),*) -> R
        {
            const PASSED: Option<(CallConv, AbiClass, &'static [AbiClass])> =
                Some((CallConv::$conv, R::CLASS, &[$($arg::CLASS),*]));
        }
    };
}

macro_rules! arities {
    ($($arg:ident)*) => { arities!(@ [] $($arg)*); };
    (@ [$($arg:ident)*]) => { arities!(! $($arg)*); };
    (@ [$($arg:ident)*] $next:ident $($rest:ident)*) => {
        arities!(! $($arg)*);
        arities!(@ [$($arg)* $next] $($rest)*);
    };
    (! $($arg:ident)*) => {
        pointer!("C" C $($arg)*);
        #[cfg(target_arch = "x86_64")]
        pointer!("win64" Win64 $($arg)*);
        #[cfg(target_arch = "x86_64")]
        pointer!("sysv64" SysV64 $($arg)*);
        #[cfg(target_arch = "x86")]
        pointer!("stdcall" Stdcall $($arg)*);
        #[cfg(target_arch = "x86")]
        pointer!("fastcall" Fastcall $($arg)*);
        #[cfg(target_arch = "x86")]
        pointer!("thiscall" Thiscall $($arg)*);
    };
}

arities!(A B C D E F G H I J K L);

/// `Err` unless C calls an `F` as it calls a pointer to a function of this prototype.
pub(crate) fn check_fn_pointer<F: FnPointer>(prototype: &Prototype) -> Result<()> {
    let Some((conv, result, params)) = F::PASSED else { return Ok(()) };
    let reason = if canonical(conv) != canonical(prototype.conv()) {
        "the calling convention is another one".to_owned()
    } else if result != AbiClass::of(prototype.result()) {
        "the result is of another type".to_owned()
    } else if params.len() != prototype.params().len() {
        format!("the prototype has {} arguments", prototype.params().len())
    } else {
        let differs = |(class, ctype): (&AbiClass, &CType)| *class != AbiClass::of(ctype);
        match params.iter().zip(prototype.params()).position(differs) {
            None => return Ok(()),
            Some(at) => format!("argument {} is of another type", at + 1),
        }
    };
    Err(TypeError::Pointer { prototype: prototype.to_string(), found: type_name::<F>(), reason }.into())
}

/// One name for what is the same on this target.
fn canonical(conv: CallConv) -> CallConv {
    match conv {
        CallConv::Stdcall | CallConv::Win64 if cfg!(all(target_arch = "x86_64", windows)) => CallConv::C,
        CallConv::Stdcall if cfg!(target_arch = "x86_64") => CallConv::Win64,
        CallConv::SysV64 if cfg!(all(target_arch = "x86_64", not(windows))) => CallConv::C,
        other => other,
    }
}

/// The function pointer at this address, whose prototype has been [checked](check_fn_pointer).
pub(crate) fn fn_pointer<F: FnPointer>(code: *const c_void) -> F {
    const { assert!(size_of::<F>() == size_of::<*const c_void>()) };
    // SAFETY: `FnPointer` promises that this is how one is made.
    unsafe { mem::transmute_copy(&code) }
}
