//! The border: the one place where a call by C becomes a call of a guest.
//!
//! Every call from C that reaches a guest goes through [`cross`], which takes the same steps in order: it
//! checks pointers against their bounds, does not call the guest of a callback that has failed already, calls
//! and counts such that no panic and no changed `errno` can reach C, and settles a failure. Comparators go
//! through [`compare`], which adds the elements that C points to and the neutral answer. Kinds of calls
//! differ in their [`Origin`].
#![allow(unsafe_code, reason = "reads the elements that C points to")]

use std::ffi::{c_int, c_void};
use std::io::Write;
use std::panic;
use std::slice;

use crate::callback::Answer;
use crate::callback::observe::Crossing;
use crate::error::{CallError, Error, escape, panics};
use crate::memory::{Bounds, Violation};
use crate::registry::Entry;

/// Whether C frames can be unwound on this target. glibc and others compile functions that call back such
/// that they can; musl does not.
pub(super) const UNWINDS: bool = cfg!(all(panic = "unwind", not(target_env = "musl")));

/// Origin of a call: how the call is counted, where a panic is caught, and where a failure goes.
pub(crate) trait Origin {
    /// The caller's part of a failure.
    type Failure;

    /// Whether panics are caught and `errno` is restored for each call, not around the whole native call.
    const GUARDED: bool = true;

    /// Counts a call that does not reach the guest. One that does is counted in its turn
    /// ([`Entry::compare`], [`Entry::call_session`]).
    fn refused(entry: &Entry);

    /// Returns `Some` if an earlier failure rules out calling the guest.
    fn failed_already(entry: &Entry) -> Option<Self::Failure>;

    /// Settles a failure: keeps it in the entry, or returns it to the caller.
    fn settle(entry: &Entry, error: Error) -> Self::Failure;
}

/// Origin of a comparator's call.
pub(super) trait CompareOrigin: Origin<Failure = Neutral> {
    /// Ends a native call that passed a pointer outside its bounds; an answer would let it write there.
    fn leave(entry: &Entry, bounds: &Bounds, violation: Violation) -> !;
}

/// A failure that the entry has kept; C gets the neutral answer.
pub(crate) struct Neutral;

/// A native call of this crate, on the thread that began it. Its C code is known and can be unwound.
pub(super) struct KnownCode;

/// A leased pointer, called on the thread that leased it.
pub(super) struct LeasingThread;

/// A leased pointer, called on any thread at any time.
pub(crate) struct AnyThread;

/// A caller in the host that takes the error itself. The entry keeps no failure.
pub(crate) struct HostCaller;

macro_rules! keeps_failures {
    () => {
        type Failure = Neutral;

        #[inline]
        fn failed_already(entry: &Entry) -> Option<Neutral> {
            entry.has_failed().then_some(Neutral)
        }

        fn settle(entry: &Entry, error: Error) -> Neutral {
            entry.fail(error);
            Neutral
        }
    };
}

impl Origin for KnownCode {
    keeps_failures!();

    const GUARDED: bool = !UNWINDS; // `active::call_native` catches around the whole native call

    fn refused(_: &Entry) {} // `active::answer` has counted, before it looks for a prepared answer
}

impl Origin for LeasingThread {
    keeps_failures!();

    fn refused(_: &Entry) {} // `active::answer` has counted, before it looks for a prepared answer
}

impl Origin for AnyThread {
    keeps_failures!();

    fn refused(entry: &Entry) {
        entry.count_refused();
    }
}

impl Origin for HostCaller {
    type Failure = Error;

    fn refused(entry: &Entry) {
        entry.count_refused();
    }

    fn failed_already(_: &Entry) -> Option<Error> {
        None
    }

    fn settle(_: &Entry, error: Error) -> Error {
        error
    }
}

impl CompareOrigin for KnownCode {
    #[cold]
    fn leave(entry: &Entry, bounds: &Bounds, violation: Violation) -> ! {
        let export = entry.callback.export();
        let call = entry.calls();
        entry.end(|| match (violation, bounds) {
            (Violation::Descending, Bounds::Known { a, .. }) => Error::LeftMergePath { bytes: a.len() },
            _ => Error::OutOfBounds { export: export.to_owned(), call },
        });
        if UNWINDS {
            #[allow(clippy::disallowed_methods, reason = "no panic: `active::call_native` catches it")]
            panic::resume_unwind(Box::new("left"))
        }
        abort(export, "the C library's sort")
    }
}

impl CompareOrigin for LeasingThread {
    fn leave(entry: &Entry, _: &Bounds, _: Violation) -> ! {
        abort(entry.callback.export(), "native code")
    }
}

impl CompareOrigin for AnyThread {
    fn leave(entry: &Entry, _: &Bounds, _: Violation) -> ! {
        abort(entry.callback.export(), "native code")
    }
}

