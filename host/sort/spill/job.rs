//! Sorting and merging inputs of any size.

use std::sync::atomic::Ordering::Relaxed;

use super::arranged::{Arranged, Choices, Place, choice, is_kept, open};
use super::merge::{Merge, Merged};
use super::parts::{self, Part};
use super::run::{Run, RunWriter};
use super::source::{Copied, InMemory, Streamed};
use super::spot::Spots;
use super::{Spill, max_runs};
use crate::error::{FileError, Result};
use crate::memory::try_with_capacity;
use crate::native::Verify;
use crate::sort::chunk::Chunk;
use crate::sort::columns::{Comparand, Keyed};
use crate::sort::{Format, Input, Job, Phase};

impl Job {
    /// Sorts the items of all inputs, which have one format. What does not fit in memory is kept in files.
    ///
    /// Where all items fit in memory, this is [`Job::sort`] or [`Job::sort_in_place`]. Otherwise each part
    /// that fits has a budget of its own, and so has the merge of some million items.
    ///
    /// # Errors
    ///
    /// Those of [`Job::sort`], and [`FileError`](crate::FileError).
    pub fn sort_inputs(&self, inputs: impl IntoIterator<Item = Input>, spill: &Spill) -> Result<Arranged> {
        let mut inputs = inputs.into_iter().peekable();
        let Some(format) = inputs.peek().map(Input::format) else { return Ok(Arranged::nothing()) };
        let mut runs = Runs::new(self, spill, format);
        let mut chunk = Chunk::new(self, format, spill.memory)?;
        for mut input in inputs {
            input.limit(spill.most());
            while !chunk.fill(self, &mut input)? {
                let taken = chunk.taken();
                runs.add(chunk)?;
                let mut left = spill.memory.saturating_sub(runs.kept());
                // A part that is much smaller is not worth its place in the merge.
                if left < taken / 2 {
                    runs.spill_parts()?;
                    left = spill.memory;
                }
                chunk = Chunk::new(self, format, left)?;
            }
        }
        if !chunk.items.is_empty() || runs.is_empty() {
            runs.add(chunk)?;
        }
        if self.options.verify == Verify::Full && runs.are_several() {
            return Err(FileError::VerifyFull.into());
        }
        runs.arrange(self.options.verify != Verify::Off)
    }

    /// Merges the items of inputs, each of which is sorted already. Nothing is verified: where an input is
    /// not sorted, neither is the result.
    ///
    /// # Errors
    ///
    /// As [`Job::sort_inputs`].
    pub fn merge_inputs(&self, inputs: impl IntoIterator<Item = Input>, spill: &Spill) -> Result<Arranged> {
        let mut inputs = inputs.into_iter().peekable();
        let Some(format) = inputs.peek().map(Input::format) else { return Ok(Arranged::nothing()) };
        let mut chunk = Chunk::new(self, format, spill.memory)?;
        let mut ends = Vec::new();
        while let Some(mut input) = inputs.next() {
            input.limit(spill.most());
            if chunk.fill(self, &mut input)? {
                ends.push(chunk.items.len());
                continue;
            }
            // They do not fit in memory: each one becomes a run.
            let mut runs = Runs::new(self, spill, format);
            let mut start = 0;
            for end in ends {
                runs.write(|run| (start..end).try_for_each(|at| run(chunk.items.get(at))))?;
                start = end;
            }
            runs.write(|run| {
                (start..chunk.items.len()).try_for_each(|at| run(chunk.items.get(at)))?;
                drop(chunk);
                self.copy(&mut input, run)
            })?;
            for mut input in inputs {
                input.limit(spill.most());
                runs.write(|run| self.copy(&mut input, run))?;
            }
            runs.count();
            return runs.arrange(false);
        }
        let order = self.merge_in_memory(chunk.keyed(), &ends)?;
        let (items, bytes, written) = (chunk.items.len() as u64, chunk.bytes(), order.len() as u64);
        let place = Place::Memory { parts: vec![Part::new(chunk, order).hold()], choices: Vec::new() };
        Ok(Arranged { place, format, items, written, bytes, progress: self.options.progress.clone() })
    }

