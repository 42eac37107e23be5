//! The merge of sources.

use std::ops::ControlFlow;

use super::losers::LoserTree;
use super::source::{Copied, Source};
use super::spot::Spots;
use crate::callback::{Answer, Session};
use crate::error::Result;
use crate::sort::worker::Worker;
use crate::sort::{Items, Job, Phase, columns::Columns};

/// Number of items that are merged on one budget.
const ITEMS_PER_BUDGET: usize = 1 << 22;

/// A merge of sources, which are in order; of equal items, those of the first source come first.
pub(super) struct Merge<S> {
    sources: Vec<S>,
    /// Number of their items.
    items: u64,
    /// Under [`Options::unique`](crate::sort::Options::unique), the last item that was kept.
    last: Option<Copied>,
}

/// An item that a merge has come to.
pub(super) struct Merged<'s, S> {
    pub(super) item: &'s S,
    /// Number of its source.
    pub(super) source: usize,
    /// Whether no item before it equals it, where that matters.
    pub(super) kept: bool,
}

type Comparing<'a> = Worker<'a, Session<'a>>;

/// Looks at an item: see [`Spots::look`].
type Look<'a, S> = dyn FnMut(&S, Option<&Copied>, bool) -> Result<()> + 'a;

impl<S: Source> Merge<S> {
    pub(super) fn new(sources: Vec<S>, items: u64) -> Merge<S> {
        Merge { sources, items, last: None }
    }

    /// Passes all items on in order. A job that verifies asks fresh guests about some pairs of them.
    pub(super) fn run(
        mut self,
        job: &Job,
        none: &Items<'_>,
        mut spots: Option<&mut Spots>,
        mut each: impl FnMut(Merged<'_, S>) -> Result<()>,
    ) -> Result<()> {
        let mut tally = job.tally(Phase::Merging, self.items);
        let mut each = |merged: Merged<'_, S>| {
            tally.count();
            each(merged)
        };
        let (columns, mut tree) = (Columns::new(&job.keys), None);
        let none = columns.with(none);
        loop {
            let ended = job.renewed(&job.counters, |job| {
                job.compare_with(none, |worker| {
                    let tree = match &mut tree {
                        Some(tree) => tree,
                        None => tree.insert(self.tree(worker)?),
                    };
                    match &mut spots {
                        None => self.some(worker, tree, &mut |_, _, _| Ok(()), &mut each),
                        Some(spots) => job.compare_with_fresh(none, |fresh| {
                            let mut look =
                                |item: &S, last: Option<&Copied>, kept| spots.look(fresh, item, last, kept);
                            self.some(worker, tree, &mut look, &mut each)
                        }),
                    }
                })
            })?;
            if ended.is_break() {
                return Ok(());
            }
        }
    }

    fn tree(&self, worker: &mut Comparing<'_>) -> Answer<LoserTree> {
        LoserTree::new(self.sources.len(), |a, b| self.wins(worker, a, b))
    }

    /// Returns whether the first source's item comes first.
    fn wins(&self, worker: &mut Comparing<'_>, a: usize, b: usize) -> Answer<bool> {
        let [a, b] = [&self.sources[a], &self.sources[b]];
        Ok(b.is_at_end() || !a.is_at_end() && worker.compare(a, b)?.is_le())
    }

    /// Passes items on until there are no more, or the budget has to be renewed.
    fn some(
        &mut self,
        worker: &mut Comparing<'_>,
        tree: &mut LoserTree,
        look: &mut Look<'_, S>,
        each: &mut dyn FnMut(Merged<'_, S>) -> Result<()>,
    ) -> Result<ControlFlow<()>> {
        let job = worker.job;
        for _ in 0..ITEMS_PER_BUDGET {
            let source = tree.winner();
            let item = &self.sources[source];
            if item.is_at_end() {
                return Ok(ControlFlow::Break(()));
            }
            let mut kept = true;
            if job.options.unique {
                kept = match &self.last {
                    Some(last) => worker.compare_keys(0, last, item)?.is_ne(),
                    None => true,
                };
            }
            look(item, self.last.as_ref(), kept)?;
            if job.options.unique && kept {
                self.last = Some(Copied::of(item, job.keys.len()));
            }
            each(Merged { item, source, kept })?;
            self.sources[source].advance(&job.keys)?;
            tree.replay(|a, b| self.wins(worker, a, b))?;
        }
        Ok(ControlFlow::Continue(()))
    }
}
