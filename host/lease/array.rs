//! A loan with an array, to native code that sorts or searches it.

use std::cell::OnceCell;
use std::ffi::c_void;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{ContextPointer, Pointer, context};
use crate::ahead::{Ahead, Look, Ready, WORTH_ASKING};
use crate::array::{Array, Element, Private};
use crate::bounds::{Bounds, Run};
use crate::callback::{Answer, Callback};
use crate::entry::{Entry, Lent, Loan};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::resident::Rules;
use crate::sandbox::Budget;
use crate::table::Key;
use crate::trampoline::{self, Open};

/// A loan of a callback, with an array, until the native call has returned.
///
/// Native code works on a private copy of the array, which [`finish`](Lease::finish) writes back if
/// nothing failed. Dropping a lease without that leaves the array as it was. Until then the array
/// is out of reach. A lease stays on the thread that made it, and calls on this thread cost the least;
/// other threads may call the pointer too.
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
/// fn send(lease: callbox::Lease<'static>) {
///     std::thread::spawn(move || lease.finish());
/// }
/// ```
#[must_use = "a lease ends when it is dropped, and its pointer goes dead with it"]
pub struct Lease<'a> {
    open: Open,
    array: Array<'a>,
    private: Private,
}

impl fmt::Debug for Lease<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.open.loan().fmt(f)
    }
}

impl Callback {
    /// Lends the callback to native code that works on `array` and calls it until it returns. All
    /// calls share one budget, whose clock starts now.
    ///
    /// Native code that passes a pointer outside the array is out of bounds, because the answers
    /// contradict each other and it relied on them: glibc's `qsort` before 2.39 does so where it has no
    /// memory for its temporary. Code that we do not know cannot be unwound, and answering would let
    /// it write out there, so the process is aborted with a message.
    /// [`native::qsort`](crate::native::qsort) gives an error instead. Native code that compares
    /// with elements elsewhere by design, such as a pivot that it has copied, wants
    /// [`Callback::retain`].
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] where the callback compares other elements,
    /// [`Error::ArrayTooLarge`], [`Error::TableFull`].
    pub fn lend<'a, T: Element>(&self, array: &'a mut [T]) -> Result<Lease<'a>> {
        self.lend_array(Array::typed(array))
    }

    /// The same for records of `width` bytes each.
    ///
    /// # Errors
    ///
    /// As [`Callback::lend`], and [`Error::Ragged`] where `records` is no whole number of records.
    pub fn lend_records<'a>(&self, records: &'a mut [u8], width: usize) -> Result<Lease<'a>> {
        self.lend_array(Array::records(records, width)?)
    }

    fn lend_array<'a>(&self, array: Array<'a>) -> Result<Lease<'a>> {
        self.accepts_array(&array)?;
        let private = array.private_copy(self.guest().limits().array)?;
        let run = Run::of(private.as_slice());
        let width = private.width();
        let bounds = Bounds::Known { a: run, b: run, width, ascending: false };
        let (callback, budget) = (self.clone(), self.guest().new_budget());
        let foreign = budget.clone();
        let ask = Box::new(move |a: &[u8], b: &[u8]| callback.ask(Some(&foreign), a, b));
        let loan = Loan::new(Entry::new(self.clone(), Lent::Elements { bounds, ask }))?;
        let (ready, ask) = self.foreseeing(budget, [private.len(), width]);
        Ok(Lease { open: Open::new(loan, bounds, ready, ask), array, private })
    }

    /// Asks on this budget, and ahead as long as C sorts the whole array as glibc would.
    fn foreseeing(
        &self,
        budget: Arc<Budget>,
        [len, width]: [usize; 2],
    ) -> (Option<Rc<Ready>>, Box<trampoline::Ask<'static>>) {
        let callback = self.clone();
        if len < WORTH_ASKING || ![1, 2, 4, 8].contains(&width) {
            return (None, Box::new(move |_, [a, b]| callback.ask(Some(&budget), a, b)));
        }
        let ready = Rc::new(Ready::new(width, Look::Contents));
        let rules = Rules { reverse: false, ties_by_bytes: false };
        let (known, mut ahead) = (ready.clone(), OnceCell::new());
        let ask = move |array: &[u8], [a, b]: [&[u8]; 2]| -> Answer {
            let mut held = callback.hold(&budget)?;
            ahead.get_or_init(|| Ahead::new(&callback, &mut held, rules, [len, width], &known));
            match ahead.get_mut() {
                Some(Some(ahead)) => ahead.ask(&mut held, &mut |held, a, b| held.ask(a, b), array, [a, b]),
                _ => held.ask(a, b),
            }
        };
        (Some(ready), Box::new(ask))
    }
}

impl Lease<'_> {
    /// The function pointer.
    ///
    /// # Safety of calling it
    ///
    /// While the lease lives, any thread may call it with any pointers: those outside the private
    /// copy of the array are not read, but end the process. A call that has begun must have returned
    /// before the lease ends. While a call on the thread that made the lease is in progress, nobody may
    /// write to the copy: such a call may look at elements that are going to be compared.
    pub fn pointer(&self) -> Pointer {
        trampoline::c_pointer(self.open.loan().key().slot())
    }

    /// The same for C that hands a pointer through, as POSIX's `qsort_r` does: a function that all callbacks
    /// share, and the context that tells it which one is meant. A stale context finds nothing, for ever.
    ///
    /// # Safety of calling it
    ///
    /// As [`Lease::pointer`].
    pub fn with_context(&self) -> (ContextPointer, *mut c_void) {
        context(self.key())
    }

    /// The private copy that native code is to work on, aligned for every C type. It lives as long
    /// as the lease.
    pub fn base(&mut self) -> *mut c_void {
        self.private.as_mut_slice().as_mut_ptr().cast()
    }

    /// Length of the array in elements.
    pub fn len(&self) -> usize {
        self.private.len()
    }

    /// Whether the array has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Width of an element in bytes.
    pub fn width(&self) -> usize {
        self.private.width()
    }

    /// How often native code has called.
    pub fn calls(&self) -> u64 {
        self.open.loan().entry().calls()
    }

    /// What the slot is called in the [`CallbackTable`](crate::CallbackTable).
    pub fn key(&self) -> Key {
        self.open.loan().key()
    }

    /// Ends the loan. If no call failed, what native code made of the private copy goes into the
    /// array; otherwise the array is as it was.
    ///
    /// # Errors
    ///
    /// The first failure, if there was one.
    pub fn finish(mut self) -> Result<()> {
        if let Some(failure) = self.open.loan().entry().take_failure() {
            return Err(failure);
        }
        self.array.bytes_mut().copy_from_slice(self.private.as_slice());
        Ok(())
    }
}
