//! A call of any prototype: read the arguments, call the guest, write the result.
#![allow(unsafe_code, reason = "reads the arguments that C passes, and writes its result")]

use std::cmp::Ordering;
use std::ffi::c_void;
use std::ptr;

use smallvec::SmallVec;

use super::arguments::{Arguments, GuestPtr, INLINE_ARGS, Refused};
#[cfg(feature = "libffi")]
use super::border::AnyThread;
use super::border::{self, HostCaller};
use super::plain;
use super::raw_call::{ArgPointers, ResultBuffer};
use super::watch::{Unwatched, Watch, Watched};
use crate::callback::Answer;
use crate::callback::lowering::{Lowering, Param, Pointee, Ret};
use crate::error::{CallError, Error, Result, bug, panics};
use crate::registry::{Access, Entry};
use crate::sandbox::Budget;
use crate::sync::Arc;

/// Answers a call by C. Returns `false`, and writes nothing, if there is no answer.
///
/// # Safety
///
/// `args` are the arguments of the entry's prototype, C vouches for the memory that their pointers lead to,
/// and `result` is the buffer for its result.
#[cfg(feature = "libffi")]
pub(super) unsafe fn answer(entry: &Entry, args: ArgPointers, result: ResultBuffer) -> bool {
    // SAFETY: the caller upholds the same contract.
    border::cross::<AnyThread, _, _>(entry, || Ok(()), |()| unsafe { ask(entry, args, result) }).is_ok()
}

/// Calls the guest as C would, for a caller that takes the error itself. The entry keeps no failure.
///
/// # Safety
///
/// As [`answer`], with a buffer of `size` bytes for the result.
pub(crate) unsafe fn call_values(
    entry: &Entry,
    args: *const *const c_void,
    result: *mut c_void,
    size: usize,
) -> Result<()> {
    let (args, buffer) = (ArgPointers(args), ResultBuffer { at: result, size });
    // SAFETY: the caller upholds the same contract.
    border::cross::<HostCaller, _, _>(entry, || Ok(()), |()| unsafe { ask(entry, args, buffer) })
}

/// Compares two elements, whose width has been checked, for a caller that takes the error itself.
pub(crate) fn call_compare(entry: &Entry, a: &[u8], b: &[u8]) -> Result<Ordering> {
    border::cross::<HostCaller, _, _>(entry, || Ok(()), |()| entry.compare(None, a, b))
}

/// # Safety
///
/// As [`answer`].
unsafe fn ask(entry: &Entry, args: ArgPointers, result: ResultBuffer) -> Answer<()> {
    let callback = &entry.callback;
    let export = callback.export();
    let (Some((_, lowering)), Access::Values { budget }) = (callback.function(), &entry.access) else {
        return Err(bug!("\"{export}\" has no libffi entry").into());
    };
    if let Some(observer) = callback.observer() {
        let mut watched = Watched::new(entry, observer);
        // A sink of the guest's text may panic.
        let answer = panics::catch(|| {
            // SAFETY: the caller upholds the same contract.
            unsafe { ask_with_copies(entry, lowering, budget.as_ref(), args, result, &mut watched) }
        });
        let answer = answer.unwrap_or_else(|message| Err(Error::panicked(export, message).into()));
        return answer.inspect_err(|error| watched.failed(error));
    }
    if lowering.plain {
        // SAFETY: the caller upholds the same contract.
        return unsafe { plain::ask(entry, lowering, budget.as_ref(), args, result) };
    }
    // SAFETY: the caller upholds the same contract.
    unsafe { ask_with_copies(entry, lowering, budget.as_ref(), args, result, &mut Unwatched) }
}

