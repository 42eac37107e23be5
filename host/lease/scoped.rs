//! A lease for any prototype, until a native call returns.

use std::fmt;

use crate::callback::Callback;
use crate::error::{Error, Result};
use crate::prototype::{self, FnPointer};
use crate::registry::{Access, SlotHandle, SlotKey};
use crate::sandbox::Budget;
use crate::sync::Arc;
use crate::trampoline;

/// A lease of a callback of any prototype, until the native call has returned.
///
/// All calls share one budget, whose deadline starts when the lease is created.
///
/// ```
/// # #![allow(unsafe_code)]
/// use callbox::{Limits, Module, Sandbox};
/// use std::ffi::{c_int, c_void};
/// # fn main() -> callbox::Result<()> {
/// // A C function that calls `tell` once for each number, and returns the sum of the answers.
/// type Tell = unsafe extern "C" fn(*const c_int) -> c_int;
/// unsafe extern "C" fn each(of: *const c_int, len: usize, tell: Tell) -> c_int {
///     // SAFETY: the caller vouches for both.
///     (0..len).map(|at| unsafe { tell(of.add(at)) }).sum()
/// }
/// let sandbox = Sandbox::new(Limits::default())?;
/// let text = r#"(module (memory (export "memory") 1)
///     (func (export "double") (param i32) (result i32) (i32.shl (i32.load (local.get 0)) (i32.const 1))))"#;
/// let guest = Module::from_text(&sandbox, "double", text)?.instantiate()?;
/// let double = guest.callback("double", "int (const int *)".parse()?)?;
///
/// let lease = double.lend_as::<unsafe extern "C" fn(*const c_int) -> c_int>()?;
/// // SAFETY: `each` calls the pointer only until it returns, with pointers to numbers of the array.
/// let sum = unsafe { each([1, 2, 3].as_ptr(), 3, lease.pointer()) };
/// lease.finish()?;                                // the first failure, if there was one
/// assert_eq!(sum, 12);
/// # Ok(()) }
/// ```
#[must_use = "a lease ends when it is dropped, and its pointer goes dead with it"]
pub struct ScopedLease<F> {
    handle: SlotHandle,
    pointer: F,
}

impl Callback {
    /// Lends the callback to native code that calls it until it returns, as a function pointer of type `F`,
    /// which must be that of its prototype ([`Callback::retain_as`]). All calls share one budget, whose
    /// deadline starts now.
    ///
    /// # Errors
    ///
    /// As [`Callback::retain_as`].
    #[track_caller]
    pub fn lend_as<F: FnPointer>(&self) -> Result<ScopedLease<F>> {
        let (handle, pointer) = self.lend_values(Some(self.guest().new_budget()))?;
        Ok(ScopedLease { handle, pointer })
    }

    /// Lends the callback as a function of its prototype, with all calls on `budget`, or each on a budget of
    /// its own.
    #[track_caller]
    pub(super) fn lend_values<F: FnPointer>(&self, budget: Option<Arc<Budget>>) -> Result<(SlotHandle, F)> {
        prototype::check_fn_pointer::<F>(self.prototype())?;
        if self.function().is_none() {
            let reason = "its export takes elements in a shape of its own; lend it with lend or retain";
            return Err(Error::PrototypeUnserved { prototype: self.prototype().to_string(), reason });
        }
        let (handle, code) = trampoline::lend(self, Access::Values { budget })?;
        Ok((handle, prototype::fn_pointer(code)))
    }
}

impl<F: Copy> ScopedLease<F> {
    /// Returns the function pointer.
    ///
    /// # Safety of calling it
    ///
    /// While the lease lives, any thread may call it, with pointers that lead to the pointees of the
    /// prototype: const pointees must be readable, and others also writable, until the call returns. After
    /// the end of the lease, arguments are not read.
    pub fn pointer(&self) -> F {
        self.pointer
    }

    /// Returns the number of calls by native code.
    pub fn calls(&self) -> u64 {
        self.handle.entry().calls()
    }

    /// Returns the key of the slot in the [`CallbackTable`](crate::CallbackTable).
    pub fn key(&self) -> SlotKey {
        self.handle.key()
    }

    /// Ends the lease.
    ///
    /// # Errors
    ///
    /// The first failure, if any call failed.
    pub fn finish(self) -> Result<()> {
        self.handle.entry().take_failure().map_or(Ok(()), Err)
    }
}

impl<F> fmt::Debug for ScopedLease<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
