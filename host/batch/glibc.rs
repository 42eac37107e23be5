//! What is known of glibc's `qsort` before 2.39: which of its paths is taken, and how to tell.
//!
//! It merges into a temporary. Where that cannot be had, it falls back to a quicksort in place, which
//! leaves its array when the answers contradict each other.
#![cfg_attr(target_env = "gnu", allow(unsafe_code, reason = "asks the C library for its version"))]

use crate::error::{Error, Result};

/// Maximum width in bytes of elements that glibc sorts themselves; of wider ones it sorts pointers.
pub(crate) const MAX_DIRECT_WIDTH: usize = 32;

/// Whether every comparison of the safe path of this C library's `qsort` has its first argument
/// before its second, and the first comparison of its unsafe path has not: glibc before 2.39.
#[cfg(target_env = "gnu")]
pub(crate) fn merges_in_order() -> bool {
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
pub(crate) fn merges_in_order() -> bool {
    false
}

/// `Err` where the temporary would be more than a quarter of this machine's memory, because then
/// the merge is not even tried.
#[cfg(target_env = "gnu")]
pub(crate) fn check_temporary(count: usize, width: usize) -> Result<()> {
    use std::sync::LazyLock;
    static QUARTER_IN_PAGES: LazyLock<(usize, usize)> = LazyLock::new(|| {
        // SAFETY: it takes a number and returns one.
        let ask = |name| usize::try_from(unsafe { libc::sysconf(name) }).unwrap_or(0);
        (ask(libc::_SC_PHYS_PAGES) / 4, ask(libc::_SC_PAGESIZE).max(1))
    });
    let (quarter, page) = *QUARTER_IN_PAGES;
    let temporary = temporary(count, width);
    if temporary / page > quarter {
        return Err(Error::TemporaryTooLarge { bytes: count.saturating_mul(width), temporary });
    }
    Ok(())
}

#[cfg(not(target_env = "gnu"))]
pub(crate) fn check_temporary(_: usize, _: usize) -> Result<()> {
    Ok(())
}

/// Bytes of the temporary.
#[cfg(target_env = "gnu")]
fn temporary(count: usize, width: usize) -> usize {
    if width <= MAX_DIRECT_WIDTH {
        return count.saturating_mul(width);
    }
    count.saturating_mul(2 * size_of::<*const u8>()).saturating_add(width)
}

/// An unreadable version counts as old: the check then only refuses more.
#[cfg(target_env = "gnu")]
fn is_before_2_39(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < (2, 39)
}

#[cfg(all(test, target_env = "gnu"))]
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
