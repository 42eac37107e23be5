//! `qsort`, the C library's and the Microsoft C runtime's.
#![allow(unsafe_code, reason = "calls C's qsort")]

use std::ffi::c_void;

use super::crt;
use crate::array::{Array, Element, Private};
use crate::bounds::{Bounds, Run};
use crate::callback::Callback;
use crate::error::Result;
use crate::trampoline::{self, Ask, Comparison};

unsafe extern "C-unwind" {
    /// As `libc` declares it, but allowed to unwind; glibc builds it with `-fexceptions`.
    #[link_name = "qsort"]
    fn qsort_of_c(base: *mut c_void, count: usize, width: usize, compare: Comparison);
}

/// Which native code sorts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sorter {
    /// The C library's `qsort`.
    #[default]
    Qsort,
    /// The Microsoft C runtime's algorithm, [`crt::qsort`].
    Crt,
}

/// Sorts an array with the C library's `qsort`; the guest compares.
///
/// Not stable. All comparisons share one budget.
///
/// # Errors
///
/// [`ElementMismatch`](crate::Error::ElementMismatch) where the callback compares other elements;
/// the first failure of the guest; [`OutOfBounds`](crate::Error::OutOfBounds) and
/// [`LeftMergePath`](crate::Error::LeftMergePath) where the sort had to be abandoned. On every
/// error the array is as it was.
pub fn qsort<T: Element>(array: &mut [T], compare: &Callback) -> Result<()> {
    sort(Sorter::Qsort, Array::typed(array), compare)
}

/// The same for records of `width` bytes each.
///
/// # Errors
///
/// As [`qsort`], and [`Ragged`](crate::Error::Ragged) where `records` is no whole number of records.
pub fn qsort_records(records: &mut [u8], width: usize, compare: &Callback) -> Result<()> {
    sort(Sorter::Qsort, Array::records(records, width)?, compare)
}

/// Sorts an array with the Microsoft C runtime's algorithm, [`crt::qsort`]; the guest compares.
///
/// Not stable. All comparisons share one budget.
///
/// # Errors
///
/// As [`qsort`].
pub fn crt_qsort<T: Element>(array: &mut [T], compare: &Callback) -> Result<()> {
    sort(Sorter::Crt, Array::typed(array), compare)
}

/// The same for records of `width` bytes each.
///
/// # Errors
///
/// As [`qsort_records`].
pub fn crt_qsort_records(records: &mut [u8], width: usize, compare: &Callback) -> Result<()> {
    sort(Sorter::Crt, Array::records(records, width)?, compare)
}

fn sort(sorter: Sorter, mut array: Array<'_>, compare: &Callback) -> Result<()> {
    compare.accepts_array(&array)?;
    let mut private = array.private_copy();
    let mut held = compare.hold(&compare.guest().new_budget())?;
    sort_private(sorter, &mut private, compare, &mut |a, b| held.ask(a, b))?;
    array.bytes_mut().copy_from_slice(private.as_slice());
    Ok(())
}

/// Sorts a private copy by what `ask` answers; `callback` is who the table says is asked. On an
/// error the copy is in no particular order.
pub(crate) fn sort_private<'a>(
    sorter: Sorter,
    private: &mut Private,
    callback: &Callback,
    ask: &'a mut Ask<'a>,
) -> Result<()> {
    let run = Run::of(private.as_slice());
    let (len, width) = (private.len(), private.width());
    let ascending = sorter == Sorter::Qsort && merges_in_order();
    let bounds = Bounds::Known { a: run, b: run, width, ascending };
    let base = private.as_mut_slice().as_mut_ptr().cast();
    let sort = match sorter {
        Sorter::Qsort => qsort_of_c,
        Sorter::Crt => crt::qsort,
    };
    trampoline::call(callback, bounds, ask, |compare| {
        // SAFETY: `private` is `len` elements of `width` bytes, and ours alone until the call
        // returns. The trampoline leaves the sort before it can touch a byte outside of them. Both
        // sorts call it on this thread, and not after they have returned.
        unsafe { sort(base, len, width, compare) }
    })?;
    Ok(())
}

/// Whether every comparison of the safe path of this C library's `qsort` has its first argument
/// before its second, and the first comparison of its unsafe path has not: glibc before 2.39.
#[cfg(target_env = "gnu")]
fn merges_in_order() -> bool {
    use std::sync::LazyLock;
    static BEFORE_2_39: LazyLock<bool> = LazyLock::new(|| {
        // SAFETY: it takes nothing and may be called at any time.
        let version = unsafe { libc::gnu_get_libc_version() };
        // SAFETY: the C library returned a static string that ends in NUL.
        let version = unsafe { std::ffi::CStr::from_ptr(version) };
        is_before_2_39(version.to_str().unwrap_or_default())
    });
    *BEFORE_2_39
}

#[cfg(not(target_env = "gnu"))]
fn merges_in_order() -> bool {
    false
}

/// An unreadable version counts as old: the check then only refuses more.
#[cfg(target_env = "gnu")]
fn is_before_2_39(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < (2, 39)
}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use super::is_before_2_39;

    #[test]
    fn versions_of_the_c_library_are_told_apart() {
        for (version, before) in [
            ("2.36", true),
            ("2.38", true),
            ("2.39", false),
            ("2.4", true),
            ("2.40.1", false),
            ("3.0", false),
        ] {
            assert_eq!(is_before_2_39(version), before, "{version}");
        }
    }
}
