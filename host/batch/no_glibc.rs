//! Any C library but glibc: nothing is known of the order of its comparisons.

use crate::error::Result;

pub(crate) const MAX_DIRECT_WIDTH: usize = 0;

pub(crate) fn merges_in_order() -> bool {
    false
}

pub(crate) fn check_temporary(_: usize, _: usize) -> Result<()> {
    Ok(())
}
