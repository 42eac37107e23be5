//! A call with whatever a prototype passes: read the arguments, ask the guest, write the result.
#![allow(unsafe_code, reason = "reads the arguments that C passes, and writes its result")]

use std::ffi::c_void;
use std::ptr;

use super::guarded;
use smallvec::SmallVec;

use super::image::{FEW, Image, To};
use crate::abi::{Abi, Back, Target, Way};
use crate::callback::Answer;
use crate::entry::{Entry, Lent};
use crate::error::{CallError, Error, Result};

/// What C passes: a pointer to each argument.
#[derive(Clone, Copy)]
pub(super) struct Args(pub(super) *const *const c_void);

/// Where C's result goes: so many bytes, of which a number has eight.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) at: *mut c_void,
    pub(super) size: usize,
}

/// Answers C, or says that there is no answer; then nothing is written.
///
/// # Safety
///
/// `args` are the arguments of the entry's prototype, C vouches for what their pointers lead to, and
/// `result` is room for its result.
pub(super) unsafe fn answer(entry: &Entry, args: Args, result: Room) -> bool {
    entry.count();
    if entry.has_failed() {
        return false;
    }
    // SAFETY: as the caller says.
    let ask = || unsafe { ask(entry, args, result) };
    guarded(entry.callback.export(), ask).map_err(|error| entry.fail(*error)).is_ok()
}

/// Calls the guest as C would, for a caller that takes an error and a number; nothing is kept of it.
///
/// # Safety
///
/// As [`answer`], and the result is a number, if anything.
#[cfg(feature = "sqlite")]
pub(crate) unsafe fn call_values(
    entry: &Entry,
    args: *const *const c_void,
    result: &mut [u8; 8],
) -> Result<()> {
    entry.count();
    let room = Room { at: result.as_mut_ptr().cast(), size: result.len() };
    // SAFETY: as the caller says.
    let ask = || unsafe { ask(entry, Args(args), room) };
    guarded(entry.callback.export(), ask).map_err(|error| *error)
}

/// # Safety
///
/// As [`answer`].
unsafe fn ask(entry: &Entry, args: Args, result: Room) -> Answer<()> {
    let callback = &entry.callback;
    let export = callback.export();
    let (Some((function, abi)), Lent::Values { budget }) = (callback.function(), &entry.lent) else {
        return Err(Error::Engine { reason: format!("\"{export}\" is called as what it is not") }.into());
    };
    let mut image = Image::new(export, callback.guest().limits());
    let mut passed = SmallVec::<[Passed; FEW]>::new();
    if let Back::Struct(object) = &abi.result {
        passed.push(Passed::To(image.room(object)?));
    }
    for (at, way) in abi.params.iter().enumerate() {
        // SAFETY: the argument is there, and of the type that its way tells.
        passed.push(unsafe { read(&mut image, export, abi, way, args, at) }?);
    }
    let mut turn = callback.call(budget.as_ref())?;
    let base = match image.len() {
        0 => 0,
        len => turn.stage(export, len, |base, area| image.fill(base, area))?,
    };
    let bits = turn.invoke(export, function, passed.iter().map(|passed| passed.bits(base)))?;
    let forged = |value| {
        let module = callback.guest().module().name().to_owned();
        Box::new(Error::from(CallError::Forged { module, export: export.to_owned(), value }))
    };
    if image.is_written() {
        image.take_back(turn.staged(image.len()), base).map_err(forged)?;
    }
    // Everything has been looked at, so C's memory may change.
    let pointer;
    let number;
    let (from, len): (*const u8, usize) = match &abi.result {
        Back::Nothing => (ptr::null(), 0),
        Back::Number(num, core) => {
            number = num.leave(bits, *core);
            (number.as_ptr(), number.len())
        }
        Back::Pointer(target) => {
            pointer = image.pointer(bits, target, base).ok_or_else(|| forged(bits))?;
            ((&raw const pointer).cast(), size_of_val(&pointer))
        }
        Back::Struct(object) => (image.left().as_ptr(), object.size),
    };
    turn.succeeded();
    // SAFETY: the call is still in progress.
    unsafe { image.write_back() };
    if len > 0 {
        // SAFETY: the result has so many bytes; a struct of one number may have fewer than eight.
        unsafe { ptr::copy_nonoverlapping(from, result.at.cast(), len.min(result.size)) };
    }
    Ok(())
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
        Way::Struct(object) => {
            // SAFETY: it is an argument.
            let value = unsafe { args.at(at) };
            // SAFETY: it is a struct of this size, by value.
            Passed::To(unsafe { image.value(value, object, argument) }?)
        }
    })
}

impl Args {
    /// # Safety
    ///
    /// There is such an argument.
    unsafe fn at(self, at: usize) -> *const c_void {
        // SAFETY: C passes a pointer to each argument.
        unsafe { *self.0.wrapping_add(at) }
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