    /// Passes the items of an input on.
    fn copy(&self, input: &mut Input, to: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut read = self.tally(Phase::Reading, 0);
        input.try_for_each(&mut |item| {
            read.count();
            to(item)
        })
    }

    /// Merges parts of items, given by the places where they end.
    fn merge_in_memory(&self, items: Keyed<'_>, ends: &[usize]) -> Result<Vec<u32>> {
        let starts = [0].into_iter().chain(ends.iter().copied());
        let parts = starts.zip(ends).map(|(start, &end)| InMemory::new(items, None, start..end));
        let mut order = try_with_capacity(items.len(), "the merged numbers of the items")?;
        let merge = Merge::new(parts.collect(), items.len() as u64);
        merge.run(self, items.items, None, |Merged { item, kept, .. }| {
            if kept {
                order.push(item.number() as u32); // lossless: `Chunk` bounds its length
            }
            Ok(())
        })?;
        Ok(order)
    }

    /// Returns the first item of an input that is out of order, or with
    /// [`Options::unique`](crate::sort::Options::unique) equals the one before it. Each few thousand items have
    /// a budget of their own, which does not run while they are read.
    ///
    /// # Errors
    ///
    /// As [`Job::sort_inputs`].
    pub fn disorder_of(&self, input: &mut Input, spill: &Spill) -> Result<Option<Disorder>> {
        input.limit(spill.most());
        let none = Chunk::new(self, input.format(), 0)?;
        let (mut items, mut read): (Vec<Copied>, _) = (Vec::new(), self.tally(Phase::Reading, 0));
        loop {
            // The last one is compared with the next.
            items.drain(..items.len().saturating_sub(1));
            let first = input.items() - items.len() as u64;
            let (mut bytes, mut at_end) = (0, false);
            while bytes < spill.memory / 4 && items.len() < ITEMS_AT_ONCE && !at_end {
                at_end = !input.advance()?;
                if !at_end {
                    read.count();
                    let item = Copied::of_item(input.item(), &self.keys);
                    bytes += item.len();
                    items.push(item);
                }
            }
            let found = self.renewed(&self.counters, |job| {
                job.compare_with(none.keyed(), |worker| {
                    for (at, pair) in items.windows(2).enumerate() {
                        if worker.is_disorder(&pair[0], &pair[1])? {
                            return Ok(Some(at + 1));
                        }
                    }
                    Ok(None)
                })
            })?;
            if let Some(at) = found {
                let item = items.swap_remove(at).bytes().to_vec();
                return Ok(Some(Disorder { number: first + at as u64 + 1, item }));
            }
            if at_end {
                return Ok(None);
            }
        }
    }
}

/// An item that must not follow the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disorder {
    /// Number of the item in its input, from 1; a header counts.
    pub number: u64,
    /// The item.
    pub item: Vec<u8>,
}

/// Number of items that are compared on one budget where an input is checked.
const ITEMS_AT_ONCE: usize = 4096;

/// The runs of a job, in the order of its input.
struct Runs<'a> {
    job: &'a Job,
    spill: &'a Spill,
    format: Format,
    runs: Vec<Run>,
    /// Those that have not been kept in a file yet.
    parts: Vec<Part>,
    /// Number of all items that were read, and of their bytes.
    items: u64,
    bytes: u64,
}

impl<'a> Runs<'a> {
    fn new(job: &'a Job, spill: &'a Spill, format: Format) -> Runs<'a> {
        Runs { job, spill, format, runs: Vec::new(), parts: Vec::new(), items: 0, bytes: 0 }
    }
}

