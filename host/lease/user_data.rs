//! Leases that native code ends, by calling a destructor.

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::{LazyLock, Mutex};

use crate::registry::SlotHandle;
use crate::sync::lock;

/// The leases that native code holds, by the numbers that serve as user data.
#[derive(Default)]
struct Registered {
    last: usize,
    handles: HashMap<usize, SlotHandle>,
}

static REGISTERED: LazyLock<Mutex<Registered>> = LazyLock::new(Mutex::default);

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
    drop(handle);
}
