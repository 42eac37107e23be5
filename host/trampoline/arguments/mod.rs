//! What the pointers of one call lead to: copied out of the host's memory, put into the guest's, and what
//! may be written copied back.
//!
//! Pointers inside of it never reach the guest. In its copy each is eight bytes: the address of the copy of
//! what it leads to, or the number of a token, or 0 for null.
#![allow(unsafe_code, reason = "reads and writes what C points to")]

mod buffer;
mod write_back;

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::slice;

use buffer::Buffer;
use smallvec::SmallVec;

use crate::callback::lowering::{Object, Pointee};
use crate::ctype::CType;
use crate::error::{CallError, Result};
use crate::limits::Limits;

/// So many arguments need no allocation.
pub(super) const INLINE_ARGS: usize = 8;

/// Where copies begin: enough for every C type, and a byte between any two.
const ALIGN: usize = 16;

/// What a pointer is for the guest.
#[derive(Clone, Copy, Debug)]
pub(super) enum GuestPtr {
    Null,
    /// The number of a token, counted from 1.
    Token(u32),
    /// A copy at this offset.
    Copy(u32),
}

/// Everything that one call's pointers lead to.
pub(super) struct Arguments<'a> {
    export: &'a str,
    limits: &'a Limits,
    /// As the host has it, pointers included.
    bytes: Buffer,
    /// The same as the guest has left it.
    returned: Buffer,
    runs: SmallVec<[CopiedRange<'a>; 4]>,
    pointer_fields: Vec<PointerField<'a>>,
    /// Padding inside of runs, which the guest sees as zeros and C gets back as it was.
    gaps: Vec<(usize, usize)>,
    tokens: Vec<*mut c_void>,
    /// Where in both lists an address is, once they are long.
    index: Option<Box<Index>>,
}

/// From so many on, runs and tokens are looked up and not searched for.
const MIN_INDEXED: usize = 32;

/// Places in the lists of runs, by address and length, and of tokens.
#[derive(Default)]
struct Index {
    runs: HashMap<(usize, usize), usize>,
    tokens: HashMap<usize, usize>,
}

/// A copied run of bytes.
struct CopiedRange<'a> {
    /// Null where the run is no pointee of C's.
    host: *mut u8,
    at: usize,
    len: usize,
    readonly: bool,
    element: Option<&'a CType>,
}

