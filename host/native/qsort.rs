//! `qsort`, the C library's and the Microsoft C runtime's.
#![allow(unsafe_code, reason = "calls C's qsort")]

use std::ffi::c_void;
use std::rc::Rc;

use super::{SortFunction, crt, glibc};
use crate::ahead::{Ahead, Look, Ready, WIDEST_DIRECT, WORTH_ASKING};
use crate::array::{Array, Element, Private};
use crate::bounds::{Bounds, Run};
use crate::callback::{Answer, AskHeld, Callback, Held};
use crate::error::Result;
use crate::resident::Rules;
use crate::trampoline::{self, Ask, Comparison};

unsafe extern "C-unwind" {
    /// As `libc` declares it, but allowed to unwind; glibc builds it with `-fexceptions`.
    #[link_name = "qsort"]
    fn qsort_of_c(base: *mut c_void, count: usize, width: usize, compare: Comparison);
}

/// Asks for the order of two elements.
pub(crate) type AskAlone<'a> = dyn FnMut(&[u8], &[u8]) -> Answer + 'a;

/// Which native code sorts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sorter {
    /// The C library's `qsort`.
    #[default]
    Qsort,
    /// The Microsoft C runtime's algorithm.
    Crt,
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
/// [`ArrayTooLarge`](crate::Error::ArrayTooLarge); the first failure of the guest; [`OutOfBounds`](crate::Error::OutOfBounds) and
/// [`LeftMergePath`](crate::Error::LeftMergePath) where the sort had to be abandoned,
/// [`TemporaryTooLarge`](crate::Error::TemporaryTooLarge) where it could not be begun. On every
/// error the array is as it was.
pub fn qsort<T: Element>(array: &mut [T], compare: &Callback) -> Result<()> {
    sort(Sorter::Qsort, Array::typed(array), compare)
}

/// The same for records of `width` bytes each.
///
/// # Errors
///
/// As [`qsort`], and [`Ragged`](crate::Error::Ragged) where `records` is no whole number of records.
pub fn qsort_records(records: &mut [u8], width: usize, compare: &Callback) -> Result<()> {
    sort(Sorter::Qsort, Array::records(records, width)?, compare)
}

/// Sorts an array with the Microsoft C runtime's algorithm, [`crt::qsort`]; the guest compares.
///
/// Not stable. All comparisons share one budget.
///
/// # Errors
///
/// As [`qsort`].
pub fn crt_qsort<T: Element>(array: &mut [T], compare: &Callback) -> Result<()> {
    sort(Sorter::Crt, Array::typed(array), compare)
}

/// The same for records of `width` bytes each.
///
/// # Errors
///
/// As [`qsort_records`].
pub fn crt_qsort_records(records: &mut [u8], width: usize, compare: &Callback) -> Result<()> {
    sort(Sorter::Crt, Array::records(records, width)?, compare)
}

fn sort(sorter: Sorter, mut array: Array<'_>, compare: &Callback) -> Result<()> {
    compare.accepts_array(&array)?;
    let mut private = array.private_copy(compare.guest().limits().array)?;
    let mut held = compare.hold(&compare.guest().new_budget())?;
    let rules = Rules { reverse: false, ties_by_bytes: false };
    let ask = &mut |held: &mut Held<'_>, a: &[u8], b: &[u8]| held.ask(a, b);
    sort_held(sorter, &mut private, compare, &mut held, rules, ask)?;
    array.bytes_mut().copy_from_slice(private.as_slice());
    Ok(())
}

/// Sorts a private copy by a guest's answers and these rules; `ask` asks by the same rules, one question
/// at a time. Where it is known which questions will come, many go in at once.
pub(crate) fn sort_held(
    sorter: Sorter,
    private: &mut Private,
    callback: &Callback,
    held: &mut Held<'_>,
    rules: Rules,
    ask: &mut AskHeld<'_>,
) -> Result<()> {
    let (len, width) = (private.len(), private.width());
    let bounds = bounds(sorter, private)?;
    if sorter == Sorter::Qsort && glibc::merges_in_order() && len >= WORTH_ASKING {
        let look = if width > WIDEST_DIRECT { Look::Pointers } else { Look::Places };
        let ready = Rc::new(Ready::new(width, look));
        if let Some(mut ahead) = Ahead::new(callback, held, rules, [len, width], &ready) {
            let ask = Box::new(|array: &[u8], pair: [&[u8]; 2]| ahead.ask(held, ask, array, pair));
            return sort_within(bounds, Some(ready), sorter, private, callback, ask);
        }
    }
    sort_within(bounds, None, sorter, private, callback, Box::new(|_, [a, b]| ask(held, a, b)))
}

/// Sorts a private copy by what `ask` answers; `callback` is who the table says is asked. On an
/// error the copy is in no particular order.
pub(crate) fn sort_private<'a>(
    sorter: Sorter,
    private: &mut Private,
    callback: &Callback,
    ask: &'a mut AskAlone<'a>,
) -> Result<()> {
    let bounds = bounds(sorter, private)?;
    sort_within(bounds, None, sorter, private, callback, Box::new(|_, [a, b]| ask(a, b)))
}

/// What the sorter may point to.
fn bounds(sorter: Sorter, private: &Private) -> Result<Bounds> {
    let run = Run::of(private.as_slice());
    let width = private.width();
    if let Sorter::Library(_) = sorter {
        // It may put elements aside, and compare with them there.
        return Ok(Bounds::Trusted { width });
    }
    let ascending = sorter == Sorter::Qsort && glibc::merges_in_order();
    if ascending {
        glibc::check_temporary(private.len(), width)?;
    }
    Ok(Bounds::Known { a: run, b: run, width, ascending })
}

/// The same with other bounds, which only a test may weaken.
pub(super) fn sort_within<'a>(
    bounds: Bounds,
    ready: Option<Rc<Ready>>,
    sorter: Sorter,
    private: &mut Private,
    callback: &Callback,
    ask: Box<Ask<'a>>,
) -> Result<()> {
    let (len, width) = (private.len(), private.width());
    let base = private.as_mut_slice().as_mut_ptr().cast();
    let sort = match sorter {
        Sorter::Qsort => qsort_of_c,
        Sorter::Crt => crt::qsort,
        Sorter::Library(function) => function.function(),
    };
    trampoline::call(callback, bounds, ready, ask, |compare| {
        // SAFETY: `private` is `len` elements of `width` bytes, and ours alone until the call
        // returns. The trampoline leaves the sort before it can touch a byte outside of them, as
        // far as `bounds` say what is outside; who has loaded another function vouches for that one. All of them
        // call it on this thread, and not after they have returned.
        unsafe { sort(base, len, width, compare) }
    })?;
    Ok(())
}
