//! Rust's function pointer types, checked against prototypes.
#![allow(unsafe_code, reason = "turns addresses of code into function pointers")]

use std::any::type_name;
use std::ffi::c_void;
use std::fmt;
use std::mem;

use super::{AbiClass, CValue, CallConv, Prototype};
use crate::ctype::CType;
use crate::error::{Result, TypeError};

/// A Rust function pointer type, such as `unsafe extern "C" fn(c_int) -> c_int`, of up to twelve
/// arguments; or [`UntypedFn`], without a known prototype.
///
/// # Safety
///
/// A `*const c_void` that is the address of code with these arguments, result and calling convention can
/// be transmuted into the type. `SIGNATURE` is `None` only where a call requires another transmutation.
pub unsafe trait FnPointer: Copy + Send + Sync + 'static {
    /// Calling convention, result and arguments; `None` where they are unknown.
    const SIGNATURE: Option<(CallConv, AbiClass, &'static [AbiClass])>;
}

/// A function pointer whose type is not known at compile time, for prototypes that are read at run time. It
/// has to be cast to be called.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct UntypedFn(unsafe extern "C" fn());

impl UntypedFn {
    /// Returns the address of the code, which is never null.
    pub fn as_ptr(self) -> *const c_void {
        self.0 as *const c_void
    }
}

impl fmt::Debug for UntypedFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ptr().fmt(f)
    }
}

// SAFETY: `SIGNATURE` is `None`, and an `UntypedFn` cannot be called without another transmutation.
unsafe impl FnPointer for UntypedFn {
    const SIGNATURE: Option<(CallConv, AbiClass, &'static [AbiClass])> = None;
}

macro_rules! pointer {
    ($abi:literal $conv:ident $($arg:ident)*) => {
        // SAFETY: `SIGNATURE` repeats the calling convention and the types of the function
        // pointer itself.
        unsafe impl<R: CValue + 'static, $($arg: CValue + 'static),*> FnPointer
            for unsafe extern $abi fn($($arg),*) -> R
        {
            const SIGNATURE: Option<(CallConv, AbiClass, &'static [AbiClass])> =
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
    let Some((conv, result, params)) = F::SIGNATURE else { return Ok(()) };
    let reason = if canonical(conv) != canonical(prototype.conv()) {
        "the calling convention is another one".to_owned()
    } else if !result.is_of(prototype.result()) {
        "the result is of another type".to_owned()
    } else if params.len() != prototype.params().len() {
        format!("the prototype has {} arguments", prototype.params().len())
    } else {
        let differs = |(class, ctype): (&AbiClass, &CType)| !class.is_of(ctype);
        match params.iter().zip(prototype.params()).position(differs) {
            None => return Ok(()),
            Some(at) => format!("argument {} is of another type", at + 1),
        }
    };
    Err(TypeError::Pointer { prototype: prototype.to_string(), found: type_name::<F>(), reason }.into())
}

/// Maps calling conventions that are the same on this target to one of them.
fn canonical(conv: CallConv) -> CallConv {
    match conv {
        CallConv::Stdcall | CallConv::Win64 if cfg!(all(target_arch = "x86_64", windows)) => CallConv::C,
        CallConv::Stdcall if cfg!(target_arch = "x86_64") => CallConv::Win64,
        CallConv::SysV64 if cfg!(all(target_arch = "x86_64", not(windows))) => CallConv::C,
        other => other,
    }
}

/// Converts the address of code, whose prototype has been [checked](check_fn_pointer), to a function pointer.
pub(crate) fn fn_pointer<F: FnPointer>(code: *const c_void) -> F {
    const { assert!(size_of::<F>() == size_of::<*const c_void>()) };
    // SAFETY: the implementor of `FnPointer` promises that the address of such code can be transmuted.
    unsafe { mem::transmute_copy(&code) }
}
