//! How far a sort has come, for other threads to read.

#[cfg(feature = "spill")]
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::*};

use super::Job;

/// Number of items after which those that were counted are added to what all threads see.
#[cfg(feature = "spill")]
const ITEMS_AT_ONCE: u64 = 64;

/// Work that a sort is doing. Items that do not fit in memory are read, sorted and written in turns, and then
/// merged and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Reads items.
    #[default]
    Reading,
    /// Compares the items that are in memory.
    Sorting,
    /// Asks fresh guests about a result in memory, as [`Options::verify`](super::Options::verify) says. What
    /// is done is not counted.
    Verifying,
    /// Merges items that are sorted.
    Merging,
    /// Passes items on, to files of what does not fit in memory too.
    Writing,
}

impl Phase {
    const ALL: [Phase; 5] =
        [Phase::Reading, Phase::Sorting, Phase::Verifying, Phase::Merging, Phase::Writing];
}

/// How far a sort has come: [`Options::progress`](super::Options::progress) has it kept up to date, and any
/// thread may read it meanwhile. What is read is some comparisons or items behind.
///
/// The kernel of [`Sorter::Sandboxed`](super::Sorter::Sandboxed) reports nothing while it runs; all its
/// comparisons are added at its end.
///
/// ```
/// use std::sync::Arc;
/// use callbox::sort::{Items, Job, Options, Phase, Progress};
/// # use callbox::{CType, Limits, Prototype, Sandbox};
/// # fn main() -> callbox::Result<()> {
/// # let guest = Sandbox::new(Limits::default())?.bundled("bytes")?;
/// # let compare = guest.callback("compare_bytes", Prototype::comparator(CType::Void))?;
///
/// let progress = Arc::new(Progress::default());
/// let options = Options::default().progress(progress.clone());
/// Job::new(&compare, options).sort(&Items::lines(b"d\nc\nb\na\n".to_vec(), b'\n')?)?;
/// assert_eq!(progress.phase(), Phase::Verifying);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    /// Counters of each phase, so that the numbers of one are never taken for another's.
    phases: [PhaseCounters; Phase::ALL.len()],
}

#[derive(Debug, Default)]
struct PhaseCounters {
    done: AtomicU64,
    /// 0 where it is not known.
    total: AtomicU64,
}

impl Progress {
    /// Returns the present phase.
    pub fn phase(&self) -> Phase {
        Phase::ALL.into_iter().find(|phase| *phase as u8 == self.phase.load(Acquire)).unwrap_or_default()
    }

    /// Returns what has been done in this phase: while sorting, the guests' comparisons in the part that is
    /// in memory; otherwise items, while reading those of all inputs so far.
    pub fn done(&self) -> u64 {
        self.counters(self.phase()).done.load(Relaxed)
    }

    /// Returns what [`Progress::done`] will be at the end of this phase, where it is known: while sorting, an
    /// estimate, which the end may miss by far.
    pub fn total(&self) -> Option<u64> {
        match self.counters(self.phase()).total.load(Relaxed) {
            0 => None,
            total => Some(total),
        }
    }

    fn counters(&self, phase: Phase) -> &PhaseCounters {
        &self.phases[phase as usize]
    }

    /// Begins a phase, or goes on with reading.
    fn begin(&self, phase: Phase, total: u64) {
        let counters = self.counters(phase);
        if phase != Phase::Reading {
            counters.done.store(0, Relaxed);
        }
        counters.total.store(total, Relaxed);
        self.phase.store(phase as u8, Release);
    }

    /// Returns the number of comparisons, to be added to.
    pub(super) fn comparisons(&self) -> &AtomicU64 {
        &self.counters(Phase::Sorting).done
    }
}

impl Job {
    /// Begins to sort this many items.
    pub(super) fn begin_sorting(&self, items: usize) {
        if let Some(progress) = &self.options.progress {
            let items = items as f64; // an estimate may be lossy
            let comparisons = items * items.log2() - items;
            progress.begin(Phase::Sorting, comparisons.max(1.0) as u64);
        }
    }

    /// Begins to verify.
    pub(super) fn begin_verifying(&self) {
        if let Some(progress) = &self.options.progress {
            progress.begin(Phase::Verifying, 0);
        }
    }

    /// Begins a phase that counts items, or goes on with reading. `total` is 0 where it is not known.
    #[cfg(feature = "spill")]
    pub(super) fn tally(&self, phase: Phase, total: u64) -> Tally<'_> {
        Tally::begin(self.options.progress.as_ref(), phase, total)
    }
}

/// The items of a phase, which one thread counts.
#[cfg(feature = "spill")]
pub(super) struct Tally<'a> {
    done: Option<&'a AtomicU64>,
    /// Items that have not been added.
    more: u64,
}

#[cfg(feature = "spill")]
impl<'a> Tally<'a> {
    /// As [`Job::tally`].
    pub(super) fn begin(progress: Option<&'a Arc<Progress>>, phase: Phase, total: u64) -> Tally<'a> {
        let done = progress.map(|progress| {
            progress.begin(phase, total);
            &progress.counters(phase).done
        });
        Tally { done, more: 0 }
    }

    /// Counts an item.
    pub(super) fn count(&mut self) {
        self.more += 1;
        if self.more == ITEMS_AT_ONCE {
            self.add();
        }
    }

    fn add(&mut self) {
        if let Some(done) = self.done {
            done.fetch_add(self.more, Relaxed);
        }
        self.more = 0;
    }
}

#[cfg(feature = "spill")]
impl Drop for Tally<'_> {
    fn drop(&mut self) {
        self.add();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::limits::Limits;
    use crate::sandbox::Sandbox;
    use crate::sort::{Items, Options, Sorter, Verify};

    #[test]
    fn all_comparisons_are_told_at_the_end_whoever_makes_them() {
        let guest = Sandbox::new(Limits::default()).unwrap().bundled("i32").unwrap();
        let prototype = "int (const int32_t *, const int32_t *)".parse().unwrap();
        let compare = guest.callback("compare_i32", prototype).unwrap();
        let numbers: Vec<u8> = (0..9000u32).flat_map(|n| (n * 7919 % 9001).to_le_bytes()).collect();
        for sorter in [Sorter::Qsort, Sorter::Msvcrt, Sorter::Sandboxed] {
            for (threads, in_place) in [(1, false), (1, true), (2, false), (2, true)] {
                let progress = Arc::new(Progress::default());
                let options = Options::default().sorter(sorter).verify(Verify::Off);
                let options = options.parallel(threads.try_into().unwrap()).progress(progress.clone());
                let job = Job::new(&compare, options);
                let mut items = Items::records(numbers.clone(), 4).unwrap();
                if in_place {
                    job.sort_in_place(&mut items).unwrap();
                } else {
                    job.sort(&items).unwrap();
                }
                let told = (progress.phase(), progress.done(), progress.total());
                assert_eq!(told, (Phase::Sorting, job.comparisons(), Some(109_221)), "{sorter:?} {threads}");
            }
        }
    }
}
