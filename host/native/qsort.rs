//! `qsort`, the C library's and the Microsoft C runtime's.
#![allow(unsafe_code, reason = "calls C's qsort")]

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::rc::Rc;

use super::{SortFunction, SortResult, VerifiedKey, Verify, msvcrt, verify};
use crate::answers::PreparedAnswers;
use crate::batch::{Lookahead, MIN_ELEMENTS, Rules, glibc};
use crate::callback::{Callback, Session};
use crate::error::Result;
use crate::memory::{AddressRange, Array, Bounds, Element, Extent, ScratchArray};
use crate::trampoline::{self, Ask, UnwindingCompareFn};

unsafe extern "C-unwind" {
    /// As `libc` declares it, but allowed to unwind; glibc builds it with `-fexceptions`.
    #[link_name = "qsort"]
    fn qsort_of_c(base: *mut c_void, count: usize, width: usize, compare: UnwindingCompareFn);
}

/// Whether the C library's `qsort` may compare an element that it has copied out of the array. Apple's does
/// where its partitions are uneven and it turns to a heap sort. In its published source every pointer is kept
/// in the array by comparisons of addresses, not by the comparator's answers.
const QSORT_COPIES: bool = cfg!(target_vendor = "apple");

/// The native code that sorts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NativeSorter {
    /// The C library's `qsort`.
    #[default]
    Qsort,
    /// The Microsoft C runtime's algorithm.
    Msvcrt,
    /// A function of a shared library.
    Library(SortFunction),
}

/// Sorts an array with the C library's `qsort`; the guest compares.
///
/// Not stable. All comparisons share one budget.
///
/// # Errors
///
/// [`ElementMismatch`](crate::Error::ElementMismatch) where the callback compares other elements;
/// [`ArrayTooLarge`](crate::Error::ArrayTooLarge); the first failure of the guest;
/// [`OutOfBounds`](crate::Error::OutOfBounds) and [`LeftMergePath`](crate::Error::LeftMergePath) where
/// the sort had to be abandoned, [`TemporaryTooLarge`](crate::Error::TemporaryTooLarge) where it could
/// not be begun. On every error the array is unchanged.
#[track_caller]
pub fn qsort<T: Element>(array: &mut [T], compare: &Callback) -> Result<()> {
    qsort_verified(array, compare, Verify::Off)
}

/// As [`qsort`], and then asks a fresh guest about pairs of the result.
///
/// # Errors
///
/// As [`qsort`], and [`Contradiction`](crate::Error::Contradiction) where an answer is against the result.
/// On every error the array is unchanged.
///
/// ```
/// # use callbox::{Error, Limits, Sandbox, native};
/// # fn main() -> callbox::Result<()> {
/// let guest = Sandbox::new(Limits::default())?.load("wat/hostile/cyclic.wat")?;
/// let cyclic = guest.callback("compare", "int (const int *, const int *)".parse()?)?;
///
/// let mut ia = [2, 1, 0];
/// let outcome = native::qsort_verified(&mut ia, &cyclic, native::Verify::Sample);
/// assert!(matches!(outcome, Err(Error::Contradiction(_))));
/// assert_eq!(ia, [2, 1, 0]);
/// # Ok(()) }
/// ```
#[track_caller]
pub fn qsort_verified<T: Element>(array: &mut [T], compare: &Callback, verify: Verify) -> Result<()> {
    sort_array(NativeSorter::Qsort, Array::typed(array), compare, verify)
}

/// As [`qsort`], for records of `width` bytes each.
///
/// # Errors
///
/// As [`qsort`], and [`Ragged`](crate::ItemsError::Ragged) where `records` is not a whole number of records.
#[track_caller]
pub fn qsort_records(records: &mut [u8], width: usize, compare: &Callback) -> Result<()> {
    qsort_records_verified(records, width, compare, Verify::Off)
}

/// As [`qsort_verified`], for records of `width` bytes each.
///
/// # Errors
///
/// As [`qsort_verified`], and [`Ragged`](crate::ItemsError::Ragged) where `records` is not a whole number of
/// records.
#[track_caller]
pub fn qsort_records_verified(
    records: &mut [u8],
    width: usize,
    compare: &Callback,
    verify: Verify,
) -> Result<()> {
    sort_array(NativeSorter::Qsort, Array::records(records, width)?, compare, verify)
}

/// Sorts an array with the Microsoft C runtime's algorithm, [`msvcrt::qsort`]; the guest compares.
///
/// Not stable. All comparisons share one budget.
///
/// # Errors
///
/// As [`qsort`].
#[track_caller]
pub fn msvcrt_qsort<T: Element>(array: &mut [T], compare: &Callback) -> Result<()> {
    msvcrt_qsort_verified(array, compare, Verify::Off)
}

/// As [`msvcrt_qsort`], and then asks a fresh guest about pairs of the result.
///
/// # Errors
///
/// As [`qsort_verified`].
#[track_caller]
pub fn msvcrt_qsort_verified<T: Element>(array: &mut [T], compare: &Callback, verify: Verify) -> Result<()> {
    sort_array(NativeSorter::Msvcrt, Array::typed(array), compare, verify)
}

/// As [`msvcrt_qsort`], for records of `width` bytes each.
///
/// # Errors
///
/// As [`qsort_records`].
#[track_caller]
pub fn msvcrt_qsort_records(records: &mut [u8], width: usize, compare: &Callback) -> Result<()> {
    msvcrt_qsort_records_verified(records, width, compare, Verify::Off)
}

