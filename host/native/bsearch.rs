//! The C library's `bsearch`.
#![allow(unsafe_code, reason = "calls C's bsearch")]

use std::ffi::c_void;

use crate::callback::Callback;
use crate::ctype::CType;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Result, bug};
use crate::memory::{AddressRange, Bounds, Element, array_bytes, check_width};
use crate::trampoline::{self, Ask, UnwindingCompareFn};

unsafe extern "C-unwind" {
    #[link_name = "bsearch"]
    fn bsearch_of_c(
        key: *const c_void,
        base: *const c_void,
        count: usize,
        width: usize,
        compare: UnwindingCompareFn,
    ) -> *mut c_void;
}

/// Searches a sorted array with the C library's `bsearch`; the guest compares. Returns the index
/// of an element equal to `key`, of any one of them if there are several.
///
/// # Errors
///
/// [`Error::ElementMismatch`] where the callback compares other elements,
/// [`Error::ArrayTooLarge`], and the first failure of the guest.
#[track_caller]
pub fn bsearch<T: Element>(key: &T, array: &[T], compare: &Callback) -> Result<Option<usize>> {
    let key = bytemuck::bytes_of(key);
    search(key, bytemuck::cast_slice(array), Some(&T::CTYPE), compare)
}

/// As [`bsearch`], for records as wide as `key`.
///
/// # Errors
///
/// As [`bsearch`], and [`Ragged`](crate::ItemsError::Ragged) where `records` is not a whole number of
/// records.
#[track_caller]
pub fn bsearch_records(key: &[u8], records: &[u8], compare: &Callback) -> Result<Option<usize>> {
    check_width(records.len(), key.len())?;
    search(key, records, None, compare)
}

#[track_caller]
fn search(key: &[u8], array: &[u8], ctype: Option<&CType>, compare: &Callback) -> Result<Option<usize>> {
    compare.accepts(key.len(), ctype)?;
    array_bytes(array.len() / key.len(), key.len(), compare.guest().limits().array)?;
    let budget = compare.guest().new_budget();
    let mut session = compare.compare_session(&budget)?;
    search_by(key, array, compare, Box::new(|_, [a, b]| session.compare(a, b)))
}

/// Searches by the answers of `ask`. Meanwhile the callback table lists `compare`.
#[track_caller]
pub(super) fn search_by<'a>(
    key: &[u8],
    array: &[u8],
    compare: &Callback,
    ask: Box<Ask<'a>>,
) -> Result<Option<usize>> {
    let width = key.len();
    let (a, b) = (AddressRange::of(key), AddressRange::of(array));
    let bounds = Bounds::Known { a, b, width, ascending: false };
    let (key, base, count) = (key.as_ptr().cast(), array.as_ptr(), array.len() / width);
    let mut found = std::ptr::null_mut();
    trampoline::call_native(compare, bounds, None, ask, |compare| {
        // SAFETY: `key` is one element and `base` points to `count`, all of `width` bytes and
        // borrowed until the call has returned. bsearch calls the trampoline on this thread, and
        // not after it has returned.
        found = unsafe { bsearch_of_c(key, base.cast(), count, width, compare) };
    })?;
    if found.is_null() {
        return Ok(None);
    }
    let index = (found.addr() - base.addr()) / width;
    // bsearch cannot return anything else, whatever the answers; the index is checked all the same,
    // because it is used to read.
    if index >= count { Err(bug!("bsearch found element {index} of {count}")) } else { Ok(Some(index)) }
}
