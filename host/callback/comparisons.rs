//! Many comparisons from Rust, on one budget.

use std::cmp::Ordering;
use std::fmt;

use super::{Callback, Session};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;

/// Exclusive use of a comparator's guest by Rust code that compares many elements: a sort of `std`, a heap, a
/// tree. All comparisons share one budget. Other threads that need the guest wait until this is dropped.
pub struct Comparisons<'a> {
    callback: &'a Callback,
    session: Session<'a>,
}

impl Callback {
    /// Takes the guest for comparisons by Rust code, on one budget whose clock starts now.
    ///
    /// A comparator may contradict itself, and `std`'s sorts may panic where it does.
    ///
    /// ```
    /// use callbox::{CType, Limits, Sandbox};
    /// use std::cmp::Ordering;
    /// # fn main() -> callbox::Result<()> {
    /// let version = Sandbox::new(Limits::default())?.bundled("version")?.comparator_for(CType::Void)?;
    ///
    /// let (mut names, mut failure) = (["v1.10", "v1.9"], None);
    /// let mut guest = version.comparisons()?;
    /// names.sort_by(|a, b| match guest.compare(a.as_bytes(), b.as_bytes()) {
    ///     Ok(order) => order,
    ///     Err(error) => {
    ///         failure.get_or_insert(error); // later ones are its echoes
    ///         Ordering::Equal
    ///     }
    /// });
    /// assert!(failure.is_none() && guest.calls() == 1);
    /// assert_eq!(names, ["v1.9", "v1.10"]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::PrototypeUnserved`] if the callback is not a comparator, [`Error::Reentrant`] if this thread
    /// uses the guest already.
    pub fn comparisons(&self) -> Result<Comparisons<'_>> {
        Ok(Comparisons { callback: self, session: self.compare_session(None)? })
    }
}

impl Comparisons<'_> {
    /// Compares two elements, given as bytes, by calling the guest.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] if `a` or `b` does not have the width of the callback's elements;
    /// [`Error::Trap`] and [`Error::Limit`] from the guest.
    pub fn compare(&mut self, a: &[u8], b: &[u8]) -> Result<Ordering> {
        self.callback.accepts_both(a, b)?;
        self.session.compare(a, b).map_err(|error| *error)
    }

    /// Returns the number of calls of the guest so far.
    pub fn calls(&self) -> u64 {
        self.session.calls()
    }
}

impl fmt::Debug for Comparisons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} comparisons by {:?}", self.calls(), self.callback)
    }
}