/// A pointer inside of a run.
struct PointerField<'a> {
    at: usize,
    to: GuestPtr,
    target: &'a Pointee,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(export: &'a str, limits: &'a Limits) -> Arguments<'a> {
        let (bytes, returned, pointer_fields, gaps, tokens, index) = Default::default();
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
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Follows a pointer. `count`: how many elements there are, where another argument tells.
    ///
    /// # Safety
    ///
    /// C vouches that the pointer is null or leads to what `target` says, that this may be read until the
    /// call returns, and written where it is not const.
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
            Pointee::Token => return Ok(self.token(pointer)),
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
        let host = pointer.cast::<u8>();
        if let Some(run) = self.copied_before(host, len).filter(|run| run.element == element) {
            run.readonly &= readonly;
            return Ok(GuestPtr::Copy(run.at as u32));
        }
        let at = self.reserve(len)?;
        // SAFETY: C vouches for these bytes, and `reserve` has made sure that there are no more than fit.
        self.bytes.growing().extend_from_slice(unsafe { slice::from_raw_parts(host, len) });
        self.runs.push(CopiedRange { host, at, len, readonly, element });
        if let Some(known) = &mut self.index {
            known.runs.insert((host.addr(), len), self.runs.len() - 1);
        }
        if let Some(object) = object {
            // SAFETY: C vouches for what is in its objects as well.
            unsafe { self.follow_cells(at, len, object, argument) }?;
        }
        Ok(GuestPtr::Copy(at as u32))
    }

    /// Copies a struct that is passed by value.
    ///
    /// # Safety
    ///
    /// `value` points to such a struct, whose pointers C vouches for as in [`Image::follow`].
    pub(super) unsafe fn value(
        &mut self,
        value: *const c_void,
        object: &'a Object,
        argument: usize,
    ) -> Result<GuestPtr> {
        let at = self.reserve(object.size)?;
        // SAFETY: it is an argument, whose size the prototype tells.
        self.bytes
            .growing()
            .extend_from_slice(unsafe { slice::from_raw_parts(value.cast::<u8>(), object.size) });
        // SAFETY: C vouches for what is in its structs.
        unsafe { self.follow_cells(at, object.size, object, argument) }?;
        Ok(GuestPtr::Copy(at as u32))
    }

    /// Makes room for a result.
    pub(super) fn reserve_result(&mut self, object: &'a Object) -> Result<GuestPtr> {
        let at = self.reserve(object.size)?;
        self.bytes.growing().resize(at + object.size, 0);
        for (offset, target) in &object.pointer_fields {
            self.pointer_fields.push(PointerField { at: at + offset, to: GuestPtr::Null, target });
        }
        let (host, element) = (ptr::null_mut(), None);
        self.runs.push(CopiedRange { host, at, len: object.size, readonly: false, element });
        Ok(GuestPtr::Copy(at as u32))
    }

    /// # Safety
    ///
    /// As [`Image::value`], for objects that fill `len` bytes at `start`.
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
            self.gaps.extend(object.gaps.iter().map(|(offset, len)| (element + offset, *len)));
            for (offset, target) in &object.pointer_fields {
                let at = element + offset;
                let pointer = self.bytes[at..].first_chunk().map(|bytes| usize::from_ne_bytes(*bytes));
                let pointer = ptr::with_exposed_provenance_mut(pointer.unwrap_or(0));
                // SAFETY: C vouches for pointers that its objects hold. A target inside of an object has no
                // count.
                let to = unsafe { self.follow(pointer, target, argument, 0) }?;
                self.pointer_fields.push(PointerField { at, to, target });
            }
        }
        Ok(())
    }

    /// Where the next run begins, if so many bytes may follow.
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

    /// The number that stands for a pointer, the same each time.
    fn token(&mut self, pointer: *mut c_void) -> GuestPtr {
        let known = match self.index() {
            Some(known) => known.tokens.get(&pointer.addr()).copied(),
            None => self.tokens.iter().position(|known| *known == pointer),
        };
        let at = known.unwrap_or(self.tokens.len());
        if known.is_none() {
            self.tokens.push(pointer);
            if let Some(known) = &mut self.index {
                known.tokens.insert(pointer.addr(), at);
            }
        }
        GuestPtr::Token(at as u32 + 1)
    }

    /// The run of these bytes, if they have been copied already.
    fn copied_before(&mut self, host: *mut u8, len: usize) -> Option<&mut CopiedRange<'a>> {
        let at = match self.index() {
            Some(known) => known.runs.get(&(host.addr(), len)).copied(),
            None => self.runs.iter().position(|run| run.host == host && run.len == len),
        };
        self.runs.get_mut(at?)
    }

    /// The places of everything, where there is so much that a search would take long.
    fn index(&mut self) -> Option<&Index> {
        if self.index.is_none() && self.runs.len().max(self.tokens.len()) >= MIN_INDEXED {
            let runs = self.runs.iter().enumerate();
            let tokens = self.tokens.iter().enumerate();
            self.index = Some(Box::new(Index {
                runs: runs.map(|(at, run)| ((run.host.addr(), run.len), at)).collect(),
                tokens: tokens.map(|(at, token)| (token.addr(), at)).collect(),
            }));
        }
        self.index.as_deref()
    }

    /// Writes the guest's copy to `area`, which is at `base` in its memory.
    pub(super) fn fill(&self, base: u32, area: &mut [u8]) {
        area.copy_from_slice(&self.bytes);
        for (at, len) in &self.gaps {
            area[*at..][..*len].fill(0);
        }
        for field in &self.pointer_fields {
            let number = u64::from(field.to.number(base));
            area[field.at..][..size_of::<usize>()]
                .copy_from_slice(&number.to_ne_bytes()[..size_of::<usize>()]);
        }
    }
}

impl GuestPtr {
    /// What the guest gets, where its copy begins at `base`.
    pub(super) fn number(self, base: u32) -> u32 {
        match self {
            GuestPtr::Null => 0,
            GuestPtr::Token(number) => number,
            GuestPtr::Copy(at) => base + at,
        }
    }
}