impl Runs<'_> {
    /// Sorts items, and keeps them in memory.
    fn add(&mut self, chunk: Chunk) -> Result<()> {
        let (items, bytes) = (chunk.items.len() as u64, chunk.bytes());
        (self.items, self.bytes) = (self.items + items, self.bytes + bytes);
        self.parts.push(Part::sort(self.job, chunk)?);
        Ok(())
    }

    /// Returns memory in bytes that the parts take.
    fn kept(&self) -> usize {
        self.parts.iter().map(Part::kept).sum()
    }

    fn are_several(&self) -> bool {
        self.parts.len() + self.runs.len() > 1
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.runs.is_empty()
    }

    /// Keeps the parts in memory as one run.
    fn spill_parts(&mut self) -> Result<()> {
        let (job, parts) = (self.job, std::mem::take(&mut self.parts));
        self.write(|run| {
            parts::merge(job, &parts, None, |item, _, kept| if kept { run(item) } else { Ok(()) })
        })
    }

    /// Keeps the items that `content` passes on as a run.
    fn write(
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

    /// Returns how many runs are merged at once: each has its item in memory.
    fn most_at_once(&self) -> usize {
        let longest = self.runs.iter().map(|run| run.longest).max().unwrap_or(0);
        self.spill.most_at_once().min(self.spill.memory / 2 / longest.max(1)).max(2)
    }

    /// Counts the items of all runs as those that were read.
    fn count(&mut self) {
        self.items = self.runs.iter().map(|run| run.items).sum();
        self.bytes = self.runs.iter().map(|run| run.bytes).sum();
    }

    /// Decides the order of all items.
    fn arrange(mut self, verify: bool) -> Result<Arranged> {
        if self.runs.is_empty() {
            return self.arrange_parts(verify);
        }
        if !self.parts.is_empty() {
            self.spill_parts()?;
        }
        let batch = self.most_at_once();
        while self.runs.len() > batch {
            // As few runs as it takes.
            self.merge_some(batch.min(self.runs.len() - batch + 1))?;
        }
        let none = Chunk::new(self.job, self.format, 0)?;
        let (mut choices, mut merged, mut written) = (Choices::create(self.spill)?, 0, 0);
        let spill = self.spill;
        let mut spots = verify.then(|| Spots::new(self.items, spill.memory / 16));
        self.merge_of(0, self.runs.len())?.run(self.job, &none.items, spots.as_mut(), |item| {
            merged += 1;
            written += u64::from(item.kept);
            choices.push(choice(item.source, item.kept))
        })?;
        self.job.counters.verified.fetch_add(spots.map_or(0, |spots| spots.asked()), Relaxed);
        let Runs { job, spill, format, runs, items, bytes, .. } = self;
        let place = Place::Runs { runs, choices: choices.finish()?, merged, spill: spill.clone() };
        Ok(Arranged { place, format, items, written, bytes, progress: job.options.progress.clone() })
    }

    /// Decides the order of all items, which are in memory.
    fn arrange_parts(self, verify: bool) -> Result<Arranged> {
        let Runs { job, spill, format, parts, items, bytes, .. } = self;
        let (mut choices, mut written) = (Vec::new(), parts.iter().map(|part| part.len() as u64).sum());
        if parts.len() > 1 {
            let mut spots = verify.then(|| Spots::new(items, spill.memory / 16));
            choices = parts::choices(job, &parts, spots.as_mut(), choice)?;
            written = choices.iter().filter(|&&at| is_kept(at)).count() as u64;
            job.counters.verified.fetch_add(spots.map_or(0, |spots| spots.asked()), Relaxed);
        }
        let place = Place::Memory { parts: parts.into_iter().map(Part::hold).collect(), choices };
        Ok(Arranged { place, format, items, written, bytes, progress: job.options.progress.clone() })
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
        self.merge_of(start, count)?.run(self.job, &none.items, None, |Merged { item, kept, .. }| {
            if kept { run.write(item.bytes(), separator) } else { Ok(()) }
        })?;
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
