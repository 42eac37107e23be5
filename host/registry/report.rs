//! The tables as users see them.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use super::statics::{SLOTS, tables};
use super::{Entry, SlotKey, SlotTable};
use crate::prototype::Prototype;

/// The callbacks that native code holds function pointers to: a view of the process's one table.
///
/// Each slot belongs to one function pointer, for ever: the comparators' are compiled in, and each other
/// prototype has its own. A released slot goes to the end of its prototype's queue, so that a pointer that
/// native code kept too long meets another callback, of the same prototype, only after every other free
/// slot has been lent once.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallbackTable;

/// One slot that is lent, for a leak report.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The slot and its generation.
    pub key: SlotKey,
    /// The guest's export.
    pub export: String,
    /// The name of the guest's module.
    pub module: String,
    /// How C calls it.
    pub prototype: Prototype,
    /// How often C has called it.
    pub calls: u64,
    /// How many of these calls failed.
    pub failures: u64,
    /// How many leases hold it.
    pub leases: usize,
}

impl CallbackTable {
    /// Slots that are lent now.
    pub fn len(self) -> usize {
        tables().iter().map(|table| table.len()).sum()
    }

    /// Whether nothing is lent.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Slots there are for comparators, and as many for each other prototype.
    pub fn capacity(self) -> usize {
        SLOTS
    }

    /// Calls that came through a pointer after its release. They were answered with the neutral
    /// value.
    pub fn late_calls(self) -> u64 {
        tables().iter().map(|table| table.late_calls()).sum()
    }

    /// Who is registered, in the order of slots, as of now.
    pub fn iter(self) -> impl Iterator<Item = Registration> {
        let all = tables().into_iter().flat_map(SlotTable::snapshot);
        all.map(|(key, entry)| Registration::of(key, &entry))
    }

    /// What a key names; `None` once its lease is over.
    pub fn get(self, key: SlotKey) -> Option<Registration> {
        let found = tables().into_iter().find_map(|table| table.get(key));
        found.map(|entry| Registration::of(key, &entry))
    }
}

impl Registration {
    pub(super) fn of(key: SlotKey, entry: &Entry) -> Registration {
        Registration {
            key,
            export: entry.callback.export().to_owned(),
            module: entry.callback.guest().module().name().to_owned(),
            prototype: entry.callback.prototype().clone(),
            calls: entry.calls(),
            failures: entry.failures.load(Relaxed),
            leases: entry.leases.load(Relaxed),
        }
    }
}

impl fmt::Display for Registration {
    /// One line of a leak report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "slot {}: \"{}\" of {} as \"{}\", {} calls, {} failures, {} leases",
            self.key.slot(),
            self.export,
            self.module,
            self.prototype,
            self.calls,
            self.failures,
            self.leases,
        )
    }
}
