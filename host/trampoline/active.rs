//! Native calls on the thread that began them.
//!
//! Such a call takes no lock. Its slot records the thread, and while that thread is inside, the trampoline
//! finds the state of the call with two loads. The state is created and removed on that thread too, so that
//! no other thread can reach it.
#![allow(unsafe_code, reason = "reads the state of a native call through its slot")]

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::slice;

use super::border::{self, CompareOrigin, KnownCode, LeasingThread};
use crate::answers::{MatchBy, PreparedAnswers};
use crate::callback::{Answer, Callback};
use crate::error::{Error, Result, panics};
use crate::memory::Bounds;
use crate::registry::{Access, Entry, SLOTS, SlotHandle};
use crate::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};
use crate::sync::{shared, this_thread};

/// The function that answers one comparison of a native call, from the array, as far as it is known, and two
/// elements.
pub(crate) type Ask<'a> = dyn FnMut(&[u8], [&[u8]; 2]) -> Answer + 'a;

/// A native call in progress.
struct ActiveCall<'a> {
    bounds: Bounds,
    /// Answers that are prepared before C calls for them; the same once more where addresses suffice.
    prepared: Option<Rc<PreparedAnswers>>,
    by_address: Option<Rc<PreparedAnswers>>,
    ask: Box<Ask<'a>>,
    entry: &'a Entry,
    /// Whether the C code is known, and can be unwound.
    known: bool,
}

/// The thread that is inside a native call with a slot, and the state of that call.
pub(super) struct ActiveSlot {
    thread: AtomicUsize,
    call: AtomicPtr<ActiveCall<'static>>,
}

shared! {
    static ACTIVE: [ActiveSlot; SLOTS] = each ActiveSlot::new();
}

impl<'a> ActiveCall<'a> {
    fn new(
        bounds: Bounds,
        prepared: Option<Rc<PreparedAnswers>>,
        ask: Box<Ask<'a>>,
        entry: &'a Entry,
        known: bool,
    ) -> ActiveCall<'a> {
        let by_address = prepared.clone().filter(|prepared| prepared.match_by() == MatchBy::Address);
        ActiveCall { bounds, prepared, by_address, ask, entry, known }
    }
}

