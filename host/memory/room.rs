//! Room in the address space for what others map, where they abort or panic if there is none.
#![allow(unsafe_code, reason = "maps memory, to see whether there is some")]

use crate::error::{Error, Result};

/// `Err` where the system would not map so many bytes at once. An allocation would not tell: it may get
/// memory that the allocator has kept, which nothing else can have.
pub(crate) fn check_room(bytes: usize, what: &'static str) -> Result<()> {
    if can_map(bytes) { Ok(()) } else { Err(Error::NoMemory { bytes, what }) }
}

#[cfg(unix)]
fn can_map(bytes: usize) -> bool {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: a new mapping, at an address that the system chooses, overlaps nothing.
    let Ok(at) = (unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, access, flags) }) else {
        return false;
    };
    // SAFETY: this is the mapping, and nothing refers to it.
    let _ = unsafe { munmap(at, bytes) };
    true
}

#[cfg(not(unix))]
fn can_map(_: usize) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn what_no_address_space_has_room_for_is_an_error() {
        check_room(1 << 20, "a test").unwrap();
        let error = check_room(1 << (usize::BITS - 2), "a test").unwrap_err();
        assert!(matches!(error, Error::NoMemory { what: "a test", .. }), "{error}");
    }
}
