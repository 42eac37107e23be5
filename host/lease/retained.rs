//! A loan that native code keeps.

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

/// A loan of a callback that native code keeps, until the last clone of it is dropped.
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
/// `F` is the function pointer's type, a comparator's if nothing else is said. Each call by C has a budget
/// of its own. After a failure C gets the [fallback](Callback::fallback) until the failure is
/// [taken](RetainedLease::take_failure).
#[derive(Clone)]
#[must_use = "a lease ends when it is dropped, and its pointer goes dead with it"]
pub struct RetainedLease<F = CompareFn> {
    handle: SlotHandle,
    pointer: F,
}

impl Callback {
    /// Lends a comparator to native code that keeps it, for elements of the type that its prototype
    /// points to. Of the guest's answer C gets the sign, as -1, 0 or 1.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] where the prototype points to `void`, so that
    /// [`Callback::retain_records`] has to say how wide an element is; [`Error::TableFull`].
    pub fn retain(&self) -> Result<RetainedLease> {
        let width = self.width()?.ok_or_else(|| Error::ElementMismatch {
            export: self.export().to_owned(),
            expected: "bytes of any width".to_owned(),
            found: "no stated width; retain it with retain_records".to_owned(),
        })?;
        self.retain_records(width)
    }

    /// The same for elements of `width` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] where the callback compares elements of another width,
    /// [`Error::TableFull`].
    pub fn retain_records(&self, width: usize) -> Result<RetainedLease> {
        self.accepts(width, None)?;
        let access = Access::Comparator { bounds: Bounds::Trusted { width }, budget: None };
        let handle = SlotHandle::new(Entry::new(self.clone(), access))?;
        let pointer = trampoline::compare_fn(handle.key().slot());
        Ok(RetainedLease { handle, pointer })
    }

    /// Lends the callback to native code that keeps it, as a function pointer of this type, which has to
    /// be that of its prototype: `unsafe extern "C" fn(*const c_char) -> c_int` for `int (const char *)`.
    /// A `*const c_void` is any function pointer, unchecked, for prototypes that nobody knew beforehand.
    ///
    /// Such a pointer is made by libffi; a comparator that is [retained](Callback::retain) as one is
    /// faster. A comparator that is retained in this way answers what the guest did, not only its sign.
    ///
    /// ```
    /// use callbox::{Limits, Module, Sandbox};
    /// # fn main() -> callbox::Result<()> {
    /// let sandbox = Sandbox::new(Limits::default())?;
    /// let text = r#"(module (func (export "half") (param f64) (result f64)
    ///     (f64.mul (local.get 0) (f64.const 0.5))))"#;
    /// let half = Module::from_text(&sandbox, "half", text)?.instantiate()?.callback("half", "double (double)".parse()?)?;
    /// let kept = half.retain_as::<unsafe extern "C" fn(f64) -> f64>()?;
    /// // SAFETY: it takes no pointers.
    /// assert_eq!(unsafe { kept.pointer()(3.0) }, 1.5);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TypeError::Pointer`](crate::TypeError::Pointer) where C would call `F` in another way;
    /// [`Error::PrototypeUnserved`] where the export compares, and takes its elements in a shape of its own;
    /// [`Error::TableFull`] and [`Error::NoMemory`].
    #[cfg(feature = "libffi")]
    pub fn retain_as<F: FnPointer>(&self) -> Result<RetainedLease<F>> {
        let (handle, pointer) = self.lend_values(None)?;
        Ok(RetainedLease { handle, pointer })
    }
}

impl<F: Copy> RetainedLease<F> {
    /// The function pointer.
    ///
    /// # Safety of calling it
    ///
    /// While the lease lives, arguments that are followed must lead to what the prototype says: for a comparator, to
    /// elements that can be read; otherwise what is const can be read and what is not can also be
    /// written, until the call returns. After its end they are not looked at. Nothing here knows an array: where
    /// native code leaves its own when the answers contradict each other, as a sort may, lend the
    /// callback with it ([`Callback::lend`]).
    pub fn pointer(&self) -> F {
        self.pointer
    }

    /// How often native code has called.
    pub fn calls(&self) -> u64 {
        self.handle.entry().calls()
    }

    /// What the slot is called in the [`CallbackTable`](crate::CallbackTable).
    pub fn key(&self) -> SlotKey {
        self.handle.key()
    }

    /// Takes the first failure since the last time, if there was one; the next call asks the guest
    /// again.
    pub fn take_failure(&self) -> Option<Error> {
        self.handle.entry().take_failure()
    }

    /// Ends the loan for every clone, and never lends its pointer again: a late call can then meet
    /// no other callback, ever.
    pub fn retire(self) {
        self.handle.retire();
    }

    /// Never ends the loan: for native code that keeps the pointer until the process ends. The
    /// [`CallbackTable`](crate::CallbackTable) goes on listing it.
    pub fn leak(self) -> F {
        std::mem::forget(self.handle);
        self.pointer
    }

    /// Hands the lease over to native code, as the user data that goes with the function pointer; it ends
    /// when native code calls its destructor, which is to be [`release`](crate::lease::release). The user data
    /// is a number, and no address: a destructor that is called twice, or with anything else, does nothing.
    ///
    /// ```
    /// # fn main() -> callbox::Result<()> {
    /// # let guest = callbox::Sandbox::new(callbox::Limits::default())?.load("wat/good/ascending.wat")?;
    /// # let ascending = guest.callback("compare", "int (const int *, const int *)".parse()?)?;
    /// let kept = ascending.retain()?;
    /// let key = kept.key();
    /// let user_data = kept.into_user_data();    // sqlite3_create_collation_v2 (…, user_data, compare, release)
    /// assert!(callbox::CallbackTable.get(key).is_some());
    /// callbox::lease::release(user_data);              // by C
    /// assert!(callbox::CallbackTable.get(key).is_none());
    /// # Ok(()) }
    /// ```
    pub fn into_user_data(self) -> *mut c_void {
        user_data::register(self.handle)
    }
}

impl RetainedLease {
    /// The comparator for C that hands a pointer through, as POSIX's `qsort_r` does: a function that all
    /// callbacks share, and the context that tells it which one is meant. A stale context finds
    /// nothing, for ever.
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
