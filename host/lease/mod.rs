//! Leases: RAII guards that lend a function pointer to native code.
//!
//! | native code | lease | ends |
//! |---|---|---|
//! | sorts an array until it returns | [`ArrayLease`]: [`lend`] | [`finish`][array] or drop |
//! | calls until it returns | [`ScopedLease`]: [`lend_as`] | [`finish`][scoped] or drop |
//! | keeps the pointer for a known time | [`RetainedLease`]: [`retain`], [`retain_as`] | last clone dropped |
//! | keeps it, and calls a destructor | [`RetainedLease::into_user_data`] | its destructor, [`release`] |
//! | keeps it for ever | [`RetainedLease::leak`] | never |
//!
//! [array]: ArrayLease::finish
//! [scoped]: ScopedLease::finish
//! [`lend`]: crate::Callback::lend
//! [`lend_as`]: crate::Callback::lend_as
//! [`retain`]: crate::Callback::retain
//! [`retain_as`]: crate::Callback::retain_as

mod array;
mod retained;
#[cfg(feature = "libffi")]
mod scoped;
mod user_data;

use std::ffi::{c_int, c_void};
#[cfg(target_pointer_width = "64")]
use std::ptr;

#[cfg(target_pointer_width = "64")]
use crate::registry::SlotKey;
#[cfg(target_pointer_width = "64")]
use crate::trampoline;

pub use array::ArrayLease;
pub use retained::RetainedLease;
#[cfg(feature = "libffi")]
pub use scoped::ScopedLease;
pub use user_data::release;

/// A C comparator: `int (*)(const void *, const void *)`.
///
/// The code behind the pointer stays valid for ever. After its lease has ended, it answers with the
/// callback's [fallback](crate::Callback::fallback), or 0, and counts a
/// [late call](crate::CallbackTable::late_calls).
pub type CompareFn = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;

/// A C comparator with an additional context: `int (*)(const void *, const void *, void *)`.
pub type CompareWithContextFn = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void) -> c_int;

/// Returns the comparator that all callbacks share, and the context that identifies a lease, which is a
/// number and not an address.
#[cfg(target_pointer_width = "64")]
fn with_context(key: SlotKey) -> (CompareWithContextFn, *mut c_void) {
    (trampoline::compare_with_context, ptr::without_provenance_mut(key.as_u64() as usize))
}
