//! Sorting and merging inputs of any size.

use super::Spill;
use super::arranged::{Arranged, Storage};
use super::merge::{Merge, Merged};
use super::runs::Runs;
use super::sorted_chunk::SortedChunk;
use super::source::InMemory;
use crate::error::{FileError, Result};
use crate::memory::try_with_capacity;
use crate::native::Verify;
use crate::sort::chunk::Chunk;
use crate::sort::columns::Keyed;
use crate::sort::{Input, Job, Phase};

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
        let verify = self.options.verify;
        let mut runs = Runs::new(self, spill, format, verify != Verify::Off);
        let mut chunk = Chunk::new(self, format, spill.memory)?;
        for mut input in inputs {
            input.limit(spill.most());
            while !chunk.fill(self, &mut input)? {
                if verify == Verify::Full {
                    return Err(FileError::VerifyFull.into());
                }
                let taken = chunk.taken();
                runs.add(chunk)?;
                let mut left = spill.memory.saturating_sub(runs.kept());
                // A part that is much smaller is not worth its place in the merge.
                if left < taken / 2 {
                    runs.spill_chunks()?;
                    left = spill.memory;
                }
                chunk = Chunk::new(self, format, left)?;
            }
        }
        if !chunk.items.is_empty() || runs.is_empty() {
            runs.add(chunk)?;
        }
        runs.arrange()
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
            let mut runs = Runs::new(self, spill, format, false);
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
            return runs.arrange();
        }
        let order = self.merge_in_memory(chunk.keyed(), &ends)?;
        let (items, bytes, written) = (chunk.items.len() as u64, chunk.bytes(), order.len() as u64);
        let storage =
            Storage::Memory { chunks: vec![SortedChunk::new(chunk, order).hold()], choices: Vec::new() };
        Ok(Arranged { storage, format, items, written, bytes, progress: self.options.progress.clone() })
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
}
