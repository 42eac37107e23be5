//! A lease with an array, for native code that sorts it.

use std::cell::OnceCell;
use std::ffi::c_void;
use std::fmt;
use std::rc::Rc;

use super::CompareFn;
#[cfg(target_pointer_width = "64")]
use super::CompareWithContextFn;
use crate::answers::{MatchBy, PreparedAnswers};
use crate::batch::{Lookahead, MIN_ELEMENTS, Rules};
use crate::callback::{Answer, Callback};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{ItemsError, Result};
use crate::memory::{AddressRange, Array, Bounds, Element, Extent, ScratchArray, check_width};
use crate::registry::{Access, Entry, SlotHandle, SlotKey};
use crate::sandbox::Budget;
use crate::sync::Arc;
use crate::trampoline::{self, Ask, OpenCall};

/// A lease of a callback, with an array, until the native call has returned.
///
/// Native code works on a private copy of the array, which [`finish`](ArrayLease::finish) writes back if no
/// call failed. Dropping the lease instead leaves the array unchanged. The array is mutably borrowed while
/// the lease lives. A lease stays on the thread that created it. Calls on this thread cost the least; other
/// threads may call the pointer too.
///
/// ```compile_fail,E0506
/// fn lend(ascending: &callbox::Callback) -> callbox::Result<()> {
///     let mut ia = [2, 1];
///     let lease = ascending.lend(&mut ia)?;
///     ia[0] = 3;
///     lease.finish()
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn send(lease: callbox::ArrayLease<'static>) {
///     std::thread::spawn(move || lease.finish());
/// }
/// ```
#[must_use = "a lease ends when it is dropped, and its pointer goes dead with it"]
pub struct ArrayLease<'a> {
    open: OpenCall,
    /// The array to write back to; `None` where the lender has only a copy.
    array: Option<Array<'a>>,
    scratch: ScratchArray,
}

impl fmt::Debug for ArrayLease<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.open.handle().fmt(f)
    }
}

impl Callback {
    /// Lends the callback to native code that works on `array` and calls the callback until it returns. All
    /// calls share one budget, whose deadline starts now.
    ///
    /// Native code that passes a pointer outside the array is out of bounds, because the answers contradict
    /// each other and it relied on them: glibc's `qsort` before 2.39 does so when it has no memory for its
    /// temporary array. Unknown code cannot be unwound, and an answer would let it write out of bounds, so
    /// the process is aborted with a message. [`native::qsort`](crate::native::qsort) returns an error
    /// instead. For native code that by design compares with elements elsewhere, such as the key of
    /// `bsearch`, a copied pivot, or Apple's `qsort`, use [`Callback::retain`].
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] if the callback compares other elements, [`Error::ArrayTooLarge`],
    /// [`Error::TableFull`].
    #[track_caller]
    pub fn lend<'a, T: Element>(&self, array: &'a mut [T]) -> Result<ArrayLease<'a>> {
        self.lend_array(Array::typed(array))
    }

    /// As [`Callback::lend`], for records of `width` bytes each.
    ///
    /// # Errors
    ///
    /// As [`Callback::lend`], and [`ItemsError::Ragged`] if `records` is not a whole number of records.
    #[track_caller]
    pub fn lend_records<'a>(&self, records: &'a mut [u8], width: usize) -> Result<ArrayLease<'a>> {
        self.lend_array(Array::records(records, width)?)
    }

    /// As [`Callback::lend_records`], without a borrow: [`ArrayLease::finish_into`] writes the result, and
    /// [`ArrayLease::finish`] discards it. For bindings, whose arrays are borrowed in other ways.
    ///
    /// # Errors
    ///
    /// As [`Callback::lend_records`].
    #[track_caller]
    pub fn lend_copy(&self, records: &[u8], width: usize) -> Result<ArrayLease<'static>> {
        check_width(records.len(), width)?;
        self.accepts(width, None)?;
        self.lend_scratch(ScratchArray::copy_of(records, width, self.guest().limits().array)?, None)
    }

    #[track_caller]
    fn lend_array<'a>(&self, array: Array<'a>) -> Result<ArrayLease<'a>> {
        self.accepts_array(&array)?;
        self.lend_scratch(array.scratch_copy(self.guest().limits().array)?, Some(array))
    }

    #[track_caller]
    fn lend_scratch<'a>(&self, scratch: ScratchArray, array: Option<Array<'a>>) -> Result<ArrayLease<'a>> {
        let range = AddressRange::of(scratch.as_slice());
        let bounds = Bounds::Known { a: range, b: range, width: scratch.width(), ascending: false };
        let budget = self.guest().new_budget();
        let access = Access::Comparator { bounds, budget: Some(budget.clone()) };
        let handle = SlotHandle::new(Entry::new(self.clone(), access))?;
        let (prepared, ask) = self.with_lookahead(budget, scratch.extent());
        Ok(ArrayLease { open: OpenCall::new(handle, bounds, prepared, ask), array, scratch })
    }

    /// Returns a function that answers comparisons on this budget, and its prepared answers. Lookahead lasts
    /// as long as C sorts the whole array as glibc does.
    fn with_lookahead(
        &self,
        budget: Arc<Budget>,
        extent: Extent,
    ) -> (Option<Rc<PreparedAnswers>>, Box<Ask<'static>>) {
        let callback = self.clone();
        let match_by = MatchBy::contents(extent.width).filter(|_| extent.len >= MIN_ELEMENTS);
        let Some(match_by) = match_by else {
            return (None, Box::new(move |_, [a, b]| callback.ask(Some(&budget), a, b)));
        };
        let prepared = Rc::new(PreparedAnswers::new(extent.width, match_by));
        let (known, mut lookahead) = (prepared.clone(), OnceCell::new());
        let ask = move |array: &[u8], [a, b]: [&[u8]; 2]| -> Answer {
            let mut session = callback.compare_session(&budget)?;
            lookahead.get_or_init(|| {
                Lookahead::new(&callback, &mut session, Rules::default(), extent, &known, None)
            });
            match lookahead.get_mut() {
                Some(Some(lookahead)) => lookahead.ask(&mut session, array, [a, b]),
                _ => session.compare(a, b),
            }
        };
        (Some(prepared), Box::new(ask))
    }
}

