//! The border: the one place where a call by C becomes a call of a guest.
//!
//! Every way in from C goes through [`cross`], in the same order: the call is counted, pointers are checked
//! against their bounds, a callback that has failed already is not asked again, the guest is asked where no
//! panic and no new `errno` can reach C, and a failure is settled. Comparators go through [`compare`], which
//! adds the elements that C points to and the neutral answer. What differs between the ways in is an
//! [`Origin`].
#![allow(unsafe_code, reason = "reads the elements that C points to")]

use std::ffi::{c_int, c_void};
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::slice;

use crate::callback::Answer;
use crate::error::{CallError, Error};
use crate::memory::{Bounds, Violation};
use crate::registry::Entry;

/// Whether C frames can be unwound on this target. glibc and others compile what calls back so that they
/// can; musl does not.
pub(super) const UNWINDS: bool = cfg!(all(panic = "unwind", not(target_env = "musl")));

/// Where a call comes from: how it is counted, where a panic is caught, and who learns of a failure.
pub(crate) trait Origin {
    /// The caller's share of a failure.
    type Failure;

    /// Whether a panic and `errno` are caught call by call, and not around the whole native call.
    const GUARDED: bool = true;

    /// Counts a call.
    fn count(entry: &Entry);

    /// Returns `Some` if an earlier failure keeps the guest from being asked.
    fn failed_already(entry: &Entry) -> Option<Self::Failure>;

    /// Settles a failure.
    fn settle(entry: &Entry, error: Error) -> Self::Failure;
}

/// An origin that calls a comparator.
pub(super) trait CompareOrigin: Origin<Failure = Neutral> {
    /// Ends a native call that passed a pointer outside its bounds; answering would let it write out there.
    fn leave(entry: &Entry, bounds: &Bounds, violation: Violation) -> !;
}

/// C gets the neutral answer; the entry has kept the failure.
pub(crate) struct Neutral;

/// A native call of this crate, on the thread that began it. Its C code is known: it can be left by
/// unwinding.
pub(super) struct KnownCode;

/// A leased pointer, called on the thread that leased it.
pub(super) struct LeasingThread;

/// A leased pointer, called on any thread at any time.
pub(crate) struct AnyThread;

/// A caller of the host's own that takes the error itself. Nothing is kept in the entry.
#[cfg(feature = "sqlite")]
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

    const GUARDED: bool = !UNWINDS; // `active::call` catches around the whole native call

    #[inline]
    fn count(entry: &Entry) {
        entry.count_unshared();
    }
}

impl Origin for LeasingThread {
    keeps_failures!();

    #[inline]
    fn count(entry: &Entry) {
        entry.count_unshared();
    }
}

impl Origin for AnyThread {
    keeps_failures!();

    fn count(entry: &Entry) {
        entry.count();
    }
}

#[cfg(feature = "sqlite")]
impl Origin for HostCaller {
    type Failure = Error;

    fn count(entry: &Entry) {
        entry.count();
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
        entry.fail(match (violation, bounds) {
            (Violation::Descending, Bounds::Known { a, .. }) => Error::LeftMergePath { bytes: a.len() },
            _ => Error::OutOfBounds { export: export.to_owned(), call: entry.calls() },
        });
        if UNWINDS {
            panic::resume_unwind(Box::new("left")) // `active::call` catches it
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

/// Crosses the border once: counts the call, lets `admit` check what C passed, and has `ask` call the guest
/// unless the callback has failed already.
///
/// # Errors
///
/// The origin's share of the failure. For all origins but [`HostCaller`] the entry keeps the error itself.
#[inline]
pub(crate) fn cross<O: Origin, A, T>(
    entry: &Entry,
    admit: impl FnOnce() -> Result<A, O::Failure>,
    ask: impl FnOnce(A) -> Answer<T>,
) -> Result<T, O::Failure> {
    O::count(entry);
    let admitted = admit()?;
    if let Some(failure) = O::failed_already(entry) {
        return Err(failure);
    }
    let answer = if O::GUARDED { guarded(entry, || ask(admitted)) } else { ask(admitted) };
    answer.map_err(|error| O::settle(entry, *error))
}

/// Answers a comparator's call: -1, 0 or 1, or the neutral answer.
///
/// # Safety
///
/// The caller of the trampoline vouches for both pointers where `bounds` trust it; `bounds` otherwise describe
/// memory that stays readable until this returns. C does not write to elements while it compares them.
#[inline]
pub(super) unsafe fn compare<O: CompareOrigin>(
    entry: &Entry,
    bounds: &Bounds,
    a: *const c_void,
    b: *const c_void,
    ask: impl FnOnce([&[u8]; 2]) -> Answer,
) -> c_int {
    // SAFETY: the same contract.
    let admit = || unsafe { elements::<O>(entry, bounds, a, b) };
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
                Err(O::settle(entry, error.into()))
            }
            Bounds::Known { .. } => O::leave(entry, bounds, violation),
        };
    }
    let width = bounds.width();
    // SAFETY: `check` found both elements inside memory that the lender keeps alive, or the caller vouches
    // for them.
    Ok([a, b].map(|at| unsafe { slice::from_raw_parts(at.cast::<u8>(), width) }))
}

/// Asks so that neither a panic nor a new `errno` reaches C.
fn guarded<T>(entry: &Entry, ask: impl FnOnce() -> Answer<T>) -> Answer<T> {
    let errno = errno::errno();
    let answer = panic::catch_unwind(AssertUnwindSafe(ask))
        .unwrap_or_else(|panic| Err(Error::panicked(entry.callback.export(), &*panic).into()));
    errno::set_errno(errno);
    answer
}

/// Ends the process, because returning to C would let it write outside its array.
#[cold]
fn abort(export: &str, who: &str) -> ! {
    let text = "with a pointer outside the array it was lent for, and cannot be stopped otherwise; aborting";
    // Where there is no standard error, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "callbox: {who} called \"{export}\" {text}");
    std::process::abort()
}
