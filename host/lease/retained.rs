//! A lease for native code that keeps the function pointer.

use std::ffi::c_void;
use std::fmt;

#[cfg(target_pointer_width = "64")]
use super::CompareWithContextFn;
use super::{CompareFn, user_data};
use crate::callback::Callback;
use crate::error::{Error, Result};
use crate::memory::Bounds;
#[cfg(feature = "libffi")]
use crate::prototype::FnPointer;
use crate::registry::{Access, Entry, SlotHandle, SlotKey};
use crate::trampoline;

/// A lease of a callback for native code that keeps the function pointer, until its last clone is dropped.
///
/// ```
/// use callbox::{CallbackTable, Limits, Sandbox};
/// # fn main() -> callbox::Result<()> {
/// let kept = {
///     let guest = Sandbox::new(Limits::default())?.load("wat/good/ascending.wat")?;
///     guest.callback("compare", "int (const int *, const int *)".parse()?)?.retain()?
/// }; // every other handle is gone; the table keeps the guest alive
///
/// let (a, b) = (1, 2);
/// // SAFETY: both arguments point to an int.
/// let order = unsafe { kept.pointer()((&raw const a).cast(), (&raw const b).cast()) };
/// assert_eq!(order, -1);
/// for registered in CallbackTable.iter() {
///     println!("{registered}"); // slot 0: "compare" of wat/good/ascending.wat …
/// }
/// # Ok(()) }
/// ```
///
/// `F` is the type of the function pointer, by default a comparator's. Each call by C has a budget of its
/// own. After a failure C gets the [fallback](Callback::fallback) until the failure is
/// [taken](RetainedLease::take_failure).
#[derive(Clone)]
#[must_use = "a lease ends when it is dropped, and its pointer goes dead with it"]
pub struct RetainedLease<F = CompareFn> {
    handle: SlotHandle,
    pointer: F,
}

impl Callback {
    /// Lends a comparator to native code that keeps it, for elements of the type that its prototype points
    /// to. C gets the sign of the guest's answer, as -1, 0 or 1.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] if the prototype points to `void`, in which case
    /// [`Callback::retain_records`] states the width of an element; [`Error::TableFull`].
    #[track_caller]
    pub fn retain(&self) -> Result<RetainedLease> {
        let width = self.width()?.ok_or_else(|| Error::ElementMismatch {
            export: self.export().to_owned(),
            expected: "bytes of any width".to_owned(),
            found: "no stated width; retain it with retain_records".to_owned(),
        })?;
        self.retain_records(width)
    }

    /// As [`Callback::retain`], for elements of `width` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] if the callback compares elements of another width, [`Error::TableFull`].
    #[track_caller]
    pub fn retain_records(&self, width: usize) -> Result<RetainedLease> {
        self.accepts(width, None)?;
        let access = Access::Comparator { bounds: Bounds::Trusted { width }, budget: None };
        let handle = SlotHandle::new(Entry::new(self.clone(), access))?;
        let pointer = trampoline::compare_fn(handle.key().slot());
        Ok(RetainedLease { handle, pointer })
    }

    /// Lends the callback to native code that keeps it, as a function pointer of type `F`, which must be that
    /// of its prototype: `unsafe extern "C" fn(*const c_char) -> c_int` for `int (const char *)`.
    /// [`UntypedFn`](crate::UntypedFn) stands for any function pointer, unchecked, for prototypes that are
    /// not known beforehand.
    ///
    /// The pointer is made by libffi; for a comparator, the pointer of [`Callback::retain`] is faster. A
    /// comparator that is retained as a function pointer type returns the guest's answer itself, not only its
    /// sign.
    ///
    /// ```
    /// use callbox::{Limits, Module, Sandbox};
    /// # fn main() -> callbox::Result<()> {
    /// let sandbox = Sandbox::new(Limits::default())?;
    /// let text = r#"(module (func (export "half") (param f64) (result f64)
    ///     (f64.mul (local.get 0) (f64.const 0.5))))"#;
    /// let guest = Module::from_text(&sandbox, "half", text)?.instantiate()?;
    /// let half = guest.callback("half", "double (double)".parse()?)?;
    /// let kept = half.retain_as::<unsafe extern "C" fn(f64) -> f64>()?;
    /// // SAFETY: it takes no pointers.
    /// assert_eq!(unsafe { kept.pointer()(3.0) }, 1.5);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TypeError::Pointer`](crate::TypeError::Pointer) if C would call `F` in another way;
    /// [`Error::PrototypeUnserved`] if the export compares, and takes its elements in a shape of its own;
    /// [`Error::TableFull`] and [`Error::NoMemory`].
    #[cfg(feature = "libffi")]
    #[track_caller]
    pub fn retain_as<F: FnPointer>(&self) -> Result<RetainedLease<F>> {
        let (handle, pointer) = self.lend_values(None)?;
        Ok(RetainedLease { handle, pointer })
    }
}

impl<F: Copy> RetainedLease<F> {
    /// Returns the function pointer.
    ///
    /// # Safety of calling it
    ///
    /// While the lease lives, pointers that are followed must lead to the pointees of the prototype: for a
    /// comparator, to elements that can be read; otherwise const pointees must be readable, and others also
    /// writable, until the call returns. After the end of the lease, arguments are not read. The lease does
    /// not know the bounds of any array: if native code may leave its own when the answers contradict each
    /// other, as a sort may, lend the callback with the array ([`Callback::lend`]).
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

    /// Takes the first failure since the last time, if any; the next call reaches the guest again.
    pub fn take_failure(&self) -> Option<Error> {
        self.handle.entry().take_failure()
    }

    /// Ends the lease for every clone, and never lends its pointer again: a late call can then never reach
    /// another callback.
    pub fn retire(self) {
        self.handle.retire();
    }

    /// Leaks the lease, for native code that keeps the pointer until the process ends. The
    /// [`CallbackTable`](crate::CallbackTable) continues to list it.
    pub fn leak(self) -> F {
        std::mem::forget(self.handle);
        self.pointer
    }

    /// Hands the lease over to native code, as the user data that accompanies the function pointer. The lease
    /// ends when native code calls its destructor, which must be [`release`](crate::lease::release). The user
    /// data is a number, not an address: calling the destructor twice, or with anything else, does nothing.
    ///
    /// ```
    /// # fn main() -> callbox::Result<()> {
    /// # let guest = callbox::Sandbox::new(callbox::Limits::default())?.load("wat/good/ascending.wat")?;
    /// # let ascending = guest.callback("compare", "int (const int *, const int *)".parse()?)?;
    /// let kept = ascending.retain()?;
    /// let key = kept.key();
    /// let user_data = kept.into_user_data(); // for sqlite3_create_collation_v2, with release
    /// assert!(callbox::CallbackTable.get(key).is_some());
    /// callbox::lease::release(user_data);       // by C
    /// assert!(callbox::CallbackTable.get(key).is_none());
    /// # Ok(()) }
    /// ```
    pub fn into_user_data(self) -> *mut c_void {
        user_data::register(self.handle)
    }
}

impl RetainedLease {
    /// Returns a comparator that all callbacks share, and the context that identifies this lease, for C
    /// functions that pass a user pointer through, such as POSIX's `qsort_r`. A stale context never finds a
    /// callback.
    ///
    /// # Safety of calling it
    ///
    /// As [`RetainedLease::pointer`].
    #[cfg(target_pointer_width = "64")]
    pub fn with_context(&self) -> (CompareWithContextFn, *mut c_void) {
        super::with_context(self.key())
    }
}

impl<F> fmt::Debug for RetainedLease<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
