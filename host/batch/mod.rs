//! Many comparisons in one entry into WebAssembly: a whole sort inside the sandbox, or lookahead for C's
//! `qsort`.

mod at_once;
mod failing_pair;
mod fingerprint;
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), path = "no_glibc.rs")]
pub(crate) mod glibc;
mod in_sandbox;
mod line_numbers;
mod lookahead;
mod merge_order;
mod merge_sort;
mod pairs;
mod rows;
mod window;

pub(crate) use at_once::at_once;
pub(crate) use in_sandbox::{ItemLayout, SandboxedSort};
pub(crate) use lookahead::Lookahead;
pub(crate) use merge_sort::merge_sort;
pub(crate) use pairs::{Finding, PairSearch};
pub(crate) use window::NumberedItems;

use std::cmp::Ordering;

use crate::error::{Error, Result};

/// Minimum number of elements for which a batch pays, once its kernel is compiled.
pub(crate) const MIN_ELEMENTS: usize = 16;

/// The rules that decide an order besides the guest's answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Whether the order is reversed, the largest first.
    pub(crate) reverse: bool,
    /// Whether the bytes of two elements decide where the guest calls them equal; the order of the input does
    /// otherwise.
    pub(crate) ties_by_bytes: bool,
}

impl Rules {
    /// Returns the order of two elements by the guest's answer and by every rule except stability.
    #[inline]
    pub(crate) fn apply(self, answer: Ordering, a: &[u8], b: &[u8]) -> Ordering {
        let order = if answer.is_eq() && self.ties_by_bytes { a.cmp(b) } else { answer };
        if self.reverse { order.reverse() } else { order }
    }
}

/// `Err` where a number does not fit in WebAssembly's 32 bits.
pub(crate) fn to_u32(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::ArrayTooLarge { bytes: number, most: u32::MAX as usize })
}
