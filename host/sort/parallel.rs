//! Sorting with several threads: one guest for each, made from one compiled module.

use std::sync::Arc;
use std::thread;

use super::Items;
use super::asking::Asking;
use super::job::Job;
use super::run::{Piece, Run, cut};
use crate::error::{Error, Result};
use crate::sandbox::Budget;

/// So many items are worth a thread.
const WORTH: usize = 4096;

/// So many items of each piece are merged at once.
const PIECE: usize = 1 << 17;

/// How many threads this job is worth.
pub(super) fn threads(job: &Job, items: &Items) -> usize {
    job.options.parallel.get().min(items.len() / WORTH).max(1)
}

/// Sorts parts of the items, and then merges runs by pairs until one is left.
pub(super) fn sort(job: &Job, items: &Items, values: bool, threads: usize) -> Result<Run> {
    let len = items.len() as u64;
    let bound = |part: usize| (len * part as u64 / threads as u64) as u32;
    let parts: Vec<_> = (0..threads).map(|part| bound(part)..bound(part + 1)).collect();
    let mut runs = at_once(job, items, values, parts, |asking, part| asking.sort(part))?;
    while runs.len() > 1 {
        let odd = if runs.len() % 2 == 1 { runs.pop() } else { None };
        let pieces = threads.div_ceil(runs.len() / 2);
        // Each thread merges small pieces one after the other: a kernel takes twice as much as its piece.
        let small = (items.len() / threads).div_ceil(PIECE).max(1);
        let mut work = Vec::new();
        let cuts: Result<Vec<_>> = runs
            .chunks_exact(2)
            .map(|pair| {
                Asking::with(job, items, values, &job.budget, |asking| {
                    let ([left, right], items) = ([&pair[0], &pair[1]], asking.items());
                    cut(left, right, pieces * small, |l, r| {
                        asking.order(left.get(items, l), right.get(items, r))
                    })
                })
            })
            .collect();
        let cuts = cuts?;
        for pieces in &cuts {
            work.extend(pieces.chunks(small));
        }
        let merged = at_once(job, items, values, work, |asking, pieces: &[[Piece<'_>; 2]]| {
            let joined = pieces.iter().map(|[left, right]| asking.join(left.clone(), right.clone()));
            let len = pieces.iter().flatten().map(|piece| piece.range.len()).sum();
            Run::concat(joined, len)
        })?;
        drop(cuts);
        // What has been merged goes before the merged pieces are put together.
        runs.clear();
        let mut merged = merged.into_iter().peekable();
        let mut next = Vec::new();
        while merged.peek().is_some() {
            let pieces: Vec<_> = merged.by_ref().take(pieces).collect();
            let len = pieces.iter().map(Run::len).sum();
            next.push(Run::concat(pieces.into_iter().map(Ok), len)?);
        }
        next.extend(odd);
        runs = next;
    }
    runs.pop().ok_or(Error::NotPermutation)
}

/// Does all of the work, each piece on a thread and with a guest of its own. Of several failures
/// that of the first piece counts.
fn at_once<W: Send>(
    job: &Job,
    items: &Items,
    values: bool,
    work: Vec<W>,
    each: impl Fn(&mut Asking<'_>, W) -> Result<Run> + Sync,
) -> Result<Vec<Run>> {
    let shares = job.budget.shares(work.len());
    let one =
        |work: W, share: &Arc<Budget>| Asking::with(job, items, values, share, |asking| each(asking, work));
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (work.into_iter().zip(&shares))
            .map(|(work, share)| {
                let thread = thread::Builder::new().name("callbox-sort".into());
                thread.spawn_scoped(scope, || one(work, share))
            })
            .collect();
        let ended = threads.into_iter().map(|thread| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(Error::Engine { reason: format!("no thread to sort with: {error}") }),
        });
        ended.collect()
    });
    for share in shares {
        job.budget.spend(share.fuel_used());
    }
    outcomes.into_iter().collect()
}
