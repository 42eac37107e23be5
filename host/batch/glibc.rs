//! The version of glibc, and what its `qsort` is known to do.
//!
//! Every version merges into a temporary array, and in the same order. Where it cannot allocate that, it
//! falls back: before 2.39 to an in-place quicksort, which accesses memory outside its array when the answers
//! are inconsistent, and since then to a heapsort.
#![allow(unsafe_code, reason = "asks the C library for its version")]

use std::sync::LazyLock;

use crate::answers::MatchBy;
use crate::error::{Error, Result};
use crate::sync::force;

/// Maximum width in bytes of elements that glibc sorts directly; for wider ones it sorts pointers.
const MAX_DIRECT_WIDTH: usize = 32;

/// The newest version that was seen to merge in the known order.
const NEWEST_KNOWN: (u32, u32) = (2, 43);

/// Returns how the next comparisons of this C library's `qsort` are recognized, for elements of this width;
/// `None` where they are not known. An unknown version may move elements while it compares them, so there the
/// contents have to match too.
pub(crate) fn foreseen_by(width: usize) -> Option<MatchBy> {
    foreseen_by_version(version(), width)
}

fn foreseen_by_version(version: (u32, u32), width: usize) -> Option<MatchBy> {
    if version > NEWEST_KNOWN {
        return MatchBy::contents(width);
    }
    Some(if width > MAX_DIRECT_WIDTH { MatchBy::Pointer } else { MatchBy::Address })
}

/// Returns whether every comparison on the safe path of this C library's `qsort` passes its first argument
/// at a lower address than its second, and the first one on its unsafe path does not: glibc before 2.39.
pub(crate) fn has_unsafe_path() -> bool {
    version() < (2, 39)
}

/// Returns the version of the C library.
fn version() -> (u32, u32) {
    static VERSION: LazyLock<(u32, u32)> = LazyLock::new(|| {
        // SAFETY: the C function has no arguments and may be called at any time.
        let version = unsafe { libc::gnu_get_libc_version() };
        // SAFETY: the C library returned a static string that is NUL-terminated.
        let version = unsafe { std::ffi::CStr::from_ptr(version) };
        parse(version.to_str().unwrap_or_default())
    });
    *force(&VERSION)
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

/// Parses a version. An unreadable one counts as old: then more is refused.
fn parse(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_c_library_are_told_apart() {
        for (version, parsed) in
            [("2.36", (2, 36)), ("2.4", (2, 4)), ("2.40.1", (2, 40)), ("3.0", (3, 0)), ("nightly", (0, 0))]
        {
            assert_eq!(parse(version), parsed, "{version}");
        }
        assert_eq!(foreseen_by_version((2, 36), 32), Some(MatchBy::Address));
        assert_eq!(foreseen_by_version(NEWEST_KNOWN, 33), Some(MatchBy::Pointer));
        // The next version is unknown.
        assert_eq!(foreseen_by_version((2, NEWEST_KNOWN.1 + 1), 4), Some(MatchBy::Contents));
        assert_eq!(foreseen_by_version((2, NEWEST_KNOWN.1 + 1), 33), None);
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
