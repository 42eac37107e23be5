//! The RAII loans of a function pointer to native code.
//!
//! | native code | lease | ends |
//! |---|---|---|
//! | sorts or searches an array until it returns | [`ArrayLease`]: [`Callback::lend`](crate::Callback::lend) | [`ArrayLease::finish`], or when it is dropped |
//! | calls until it returns | [`ScopedLease`]: [`Callback::lend_as`](crate::Callback::lend_as) | [`ScopedLease::finish`], or when it is dropped |
//! | keeps the pointer, and we know for how long | [`RetainedLease`]: [`Callback::retain`](crate::Callback::retain), [`Callback::retain_as`](crate::Callback::retain_as) | when its last clone is dropped |
//! | keeps it, and calls a destructor | [`RetainedLease::into_user_data`], with [`release`] as the destructor | when that is called |
//! | keeps it for ever | [`RetainedLease::leak`] | never |

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
/// The code behind it is valid for ever. After its lease has ended it answers with the callback's
/// [fallback](crate::Callback::fallback), or 0, and counts a
/// [late call](crate::CallbackTable::late_calls).
pub type CompareFn = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;

/// A C comparator that gets a context besides: `int (*)(const void *, const void *, void *)`.
pub type CompareWithContextFn = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void) -> c_int;

/// Returns the comparator that all callbacks share, and the context that names a lease: a number, and no
/// address.
#[cfg(target_pointer_width = "64")]
fn with_context(key: SlotKey) -> (CompareWithContextFn, *mut c_void) {
    (trampoline::compare_with_context, ptr::without_provenance_mut(key.as_u64() as usize))
}
