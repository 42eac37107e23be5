//! Detection of glibc's `qsort` before 2.39, and of the path that it takes.
//!
//! It merges into a temporary array. Where it cannot allocate that, it falls back to an in-place quicksort,
//! which accesses memory outside its array when the answers are inconsistent.
#![allow(unsafe_code, reason = "asks the C library for its version")]

use std::sync::LazyLock;

use crate::error::{Error, Result};
use crate::sync::force;

/// Maximum width in bytes of elements that glibc sorts directly; for wider ones it sorts pointers.
pub(crate) const MAX_DIRECT_WIDTH: usize = 32;

/// Returns whether every comparison on the safe path of this C library's `qsort` passes its first argument
/// at a lower address than its second, and the first one on its unsafe path does not: glibc before 2.39.
pub(crate) fn merges_in_order() -> bool {
    static BEFORE_2_39: LazyLock<bool> = LazyLock::new(|| {
        // SAFETY: the C function has no arguments and may be called at any time.
        let version = unsafe { libc::gnu_get_libc_version() };
        // SAFETY: the C library returned a static string that is NUL-terminated.
        let version = unsafe { std::ffi::CStr::from_ptr(version) };
        is_before_2_39(version.to_str().unwrap_or_default())
    });
    *force(&BEFORE_2_39)
}

/// `Err` where the temporary array would exceed a quarter of this machine's memory, because glibc then
/// does not even try the merge.
pub(crate) fn check_temporary(count: usize, width: usize) -> Result<()> {
    static QUARTER_IN_PAGES: LazyLock<(usize, usize)> = LazyLock::new(|| {
        // SAFETY: `sysconf` takes a number and returns one.
        let ask = |name| usize::try_from(unsafe { libc::sysconf(name) }).unwrap_or(0);
        (ask(libc::_SC_PHYS_PAGES) / 4, ask(libc::_SC_PAGESIZE).max(1))
    });
    let (quarter, page) = *force(&QUARTER_IN_PAGES);
    let temporary = temporary(count, width);
    if temporary / page > quarter {
        return Err(Error::TemporaryTooLarge { bytes: count.saturating_mul(width), temporary });
    }
    Ok(())
}

/// Returns the size in bytes of the temporary array.
fn temporary(count: usize, width: usize) -> usize {
    if width <= MAX_DIRECT_WIDTH {
        return count.saturating_mul(width);
    }
    count.saturating_mul(2 * size_of::<*const u8>()).saturating_add(width)
}

/// Returns whether a version is older than 2.39. An unreadable one counts as old: the check then only
/// refuses more.
fn is_before_2_39(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < (2, 39)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_temporary_is_as_large_as_glibcs() {
        assert_eq!(temporary(1000, 4), 4000);
        assert_eq!(temporary(1000, 32), 32_000);
        assert_eq!(temporary(1000, 33), 16_033);
        assert!(check_temporary(usize::MAX, 32).is_err());
        assert!(check_temporary(1000, 1000).is_ok());
    }
}
