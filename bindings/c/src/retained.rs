//! Function pointers that C keeps.
#![allow(unsafe_code, reason = "exports functions")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use host::{CompareFn, Error, RetainedLease, UntypedFn};

use crate::border::{Failure, Result, free, status, value};
use crate::guest::Callback;
use crate::memory::given;

/// `callbox_retained`
#[derive(Debug)]
pub(crate) enum Retained {
    /// A comparator, whose pointer is compiled in.
    Comparator(RetainedLease),
    /// A function of any other prototype, which libffi has made.
    Function(RetainedLease<UntypedFn>),
}

impl Retained {
    fn new(callback: &host::Callback) -> Result<Retained, Error> {
        if callback.shape().is_some() {
            callback.retain().map(Retained::Comparator)
        } else {
            callback.retain_as().map(Retained::Function)
        }
    }

    /// Returns the address of the code.
    fn address(&self) -> *const c_void {
        match self {
            Retained::Comparator(lease) => lease.pointer() as *const c_void,
            Retained::Function(lease) => lease.pointer().as_ptr(),
        }
    }

    fn calls(&self) -> u64 {
        match self {
            Retained::Comparator(lease) => lease.calls(),
            Retained::Function(lease) => lease.calls(),
        }
    }

    fn take_failure(&self) -> Option<Error> {
        match self {
            Retained::Comparator(lease) => lease.take_failure(),
            Retained::Function(lease) => lease.take_failure(),
        }
    }

    fn retire(self) {
        match self {
            Retained::Comparator(lease) => lease.retire(),
            Retained::Function(lease) => lease.retire(),
        }
    }

    fn into_user_data(self) -> *mut c_void {
        match self {
            Retained::Comparator(lease) => lease.into_user_data(),
            Retained::Function(lease) => lease.into_user_data(),
        }
    }
}

/// `callbox_retain`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_retain(
    callback: Option<&Callback>,
    pointer: Option<&mut MaybeUninit<*const c_void>>, // which C has as a function pointer, of the same size
    retained: Option<&mut MaybeUninit<Box<Retained>>>,
) -> c_int {
    status(|| {
        let Callback(callback) = given(callback, "callback")?;
        let (pointer, place) = (given(pointer, "pointer")?, given(retained, "retained")?);
        let retained = Retained::new(callback)?;
        pointer.write(retained.address());
        place.write(Box::new(retained));
        Ok(())
    })
}

/// `callbox_retain_records`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_retain_records(
    callback: Option<&Callback>,
    width: usize,
    pointer: Option<&mut MaybeUninit<CompareFn>>,
    retained: Option<&mut MaybeUninit<Box<Retained>>>,
) -> c_int {
    status(|| {
        let Callback(callback) = given(callback, "callback")?;
        let (pointer, place) = (given(pointer, "pointer")?, given(retained, "retained")?);
        let lease = callback.retain_records(width)?;
        pointer.write(lease.pointer());
        place.write(Box::new(Retained::Comparator(lease)));
        Ok(())
    })
}

/// `callbox_retained_calls`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_retained_calls(retained: Option<&Retained>) -> u64 {
    value(0, || retained.map_or(0, Retained::calls))
}

/// `callbox_retained_take_failure`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_retained_take_failure(retained: Option<&Retained>) -> c_int {
    status(|| match given(retained, "retained")?.take_failure() {
        None => Ok(()),
        Some(error) => Err(Failure::from(error)),
    })
}

/// `callbox_retained_free`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_retained_free(retained: Option<Box<Retained>>) {
    free(retained);
}

/// `callbox_retained_retire`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_retained_retire(retained: Option<Box<Retained>>) {
    value((), || {
        if let Some(retained) = retained {
            retained.retire();
        }
    });
}

/// `callbox_retained_into_user_data`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_retained_into_user_data(retained: Option<Box<Retained>>) -> *mut c_void {
    value(ptr::null_mut(), || retained.map_or(ptr::null_mut(), |retained| retained.into_user_data()))
}

/// `callbox_release`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_release(user_data: *mut c_void) {
    value((), || host::lease::release(user_data));
}
