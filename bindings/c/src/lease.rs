//! Leases with an array.
//!
//! A lease stays on its thread, which keeps it under a number: on another thread, or after the end, the
//! number finds nothing.
#![allow(unsafe_code, reason = "exports functions, and writes to the caller's array")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use host::{ArrayLease, CompareFn, CompareWithContextFn};

use crate::border::{Failure, Result, status};
use crate::guest::Callback;
use crate::memory::{array, given, size};

/// `callbox_lease`
#[derive(Debug)]
#[repr(C)]
pub(crate) struct CLease {
    base: *mut c_void,
    count: usize,
    width: usize,
    pointer: Option<CompareFn>,
    pointer_with_context: Option<CompareWithContextFn>,
    context: *mut c_void,
    number: Cell<u64>,
}

/// A lease, and the array that it is of.
struct Lent {
    lease: ArrayLease<'static>,
    base: *mut u8,
    size: usize,
}

/// The number of the last lease; no number is used again.
static LAST: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The thread's leases, by their numbers. They end with the thread.
    static LEASES: RefCell<BTreeMap<u64, Lent>> = const { RefCell::new(BTreeMap::new()) };
}

fn ending<E>(_: E) -> Failure {
    Failure::invalid("this thread is ending; it has no leases any more")
}

/// Takes the lease from its thread. Its number is 0 from then on.
fn take(lease: Option<&CLease>) -> Result<Lent> {
    let lease = given(lease, "lease")?;
    let lent = LEASES.try_with(|leases| leases.borrow_mut().remove(&lease.number.get())).map_err(ending)?;
    let lent = lent.ok_or_else(|| {
        let has_ended = lease.number.get() == 0;
        Failure::invalid(if has_ended {
            "the lease has ended already".to_owned()
        } else {
            format!("lease {} is not this thread's: it has ended, or belongs to another", lease.number.get())
        })
    })?;
    lease.number.set(0);
    Ok(lent)
}

/// `callbox_lend`
///
/// # Safety
///
/// `base` has `count` elements of `width` bytes, until the lease ends.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn callbox_lend(
    callback: Option<&Callback>,
    base: *mut u8,
    count: usize,
    width: usize,
    lease: Option<&mut MaybeUninit<CLease>>,
) -> c_int {
    status(|| {
        let (Callback(callback), place) = (given(callback, "callback")?, given(lease, "lease")?);
        let size = size(count, width)?;
        // SAFETY: the caller passes the size, and leaves the array alone until the call returns.
        let array = unsafe { array(base, size, "base")? };
        let mut lease = callback.lend_copy(array, width)?;
        let number = LAST.fetch_add(1, Relaxed) + 1;
        #[cfg(target_pointer_width = "64")]
        let (with_context, context) = {
            let (pointer, context) = lease.with_context();
            (Some(pointer), context)
        };
        #[cfg(not(target_pointer_width = "64"))]
        let (with_context, context) = (None, ptr::null_mut());
        let shown = CLease {
            base: lease.base(),
            count,
            width,
            pointer: Some(lease.pointer()),
            pointer_with_context: with_context,
            context,
            number: Cell::new(number),
        };
        let lent = Lent { lease, base, size };
        LEASES.try_with(|leases| leases.borrow_mut().insert(number, lent)).map_err(ending)?;
        place.write(shown);
        Ok(())
    })
}

/// `callbox_lease_finish`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_lease_finish(lease: Option<&CLease>) -> c_int {
    status(|| {
        let Lent { lease, base, size } = take(lease)?;
        let start = if size == 0 { ptr::dangling_mut() } else { base };
        // SAFETY: whoever lent the array keeps it valid until the lease ends, which is now, and has no other
        // thread use it meanwhile.
        let array = unsafe { slice::from_raw_parts_mut(start, size) };
        Ok(lease.finish_into(array)?)
    })
}

/// `callbox_lease_drop`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_lease_drop(lease: Option<&CLease>) -> c_int {
    status(|| take(lease).map(drop))
}