impl ActiveSlot {
    shared! {
        const fn new() -> ActiveSlot {
            ActiveSlot { thread: AtomicUsize::new(0), call: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    fn enter(&self, call: *mut ActiveCall<'_>) {
        self.call.store(call.cast(), Relaxed);
        self.thread.store(this_thread(), Relaxed);
    }

    fn leave(&self) {
        self.thread.store(0, Relaxed);
    }
}

/// Lends a slot to `native`, which calls C; returns the number of calls by C. The callback table lists
/// `callback` meanwhile. If C is driven out of `bounds`, it is unwound.
///
/// # Errors
///
/// The first failure of `ask`; [`Error::OutOfBounds`] and [`Error::LeftMergePath`] if C was unwound;
/// [`Error::Panic`]; [`Error::TableFull`].
#[track_caller]
pub(crate) fn call_native<'a>(
    callback: &Callback,
    bounds: Bounds,
    prepared: Option<Rc<PreparedAnswers>>,
    ask: Box<Ask<'a>>,
    native: impl FnOnce(usize),
) -> Result<u64> {
    let handle = SlotHandle::new(Entry::new(callback.clone(), Access::CallingThread))?;
    let slot = handle.key().slot();
    // Code that may pass any pointer is not known to this crate.
    let known = matches!(bounds, Bounds::Known { .. });
    let mut call = ActiveCall::new(bounds, prepared, ask, handle.entry(), known);
    let active = &ACTIVE[slot];
    active.enter(&raw mut call);
    let errno = errno::errno();
    let left = panics::catch(|| native(slot));
    errno::set_errno(errno);
    active.leave();
    let entry = handle.entry();
    if let Err(message) = left
        && !entry.has_failed()
    {
        entry.end(|| Error::panicked(callback.export(), message.clone()));
    }
    entry.take_failure().map_or_else(|| Ok(entry.calls()), Err)
}

/// A native call by code that this crate does not know. While it lives, calls on the thread that opened it
/// take no lock; calls on other threads go through the callback table. It stays on its thread, because its
/// pointers do.
pub(crate) struct OpenCall {
    handle: SlotHandle,
    call: NonNull<ActiveCall<'static>>,
}

impl OpenCall {
    /// Opens a call. If C leaves `bounds`, the process is aborted.
    pub(crate) fn new(
        handle: SlotHandle,
        bounds: Bounds,
        prepared: Option<Rc<PreparedAnswers>>,
        ask: Box<Ask<'static>>,
    ) -> OpenCall {
        // SAFETY: the entry is the handle's, behind an `Arc`; `drop` frees the call before the handle.
        let entry: &'static Entry = unsafe { &*ptr::from_ref(handle.entry()) };
        let call = NonNull::from(Box::leak(Box::new(ActiveCall::new(bounds, prepared, ask, entry, false))));
        ACTIVE[handle.key().slot()].enter(call.as_ptr());
        OpenCall { handle, call }
    }

    /// Returns the slot's handle.
    pub(crate) fn handle(&self) -> &SlotHandle {
        &self.handle
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        ACTIVE[self.handle.key().slot()].leave();
        // SAFETY: the pointer comes from `Box::leak`. Its slot no longer names a thread. It named this one,
        // which is not inside: the caller of the function pointer promises that the call returns before the
        // lease ends.
        drop(unsafe { Box::from_raw(self.call.as_ptr()) });
    }
}

/// Returns the slot's native call, if this thread is inside it.
#[inline]
pub(super) fn on_this_thread(slot: usize) -> Option<&'static ActiveSlot> {
    Some(&ACTIVE[slot]).filter(|active| active.thread.load(Relaxed) == this_thread())
}

/// Answers a call with a prepared answer, or by crossing the border.
///
/// # Safety
///
/// `active` has just been returned by [`on_this_thread`]. C does not write to elements while it compares
/// them.
#[inline(always)]
pub(super) unsafe fn answer(active: &'static ActiveSlot, a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: the slot names this thread, so its call lives: `call_native` is below this function on the
    // stack, or the `OpenCall` has not been dropped on this thread. There is no other reference to it: both
    // leave it alone until C has returned, and while `ask` runs the slot names no thread.
    let call = unsafe { &mut *active.call.load(Relaxed) };
    call.entry.count_unshared();
    if let Some(prepared) = &call.by_address
        && let Some(answer) = prepared.take_at(a.addr(), b.addr())
    {
        return answer;
    }
    // SAFETY: the same contract.
    unsafe { look_closer(active, call, a, b) }
}

/// Takes the answer that is prepared for these addresses if they still hold the same elements; otherwise
/// crosses the border.
///
/// # Safety
///
/// As [`answer`], for the call of the slot.
#[inline(never)]
unsafe fn look_closer(
    active: &'static ActiveSlot,
    call: &mut ActiveCall<'_>,
    a: *const c_void,
    b: *const c_void,
) -> c_int {
    let width = call.bounds.width();
    // SAFETY: an answer is prepared only for elements inside the array; C does not write while it compares.
    let element = |at: *const c_void| unsafe { slice::from_raw_parts(at.cast(), width) };
    match &call.prepared {
        Some(prepared) if prepared.expects(a.addr(), b.addr()) => {
            let by_contents = prepared.match_by() == MatchBy::Contents;
            if !by_contents || prepared.still_matches(element(a), element(b)) {
                return prepared.take();
            }
        }
        _ => {}
    }
    // SAFETY: the same contract.
    unsafe { cross_border(active, call, a, b) }
}

/// Answers a call by crossing the border, because no answer is prepared.
///
/// # Safety
///
/// As [`answer`], for the call of the slot.
#[inline(never)]
unsafe fn cross_border(
    active: &'static ActiveSlot,
    call: &mut ActiveCall<'_>,
    a: *const c_void,
    b: *const c_void,
) -> c_int {
    if call.known {
        // SAFETY: the same contract.
        unsafe { cross_as::<KnownCode>(active, call, a, b) }
    } else {
        // SAFETY: the same contract.
        unsafe { cross_as::<LeasingThread>(active, call, a, b) }
    }
}

/// Crosses the border; the trampoline does not find the call meanwhile.
///
/// # Safety
///
/// As [`answer`], for the call of the slot.
unsafe fn cross_as<O: CompareOrigin>(
    active: &'static ActiveSlot,
    call: &mut ActiveCall<'_>,
    a: *const c_void,
    b: *const c_void,
) -> c_int {
    active.leave();
    let ActiveCall { bounds, ask, entry, .. } = &mut *call;
    let array = bounds.array();
    let ask = |elements: [&[u8]; 2]| {
        let array = match array.len() {
            0 => &[],
            // SAFETY: the array is memory that the lender keeps alive, and `a` points into it.
            len => unsafe { slice::from_raw_parts(a.cast::<u8>().with_addr(array.start()), len) },
        };
        ask(array, elements)
    };
    // SAFETY: the bounds are of memory that outlives the native call, or the lender vouches for the pointers.
    let answer = unsafe { border::compare::<O>(entry, bounds, a, b, ask) };
    active.enter(call);
    answer
}
