//! `callbox sort --isolate` on systems other than Linux: refused, for the library's reason.

use callbox::isolation::Isolation;
use callbox::sort::Items;

use super::args;
use super::fault::{Context, Exit, Result};
use super::output::Output;

pub(super) fn enter(args: &args::Sort, _: &Items) -> Result<()> {
    refuse(args).map(drop)
}

/// Fails before the input is read.
pub(super) fn run(args: &args::Sort, _: Output, _: impl FnOnce() -> Exit) -> Result<Exit> {
    refuse(args)
}

fn refuse(args: &args::Sort) -> Result<Exit> {
    Isolation::new(&args.guest.limits.set()).enter().map(|()| Exit::Done).context("--isolate")
}