/// Crosses the border once: checks by `admit` what C passed, and calls the guest by `ask`, which counts the
/// call, unless the callback has failed already.
///
/// # Errors
///
/// The origin's part of the failure. For all origins but [`HostCaller`] the entry keeps the error itself.
#[inline]
pub(crate) fn cross<O: Origin, A, T>(
    entry: &Entry,
    admit: impl FnOnce() -> Result<A, O::Failure>,
    ask: impl FnOnce(A) -> Answer<T>,
) -> Result<T, O::Failure> {
    // Before the next step: a violation ends a native call that has failed already, too.
    let admitted = admit().inspect_err(|_| O::refused(entry))?;
    if let Some(failure) = O::failed_already(entry) {
        O::refused(entry);
        return Err(failure);
    }
    if entry.callback.is_observed() {
        return Crossing::enter(entry.slot(), || call::<O, _>(entry, || ask(admitted)));
    }
    call::<O, _>(entry, || ask(admitted))
}

/// Calls the guest, and settles a failure.
#[inline]
fn call<O: Origin, T>(entry: &Entry, ask: impl FnOnce() -> Answer<T>) -> Result<T, O::Failure> {
    let answer = if O::GUARDED { guarded(entry, ask) } else { ask() };
    answer.map_err(|error| settled::<O>(entry, *error))
}

/// Settles a failure; what a hook does to `errno` does not reach C.
#[cold]
fn settled<O: Origin>(entry: &Entry, error: Error) -> O::Failure {
    let errno = errno::errno();
    let failure = O::settle(entry, error);
    errno::set_errno(errno);
    failure
}

/// Answers a comparator's call: -1, 0 or 1, or the neutral answer.
///
/// # Safety
///
/// The caller of the trampoline vouches for both pointers where `bounds` trust it; otherwise `bounds`
/// describe memory that stays readable until this returns. C does not write to elements while it compares
/// them.
#[inline]
pub(super) unsafe fn compare<O: CompareOrigin>(
    entry: &Entry,
    bounds: &Bounds,
    a: *const c_void,
    b: *const c_void,
    ask: impl FnOnce([&[u8]; 2]) -> Answer,
) -> c_int {
    // SAFETY: the caller upholds the same contract.
    let admit = || unsafe { elements::<O>(entry, bounds, a, b) };
    // A whole word: what is stored by bytes, and read at once from the memory of `guarded`, is waited for.
    let ask = |elements| ask(elements).map(|order| order as i64);
    match cross::<O, _, _>(entry, admit, ask) {
        Ok(order) => order as c_int,
        Err(Neutral) => entry.neutral(),
    }
}

/// Returns the two elements that C points to.
///
/// # Safety
///
/// As [`compare`].
#[inline]
unsafe fn elements<'e, O: CompareOrigin>(
    entry: &Entry,
    bounds: &Bounds,
    a: *const c_void,
    b: *const c_void,
) -> Result<[&'e [u8]; 2], Neutral> {
    if let Err(violation) = bounds.check(a.addr(), b.addr()) {
        return match bounds {
            Bounds::Trusted { .. } => {
                let error = CallError::NullElement { export: entry.callback.export().to_owned() };
                Err(settled::<O>(entry, error.into()))
            }
            Bounds::Known { .. } => O::leave(entry, bounds, violation),
        };
    }
    let width = bounds.width();
    // SAFETY: `check` found both elements inside memory that the lender keeps alive, or the caller vouches
    // for them.
    Ok([a, b].map(|at| unsafe { slice::from_raw_parts(at.cast::<u8>(), width) }))
}

/// Calls `ask` such that neither a panic nor a changed `errno` reaches C.
#[inline]
fn guarded<T>(entry: &Entry, ask: impl FnOnce() -> Answer<T>) -> Answer<T> {
    let errno = errno::errno();
    let answer = panics::catch(ask)
        .unwrap_or_else(|message| Err(Error::panicked(entry.callback.export(), message).into()));
    errno::set_errno(errno);
    answer
}

/// Aborts the process, because returning to C would let it write outside its array.
#[cold]
fn abort(export: &str, who: &str) -> ! {
    let text = "with a pointer outside the array it was lent for, and cannot be stopped otherwise; aborting";
    // Errors are ignored: without standard error, the message has no other destination.
    let _ = writeln!(std::io::stderr(), "callbox: {who} called \"{}\" {text}", escape(export));
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callback::Callback;
    use crate::memory::AddressRange;
    use crate::trampoline::call_native;

    #[test]
    #[cfg_attr(target_env = "musl", ignore = "there the process is aborted instead")]
    fn a_hook_cannot_consume_the_failure_that_ends_a_native_call() {
        let array = [0; 8];
        let range = AddressRange::of(&array);
        let outside = array.as_ptr().wrapping_add(8).cast();
        for ascending in [false, true] {
            let bounds = Bounds::Known { a: range, b: range, width: 4, ascending };
            for hook in [|_| None, Some::<Error>, |_| panic!("no room in the log")] {
                let callback = Callback::placeholder().on_failure(hook);
                let ask = Box::new(|_: &[u8], _: [&[u8]; 2]| Ok(std::cmp::Ordering::Equal));
                // SAFETY: pointers outside the bounds are not followed.
                let native = |compare: crate::trampoline::UnwindingCompareFn| unsafe {
                    compare(array.as_ptr().cast(), outside);
                };
                let error = call_native(&callback, bounds, None, ask, native).unwrap_err();
                assert!(matches!(error, Error::OutOfBounds { call: 1, .. }), "{error}");
            }
        }
    }
}
