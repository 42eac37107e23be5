//! The sort of the Microsoft C runtime, with `qsort`'s signature.
//!
//! Eight elements or fewer are sorted by selection: the largest goes to the end. More are
//! partitioned around the median of first, middle and last; the smaller part is sorted first, so
//! that the stack of open parts stays small. Elements equal to the pivot are left out of both.
//! The comparisons, and their order, are those of the runtime's own `qsort`; this is an independent
//! implementation. Whatever the comparator answers, no element outside the array is touched.
#![allow(unsafe_code, reason = "has the signature of C's qsort")]

use std::ffi::c_void;
use std::ptr;

use crate::trampoline::UnwindingCompareFn;

/// Maximum number of elements that are sorted by selection.
const MAX_SELECTION_ELEMENTS: usize = 8;

/// The array, accessed by index.
struct Elements {
    base: *mut u8,
    count: usize,
    width: usize,
    compare: UnwindingCompareFn,
}

/// Sorts `count` elements of `width` bytes at `base`. Not stable; quadratic in the worst case.
///
/// # Safety
///
/// C's contract: `base` points to `count × width` bytes that nothing else accesses, and `compare` may
/// be called with pointers to elements. A `compare` that unwinds leaves the array permuted; one that
/// is inconsistent does no harm.
pub unsafe extern "C-unwind" fn qsort(
    base: *mut c_void,
    count: usize,
    width: usize,
    compare: UnwindingCompareFn,
) {
    if count < 2 || width == 0 {
        return;
    }
    let elements = Elements { base: base.cast(), count, width, compare };
    let mut open = Vec::new();
    let mut part = Some((0, count - 1));
    while let Some((lo, hi)) = part.take().or_else(|| open.pop()) {
        if hi - lo < MAX_SELECTION_ELEMENTS {
            elements.select(lo, hi);
            continue;
        }
        let (below, above) = elements.partition(lo, hi);
        let is_open = |(lo, hi): &(usize, usize)| lo < hi;
        let (small, large) = if below.1.saturating_sub(below.0) >= above.1.saturating_sub(above.0) {
            (above, below)
        } else {
            (below, above)
        };
        open.extend(Some(large).filter(is_open));
        part = Some(small).filter(is_open);
    }
}

impl Elements {
    /// Sorts `lo..=hi` by selection: the largest goes to `hi`, then `hi` steps down.
    fn select(&self, lo: usize, hi: usize) {
        for hi in (lo + 1..=hi).rev() {
            let mut largest = lo;
            for at in lo + 1..=hi {
                if self.order(at, largest) > 0 {
                    largest = at;
                }
            }
            self.swap(largest, hi);
        }
    }

    /// Partitions `lo..=hi`, more than [`MAX_SELECTION_ELEMENTS`] elements, around the median of three.
    /// Returns both parts, which lie inside; one with its end before its start is empty.
    fn partition(&self, lo: usize, hi: usize) -> ((usize, usize), (usize, usize)) {
        let mut pivot = lo + (hi - lo).div_ceil(2);
        for (a, b) in [(lo, pivot), (lo, hi), (pivot, hi)] {
            if self.order(a, b) > 0 {
                self.swap(a, b);
            }
        }
        let (mut low, mut high) = (lo, hi);
        loop {
            // Advance to a larger element, first up to the pivot, then beyond it.
            if low < pivot {
                low += 1;
                while low < pivot && self.order(low, pivot) <= 0 {
                    low += 1;
                }
            }
            if low >= pivot {
                low += 1;
                while low <= hi && self.order(low, pivot) <= 0 {
                    low += 1;
                }
            }
            // Retreat to an element that is not larger; the pivot itself stops this.
            high -= 1;
            while high > pivot && self.order(high, pivot) > 0 {
                high -= 1;
            }
            if high < low {
                break;
            }
            self.swap(low, high);
            // The swap may have moved the pivot.
            if pivot == high {
                pivot = low;
            }
        }
        // Elements equal to the pivot, below `low`, need no further sorting.
        high += 1;
        if pivot < high {
            high -= 1;
            while high > pivot && self.order(high, pivot) == 0 {
                high -= 1;
            }
        }
        if pivot >= high {
            high -= 1;
            while high > lo && self.order(high, pivot) == 0 {
                high -= 1;
            }
        }
        ((lo, high), (low, hi))
    }

    fn order(&self, a: usize, b: usize) -> i32 {
        let (a, b) = (self.at(a), self.at(b));
        // SAFETY: both point to elements, and the caller of `qsort` allows such calls.
        unsafe { (self.compare)(a.cast(), b.cast()) }
    }

    fn swap(&self, a: usize, b: usize) {
        if a != b {
            // SAFETY: both are elements, `width` bytes long, and two elements do not overlap.
            unsafe { ptr::swap_nonoverlapping(self.at(a), self.at(b), self.width) }
        }
    }

    fn at(&self, element: usize) -> *mut u8 {
        debug_assert!(element < self.count);
        // SAFETY: `element` is less than the count of elements, by `select` and `partition`, and
        // the caller of `qsort` vouches for the whole array.
        unsafe { self.base.add(element * self.width) }
    }
}
