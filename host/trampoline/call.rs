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
use crate::callback::Answer;
use crate::callback::lowering::{Lowering, Param, Pointee, Ret};
use crate::error::{CallError, Error, Result, bug};
use crate::registry::{Access, Entry};
use crate::sandbox::Budget;
use crate::sync::Arc;

/// The arguments of a call: an array with a pointer to each.
#[derive(Clone, Copy)]
pub(super) struct ArgPointers(pub(super) *const *const c_void);

/// The buffer for C's result.
#[derive(Clone, Copy)]
pub(super) struct ResultBuffer {
    pub(super) at: *mut c_void,
    /// Size in bytes; eight for a number.
    pub(super) size: usize,
}

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
    if lowering.plain {
        // SAFETY: the caller upholds the same contract.
        return unsafe { plain::ask(entry, lowering, budget.as_ref(), args, result) };
    }
    // SAFETY: the caller upholds the same contract.
    unsafe { ask_with_copies(entry, lowering, budget.as_ref(), args, result) }
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
    let bits = turn.invoke(export, function, passed.iter().map(|passed| passed.bits(base)))?;
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
    let pointer;
    let number;
    let (from, len): (*const u8, usize) = match &lowering.result {
        Ret::Nothing => (ptr::null(), 0),
        Ret::Number(num, core) => {
            let result = callback.prototype().result();
            number = num.lift(bits, *core).map_err(|value| refuse(Refused::Number(result, value)))?;
            (number.as_ptr(), number.len())
        }
        Ret::Pointer(target) => {
            pointer = arguments.pointer(bits, target, base).map_err(refuse)?;
            ((&raw const pointer).cast(), size_of_val(&pointer))
        }
        Ret::Struct(object) => (arguments.returned().as_ptr(), object.size),
    };
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
enum Lowered {
    Bits(u64),
    GuestPtr(GuestPtr),
}

impl Lowered {
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

/// Returns eight bytes, of which these are the first.
fn widened<const SIZE: usize>(first: [u8; SIZE]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..SIZE].copy_from_slice(&first);
    bytes
}

impl ArgPointers {
    /// # Safety
    ///
    /// There is such an argument.
    unsafe fn at(self, at: usize) -> *const c_void {
        // SAFETY: C passes a pointer to each argument.
        unsafe { *self.0.wrapping_add(at) }
    }

    /// # Safety
    ///
    /// There is such an argument, and it has this size: that of a number, 1, 2, 4 or 8.
    pub(super) unsafe fn bytes(self, at: usize, size: usize) -> [u8; 8] {
        // SAFETY: as the caller says.
        let argument = unsafe { self.at(at) };
        // By size: a copy of any size would go through memory, which reading eight bytes of would wait for.
        match size {
            // SAFETY: as the caller says.
            4 => widened(unsafe { argument.cast::<[u8; 4]>().read() }),
            // SAFETY: as the caller says.
            8 => unsafe { argument.cast::<[u8; 8]>().read() },
            // SAFETY: as the caller says.
            1 => widened(unsafe { argument.cast::<[u8; 1]>().read() }),
            // SAFETY: as the caller says.
            _ => widened(unsafe { argument.cast::<[u8; 2]>().read() }),
        }
    }

    /// # Safety
    ///
    /// There is such an argument, and it is as large as a pointer.
    pub(super) unsafe fn word(self, at: usize) -> [u8; size_of::<usize>()] {
        // SAFETY: as the caller says.
        let bytes = unsafe { self.bytes(at, size_of::<usize>()) };
        let mut word = [0; size_of::<usize>()];
        word.copy_from_slice(&bytes[..size_of::<usize>()]);
        word
    }
}