/// As [`msvcrt_qsort_verified`], for records of `width` bytes each.
///
/// # Errors
///
/// As [`qsort_records_verified`].
#[track_caller]
pub fn msvcrt_qsort_records_verified(
    records: &mut [u8],
    width: usize,
    compare: &Callback,
    verify: Verify,
) -> Result<()> {
    sort_array(NativeSorter::Msvcrt, Array::records(records, width)?, compare, verify)
}

#[track_caller]
fn sort_array(
    sorter: NativeSorter,
    mut array: Array<'_>,
    compare: &Callback,
    how_much: Verify,
) -> Result<()> {
    compare.accepts_array(&array)?;
    let mut scratch = array.scratch_copy(compare.guest().limits().array)?;
    let budget = compare.guest().new_budget();
    let mut session = compare.compare_session(&budget)?;
    sort_by_guest(sorter, &mut scratch, compare, &mut session, Rules::default())?;
    let comparisons = session.calls();
    drop(session); // before another guest spends of the budget
    let (sorted, width) = (scratch.as_slice(), scratch.width());
    let element = |place: usize| &sorted[place * width..][..width];
    let keys = [VerifiedKey { callback: compare, reverse: false }];
    let result = SortResult {
        len: scratch.len(),
        keys: &keys,
        key: &|_, place| element(place),
        item: &element,
        rules: Rules::default(),
        numbers: None,
        firsts: None,
    };
    verify(how_much, &result, &budget, comparisons, NonZeroUsize::MIN)?;
    array.bytes_mut().copy_from_slice(sorted);
    Ok(())
}

/// Sorts a scratch array by a guest's answers and these rules. Where C's next comparisons are known, the
/// guest makes them in batches.
#[track_caller]
pub(crate) fn sort_by_guest(
    sorter: NativeSorter,
    scratch: &mut ScratchArray,
    callback: &Callback,
    session: &mut Session<'_>,
    rules: Rules,
) -> Result<()> {
    let extent = scratch.extent();
    if let Some(prepared) = prepared_answers(sorter, extent)
        && let Some(mut lookahead) = Lookahead::new(callback, session, rules, extent, &prepared, None)
    {
        let ask = Box::new(|array: &[u8], pair: [&[u8]; 2]| lookahead.ask(session, array, pair));
        return sort_by(sorter, scratch, callback, Some(prepared), ask);
    }
    let ask = Box::new(|_: &[u8], [a, b]: [&[u8]; 2]| Ok(rules.apply(session.compare(a, b)?, a, b)));
    sort_by(sorter, scratch, callback, None, ask)
}

/// Returns an empty list of answers for a sort whose next comparisons are known.
pub(crate) fn prepared_answers(sorter: NativeSorter, extent: Extent) -> Option<Rc<PreparedAnswers>> {
    if sorter != NativeSorter::Qsort || extent.len < MIN_ELEMENTS {
        return None;
    }
    Some(Rc::new(PreparedAnswers::new(extent.width, glibc::foreseen_by(extent.width)?)))
}

/// Sorts a scratch array by the prepared answers, and where there is none by those of `ask`. Meanwhile the
/// callback table lists `callback`. On an error the elements are in no particular order.
#[track_caller]
pub(crate) fn sort_by<'a>(
    sorter: NativeSorter,
    scratch: &mut ScratchArray,
    callback: &Callback,
    prepared: Option<Rc<PreparedAnswers>>,
    ask: Box<Ask<'a>>,
) -> Result<()> {
    let bounds = bounds(sorter, scratch)?;
    call_sorter(bounds, prepared, sorter, scratch, callback, ask)
}

/// Returns the pointers that the sorter may pass.
fn bounds(sorter: NativeSorter, scratch: &ScratchArray) -> Result<Bounds> {
    let range = AddressRange::of(scratch.as_slice());
    let width = scratch.width();
    let copies = match sorter {
        NativeSorter::Qsort => QSORT_COPIES,
        NativeSorter::Msvcrt => false,
        NativeSorter::Library(_) => true,
    };
    if copies {
        return Ok(Bounds::Trusted { width });
    }
    let ascending = sorter == NativeSorter::Qsort && glibc::has_unsafe_path();
    if ascending {
        glibc::check_temporary(scratch.len(), width)?;
    }
    Ok(Bounds::Known { a: range, b: range, width, ascending })
}

/// Calls the sorter. Only a test may weaken the bounds.
#[track_caller]
pub(super) fn call_sorter<'a>(
    bounds: Bounds,
    prepared: Option<Rc<PreparedAnswers>>,
    sorter: NativeSorter,
    scratch: &mut ScratchArray,
    callback: &Callback,
    ask: Box<Ask<'a>>,
) -> Result<()> {
    let (len, width) = (scratch.len(), scratch.width());
    let base = scratch.as_mut_slice().as_mut_ptr().cast();
    let sort = match sorter {
        NativeSorter::Qsort => qsort_of_c,
        NativeSorter::Msvcrt => msvcrt::qsort,
        NativeSorter::Library(function) => function.function(),
    };
    trampoline::call_native(callback, bounds, prepared, ask, |compare| {
        // SAFETY: `scratch` is `len` elements of `width` bytes, borrowed exclusively until the call returns.
        // The trampoline unwinds out of the sort before it can touch a byte outside of them, as far as
        // `bounds` check it; the caller of `SortFunction::load` vouches for any other function. All sorters
        // call the trampoline on this thread, and not after they have returned.
        unsafe { sort(base, len, width, compare) }
    })?;
    Ok(())
}
