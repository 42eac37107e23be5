//! Guest side of Callbox: comparators that run in its sandbox.
//!
//! A guest is a `cdylib` for `wasm32-unknown-unknown` that exports its order with one of three
//! macros, chosen by the form in which it takes elements:
//!
//! | macro | export | the guest sees |
//! |---|---|---|
//! | [`compare_bytes!`] | `compare_bytes` | two byte slices: lines, records |
//! | [`compare_scalars!`] | `compare_i32`, … | two numbers |
//! | [`compare_pointers!`] | `compare` | two references to values in its memory |
//!
//! ```
//! use core::cmp::Ordering;
//!
//! fn by_length(a: &[u8], b: &[u8]) -> Ordering {
//!     a.len().cmp(&b.len())
//! }
//!
//! callbox_guest::compare_bytes!(by_length);
//! # fn main() {}
//! ```
//!
//! Orders of text are fast if they look only at the first difference: [`common_prefix`] finds it eight
//! bytes at a time, [`compare_numbers`] compares the numbers that it is in, and [`compare`] is the order
//! of bytes.
//!
//! Beside `compare_bytes`, a guest may export sort keys with [`sort_key!`]: bytes that compare as its
//! items do, for engines that compare on their own.
//!
//! A guest that uses the standard library enables the feature `std` of this crate, and exports its
//! allocator with [`export_alloc!`].
//!
//! An order may panic: the panic is a trap, which the host reports without changing any data. No
//! answer endangers the host, but only a consistent order sorts.
#![no_std]
#![warn(missing_docs)]

#[doc(hidden)]
pub use core;

mod key;
mod number;
#[cfg(test)]
mod tests;
mod text;

pub use key::Key;
pub use number::Number;
pub use text::{common_prefix, compare, compare_numbers, digits, skip_blanks, skip_zeros};

/// Exports `compare_bytes` for an order of type `fn(&[u8], &[u8]) -> Ordering`.
#[macro_export]
macro_rules! compare_bytes {
    ($order:path) => {
        /// # Safety
        ///
        /// `a` and `b` point to `a_len` and `b_len` bytes in this module's memory; the host puts them there.
        // Has no such name elsewhere, where a test may have several guests.
        #[cfg_attr(target_family = "wasm", no_mangle)]
        #[allow(dead_code)]
        pub unsafe extern "C" fn compare_bytes(
            a: *const u8,
            a_len: usize,
            b: *const u8,
            b_len: usize,
        ) -> i32 {
            use $crate::core::{cmp::Ordering, slice::from_raw_parts};
            let order: fn(&[u8], &[u8]) -> Ordering = $order;
            order(from_raw_parts(a, a_len), from_raw_parts(b, b_len)) as i32
        }
    };
}

/// Exports `sort_key` for a function of type `fn(&[u8], &mut Key)`, beside [`compare_bytes!`].
///
/// A sort key is bytes that compare as the items do: the host asks for each item's once, and compares keys on
/// its own from then on. The order must be exactly that of `compare_bytes`, and the keys of equal items the
/// same; `callbox check` compares the two. [`Key`] has what keys are made of.
///
/// ```
/// use callbox_guest::Key;
/// # use core::cmp::Ordering;
///
/// fn by_length(a: &[u8], b: &[u8]) -> Ordering {
///     a.len().cmp(&b.len())
/// }
///
/// fn length(item: &[u8], key: &mut Key) {
///     key.push_u64(item.len() as u64);
/// }
///
/// callbox_guest::compare_bytes!(by_length);
/// callbox_guest::sort_key!(length);
/// # fn main() {}
/// ```
///
/// The export is `sort_key(item: i32, len: i32, out: i32, cap: i32) -> i32` and returns the key's length,
/// unsigned. It writes no further than `cap` bytes; of a longer key, what it writes means nothing.
#[macro_export]
macro_rules! sort_key {
    ($write:path) => {
        /// # Safety
        ///
        /// `item` points to `len` bytes in this module's memory, and `out` to `cap` others; the host puts
        /// them there.
        #[cfg_attr(target_family = "wasm", no_mangle)]
        #[allow(dead_code)]
        pub unsafe extern "C" fn sort_key(item: *const u8, len: usize, out: *mut u8, cap: usize) -> usize {
            use $crate::core::slice::{from_raw_parts, from_raw_parts_mut};
            let write: fn(&[u8], &mut $crate::Key<'_>) = $write;
            let mut key = $crate::Key::new(from_raw_parts_mut(out, cap));
            write(from_raw_parts(item, len), &mut key);
            key.len()
        }
    };
}

/// Exports a comparator of numbers: `compare_scalars!(compare_i32, i32, order)`, where `order` is a
/// `fn(&i32, &i32) -> Ordering`, such as `i32::cmp`.
#[macro_export]
macro_rules! compare_scalars {
    ($export:ident, $scalar:ty, $order:path) => {
        #[no_mangle]
        #[allow(missing_docs)]
        pub extern "C" fn $export(a: $scalar, b: $scalar) -> i32 {
            let order: fn(&$scalar, &$scalar) -> $crate::core::cmp::Ordering = $order;
            order(&a, &b) as i32
        }
    };
}

/// Exports `compare` for an order of type `fn(&T, &T) -> Ordering`, where `T` is plain data with the
/// layout of the host's elements.
#[macro_export]
macro_rules! compare_pointers {
    ($element:ty, $order:path) => {
        /// # Safety
        ///
        /// Both point to an element in this module's memory; the host puts them there, aligned to
        /// 16 bytes.
        // It is not `pub`, because the type of the elements may be private.
        #[no_mangle]
        unsafe extern "C" fn compare(a: *const $element, b: *const $element) -> i32 {
            let order: fn(&$element, &$element) -> $crate::core::cmp::Ordering = $order;
            order(&*a, &*b) as i32
        }
    };
}

/// Exports `callbox_alloc`, with which the host allocates memory for elements from this guest's
/// allocator. A guest that allocates needs it; one that does not is better off without it.
#[macro_export]
macro_rules! export_alloc {
    () => {
        extern crate alloc as __callbox_alloc;

        /// Returns memory for the host's elements, or null if there is none.
        #[no_mangle]
        pub extern "C" fn callbox_alloc(size: usize, align: usize) -> *mut u8 {
            use __callbox_alloc::alloc::{alloc, Layout};
            match Layout::from_size_align(size, align) {
                // SAFETY: the match guard ensures that the layout's size is not zero.
                Ok(layout) if size > 0 => unsafe { alloc(layout) },
                _ => $crate::core::ptr::null_mut(),
            }
        }
    };
}

/// Prints a text through the import `callbox.print`, which the host must grant: `--grant print`.
///
/// `callbox` shows each line of it on standard error after `guest: `. A newline at the end is not needed.
///
/// Outside of a guest, as in a test of the order on its own, it does nothing.
pub fn print(text: &str) {
    #[cfg(target_arch = "wasm32")]
    {
        #[link(wasm_import_module = "callbox")]
        extern "C" {
            #[link_name = "print"]
            fn callbox_print(ptr: *const u8, len: usize);
        }
        // SAFETY: the host reads `len` bytes of this module's memory at `ptr`, and checks their bounds.
        unsafe { callbox_print(text.as_ptr(), text.len()) }
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = text;
}

#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
