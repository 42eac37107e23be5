//! The copies of one call, run by run, before the guest and after it.

use std::cell::OnceCell;

use super::Arguments;
use crate::callback::lowering::Object;
use crate::ctype::CType;

/// A run of bytes that has been copied.
pub(super) struct CopiedRange<'a> {
    /// Address in the host's memory; null if the run is not a pointee of C's.
    pub(super) host: *mut u8,
    pub(super) at: usize,
    pub(super) len: usize,
    pub(super) readonly: bool,
    pub(super) element: Option<&'a CType>,
    /// The objects that fill the run; `None` for text.
    pub(super) object: Option<&'a Object>,
    /// Whether C passes it as a text.
    pub(super) is_text: bool,
    /// Offset of the last NUL, once it has been looked for.
    pub(super) last_nul: OnceCell<Option<usize>>,
}

/// A value that the guest must not hand back.
pub(in crate::trampoline) enum Refused<'a> {
    /// A pointer, and the reason.
    Pointer(u64, &'static str),
    /// A number that is no value of its type.
    Number(&'a CType, i128),
}

impl CopiedRange<'_> {
    /// Returns `true` if the guest's changes are written to C's memory.
    pub(super) fn is_written_back(&self) -> bool {
        !self.readonly && !self.host.is_null()
    }
}

impl Arguments<'_> {
    /// Returns the copies as the guest has left them, or as they were if it cannot have written to any.
    pub(super) fn latest(&self) -> &[u8] {
        if self.returned.is_empty() { &self.bytes } else { &self.returned }
    }

    /// Returns the length of the pointee whose copy is at this offset; `None` for a struct by value.
    pub(in crate::trampoline) fn copy_len(&self, at: usize) -> Option<usize> {
        // Runs are in the order of their offsets.
        let behind = self.runs.partition_point(|run| run.at <= at);
        let run = self.runs.get(behind.checked_sub(1)?)?;
        (run.at == at).then_some(run.len)
    }

    /// Returns the position of the run that contains this offset.
    pub(super) fn run_at(&self, at: usize) -> Option<usize> {
        // Runs are in the order of their offsets.
        let behind = self.runs.partition_point(|run| run.at <= at);
        let n = behind.checked_sub(1)?;
        (at - self.runs[n].at < self.runs[n].len).then_some(n)
    }

    /// Returns the offsets in a run of the bytes that the guest has changed, and their new values.
    pub(super) fn changes(&self, run: &CopiedRange<'_>) -> impl Iterator<Item = (usize, u8)> {
        let all = run.at..run.at + run.len;
        let (new, old) = (&self.returned[all.clone()], &self.bytes[all]);
        let len = if new == old { 0 } else { run.len };
        (0..len).filter(|at| new[*at] != old[*at]).map(|at| (at, new[at]))
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
