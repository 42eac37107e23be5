//! Sorting records by value in the sandbox: numbers that the guest takes as core values.

use std::ops::Range;
use std::sync::Arc;

use super::columns::{ItemRef, Keyed};
use super::runs::{Piece, Run, reserve};
use super::worker::{FirstGuest, Opens, Worker, with_worker};
use super::{Job, parallel};
use crate::batch::SandboxedSort;
use crate::callback::Callback;
use crate::error::{Result, bug};
use crate::sandbox::Budget;

/// A run of the records themselves.
pub(super) struct Values {
    pub(super) bytes: Vec<u8>,
    /// Width of a record in bytes.
    width: usize,
}

impl Values {
    /// Returns a record by its position in the run.
    pub(super) fn record(&self, at: usize) -> &[u8] {
        &self.bytes[at * self.width..][..self.width]
    }

    /// Returns the bytes of a piece.
    fn piece<'r>(piece: &Piece<'r, Values>) -> &'r [u8] {
        let Values { bytes, width } = piece.run;
        &bytes[piece.range.start * width..piece.range.end * width]
    }
}

impl Job {
    /// Sorts records by value in the sandbox.
    pub(super) fn sort_values(&self, items: Keyed<'_>, threads: usize) -> Result<Values> {
        match threads {
            1 => {
                let all = 0..items.len() as u32; // lossless: `Items` bounds its length
                with_worker::<Values, _>(self, items, &self.budget, FirstGuest::Own, |worker| {
                    Values::sort(worker, all)
                })
            }
            threads => parallel::sort(self, items, threads),
        }
    }
}

impl Opens for Values {
    type Session<'a> = SandboxedSort<'a>;

    fn open<'a>(
        job: &Job,
        _: Keyed<'_>,
        key: usize,
        callback: &'a Callback,
        budget: &Arc<Budget>,
    ) -> Result<SandboxedSort<'a>> {
        callback.sandboxed_sort_by_value(budget, job.kernel_rules(key))
    }
}

impl Run for Values {
    fn sort<'a>(worker: &mut Worker<'a, SandboxedSort<'a>>, numbers: Range<u32>) -> Result<Values> {
        let items = worker.items.items;
        let whole = items.whole(numbers.clone()).ok_or_else(|| bug!("values are records"))?;
        let all = numbers.clone().map(|at| items.get(at as usize));
        worker.first().load(numbers.len(), all, Some([whole, &[]]))?;
        let width = whole.len() / numbers.len().max(1);
        Ok(Values { bytes: worker.first().sort_values(whole)?, width })
    }

    fn merge<'a>(
        worker: &mut Worker<'a, SandboxedSort<'a>>,
        left: Piece<'_, Values>,
        right: Piece<'_, Values>,
    ) -> Result<Values> {
        let (len, width) = (left.len() + right.len(), left.run.width);
        let pieces = [Values::piece(&left), Values::piece(&right)];
        let all = pieces.into_iter().flat_map(|piece| piece.chunks_exact(width));
        worker.first().load(len, all, Some(pieces))?;
        Ok(Values { bytes: worker.first().merge_values(left.len())?, width })
    }

    fn reserve(&mut self, len: usize) -> Result<()> {
        reserve(&mut self.bytes, len * self.width)
    }

    fn append(&mut self, run: Values) {
        self.bytes.extend_from_slice(&run.bytes);
    }

    fn len(&self) -> usize {
        self.bytes.len() / self.width.max(1)
    }

    fn get<'r>(&'r self, _: Keyed<'r>, at: usize) -> ItemRef<'r> {
        ItemRef::Bytes(self.record(at))
    }
}
