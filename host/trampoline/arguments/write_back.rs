//! Lifting of pointees: the guest's copies, with C's own pointers restored. The one judge of pointers that a
//! guest hands back; numbers are judged by `ctype/values`.
#![allow(unsafe_code, reason = "writes what C points to")]

use std::ffi::c_void;
use std::mem;
use std::ptr;

use super::aliases::Aliases;
use super::runs::{CopiedRange, Refused};
use super::{Arguments, PointerField};
use crate::callback::lowering::Pointee;
use crate::ctype::CType;

/// The reason why a text is refused.
const ENDLESS: &str = "a text without an end";

/// A pointer of C's, and its place in a run if it leads into one.
type Found = (*mut c_void, Option<(usize, usize)>);

impl<'a> Arguments<'a> {
    /// Returns the pointer of C's that a number from the guest stands for; `target` is its expected pointee.
    /// The copies have been [taken back](Arguments::take_back), if any is written.
    pub(in crate::trampoline) fn pointer(
        &self,
        number: u64,
        target: &Pointee,
        base: u32,
    ) -> Result<*mut c_void, Refused<'a>> {
        let found = self.find(number, target, base).and_then(|(pointer, place)| {
            self.check_end(target, place)?;
            Ok(pointer)
        });
        found.map_err(|reason| Refused::Pointer(number, reason))
    }

    /// Returns the pointer that a number stands for, if C passed such a one; not whether a text ends.
    fn find(&self, number: u64, target: &Pointee, base: u32) -> Result<Found, &'static str> {
        if number == 0 {
            return Ok((ptr::null_mut(), None));
        }
        let (element, size, readonly) = match target {
            Pointee::Token { tag, readonly } => {
                return Ok((self.tokens.pointer(number, tag.as_deref(), *readonly)?, None));
            }
            Pointee::Text => (&CType::Char, 1, true),
            Pointee::Object { object, readonly } => (&object.element, object.size, *readonly),
            Pointee::Counted { element, readonly, .. } => (&element.element, element.size, *readonly),
        };
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(base as usize));
        let at = at.and_then(|at| Some((at, self.run_at(at)?)));
        let (at, n) = at.ok_or("no pointer that this call gave it")?;
        let run = &self.runs[n];
        let inside = at - run.at;
        if run.host.is_null() {
            return Err("no pointer that this call gave it");
        }
        if run.element != Some(element) || !inside.is_multiple_of(element.size().unwrap_or(1)) {
            return Err("a pointer of another type");
        }
        if run.len - inside < size {
            return Err("a pointer to fewer elements");
        }
        if run.readonly && !readonly {
            return Err("a pointer to const");
        }
        Ok((run.host.wrapping_add(inside).cast(), Some((n, inside))))
    }

    /// Checks that a text ends inside its run.
    fn check_end(&self, target: &Pointee, place: Option<(usize, usize)>) -> Result<(), &'static str> {
        let (Pointee::Text, Some((n, inside))) = (target, place) else { return Ok(()) };
        let ends = self.last_nul(n).is_some_and(|end| inside <= end);
        if ends { Ok(()) } else { Err(ENDLESS) }
    }

    /// Returns the offset in a run of the last NUL that C's memory will hold there.
    fn last_nul(&self, n: usize) -> Option<usize> {
        let run = &self.runs[n];
        *run.last_nul.get_or_init(|| {
            let is_nul = |at: &usize| match &self.aliases {
                Some(aliases) => aliases.byte(run.host.addr() + at).unwrap_or(self.bytes[run.at + at]) == 0,
                None => self.latest()[run.at + at] == 0,
            };
            (0..run.len).rev().find(is_nul)
        })
    }

    /// Checks that the texts that C passed still end, where the guest may have written to them through
    /// another pointer.
    fn check_texts(&self, base: u32) -> Result<(), Refused<'a>> {
        let exposed = |run: &CopiedRange<'_>| run.is_text && (!run.readonly || self.aliases.is_some());
        let mut texts = self.runs.iter().enumerate().filter(|(_, run)| exposed(run));
        match texts.find(|(n, _)| self.last_nul(*n).is_none()) {
            None => Ok(()),
            Some((_, run)) => Err(Refused::Pointer((base as usize + run.at) as u64, ENDLESS)),
        }
    }

    /// Takes back the copies as the guest has left them, and restores C's own pointers. Only copies that may
    /// be written are judged.
    pub(in crate::trampoline) fn take_back(&mut self, area: &[u8], base: u32) -> Result<(), Refused<'a>> {
        let mut returned = mem::take(&mut self.returned);
        returned.growing().extend_from_slice(area);
        for (at, len) in &self.gaps {
            returned[*at..][..*len].copy_from_slice(&self.bytes[*at..][..*len]);
        }
        for run in &self.runs {
            let all = run.at..run.at + run.len;
            if run.readonly {
                returned[all.clone()].copy_from_slice(&self.bytes[all]);
            } else if let Some(object) = run.object {
                // A result has no old value that it could keep.
                let old = (!run.host.is_null()).then(|| &self.bytes[all.clone()]);
                let admitted = object.admit(&mut returned[all], old);
                admitted.map_err(|(ctype, value)| Refused::Number(ctype, value))?;
            }
        }
        let written =
            |field: &&PointerField<'_>| self.run_at(field.at).is_some_and(|n| !self.runs[n].readonly);
        let mut texts = Vec::new();
        for field in self.pointer_fields.iter().filter(written) {
            let mut number = [0; 8];
            number[..size_of::<usize>()].copy_from_slice(&area[field.at..][..size_of::<usize>()]);
            let number = u64::from_ne_bytes(number);
            let found = self.find(number, field.target, base);
            let (pointer, place) = found.map_err(|reason| Refused::Pointer(number, reason))?;
            if place.is_some() && *field.target == Pointee::Text {
                texts.push((number, field.target, place));
            }
            let address = pointer.expose_provenance().to_ne_bytes();
            returned[field.at..][..address.len()].copy_from_slice(&address);
        }
        self.returned = returned;
        self.aliases = Aliases::of(self)?;
        for (number, target, place) in texts {
            self.check_end(target, place).map_err(|reason| Refused::Pointer(number, reason))?;
        }
        self.check_texts(base)
    }

    /// Writes the guest's changes to C's memory: byte by byte, so that of two pointers to the same place, the
    /// one through which nothing was written does not undo changes through the other.
    ///
    /// # Safety
    ///
    /// The call that passed the pointers is in progress, and [`Arguments::take_back`] has been called if
    /// anything [is written](Arguments::is_written).
    pub(in crate::trampoline) unsafe fn write_back(&self) {
        for run in self.runs.iter().filter(|run| run.is_written_back()) {
            for (at, new) in self.changes(run) {
                // SAFETY: C vouches that pointees without const may be written.
                unsafe { run.host.wrapping_add(at).write(new) };
            }
        }
    }
}
