//! The arguments and the result of a call as C passes them.
#![allow(unsafe_code, reason = "reads the arguments that C passes")]

use std::ffi::c_void;

/// The arguments of a call: an array with a pointer to each.
#[derive(Clone, Copy)]
pub(super) struct ArgPointers(pub(super) *const *const c_void);

/// The buffer for C's result.
#[derive(Clone, Copy)]
pub(super) struct ResultBuffer {
    pub(super) at: *mut c_void,
    /// Size in bytes; eight for a number.
    pub(super) size: usize,
}

/// Returns eight bytes, of which these are the first.
fn widened<const SIZE: usize>(first: [u8; SIZE]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..SIZE].copy_from_slice(&first);
    bytes
}

impl ArgPointers {
    /// # Safety
    ///
    /// There is such an argument.
    pub(super) unsafe fn at(self, at: usize) -> *const c_void {
        // SAFETY: C passes a pointer to each argument.
        unsafe { *self.0.wrapping_add(at) }
    }

    /// # Safety
    ///
    /// There is such an argument, and it has this size: that of a number, 1, 2, 4 or 8.
    pub(super) unsafe fn bytes(self, at: usize, size: usize) -> [u8; 8] {
        // SAFETY: as the caller says.
        let argument = unsafe { self.at(at) };
        // By size: a copy of any size would go through memory, which reading eight bytes of would wait for.
        match size {
            // SAFETY: as the caller says.
            4 => widened(unsafe { argument.cast::<[u8; 4]>().read() }),
            // SAFETY: as the caller says.
            8 => unsafe { argument.cast::<[u8; 8]>().read() },
            // SAFETY: as the caller says.
            1 => widened(unsafe { argument.cast::<[u8; 1]>().read() }),
            // SAFETY: as the caller says.
            _ => widened(unsafe { argument.cast::<[u8; 2]>().read() }),
        }
    }

    /// # Safety
    ///
    /// There is such an argument, and it is as large as a pointer.
    pub(super) unsafe fn word(self, at: usize) -> [u8; size_of::<usize>()] {
        // SAFETY: as the caller says.
        let bytes = unsafe { self.bytes(at, size_of::<usize>()) };
        let mut word = [0; size_of::<usize>()];
        word.copy_from_slice(&bytes[..size_of::<usize>()]);
        word
    }
}
