//! A call whose arguments are numbers and at most one token: nothing is copied into the guest's memory.
#![allow(unsafe_code, reason = "reads the arguments that C passes, and writes its result")]

use std::ptr;

use super::raw_call::{ArgPointers, ResultBuffer};
use crate::callback::Answer;
use crate::callback::lowering::{Lowering, MAX_PLAIN_ARGS, Param, Ret};
use crate::error::{CallError, Error, bug};
use crate::registry::Entry;
use crate::sandbox::Budget;
use crate::sync::Arc;

/// Answers as [`ask_with_copies`](super::call::ask_with_copies) does, if the lowering is plain.
///
/// # Safety
///
/// As [`answer`](super::call::answer), for an entry of this lowering.
#[inline]
pub(super) unsafe fn ask(
    entry: &Entry,
    lowering: &Lowering,
    budget: Option<&Arc<Budget>>,
    args: ArgPointers,
    result: ResultBuffer,
) -> Answer<()> {
    let export = entry.callback.export();
    let mut passed = [0; MAX_PLAIN_ARGS];
    for (at, (param, passed)) in lowering.params.iter().zip(&mut passed).enumerate() {
        *passed = match param {
            Param::Number(num, core) => {
                // SAFETY: the caller passes this argument, a number of this size.
                let bytes = unsafe { args.bytes(at, num.size()) };
                num.lower(bytes, *core).map_err(|value| out_of_range(entry, at, value))?
            }
            // The number of the only token is 1.
            // SAFETY: the caller passes this argument, a pointer.
            _ => u64::from(usize::from_ne_bytes(unsafe { args.word(at) }) != 0),
        };
    }
    let mut session = entry.call_session(budget)?;
    let Some((function, turn)) = session.function() else {
        return Err(bug!("\"{export}\" has no function").into());
    };
    let bits = turn.invoke(export, function, passed.into_iter().take(lowering.params.len()))?;
    let Ret::Number(num, core) = &lowering.result else {
        session.succeeded();
        return Ok(());
    };
    let number = num.lift(bits, *core).map_err(|value| no_value(entry, value))?;
    session.succeeded();
    // SAFETY: the result has `result.size` bytes, as the caller says; a struct of one number may have fewer
    // than eight.
    unsafe {
        ptr::copy_nonoverlapping(number.as_ptr(), result.at.cast(), number.len().min(result.size));
    }
    Ok(())
}

/// Counts a call that an argument rules out, and returns its error.
#[cold]
fn out_of_range(entry: &Entry, at: usize, value: i128) -> Box<Error> {
    entry.count_refused();
    let export = entry.callback.export().to_owned();
    Box::new(CallError::Range { export, argument: at + 1, value }.into())
}

/// Returns the error for a result that is no value of its type.
#[cold]
fn no_value(entry: &Entry, value: i128) -> Box<Error> {
    let callback = &entry.callback;
    let (module, export) = (callback.guest().module().name().to_owned(), callback.export().to_owned());
    let ctype = callback.prototype().result().to_string();
    Box::new(CallError::NoValue { module, export, ctype, value }.into())
}

#[cfg(test)]
mod tests;
