//! A call with whatever a prototype passes: read the arguments, ask the guest, write the result.
#![allow(unsafe_code, reason = "reads the arguments that C passes, and writes its result")]

use std::ffi::c_void;
use std::ptr;

use super::guarded;
use super::image::{Image, To};
use crate::abi::{Abi, Back, Target, Way};
use crate::entry::{Entry, Lent};
use crate::error::{CallError, Error, Result};

/// What C passes: a pointer to each argument.
#[derive(Clone, Copy)]
pub(super) struct Args(pub(super) *const *const c_void);

/// What C gets, as it is to lie in memory; integers extended to eight bytes.
pub(super) enum Outcome {
    Nothing,
    Number([u8; 8]),
    Pointer(*mut c_void),
    Bytes(Vec<u8>),
}

impl Outcome {
    /// # Safety
    ///
    /// `result` has room for the result of the prototype, integers extended to eight bytes.
    pub(super) unsafe fn write(&self, result: *mut c_void) {
        let (bytes, len) = match self {
            Outcome::Nothing => return,
            Outcome::Number(bytes) => (bytes.as_ptr(), bytes.len()),
            Outcome::Pointer(pointer) => (ptr::from_ref(pointer).cast(), size_of_val(pointer)),
            Outcome::Bytes(bytes) => (bytes.as_ptr(), bytes.len()),
        };
        // SAFETY: the caller vouches for the room.
        unsafe { ptr::copy_nonoverlapping(bytes, result.cast(), len) }
    }
}

/// Answers C, or says that there is no answer.
///
/// # Safety
///
/// `args` are the arguments of the entry's prototype, and C vouches for what their pointers lead to.
pub(super) unsafe fn answer(entry: &Entry, args: Args) -> Option<Outcome> {
    entry.count();
    if entry.has_failed() {
        return None;
    }
    // SAFETY: as the caller says.
    let ask = || unsafe { ask(entry, args) }.map_err(Box::new);
    guarded(entry.callback.export(), ask).map_err(|error| entry.fail(*error)).ok()
}

/// # Safety
///
/// As [`answer`].
unsafe fn ask(entry: &Entry, args: Args) -> Result<Outcome> {
    let callback = &entry.callback;
    let (export, limits) = (callback.export(), callback.guest().limits());
    let (Some((function, abi)), Lent::Values { budget }) = (callback.function(), &entry.lent) else {
        return Err(Error::Engine { reason: format!("\"{export}\" is called as what it is not") });
    };
    let budget = budget.clone().unwrap_or_else(|| callback.guest().new_budget());
    let mut image = Image::new(export, limits.array, limits.text);
    let mut passed = Vec::with_capacity(abi.params.len() + 1);
    if let Back::Struct(object) = &abi.result {
        passed.push(Passed::To(image.room(object)?));
    }
    for (at, way) in abi.params.iter().enumerate() {
        // SAFETY: the argument is there, and of the type that its way tells.
        passed.push(unsafe { read(&mut image, export, abi, way, args, at) }?);
    }
    let (outcome, left) = callback.call_with(&budget, |turn| {
        let base = match image.len() {
            0 => 0,
            len => turn.stage(export, len, |base, area| image.fill(base, area))?,
        };
        let bits: Vec<u64> = passed.iter().map(|passed| passed.bits(base)).collect();
        let answer = turn.invoke(export, function, &bits)?;
        let forged = |value| {
            let module = callback.guest().module().name().to_owned();
            Error::from(CallError::Forged { module, export: export.to_owned(), value })
        };
        let left = match image.is_written() {
            true => image.take_back(turn.staged(image.len()), base).map_err(forged)?,
            false => Vec::new(),
        };
        let outcome = match &abi.result {
            Back::Nothing => Outcome::Nothing,
            Back::Number(num, core) => Outcome::Number(num.leave(answer, *core)),
            Back::Pointer(target) => {
                Outcome::Pointer(image.pointer(answer, target, base).ok_or_else(|| forged(answer))?)
            }
            Back::Struct(object) => Outcome::Bytes(left[..object.size].to_vec()),
        };
        Ok((outcome, left))
    })?;
    if !left.is_empty() {
        // SAFETY: the call is still in progress.
        unsafe { image.write_back(&left) };
    }
    Ok(outcome)
}

/// An argument on its way.
enum Passed {
    Bits(u64),
    To(To),
}

impl Passed {
    fn bits(&self, base: u32) -> u64 {
        match self {
            Passed::Bits(bits) => *bits,
            Passed::To(to) => to.number(base).into(),
        }
    }
}

/// # Safety
///
/// As [`answer`]; the argument at this place is one that goes this way.
unsafe fn read<'a>(
    image: &mut Image<'a>,
    export: &str,
    abi: &Abi,
    way: &'a Way,
    args: Args,
    at: usize,
) -> Result<Passed> {
    let argument = at + 1;
    Ok(match way {
        Way::Number(num, core) => {
            // SAFETY: it is a number of this size.
            let bytes = unsafe { args.bytes(at, num.size()) };
            Passed::Bits(num.enter(bytes, *core).map_err(|value| CallError::Range {
                export: export.to_owned(),
                argument,
                value,
            })?)
        }
        Way::Pointer(target) => {
            let count = match target {
                Target::Counted { count, .. } => match &abi.params[*count] {
                    // SAFETY: the argument that tells the count is a number of this size.
                    Way::Number(num, _) => num.integer(unsafe { args.bytes(*count, num.size()) }),
                    _ => 0,
                },
                _ => 0,
            };
            // SAFETY: it is a pointer.
            let pointer = usize::from_ne_bytes(unsafe { args.word(at) });
            let pointer = ptr::with_exposed_provenance_mut(pointer);
            // SAFETY: C vouches for what it leads to.
            Passed::To(unsafe { image.follow(pointer, target, argument, count) }?)
        }
        // SAFETY: it is a struct of this size, by value.
        Way::Struct(object) => Passed::To(unsafe { image.value(args.at(at), object, argument) }?),
    })
}

impl Args {
    /// # Safety
    ///
    /// There is such an argument.
    unsafe fn at(self, at: usize) -> *const c_void {
        // SAFETY: C passes a pointer to each argument.
        unsafe { *self.0.add(at) }
    }

    /// # Safety
    ///
    /// There is such an argument, and it has this size, of at most eight bytes.
    unsafe fn bytes(self, at: usize, size: usize) -> [u8; 8] {
        let mut bytes = [0; 8];
        // SAFETY: as the caller says.
        let argument = unsafe { self.at(at) };
        // SAFETY: as the caller says.
        unsafe { ptr::copy_nonoverlapping(argument.cast(), bytes.as_mut_ptr(), size) };
        bytes
    }

    /// # Safety
    ///
    /// There is such an argument, and it is as large as a pointer.
    unsafe fn word(self, at: usize) -> [u8; size_of::<usize>()] {
        // SAFETY: as the caller says.
        let bytes = unsafe { self.bytes(at, size_of::<usize>()) };
        let mut word = [0; size_of::<usize>()];
        word.copy_from_slice(&bytes[..size_of::<usize>()]);
        word
    }
}