/// Calls the guest with copies of what the arguments lead to.
///
/// # Safety
///
/// As [`answer`], for an entry of this lowering.
pub(super) unsafe fn ask_with_copies(
    entry: &Entry,
    lowering: &Lowering,
    budget: Option<&Arc<Budget>>,
    args: ArgPointers,
    result: ResultBuffer,
    watch: &mut impl Watch,
) -> Answer<()> {
    let callback = &entry.callback;
    let export = callback.export();
    let mut arguments = Arguments::new(export, callback.guest().limits());
    // SAFETY: the caller upholds the same contract.
    let passed = unsafe { read_all(&mut arguments, export, lowering, args) };
    let passed = passed.inspect_err(|_| entry.count_refused())?;
    let mut session = entry.call_session(budget)?;
    let Some((function, turn)) = session.function() else {
        return Err(bug!("\"{export}\" has no function").into());
    };
    let base = match arguments.len() {
        0 => 0,
        len => turn.stage(export, len, |base, area| arguments.fill(base, area))?,
    };
    watch.lowered(lowering, &passed, &arguments, turn);
    let bits = passed.iter().map(|passed| passed.bits(base));
    let bits = watch.call(turn, |turn| turn.invoke(export, function, bits))?;
    let refuse = |refused| {
        let (module, export) = (callback.guest().module().name().to_owned(), export.to_owned());
        Box::new(Error::from(match refused {
            Refused::Pointer(value, reason) => CallError::Forged { module, export, value, reason },
            Refused::Number(ctype, value) => {
                CallError::NoValue { module, export, ctype: ctype.to_string(), value }
            }
        }))
    };
    if arguments.is_written() {
        arguments.take_back(turn.staged(arguments.len()), base).map_err(refuse)?;
    }
    // Everything from the guest has been checked, so C's memory may change.
    let mut pointer = ptr::null_mut();
    let mut number = None;
    let (from, len): (*const u8, usize) = match &lowering.result {
        Ret::Nothing => (ptr::null(), 0),
        Ret::Number(num, core) => {
            let result = callback.prototype().result();
            let lifted = num.lift(bits, *core).map_err(|value| refuse(Refused::Number(result, value)))?;
            let number = number.insert(lifted);
            (number.as_ptr(), number.len())
        }
        Ret::Pointer(target) => {
            pointer = arguments.pointer(bits, target, base).map_err(refuse)?;
            ((&raw const pointer).cast(), size_of_val(&pointer))
        }
        Ret::Struct(object) => (arguments.returned().as_ptr(), object.size),
    };
    watch.lifted(lowering, number, pointer.is_null(), turn)?;
    session.succeeded();
    // SAFETY: the call is still in progress.
    unsafe { arguments.write_back() };
    if len > 0 {
        // SAFETY: the result has `result.size` bytes, as the caller says; a struct of one number may have
        // fewer than eight.
        unsafe { ptr::copy_nonoverlapping(from, result.at.cast(), len.min(result.size)) };
    }
    Ok(())
}

/// A lowered argument.
pub(super) enum Lowered {
    Bits(u64),
    GuestPtr(GuestPtr),
}

impl Lowered {
    /// Returns the offset of the copy that it leads to, if it leads to one.
    pub(super) fn copy(&self) -> Option<u32> {
        match self {
            Lowered::GuestPtr(GuestPtr::Copy(at)) => Some(*at),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Lowered::GuestPtr(GuestPtr::Null))
    }

    fn bits(&self, base: u32) -> u64 {
        match self {
            Lowered::Bits(bits) => *bits,
            Lowered::GuestPtr(to) => to.number(base).into(),
        }
    }
}

/// Reads and lowers all arguments.
///
/// # Safety
///
/// As [`answer`], for an entry of this lowering.
unsafe fn read_all<'a>(
    arguments: &mut Arguments<'a>,
    export: &str,
    lowering: &'a Lowering,
    args: ArgPointers,
) -> Result<SmallVec<[Lowered; INLINE_ARGS]>> {
    let mut passed = SmallVec::new();
    if let Ret::Struct(object) = &lowering.result {
        passed.push(Lowered::GuestPtr(arguments.reserve_result(object)?));
    }
    for (at, param) in lowering.params.iter().enumerate() {
        // SAFETY: the caller passes this argument, of the type that `param` lowers.
        passed.push(unsafe { read(arguments, export, lowering, param, args, at) }?);
    }
    Ok(passed)
}

/// # Safety
///
/// As [`answer`]; `param` is the lowering of the argument at index `at`.
unsafe fn read<'a>(
    arguments: &mut Arguments<'a>,
    export: &str,
    lowering: &Lowering,
    param: &'a Param,
    args: ArgPointers,
    at: usize,
) -> Result<Lowered> {
    let argument = at + 1;
    Ok(match param {
        Param::Number(num, core) => {
            // SAFETY: the argument is a number of this size, as the caller says.
            let bytes = unsafe { args.bytes(at, num.size()) };
            Lowered::Bits(num.lower(bytes, *core).map_err(|value| CallError::Range {
                export: export.to_owned(),
                argument,
                value,
            })?)
        }
        Param::Pointer(target) => {
            let count = match target {
                Pointee::Counted { count, .. } => match &lowering.params[*count] {
                    // SAFETY: the argument that holds the count is a number of this size.
                    Param::Number(num, _) => num.integer(unsafe { args.bytes(*count, num.size()) }),
                    _ => 0,
                },
                _ => 0,
            };
            // SAFETY: the argument is a pointer, as the caller says.
            let pointer = usize::from_ne_bytes(unsafe { args.word(at) });
            let pointer = ptr::with_exposed_provenance_mut(pointer);
            // SAFETY: C vouches for the pointee.
            Lowered::GuestPtr(unsafe { arguments.follow(pointer, target, argument, count) }?)
        }
        Param::Struct(object) => {
            // SAFETY: there is such an argument, as the caller says.
            let value = unsafe { args.at(at) };
            // SAFETY: the argument is a struct of this size, by value.
            Lowered::GuestPtr(unsafe { arguments.value(value, object, argument) }?)
        }
    })
}
