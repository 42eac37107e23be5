//! The public view of the tables.

use std::fmt;
use std::panic::Location;
use std::time::SystemTime;

use super::statics::{self, SLOTS, tables};
use super::utc::Utc;
use super::{Entry, SlotKey, SlotTable};
#[cfg(not(loom))]
use crate::callback::Observation;
use crate::error::Escaped;
use crate::prototype::Prototype;

/// The table of callbacks that native code holds function pointers to: a view of the one table of the
/// process.
///
/// Each slot belongs to one function pointer for the life of the process: the comparators' are compiled in,
/// and each other prototype has its own. A released slot goes to the end of its prototype's queue, so that a
/// pointer that native code kept too long reaches another callback, of the same prototype, only after every
/// other free slot has been lent once.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallbackTable;

/// One lent slot, as listed in a [`TableReport`].
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
    /// Number of calls through the function pointer while it was released: they were meant for earlier
    /// callbacks.
    pub late_calls: u64,
    /// The place in the program's source that lent or registered the callback, or that sorts by it.
    pub place: &'static Location<'static>,
    /// Time of that.
    pub since: SystemTime,
}

/// Calls through one function pointer while it was released.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LateCalls {
    /// Index of the slot, which identifies the function pointer.
    pub slot: usize,
    /// Number of the calls.
    pub calls: u64,
    /// The place in the program's source that had lent the pointer before its last release.
    pub place: Option<&'static Location<'static>>,
}

/// The callback table at one moment: a leak report, where nothing should be lent any more.
///
/// As text it has a line for each registration and one for each slot that was called late.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TableReport {
    /// The lent slots, in slot order.
    pub registrations: Vec<Registration>,
    /// The slots that were called late.
    pub late_calls: Vec<LateCalls>,
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
        let listed = |table: &'static SlotTable<Entry>| {
            let all = table.snapshot().into_iter();
            all.map(|(key, entry)| Registration::of(table, key, &entry))
        };
        tables().into_iter().flat_map(listed)
    }

    /// Returns the registration with this key; `None` once its lease has ended.
    pub fn get(self, key: SlotKey) -> Option<Registration> {
        let found = |table: &'static SlotTable<Entry>| Some((table, table.get(key)?));
        tables().into_iter().find_map(found).map(|(table, entry)| Registration::of(table, key, &entry))
    }

    /// Returns all that the table tells: who holds what, since when, and which pointers were called late.
    ///
    /// ```
    /// # use callbox::{CallbackTable, Limits, Sandbox};
    /// # fn main() -> callbox::Result<()> {
    /// # let guest = Sandbox::new(Limits::default())?.load("wat/good/ascending.wat")?;
    /// let ascending = guest.callback("compare", "int (const int *, const int *)".parse()?)?;
    /// let kept = ascending.retain()?;
    /// let report = CallbackTable.report();
    /// assert_eq!(report.registrations[0].place.line(), line!() - 2);
    /// println!("{report}"); // slot 0: "compare" of …, 0 calls, …, since 2026-11-30T08:05:00Z at …
    /// # let _ = kept;
    /// # Ok(()) }
    /// ```
    pub fn report(self) -> TableReport {
        let late = |(slot, at): (usize, &'static super::Slot<Entry>)| {
            Some(LateCalls { slot, calls: at.late_calls(), place: at.released_place() })
                .filter(|late| late.calls > 0)
        };
        TableReport {
            registrations: self.iter().collect(),
            late_calls: statics::slots().filter_map(late).collect(),
        }
    }
}

impl TableReport {
    /// Returns `true` if nothing is lent, and no pointer was called late.
    pub fn is_empty(&self) -> bool {
        self.registrations.is_empty() && self.late_calls.is_empty()
    }

    /// Returns the report as one object of JSON: `{"registrations": [{"slot": 0, "key": 4294967296, "export":
    /// "compare", "module": …, "prototype": …, "calls": 0, "failures": 0, "late_calls": 0, "leases": 1,
    /// "instances": 1, "since": "2026-11-30T08:05:00Z", "place": {"file": …, "line": 7, "column": 25}}],
    /// "late_calls": [{"slot": 1, "calls": 2, "place": …}]}`. Names are the guests' own, not escaped for a
    /// terminal beyond what JSON escapes.
    #[cfg(feature = "json")]
    pub fn to_json(&self) -> String {
        use serde_json::json;
        let registration = |lent: &Registration| {
            json!({
                "slot": lent.key.slot(),
                "key": lent.key.as_u64(),
                "export": lent.export,
                "module": lent.module,
                "prototype": lent.prototype.to_string(),
                "calls": lent.calls,
                "failures": lent.failures,
                "late_calls": lent.late_calls,
                "leases": lent.leases,
                "instances": lent.instances,
                "since": Utc(lent.since).to_string(),
                "place": json_of(lent.place),
            })
        };
        let late = |late: &LateCalls| {
            let place = late.place.map(json_of);
            json!({ "slot": late.slot, "calls": late.calls, "place": place })
        };
        json!({
            "registrations": self.registrations.iter().map(registration).collect::<Vec<_>>(),
            "late_calls": self.late_calls.iter().map(late).collect::<Vec<_>>(),
        })
        .to_string()
    }
}

#[cfg(feature = "json")]
fn json_of(place: &Location<'_>) -> serde_json::Value {
    serde_json::json!({ "file": place.file(), "line": place.line(), "column": place.column() })
}

impl fmt::Display for TableReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registrations = self.registrations.iter().map(|lent| lent as &dyn fmt::Display);
        let lines = registrations.chain(self.late_calls.iter().map(|late| late as &dyn fmt::Display));
        lines.enumerate().try_for_each(|(at, line)| write!(f, "{}{line}", if at == 0 { "" } else { "\n" }))
    }
}

impl fmt::Display for LateCalls {
    /// Formats the calls as one line of a report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot {}: {} late calls", self.slot, self.calls)?;
        self.place.map_or(Ok(()), |place| write!(f, ", after the lease at {place}"))
    }
}

impl Registration {
    pub(super) fn of(table: &SlotTable<Entry>, key: SlotKey, entry: &Entry) -> Registration {
        let (calls, failures, leases, instances) = entry.numbers();
        Registration {
            key,
            export: entry.callback.export().to_owned(),
            module: entry.callback.guest().module().name().to_owned(),
            prototype: entry.callback.prototype().clone(),
            calls,
            failures,
            leases,
            instances,
            late_calls: table.late_calls_of(key),
            place: entry.place,
            since: entry.since,
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
            Escaped(self.export.as_bytes()),
            Escaped(self.module.as_bytes()),
            self.prototype,
            self.calls,
            self.failures,
            self.leases,
        )?;
        if self.instances != 1 {
            write!(f, ", {} guests", self.instances)?;
        }
        write!(f, ", since {} at {}", Utc(self.since), self.place)
    }
}
