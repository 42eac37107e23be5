//! The result of a sort: items whose order has been decided, and that can be written.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::Spill;
use super::run::Run;
use super::sorted_chunk::Held;
use crate::error::{Error, FileError, Result};
use crate::sort::progress::Tally;
use crate::sort::{Format, Input, Phase, Progress};

/// Marks an item that equals one before it, beside the number of its run.
const DROPPED: u16 = 0x8000;

/// Items in the order that a job has decided, to be written.
pub struct Arranged {
    pub(super) storage: Storage,
    pub(super) format: Format,
    pub(super) items: u64,
    pub(super) written: u64,
    pub(super) bytes: u64,
    pub(super) progress: Option<Arc<Progress>>,
}

pub(super) enum Storage {
    /// In chunks in memory. For each item of the result, a number tells the chunk that has it next; there is
    /// none where there is one chunk.
    Memory { chunks: Vec<Held>, choices: Vec<u16> },
    /// In runs. For each of `merged` items, a number tells the run that has it next.
    Runs { runs: Vec<Run>, choices: File, merged: u64, spill: Spill },
}

impl Arranged {
    pub(super) fn nothing() -> Arranged {
        let storage = Storage::Memory { chunks: vec![Held::none()], choices: Vec::new() };
        let format = Format::Lines { separator: 0 };
        Arranged { storage, format, items: 0, written: 0, bytes: 0, progress: None }
    }

    /// Returns the number of items that were read.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Returns the number of items to write: fewer under [`Options::unique`](crate::sort::Options::unique).
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Returns the number of bytes of all items that were read, with their separators.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Passes the items on in order.
    ///
    /// # Errors
    ///
    /// Errors of `each`, and of reading temporary files.
    pub fn for_each(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut tally = Tally::begin(self.progress.as_ref(), Phase::Writing, self.written);
        let mut each = |item: &[u8]| {
            tally.count();
            each(item)
        };
        match &self.storage {
            Storage::Memory { chunks, choices } => in_memory(chunks, choices, each),
            Storage::Runs { runs, choices, merged, spill } => {
                let open = |run| open(run, self.format, spill, runs.len());
                let mut inputs: Vec<_> =
                    runs.iter().map(open).collect::<Result<_>>().map_err(io::Error::other)?;
                let mut choices = choices;
                choices.rewind()?;
                let mut choices = BufReader::with_capacity(spill.buffer(1), choices);
                for _ in 0..*merged {
                    let mut choice = [0; 2];
                    choices.read_exact(&mut choice)?;
                    let choice = u16::from_le_bytes(choice);
                    let run = usize::from(choice & !DROPPED);
                    if !inputs[run].advance().map_err(io::Error::other)? {
                        let folder = runs[run].folder().to_owned();
                        return Err(io::Error::other(FileError::Changed { folder }));
                    }
                    if is_kept(choice) {
                        each(inputs[run].item())?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Writes the items in order, each with its separator.
    ///
    /// # Errors
    ///
    /// As [`Arranged::for_each`].
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let separator = self.format.separator();
        self.for_each(|item| to.write_all(item).and_then(|()| to.write_all(separator.as_slice())))
    }
}

impl fmt::Debug for Arranged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arranged { format, items, written, bytes, .. } = self;
        let on_disk = matches!(self.storage, Storage::Runs { .. });
        f.debug_struct("Arranged")
            .field("format", format)
            .field("items", items)
            .field("written", written)
            .field("bytes", bytes)
            .field("on_disk", &on_disk)
            .finish()
    }
}

/// Passes on items that are in memory.
fn in_memory(
    chunks: &[Held],
    choices: &[u16],
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    if let [chunk] = chunks {
        return chunk.try_for_each(each);
    }
    let mut next = vec![0; chunks.len()];
    for choice in choices {
        let chunk = usize::from(choice & !DROPPED);
        if is_kept(*choice) {
            each(chunks[chunk].get(next[chunk]))?;
        }
        next[chunk] += 1;
    }
    Ok(())
}

/// Returns the number that tells where an item is.
pub(super) fn choice(source: usize, kept: bool) -> u16 {
    // lossless: so many are merged at most
    source as u16 | if kept { 0 } else { DROPPED }
}

/// Returns whether the item of this number is kept.
pub(super) fn is_kept(choice: u16) -> bool {
    choice & DROPPED == 0
}

/// The runs that have the next item, a number for each item.
pub(super) struct Choices {
    file: BufWriter<File>,
    folder: PathBuf,
}

impl Choices {
    pub(super) fn create(spill: &Spill) -> Result<Choices> {
        let folder = spill.folders[0].clone();
        match tempfile::tempfile_in(&folder) {
            Ok(file) => Ok(Choices { file: BufWriter::with_capacity(spill.buffer(1), file), folder }),
            Err(source) => Err(FileError::Spill { folder, source }.into()),
        }
    }

    pub(super) fn push(&mut self, choice: u16) -> Result<()> {
        self.file.write_all(&choice.to_le_bytes()).map_err(|source| self.error(source))
    }

    pub(super) fn finish(mut self) -> Result<File> {
        self.file.flush().map_err(|source| self.error(source))?;
        let Choices { file, folder } = self;
        file.into_inner().map_err(|error| FileError::Spill { folder, source: error.into_error() }.into())
    }

    fn error(&self, source: io::Error) -> Error {
        FileError::Spill { folder: self.folder.clone(), source }.into()
    }
}

/// Opens a run, one of `count`, to read its items.
pub(super) fn open(run: &Run, format: Format, spill: &Spill, count: usize) -> Result<Input> {
    let name = run.folder().to_string_lossy().into_owned();
    let mut input = Input::with_buffer(name, format, spill.buffer(count), run.read(spill)?);
    // Room for its separator, and for bytes that are read before the end of an item is known.
    input.limit(run.longest.saturating_add(64));
    Ok(input)
}