impl ArrayLease<'_> {
    /// Returns the function pointer.
    ///
    /// # Safety of calling it
    ///
    /// While the lease lives, any thread may call it with any pointers: those outside the private copy of the
    /// array are not dereferenced, but abort the process. A call that has begun must have returned before the
    /// lease ends. While a call on the thread that created the lease is in progress, no thread may write to
    /// the copy: such a call may read elements that have yet to be compared.
    pub fn pointer(&self) -> CompareFn {
        trampoline::compare_fn(self.open.handle().key().slot())
    }

    /// Returns a comparator that all callbacks share, and the context that identifies this lease, for C
    /// functions that pass a user pointer through, such as POSIX's `qsort_r`. A stale context never finds a
    /// callback.
    ///
    /// # Safety of calling it
    ///
    /// As [`ArrayLease::pointer`].
    #[cfg(target_pointer_width = "64")]
    pub fn with_context(&self) -> (CompareWithContextFn, *mut c_void) {
        super::with_context(self.key())
    }

    /// Returns a pointer to the private copy for native code to work on, aligned for every C type. The copy
    /// lives as long as the lease.
    pub fn base(&mut self) -> *mut c_void {
        self.scratch.as_mut_slice().as_mut_ptr().cast()
    }

    /// Returns the number of elements in the array.
    pub fn len(&self) -> usize {
        self.scratch.len()
    }

    /// Returns `true` if the array has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the width of an element in bytes.
    pub fn width(&self) -> usize {
        self.scratch.width()
    }

    /// Returns the number of calls by native code.
    pub fn calls(&self) -> u64 {
        self.open.handle().entry().calls()
    }

    /// Returns the key of the slot in the [`CallbackTable`](crate::CallbackTable).
    pub fn key(&self) -> SlotKey {
        self.open.handle().key()
    }

    /// Ends the lease. If no call failed, the private copy, as native code left it, is written back to the
    /// array; otherwise the array is unchanged.
    ///
    /// # Errors
    ///
    /// The first failure, if any call failed.
    pub fn finish(mut self) -> Result<()> {
        self.outcome()?;
        if let Some(array) = &mut self.array {
            array.bytes_mut().copy_from_slice(self.scratch.as_slice());
        }
        Ok(())
    }

    /// As [`ArrayLease::finish`], but writes the private copy to `target`.
    ///
    /// # Errors
    ///
    /// As [`ArrayLease::finish`]; [`ItemsError::Ragged`] if `target` is not of the size of the array.
    pub fn finish_into(self, target: &mut [u8]) -> Result<()> {
        self.outcome()?;
        let sorted = self.scratch.as_slice();
        if target.len() != sorted.len() {
            return Err(ItemsError::Ragged { bytes: target.len(), width: sorted.len() }.into());
        }
        target.copy_from_slice(sorted);
        Ok(())
    }

    /// Returns the first failure, if any call failed.
    fn outcome(&self) -> Result<()> {
        self.open.handle().entry().take_failure().map_or(Ok(()), Err)
    }
}
