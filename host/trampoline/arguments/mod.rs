//! Pointees of one call: they are copied from the host's memory to the guest's, and copied back if they may
//! be written.
//!
//! Pointers inside a pointee never reach the guest. In the guest's copy each is a word of the host's size,
//! eight bytes on 64-bit targets: the address of the copy of its pointee, or the number of a token, or 0 for
//! null.
#![allow(unsafe_code, reason = "reads and writes what C points to")]

mod aliases;
mod buffer;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod runs;
mod tokens;
mod write_back;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;

use aliases::Aliases;
use buffer::Buffer;
use runs::CopiedRange;
pub(super) use runs::Refused;
use smallvec::SmallVec;
use tokens::Tokens;

use crate::callback::lowering::{Object, Pointee};
use crate::error::{CallError, Result};
use crate::limits::Limits;

/// Maximum number of arguments that need no allocation.
pub(super) const INLINE_ARGS: usize = 8;

/// Alignment of copies: enough for every C type. At least one byte separates any two copies.
const ALIGN: usize = 16;

/// A pointer as the guest sees it.
#[derive(Clone, Copy, Debug)]
pub(super) enum GuestPtr {
    Null,
    /// The number of a token, counted from 1.
    Token(u32),
    /// A copy at this offset.
    Copy(u32),
}

/// The pointees of one call, and its structs.
pub(super) struct Arguments<'a> {
    export: &'a str,
    limits: &'a Limits,
    /// All copies as the host has them, pointers included.
    bytes: Buffer,
    /// All copies as the guest has left them.
    returned: Buffer,
    runs: SmallVec<[CopiedRange<'a>; 4]>,
    pointer_fields: Vec<PointerField<'a>>,
    /// Offsets and lengths of the padding, which the guest sees as zeros and C gets back unchanged.
    gaps: Vec<(usize, usize)>,
    tokens: Tokens<'a>,
    /// Positions in `runs` by address and length, once there are many.
    index: Option<HashMap<(usize, usize), usize>>,
    /// Changes to memory that several runs are copies of.
    aliases: Option<Aliases>,
}

/// Minimum number of runs, and of tokens, at which a hash table replaces the linear search.
const MIN_INDEXED: usize = 32;

