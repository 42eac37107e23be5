//! Leases that native code ends, by calling a destructor.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;

use crate::error::panics;
use crate::registry::SlotHandle;
use crate::sync::{Mutex, lock, shared};

/// The leases that native code holds, by the numbers that serve as user data.
struct Registered {
    last: usize,
    handles: BTreeMap<usize, SlotHandle>,
}

shared! {
    static REGISTERED: Mutex<Registered> =
        Mutex::new(Registered { last: 0, handles: BTreeMap::new() });
}

/// Registers a lease and returns its user data, which is never null and never reused.
pub(super) fn register(handle: SlotHandle) -> *mut c_void {
    let mut registered = lock(&REGISTERED);
    registered.last += 1;
    let number = registered.last;
    registered.handles.insert(number, handle);
    ptr::without_provenance_mut(number)
}

/// Ends a lease that was handed over by
/// [`RetainedLease::into_user_data`](crate::RetainedLease::into_user_data), as the destructor that a C
/// library calls.
///
/// Any thread may call it at any time, with any argument: a pointer that is not the user data of a living
/// lease does nothing.
pub extern "C" fn release(user_data: *mut c_void) {
    // The guard is dropped before the handle, whose drop may free a guest.
    let handle = lock(&REGISTERED).handles.remove(&user_data.addr());
    panics::discard(handle);
}
