//! `callbox sort --isolate` on systems other than Linux: refused, for the library's reason.

use callbox::isolation::Isolation;

use super::args;
use super::fault::{Context, Exit, Result};
use super::output::Output;

/// A sort in a child.
#[derive(Clone, Copy)]
pub(super) struct Isolated<'a> {
    pub(super) args: &'a args::Sort,
    /// The guest's name.
    pub(super) guest: &'a str,
}

pub(super) fn enter(sort: Isolated<'_>, _: usize) -> Result<()> {
    refuse(sort).map(drop)
}

/// Fails before the input is read.
pub(super) fn run(sort: Isolated<'_>, _: Output, _: impl FnOnce() -> Exit) -> Result<Exit> {
    refuse(sort)
}

fn refuse(sort: Isolated<'_>) -> Result<Exit> {
    let isolation = Isolation::new(&sort.args.guest.limits.set());
    isolation.enter().map(|()| Exit::Done).with_context(|| format!("{}: --isolate", sort.guest))
}
