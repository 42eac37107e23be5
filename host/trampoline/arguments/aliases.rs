//! Copies of the same memory: C's pointers may overlap, and what a guest leaves in two copies must not meet
//! there as a value that it left in neither.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::Arguments;
use super::runs::{CopiedRange, Refused};
use crate::callback::lowering::Pointee;

/// The bytes that C's memory will hold where copies overlap and the guest has changed one.
pub(super) struct Aliases(HashMap<usize, u8>);

/// A pointer in C's memory: its address and its pointee.
type Place<'a> = (usize, &'a Pointee);

impl Aliases {
    /// Returns the changed bytes if two copies overlap, one of which is written; the error is a value that is
    /// made of parts of several.
    pub(super) fn of<'a>(arguments: &Arguments<'a>) -> Result<Option<Aliases>, Refused<'a>> {
        if !overlap(&arguments.runs) {
            return Ok(None);
        }
        let mut bytes = HashMap::new();
        for run in arguments.runs.iter().filter(|run| run.is_written_back()) {
            bytes.extend(arguments.changes(run).map(|(at, new)| (run.host.addr() + at, new)));
        }
        let aliases = Aliases(bytes);
        aliases.check_numbers(arguments)?;
        aliases.check_pointers(arguments)?;
        Ok(Some(aliases))
    }

    /// Returns the new value of the byte at an address, if the guest has changed it.
    pub(super) fn byte(&self, address: usize) -> Option<u8> {
        self.0.get(&address).copied()
    }

    /// Returns the bytes at an address, if any of them is changed.
    fn changed(&self, address: usize, old: &[u8]) -> Option<SmallVec<[u8; 16]>> {
        let new: SmallVec<[u8; 16]> =
            (old.iter().enumerate()).map(|(at, old)| self.byte(address + at).unwrap_or(*old)).collect();
        (new[..] != *old).then_some(new)
    }

    fn check_numbers<'a>(&self, arguments: &Arguments<'a>) -> Result<(), Refused<'a>> {
        for run in arguments.runs.iter().filter(|run| !run.host.is_null()) {
            let Some(object) = run.object.filter(|object| !object.restricted.is_empty()) else { continue };
            for element in (0..run.len).step_by(object.size) {
                for restricted in &object.restricted {
                    for place in restricted.places() {
                        let at = element + place.start;
                        let old = &arguments.bytes[run.at + at..][..place.len()];
                        let Some(mut new) = self.changed(run.host.addr() + at, old) else { continue };
                        let merged = new.clone();
                        let admitted = restricted.values.admit(&mut new);
                        admitted.map_err(|value| Refused::Number(&restricted.ctype, value))?;
                        if new != merged {
                            return Err(Refused::Number(&restricted.ctype, merged[0].into()));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A changed pointer has to be one that the guest left at this address, as a pointer of this type.
    fn check_pointers<'a>(&self, arguments: &Arguments<'a>) -> Result<(), Refused<'a>> {
        let in_memory = || {
            arguments.pointer_fields.iter().filter_map(|field| {
                let run = &arguments.runs[arguments.run_at(field.at)?];
                let place: Place<'a> = (run.host.addr() + (field.at - run.at), field.target);
                (!run.host.is_null()).then_some((place, field.at..field.at + size_of::<usize>()))
            })
        };
        let mut left: HashMap<usize, Vec<(&Pointee, &[u8])>> = HashMap::new();
        for ((address, target), bytes) in in_memory() {
            left.entry(address).or_default().push((target, &arguments.returned()[bytes]));
        }
        for ((address, target), bytes) in in_memory() {
            let Some(new) = self.changed(address, &arguments.bytes[bytes]) else { continue };
            if !left[&address].iter().any(|(its, bytes)| *its == target && **bytes == new[..]) {
                let number = new.iter().rfold(0_u64, |all, byte| all << 8 | u64::from(*byte));
                return Err(Refused::Pointer(number, "made of the bytes of several pointers"));
            }
        }
        Ok(())
    }
}

/// Returns whether two runs share bytes of C's memory, and one of them is written.
fn overlap(runs: &[CopiedRange<'_>]) -> bool {
    let mut places: SmallVec<[(usize, usize, bool); 8]> = runs
        .iter()
        .filter(|run| !run.host.is_null() && run.len > 0)
        .map(|run| (run.host.addr(), run.host.addr() + run.len, !run.readonly))
        .collect();
    places.sort_unstable();
    // Ends of the runs so far: of all, and of those that are written.
    let (mut end, mut written_end) = (0, 0);
    places.iter().any(|(start, stop, written)| {
        let shares = *start < if *written { end } else { written_end };
        end = end.max(*stop);
        written_end = if *written { written_end.max(*stop) } else { written_end };
        shares
    })
}
