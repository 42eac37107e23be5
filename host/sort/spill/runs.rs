//! Sorted items of a job: chunks in memory, and runs in files.

use std::sync::atomic::Ordering::Relaxed;

use super::arranged::{Arranged, Choices, Storage, choice, is_kept, open};
use super::merge::{Merge, Merged};
use super::run::{Run, RunWriter};
use super::sorted_chunk::{self, SortedChunk};
use super::source::Streamed;
use super::spot::Spots;
use super::{Spill, max_runs};
use crate::error::Result;
use crate::sort::chunk::Chunk;
use crate::sort::columns::Comparand;
use crate::sort::{Format, Job};

/// The runs of a job, in the order of its input.
pub(super) struct Runs<'a> {
    job: &'a Job,
    spill: &'a Spill,
    format: Format,
    /// Whether merges are spot-checked: all of them, because one may drop items that no later one sees.
    verify: bool,
    runs: Vec<Run>,
    /// Sorted items that are not in a file yet.
    chunks: Vec<SortedChunk>,
    /// Number of all items that were read, and of their bytes.
    items: u64,
    bytes: u64,
}

impl<'a> Runs<'a> {
    pub(super) fn new(job: &'a Job, spill: &'a Spill, format: Format, verify: bool) -> Runs<'a> {
        Runs { job, spill, format, verify, runs: Vec::new(), chunks: Vec::new(), items: 0, bytes: 0 }
    }
}

impl Runs<'_> {
    /// Sorts items, and keeps them in memory.
    pub(super) fn add(&mut self, chunk: Chunk) -> Result<()> {
        let (items, bytes) = (chunk.items.len() as u64, chunk.bytes());
        (self.items, self.bytes) = (self.items + items, self.bytes + bytes);
        self.chunks.push(SortedChunk::sort(self.job, chunk)?);
        Ok(())
    }

    /// Returns memory in bytes that the chunks take.
    pub(super) fn kept(&self) -> usize {
        self.chunks.iter().map(SortedChunk::kept).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.runs.is_empty()
    }

    /// Keeps the chunks in memory as one run.
    pub(super) fn spill_chunks(&mut self) -> Result<()> {
        let (job, chunks) = (self.job, std::mem::take(&mut self.chunks));
        let mut spots = self.spots(chunks.iter().map(|chunk| chunk.len() as u64).sum());
        self.write(|run| {
            let each = |item: &[u8], _, kept| if kept { run(item) } else { Ok(()) };
            sorted_chunk::merge(job, &chunks, spots.as_mut(), each)
        })?;
        self.count_asked(spots);
        Ok(())
    }

    /// Keeps the items that `content` passes on as a run.
    pub(super) fn write(
        &mut self,
        content: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        if self.runs.len() >= max_runs() {
            self.merge_some(self.most_at_once())?;
        }
        let mut run = RunWriter::create(self.spill, self.runs.len())?;
        content(&mut |item| run.write(item, self.format.separator()))?;
        self.runs.push(run.finish()?);
        Ok(())
    }

    /// Returns spot checks for a merge of this many items.
    fn spots(&self, items: u64) -> Option<Spots> {
        self.verify.then(|| Spots::new(items, self.spill.memory / 16))
    }

    fn count_asked(&self, spots: Option<Spots>) {
        self.job.counters.verified.fetch_add(spots.map_or(0, |spots| spots.asked()), Relaxed);
    }

    /// Returns how many runs are merged at once: each has its item in memory.
    fn most_at_once(&self) -> usize {
        let longest = self.runs.iter().map(|run| run.longest).max().unwrap_or(0);
        self.spill.most_at_once().min(self.spill.memory / 2 / longest.max(1)).max(2)
    }

    /// Counts the items of all runs as those that were read.
    pub(super) fn count(&mut self) {
        self.items = self.runs.iter().map(|run| run.items).sum();
        self.bytes = self.runs.iter().map(|run| run.bytes).sum();
    }

    /// Decides the order of all items.
    pub(super) fn arrange(mut self) -> Result<Arranged> {
        if self.runs.is_empty() {
            return self.arrange_chunks();
        }
        if !self.chunks.is_empty() {
            self.spill_chunks()?;
        }
        let batch = self.most_at_once();
        while self.runs.len() > batch {
            // As few runs as it takes.
            self.merge_some(batch.min(self.runs.len() - batch + 1))?;
        }
        let none = Chunk::new(self.job, self.format, 0)?;
        let (mut choices, mut merged, mut written) = (Choices::create(self.spill)?, 0, 0);
        let mut spots = self.spots(self.items);
        self.merge_of(0, self.runs.len())?.run(self.job, &none.items, spots.as_mut(), |item| {
            merged += 1;
            written += u64::from(item.kept);
            choices.push(choice(item.source, item.kept))
        })?;
        self.count_asked(spots);
        let Runs { job, spill, format, runs, items, bytes, .. } = self;
        let storage = Storage::Runs { runs, choices: choices.finish()?, merged, spill: spill.clone() };
        Ok(Arranged { storage, format, items, written, bytes, progress: job.options.progress.clone() })
    }

    /// Decides the order of all items, which are in memory.
    fn arrange_chunks(self) -> Result<Arranged> {
        let (mut choices, mut written) =
            (Vec::new(), self.chunks.iter().map(|chunk| chunk.len() as u64).sum());
        if self.chunks.len() > 1 {
            let mut spots = self.spots(self.items);
            choices = sorted_chunk::choices(self.job, &self.chunks, spots.as_mut(), choice)?;
            written = choices.iter().filter(|&&at| is_kept(at)).count() as u64;
            self.count_asked(spots);
        }
        let Runs { job, format, chunks, items, bytes, .. } = self;
        let storage =
            Storage::Memory { chunks: chunks.into_iter().map(SortedChunk::hold).collect(), choices };
        Ok(Arranged { storage, format, items, written, bytes, progress: job.options.progress.clone() })
    }

    /// Merges this many neighbours, those with the fewest bytes.
    fn merge_some(&mut self, count: usize) -> Result<()> {
        let bytes = |start: &usize| self.runs[*start..][..count].iter().map(|run| run.bytes).sum::<u64>();
        let start = (0..=self.runs.len() - count).min_by_key(bytes).unwrap_or(0);
        self.merge(start, count)
    }

    /// Replaces runs by their merge.
    fn merge(&mut self, start: usize, count: usize) -> Result<()> {
        let none = Chunk::new(self.job, self.format, 0)?;
        let mut run = RunWriter::create(self.spill, start)?;
        let separator = self.format.separator();
        let mut spots = self.spots(self.runs[start..][..count].iter().map(|run| run.items).sum());
        let each = |Merged { item, kept, .. }: Merged<'_, Streamed>| {
            if kept { run.write(item.bytes(), separator) } else { Ok(()) }
        };
        self.merge_of(start, count)?.run(self.job, &none.items, spots.as_mut(), each)?;
        self.count_asked(spots);
        self.runs.splice(start..start + count, [run.finish()?]);
        Ok(())
    }

    fn merge_of(&self, start: usize, count: usize) -> Result<Merge<Streamed>> {
        let open =
            |run: &Run| Streamed::new(open(run, self.format, self.spill, count)?, run.items, &self.job.keys);
        let runs = &self.runs[start..][..count];
        let items = runs.iter().map(|run| run.items).sum();
        Ok(Merge::new(runs.iter().map(open).collect::<Result<_>>()?, items))
    }
}
