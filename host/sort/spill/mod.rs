//! Sorts of inputs that do not fit in memory: runs of them are sorted, kept in files, and merged.
//!
//! First the guests decide the order of all items; then it is verified, and only then it is written.

mod arranged;
mod disorder;
mod job;
mod losers;
mod merge;
mod run;
mod runs;
mod sorted_chunk;
mod source;
mod spot;

pub use arranged::Arranged;
pub use disorder::Disorder;

use std::ffi::OsString;
use std::path::PathBuf;

/// How much memory a sort may take for items, and where it keeps what does not fit.
#[derive(Clone, Debug)]
pub struct Spill {
    memory: usize,
    folders: Vec<PathBuf>,
    batch: usize,
    program: Option<OsString>,
}

/// Maximum number of runs that are merged at once: their numbers fit in a byte, with a mark beside them.
const MAX_BATCH: usize = 128;

/// Minimum memory for items. Less would make runs so short that their files cost more than the sort.
const MIN_MEMORY: usize = 16 << 10;

/// Size of the buffer of a file.
const BUFFER_BYTES: std::ops::RangeInclusive<usize> = 4 << 10..=256 << 10;

impl Spill {
    /// Creates a description: about `memory` bytes for items and what belongs to them, beside what the
    /// process takes already; what does not fit goes to the system's folder for temporary files. At least
    /// 16 KiB are taken.
    pub fn new(memory: usize) -> Spill {
        Spill { memory: memory.max(MIN_MEMORY), folders: Vec::new(), batch: MAX_BATCH, program: None }
            .in_default_folder()
    }

    fn in_default_folder(self) -> Spill {
        Spill { folders: vec![std::env::temp_dir()], ..self }
    }

    /// Sets the folders of the files, which take turns. An empty list stands for the system's folder.
    pub fn folders(self, folders: Vec<PathBuf>) -> Spill {
        if folders.is_empty() { self.in_default_folder() } else { Spill { folders, ..self } }
    }

    /// Sets how many runs are merged at once, at least 2. At most 128 are, and fewer where their buffers
    /// would not fit in memory.
    pub fn batch(self, batch: usize) -> Spill {
        Spill { batch: batch.clamp(2, MAX_BATCH), ..self }
    }

    /// Sets the program that compresses what is kept, from its standard input to its standard output, and
    /// with the argument `-d` reverses that.
    pub fn program(self, program: impl Into<OsString>) -> Spill {
        Spill { program: Some(program.into()), ..self }
    }

    /// Returns how many bytes of memory items may take.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Returns the size of a buffer where there are `count` of them.
    fn buffer(&self, count: usize) -> usize {
        (self.memory / 4 / count.max(1)).clamp(*BUFFER_BYTES.start(), *BUFFER_BYTES.end())
    }

    /// Returns how many runs are merged at once.
    fn most_at_once(&self) -> usize {
        // Each has a buffer, and an item and its keys; and two open files.
        let by_memory = self.memory / 8 / BUFFER_BYTES.start();
        self.batch.min(by_memory).min(max_runs() / 2).max(2)
    }

    /// Returns the size of an item that is too large. A merge holds two of them, and their keys.
    fn most(&self) -> usize {
        self.memory / 2
    }
}

/// Returns how many files this process may have open.
pub fn max_open_files() -> usize {
    #[cfg(unix)]
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let most = None;
    most.and_then(|most| usize::try_from(most).ok()).unwrap_or(512)
}

/// Returns how many runs there may be at once, each with an open file.
fn max_runs() -> usize {
    (max_open_files() / 2).max(4)
}
