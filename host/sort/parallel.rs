//! Sorting with several threads: one guest for each, instantiated from one compiled module.

use std::sync::Arc;

use super::columns::Keyed;
use super::runs::{Piece, Run, cut};
use super::worker::{FirstGuest, Worker, with_worker};
use super::{Items, Job};
use crate::batch;
use crate::error::{Result, bug};
use crate::sandbox::Budget;

/// Minimum number of items for which a thread pays.
const MIN_ITEMS_PER_THREAD: usize = 4096;

/// Number of items that a thread merges at once.
const ITEMS_PER_PIECE: usize = 1 << 17;

/// Returns the number of threads that pays for this job.
pub(super) fn threads(job: &Job, items: &Items<'_>) -> usize {
    job.options.parallel.get().min(items.len() / MIN_ITEMS_PER_THREAD).max(1)
}

/// Sorts parts of the items, and then merges runs by pairs until one is left.
pub(super) fn sort<R: Run>(job: &Job, items: Keyed<'_>, threads: usize) -> Result<R> {
    let len = items.len() as u64;
    let bound = |part: usize| (len * part as u64 / threads as u64) as u32;
    let parts: Vec<_> = (0..threads).map(|part| bound(part)..bound(part + 1)).collect();
    let mut runs: Vec<R> = at_once(job, items, parts, |worker, part| R::sort(worker, part))?;
    while runs.len() > 1 {
        let odd = if runs.len() % 2 == 1 { runs.pop() } else { None };
        let pieces = threads.div_ceil(runs.len() / 2);
        // Each thread merges small pieces one after the other: a kernel takes twice the memory of its piece.
        let small = (items.len() / threads).div_ceil(ITEMS_PER_PIECE).max(1);
        let mut work = Vec::new();
        let cuts: Result<Vec<_>> = runs
            .chunks_exact(2)
            .map(|pair| {
                with_worker::<R, _>(job, items, &job.budget, FirstGuest::Own, |worker| {
                    let ([left, right], items) = ([&pair[0], &pair[1]], worker.items);
                    cut(left, right, pieces * small, |l, r| {
                        worker.compare(&left.get(items, l), &right.get(items, r))
                    })
                })
            })
            .collect();
        let cuts = cuts?;
        for pieces in &cuts {
            work.extend(pieces.chunks(small));
        }
        let merged = at_once(job, items, work, |worker, pieces: &[[Piece<'_, R>; 2]]| {
            let merged = pieces.iter().map(|[left, right]| R::merge(worker, left.clone(), right.clone()));
            let len = pieces.iter().flatten().map(Piece::len).sum();
            R::concat(merged, len)?.ok_or_else(|| bug!("a thread had no pieces to merge"))
        })?;
        drop(cuts);
        // The runs are dropped before the merged pieces are concatenated.
        runs.clear();
        let mut merged = merged.into_iter().peekable();
        let mut next = Vec::new();
        while merged.peek().is_some() {
            let pieces: Vec<_> = merged.by_ref().take(pieces).collect();
            let len = pieces.iter().map(Run::len).sum();
            next.extend(R::concat(pieces.into_iter().map(Ok), len)?);
        }
        next.extend(odd);
        runs = next;
    }
    runs.pop().ok_or_else(|| bug!("several threads left no run"))
}

/// Does all pieces of the work at once, each on a thread and with a guest of its own. Of several failures,
/// returns that of the first piece.
fn at_once<R: Run, W: Send>(
    job: &Job,
    items: Keyed<'_>,
    work: Vec<W>,
    each: impl for<'a> Fn(&mut Worker<'a, R::Session<'a>>, W) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let one = |work: W, share: &Arc<Budget>| {
        with_worker::<R, _>(job, items, share, FirstGuest::Own, |worker| each(worker, work))
    };
    let outcomes = batch::at_once(job.callback(), ("callbox-sort", "to sort with"), &job.budget, work, one);
    outcomes.into_iter().collect()
}
