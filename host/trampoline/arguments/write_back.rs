//! Lifting of pointees: the guest's copies, with C's own pointers restored.
#![allow(unsafe_code, reason = "writes what C points to")]

use std::ffi::c_void;
use std::mem;
use std::ptr;

use super::{Arguments, CopiedRange, PointerField};
use crate::callback::lowering::Pointee;

impl Arguments<'_> {
    /// Returns the pointer of C's that a number from the guest stands for; `target` is its expected pointee.
    pub(in crate::trampoline) fn pointer(
        &self,
        number: u64,
        target: &Pointee,
        base: u32,
    ) -> Option<*mut c_void> {
        let Some(element) = target.element() else {
            let at = (number as usize).checked_sub(1);
            return at.map_or(Some(ptr::null_mut()), |at| self.tokens.get(at).copied());
        };
        if number == 0 {
            return Some(ptr::null_mut());
        }
        let at = usize::try_from(number).ok()?.checked_sub(base as usize)?;
        let size = element.size()?;
        let wanted = match target {
            Pointee::Object { object, .. } => object.size,
            _ => size,
        };
        let run = self.run_at(at)?;
        let inside = at - run.at;
        let whole = run.len - inside >= wanted && inside.is_multiple_of(size);
        let led = whole && !run.host.is_null() && run.element == Some(element);
        led.then(|| run.host.wrapping_add(inside).cast())
    }

    /// Returns the run that contains this offset.
    fn run_at(&self, at: usize) -> Option<&CopiedRange<'_>> {
        // Runs are in the order of their offsets.
        let behind = self.runs.partition_point(|run| run.at <= at);
        self.runs.get(behind.checked_sub(1)?).filter(|run| at - run.at < run.len)
    }

    /// Takes back the copies as the guest has left them, and restores C's own pointers; the error is a
    /// pointer that the guest has forged. Only pointers that may be written are checked.
    pub(in crate::trampoline) fn take_back(&mut self, area: &[u8], base: u32) -> Result<(), u64> {
        let mut returned = mem::take(&mut self.returned);
        returned.growing().extend_from_slice(area);
        for (at, len) in &self.gaps {
            returned[*at..][..*len].copy_from_slice(&self.bytes[*at..][..*len]);
        }
        let written = |field: &&PointerField<'_>| self.run_at(field.at).is_some_and(|run| !run.readonly);
        for field in self.pointer_fields.iter().filter(written) {
            let mut number = [0; 8];
            number[..size_of::<usize>()].copy_from_slice(&area[field.at..][..size_of::<usize>()]);
            let number = u64::from_ne_bytes(number);
            let pointer = self.pointer(number, field.target, base).ok_or(number)?;
            let address = pointer.expose_provenance().to_ne_bytes();
            returned[field.at..][..address.len()].copy_from_slice(&address);
        }
        self.returned = returned;
        Ok(())
    }

    /// Writes the guest's changes to C's memory: byte by byte, so that of two pointers to the same place, the
    /// one through which nothing was written does not undo changes through the other.
    ///
    /// # Safety
    ///
    /// The call that passed the pointers is in progress, and [`Arguments::take_back`] has been called if
    /// anything [is written](Arguments::is_written).
    pub(in crate::trampoline) unsafe fn write_back(&self) {
        for run in self.runs.iter().filter(|run| !run.readonly && !run.host.is_null()) {
            let all = run.at..run.at + run.len;
            let (new, old) = (&self.returned[all.clone()], &self.bytes[all]);
            if new == old {
                continue;
            }
            for at in (0..run.len).filter(|at| new[*at] != old[*at]) {
                // SAFETY: C vouches that pointees without const may be written.
                unsafe { run.host.wrapping_add(at).write(new[at]) };
            }
        }
    }

    /// Returns the copies as the guest has left them.
    pub(in crate::trampoline) fn returned(&self) -> &[u8] {
        &self.returned
    }

    /// Returns `true` if the guest may have written to a copy, so that it must be checked after the call.
    pub(in crate::trampoline) fn is_written(&self) -> bool {
        self.runs.iter().any(|run| !run.readonly)
    }
}
