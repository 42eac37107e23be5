//! The RAII loans of a function pointer to native code.
//!
//! | native code | lease | ends |
//! |---|---|---|
//! | sorts or searches an array until it returns | [`Lease`]: [`Callback::lend`](crate::Callback::lend) | [`Lease::finish`], or when it is dropped |
//! | calls until it returns | [`Scoped`]: [`Callback::lend_as`](crate::Callback::lend_as) | [`Scoped::finish`], or when it is dropped |
//! | keeps the pointer, and we know for how long | [`Retained`]: [`Callback::retain`](crate::Callback::retain), [`Callback::retain_as`](crate::Callback::retain_as) | when its last clone is dropped |
//! | keeps it, and calls a destructor | [`Retained::into_user_data`], with [`release`] as the destructor | when that is called |
//! | keeps it for ever | [`Retained::leak`] | never |

mod array;
mod handed;
mod retained;
#[cfg(feature = "libffi")]
mod scoped;

use std::ffi::{c_int, c_void};
use std::ptr;

use crate::table::Key;
use crate::trampoline;

pub use array::Lease;
pub use handed::release;
pub use retained::Retained;
#[cfg(feature = "libffi")]
pub use scoped::Scoped;

/// A C comparator: `int (*)(const void *, const void *)`.
///
/// The code behind it is valid for ever. After its lease has ended it answers 0 and counts a
/// [late call](crate::CallbackTable::late_calls).
pub type Pointer = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;

/// A C comparator that gets a context besides: `int (*)(const void *, const void *, void *)`.
pub type ContextPointer = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void) -> c_int;

/// The comparator that all callbacks share, and what tells it which one is meant.
fn context(key: Key) -> (ContextPointer, *mut c_void) {
    // It is a number, and no address.
    (trampoline::compare_by_key, ptr::without_provenance_mut(key.as_u64() as usize))
}
