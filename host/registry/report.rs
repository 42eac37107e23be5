//! The public view of the tables.

use std::fmt;

use super::statics::{SLOTS, tables};
use super::{Entry, SlotKey, SlotTable};
#[cfg(not(loom))]
use crate::callback::Observation;
use crate::prototype::Prototype;
use crate::sync::atomic::Ordering::Relaxed;

/// The table of callbacks that native code holds function pointers to: a view of the one table of the
/// process.
///
/// Each slot belongs to one function pointer for the life of the process: the comparators' are compiled in,
/// and each other prototype has its own. A released slot goes to the end of its prototype's queue, so that a
/// pointer that native code kept too long reaches another callback, of the same prototype, only after every
/// other free slot has been lent once.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallbackTable;

/// One lent slot, as listed in a leak report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Registration {
    /// The slot and its generation.
    pub key: SlotKey,
    /// Name of the guest's export.
    pub export: String,
    /// Name of the guest's module.
    pub module: String,
    /// Prototype by which C calls the callback.
    pub prototype: Prototype,
    /// Number of calls by C.
    pub calls: u64,
    /// Number of these calls that failed.
    pub failures: u64,
    /// Number of leases that hold the slot.
    pub leases: usize,
    /// Number of guests behind the callback so far: 1, or more if it has one
    /// [for each thread](crate::Callback::per_thread).
    pub instances: usize,
}

impl CallbackTable {
    /// Returns the number of slots that are lent now.
    pub fn len(self) -> usize {
        tables().iter().map(|table| table.len()).sum()
    }

    /// Returns `true` if no slot is lent.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the number of slots for comparators, which is also that of each other prototype.
    pub fn capacity(self) -> usize {
        SLOTS
    }

    /// Returns the number of calls through a pointer after its release. They were answered with the
    /// [fallback](crate::Callback::fallback).
    pub fn late_calls(self) -> u64 {
        tables().iter().map(|table| table.late_calls()).sum()
    }

    /// Returns an iterator over the lent slots as of now, in slot order.
    pub fn iter(self) -> impl Iterator<Item = Registration> {
        let all = tables().into_iter().flat_map(SlotTable::snapshot);
        all.map(|(key, entry)| Registration::of(key, &entry))
    }

    /// Returns the registration with this key; `None` once its lease has ended.
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
            instances: entry.callback.instances(),
        }
    }
}

#[cfg(not(loom))]
impl Observation<'_> {
    /// Returns the key of the slot through which C called; `None` for a call that needs none, as one from
    /// Rust does.
    pub fn key(&self) -> Option<SlotKey> {
        SlotKey::from_u64(self.slot)
    }
}

impl fmt::Display for Registration {
    /// Formats the registration as one line of a leak report.
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
        )?;
        match self.instances {
            1 => Ok(()),
            instances => write!(f, ", {instances} guests"),
        }
    }
}