/// A pointer inside a run.
struct PointerField<'a> {
    at: usize,
    to: GuestPtr,
    target: &'a Pointee,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(export: &'a str, limits: &'a Limits) -> Arguments<'a> {
        let (bytes, returned, pointer_fields, gaps, tokens, index, aliases) = Default::default();
        Arguments {
            export,
            limits,
            bytes,
            returned,
            runs: SmallVec::new(),
            pointer_fields,
            gaps,
            tokens,
            index,
            aliases,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Copies the pointee of a pointer. `count` is the number of elements, if another argument holds it.
    ///
    /// # Safety
    ///
    /// C vouches that the pointer is null or leads to a pointee as `target` says, which can be read until the
    /// call returns, and written if it is not const.
    pub(super) unsafe fn follow(
        &mut self,
        pointer: *mut c_void,
        target: &'a Pointee,
        argument: usize,
        count: i128,
    ) -> Result<GuestPtr> {
        let (object, readonly, len) = match target {
            _ if pointer.is_null() && !matches!(target, Pointee::Counted { .. }) => {
                return Ok(GuestPtr::Null);
            }
            Pointee::Token { tag, readonly } => {
                return Ok(self.tokens.token(pointer, tag.as_deref(), *readonly));
            }
            Pointee::Text => {
                // SAFETY: C vouches for the characters up to the NUL.
                let len = unsafe { libc::strnlen(pointer.cast(), self.limits.text) };
                if len == self.limits.text {
                    let (export, most) = (self.export.to_owned(), self.limits.text);
                    return Err(CallError::Text { export, argument, most }.into());
                }
                (None, true, len + 1)
            }
            Pointee::Object { object, readonly } => (Some(object), *readonly, object.size),
            Pointee::Counted { element, readonly, .. } => {
                let export = || self.export.to_owned();
                let Ok(count) = usize::try_from(count) else {
                    return Err(CallError::Count { export: export(), argument, count }.into());
                };
                match (pointer.is_null(), count) {
                    (true, 0) => return Ok(GuestPtr::Null),
                    (true, count) => return Err(CallError::Null { export: export(), argument, count }.into()),
                    _ => (Some(element), *readonly, count.saturating_mul(element.size)),
                }
            }
        };
        let element = target.element();
        let is_text = matches!(target, Pointee::Text);
        let host = pointer.cast::<u8>();
        if let Some(run) = self.copied_before(host, len).filter(|run| run.element == element) {
            run.readonly &= readonly;
            run.is_text |= is_text;
            return Ok(GuestPtr::Copy(run.at as u32));
        }
        let at = self.reserve(len)?;
        // SAFETY: C vouches for these bytes.
        unsafe { self.copy_in(host, len) };
        let last_nul = OnceCell::new();
        self.runs.push(CopiedRange { host, at, len, readonly, element, object, is_text, last_nul });
        if let Some(known) = &mut self.index {
            known.insert((host.addr(), len), self.runs.len() - 1);
        }
        if let Some(object) = object {
            // SAFETY: C vouches for the content of its objects as well.
            unsafe { self.follow_cells(at, len, object, argument) }?;
        }
        Ok(GuestPtr::Copy(at as u32))
    }

    /// Copies a struct that is passed by value.
    ///
    /// # Safety
    ///
    /// `value` points to such a struct, whose pointers C vouches for as in [`Arguments::follow`].
    pub(super) unsafe fn value(
        &mut self,
        value: *const c_void,
        object: &'a Object,
        argument: usize,
    ) -> Result<GuestPtr> {
        let at = self.reserve(object.size)?;
        // SAFETY: the caller passes a struct whose size the prototype determines.
        unsafe { self.copy_in(value.cast(), object.size) };
        // SAFETY: C vouches for the content of its structs.
        unsafe { self.follow_cells(at, object.size, object, argument) }?;
        Ok(GuestPtr::Copy(at as u32))
    }

    /// Reserves space for a result that is a struct.
    pub(super) fn reserve_result(&mut self, object: &'a Object) -> Result<GuestPtr> {
        let at = self.reserve(object.size)?;
        self.bytes.growing().resize(at + object.size, 0);
        for (offset, target) in &object.pointer_fields {
            self.pointer_fields.push(PointerField { at: at + offset, to: GuestPtr::Null, target });
        }
        self.runs.push(CopiedRange {
            host: ptr::null_mut(),
            at,
            len: object.size,
            readonly: false,
            element: None,
            object: Some(object),
            is_text: false,
            last_nul: OnceCell::new(),
        });
        Ok(GuestPtr::Copy(at as u32))
    }

    /// # Safety
    ///
    /// As [`Arguments::value`], for objects that fill `len` bytes at `start`.
    unsafe fn follow_cells(
        &mut self,
        start: usize,
        len: usize,
        object: &'a Object,
        argument: usize,
    ) -> Result<()> {
        if object.pointer_fields.is_empty() && object.gaps.is_empty() {
            return Ok(());
        }
        for element in (start..start + len).step_by(object.size) {
            for (offset, len) in &object.gaps {
                self.bytes[element + offset..][..*len].fill(0);
                self.gaps.push((element + offset, *len));
            }
            for (offset, target) in &object.pointer_fields {
                let at = element + offset;
                let pointer = self.bytes[at..].first_chunk().map(|bytes| usize::from_ne_bytes(*bytes));
                let pointer = ptr::with_exposed_provenance_mut(pointer.unwrap_or(0));
                // SAFETY: C vouches for pointers that its objects hold. A pointee inside an object has no
                // count.
                let to = unsafe { self.follow(pointer, target, argument, 0) }?;
                self.pointer_fields.push(PointerField { at, to, target });
            }
        }
        Ok(())
    }

    /// Copies bytes of C's behind those that there are. Padding among them may be uninitialised; nothing
    /// reads it before [`Arguments::follow_cells`] has made it zeros.
    ///
    /// # Safety
    ///
    /// There are so many bytes.
    unsafe fn copy_in(&mut self, from: *const u8, len: usize) {
        let bytes = self.bytes.growing();
        bytes.reserve(len);
        let old = bytes.len();
        // SAFETY: the caller vouches for the bytes, and there is room for them.
        unsafe { ptr::copy_nonoverlapping(from, bytes.as_mut_ptr().wrapping_add(old), len) };
        // SAFETY: they have just been copied.
        unsafe { bytes.set_len(old + len) };
    }

    /// Returns the offset of the next run, if its `len` bytes are within the limits.
    fn reserve(&mut self, len: usize) -> Result<usize> {
        let at = (self.bytes.len() + 1).next_multiple_of(ALIGN);
        let at = if self.bytes.is_empty() { 0 } else { at };
        let most = self.limits.array;
        if len > most.min(u32::MAX as usize).saturating_sub(at) {
            return Err(CallError::TooLarge { export: self.export.to_owned(), most }.into());
        }
        self.bytes.growing().resize(at, 0);
        Ok(at)
    }

    /// Returns the run of these bytes, if they have been copied already.
    fn copied_before(&mut self, host: *mut u8, len: usize) -> Option<&mut CopiedRange<'a>> {
        if self.index.is_none() && self.runs.len() >= MIN_INDEXED {
            let runs = self.runs.iter().enumerate();
            self.index = Some(runs.map(|(at, run)| ((run.host.addr(), run.len), at)).collect());
        }
        let at = match &self.index {
            Some(known) => known.get(&(host.addr(), len)).copied(),
            None => self.runs.iter().position(|run| run.host == host && run.len == len),
        };
        self.runs.get_mut(at?)
    }

    /// Writes the guest's copy to `area`, which is at `base` in its memory.
    pub(super) fn fill(&self, base: u32, area: &mut [u8]) {
        area.copy_from_slice(&self.bytes);
        for field in &self.pointer_fields {
            let number = u64::from(field.to.number(base));
            area[field.at..][..size_of::<usize>()]
                .copy_from_slice(&number.to_ne_bytes()[..size_of::<usize>()]);
        }
    }
}

impl GuestPtr {
    /// Returns the number that the guest gets, if the copies begin at `base` in its memory.
    pub(super) fn number(self, base: u32) -> u32 {
        match self {
            GuestPtr::Null => 0,
            GuestPtr::Token(number) => number,
            GuestPtr::Copy(at) => base + at,
        }
    }
}
