//! Sort functions of shared libraries.
#![allow(unsafe_code, reason = "loads libraries, and calls functions of theirs")]

use std::ffi::c_void;
use std::mem;

#[cfg(feature = "libloading")]
use libloading::Library;

#[cfg(feature = "libloading")]
use crate::error::{LibraryError, Result};
use crate::trampoline::UnwindingCompareFn;

/// A function with `qsort`'s signature, from a shared library that stays loaded: libbsd's `mergesort` and
/// `heapsort`, musl's `qsort`.
///
/// Its algorithm is unknown. It may compare elements that it has copied elsewhere, so its pointers cannot be
/// checked as those of the C library's own sort are, and it cannot be left by unwinding: the function itself
/// has to keep to its array whatever the comparator answers. Its result is checked: a permutation of the
/// input, and in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortFunction {
    code: usize,
    name: &'static str,
}

impl SortFunction {
    /// Loads a library, by its path or by a name that the system's loader knows, and finds the function.
    ///
    /// ```no_run
    /// # #![allow(unsafe_code)]
    /// // SAFETY: libbsd's mergesort has qsort's signature, and keeps to its array.
    /// let mergesort = unsafe { callbox::native::SortFunction::load("libbsd.so.0", "mergesort") }?;
    /// let sorter = callbox::sort::Sorter::Library(mergesort);
    /// let options = callbox::sort::Options::default().sorter(sorter);
    /// # let _ = options;
    /// # Ok::<(), callbox::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LibraryError::Load`] and [`LibraryError::Symbol`].
    ///
    /// # Safety
    ///
    /// The library may be loaded, which runs its initialisation, and the function has `qsort`'s signature,
    /// except that it may have a result, and keeps to its array, to its own memory and to the calling thread
    /// whatever the comparator answers.
    #[cfg(feature = "libloading")]
    pub unsafe fn load(library: &str, symbol: &str) -> Result<SortFunction> {
        // SAFETY: the caller vouches for the library.
        let loaded = unsafe { Library::new(library) }
            .map_err(|error| LibraryError::Load { library: library.to_owned(), reason: error.to_string() })?;
        // SAFETY: the symbol is used as an address only, whatever it is.
        let found = unsafe { loaded.get::<*const c_void>(symbol) };
        let code = found.ok().map(|found| (*found).expose_provenance()).filter(|code| *code != 0);
        let Some(code) = code else {
            return Err(
                LibraryError::Symbol { library: library.to_owned(), symbol: symbol.to_owned() }.into()
            );
        };
        mem::forget(loaded); // its code may be called until the process ends
        Ok(SortFunction { code, name: format!("{library}:{symbol}").leak() })
    }

    /// Returns library and function, as in `libbsd.so.0:mergesort`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Returns the function itself.
    pub(super) fn function(
        self,
    ) -> unsafe extern "C-unwind" fn(*mut c_void, usize, usize, UnwindingCompareFn) {
        let code = std::ptr::with_exposed_provenance::<c_void>(self.code);
        // SAFETY: `load` has found it, and its caller has vouched for its type; a result, if there is one, is
        // in a register that is never read.
        unsafe { mem::transmute(code) }
    }
}
