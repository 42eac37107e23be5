//! Texts, arrays and items in memory of the caller's.
#![allow(unsafe_code, reason = "reads and writes the memory that C passes")]

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;

use host::Error;
use host::sort::{Items, Offsets};

use crate::border::{Failure, Result};

/// A `const char *` of the caller's: NULL, or a text that ends with a NUL. Only C makes one.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Text(Option<NonNull<c_char>>);

impl Text {
    /// Returns the text, which lives as long as the function's call.
    pub(crate) fn get<'a>(self, name: &str) -> Result<&'a str> {
        let start = self.0.ok_or_else(|| Failure::null(name))?;
        // SAFETY: the caller passes a text that ends with a NUL, and leaves it alone until the call returns.
        let text = unsafe { CStr::from_ptr(start.as_ptr()) };
        text.to_str().map_err(|error| Failure::invalid(format!("`{name}` is not UTF-8: {error}")))
    }
}

/// A `void *` that the library passes on to functions of the caller's.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct UserData(*mut c_void);

// SAFETY: the library does not follow it, and the header says on which threads the caller's functions get it.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn get(self) -> *mut c_void {
        self.0
    }
}

/// Returns an argument that must not be NULL.
pub(crate) fn given<T>(argument: Option<T>, name: &str) -> Result<T> {
    argument.ok_or_else(|| Failure::null(name))
}

/// Returns the number of bytes of an array.
pub(crate) fn size(count: usize, width: usize) -> Result<usize> {
    count.checked_mul(width).filter(|size| isize::try_from(*size).is_ok()).ok_or_else(|| {
        Failure::invalid(format!("an array of {count} elements of {width} bytes is larger than memory"))
    })
}

/// Returns an array, which may be NULL if it is empty.
///
/// # Safety
///
/// The array has `len` elements that can be read, and nothing writes to them while the result lives.
pub(crate) unsafe fn array<'a, T>(start: *const T, len: usize, name: &str) -> Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if start.is_null() {
        return Err(Failure::null(name));
    }
    if !start.is_aligned() {
        return Err(Failure::invalid(format!("`{name}` is not aligned for {} bytes", align_of::<T>())));
    }
    size(len, size_of::<T>())?;
    // SAFETY: the pointer is aligned and not null, the size is one that arrays have; the rest is the caller's
    // promise.
    Ok(unsafe { slice::from_raw_parts(start, len) })
}

/// Copies an array.
pub(crate) fn copy(array: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    let reserved = copy.try_reserve_exact(array.len());
    reserved.map_err(|_| Error::NoMemory { bytes: array.len(), what: "a copy of the array" })?;
    copy.extend_from_slice(array);
    Ok(copy)
}

/// A place of the caller's for a list of numbers.
pub(crate) struct Numbers<'a>(Option<&'a mut MaybeUninit<u32>>);

impl<'a> Numbers<'a> {
    /// `Err` if there is no place for numbers that there will be.
    pub(crate) fn new(
        start: Option<&'a mut MaybeUninit<u32>>,
        len: usize,
        name: &str,
    ) -> Result<Numbers<'a>> {
        if start.is_none() && len > 0 { Err(Failure::null(name)) } else { Ok(Numbers(start)) }
    }

    /// Stores the numbers.
    ///
    /// # Safety
    ///
    /// There is room for all of them.
    pub(crate) unsafe fn store(self, numbers: &[u32]) {
        if let Some(start) = self.0 {
            // SAFETY: the caller vouches for the room, and the list is the library's own.
            unsafe { ptr::copy_nonoverlapping(numbers.as_ptr(), start.as_mut_ptr(), numbers.len()) };
        }
    }
}

/// `struct callbox_items`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct CItems {
    bytes: *const u8,
    length: usize,
    count: usize,
    width: usize,
    offsets32: *const i32,
    offsets64: *const i64,
}

impl CItems {
    /// Returns the number of items.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Returns the items.
    ///
    /// # Safety
    ///
    /// The struct is as the header says, and nothing writes to its memory while the result lives.
    pub(crate) unsafe fn get<'a>(&self) -> Result<Items<'a>> {
        if self.count == 0 && self.width == 0 {
            return Ok(Items::offsets(&[], &[0_i64][..])?); // Arrow may have none then
        }
        // SAFETY: the caller's promise.
        let bytes: &[u8] = unsafe { array(self.bytes, self.length, "items->bytes")? };
        match (self.width, self.offsets32.is_null(), self.offsets64.is_null()) {
            (1.., true, true) if size(self.count, self.width)? == self.length => {
                Ok(Items::borrowed_records(bytes, self.width)?)
            }
            (1.., true, true) => Err(Failure::invalid(format!(
                "{} items of {} bytes are not the {} bytes of `items->length`",
                self.count, self.width, self.length
            ))),
            (0, false, true) => {
                // SAFETY: as above.
                unsafe { self.between(bytes, self.offsets32, "items->offsets32") }
            }
            (0, true, false) => {
                // SAFETY: as above.
                unsafe { self.between(bytes, self.offsets64, "items->offsets64") }
            }
            _ => {
                let message = "items have a `width`, or `offsets32`, or `offsets64`, and only one of them";
                Err(Failure::invalid(message))
            }
        }
    }

    /// # Safety
    ///
    /// As for [`CItems::get`].
    unsafe fn between<'a, T: 'a>(&self, bytes: &'a [u8], offsets: *const T, name: &str) -> Result<Items<'a>>
    where
        Offsets<'a>: From<&'a [T]>,
    {
        // SAFETY: the caller's promise.
        let offsets = unsafe { array(offsets, self.count.saturating_add(1), name)? };
        Ok(Items::offsets(bytes, offsets)?)
    }
}
