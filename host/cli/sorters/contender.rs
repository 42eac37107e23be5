//! The sorters, and a sort by one of them.
#![allow(clippy::disallowed_methods, reason = "catches what std's sorts panic with, which is a text")]

use std::cmp::Ordering;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use callbox::sort::{Items, Job, Options, Sorter, Verify};
use callbox::{Callback, escape};

use super::input::Form;
use crate::cli::args::LibraryArg;
use crate::cli::fault::{Exit, Fault, Result};

/// Time of a sort from which on it is timed once; the first one may have to compile the sorter.
const LONG: Duration = Duration::from_millis(100);

/// Time and number of sorts after which a short sort is not timed again.
const MAX_TIMING: Duration = Duration::from_millis(20);
const MAX_SORTS: u32 = 100;

/// A sorter under its name.
pub(super) struct Contender {
    pub(super) name: String,
    code: Code,
}

enum Code {
    Sorter(Sorter),
    RustStable,
    RustUnstable,
}

/// A sort by a contender.
pub(super) struct Sort {
    pub(super) sorted: Items<'static>,
    /// Number of calls of the guest.
    pub(super) comparisons: u64,
    /// Time of the fastest of several sorts.
    pub(super) time: Duration,
}

impl Contender {
    /// Returns the sorters that are always here.
    pub(super) fn all() -> Vec<Contender> {
        let all = [
            ("qsort", Code::Sorter(Sorter::Qsort)),
            ("msvcrt", Code::Sorter(Sorter::Msvcrt)),
            ("sandboxed", Code::Sorter(Sorter::Sandboxed)),
            ("rust-stable", Code::RustStable),
            ("rust-unstable", Code::RustUnstable),
        ];
        all.map(|(name, code)| Contender { name: name.to_owned(), code }).into()
    }

    /// Loads a function of a library.
    pub(super) fn load(function: &LibraryArg) -> Result<Contender> {
        let loaded = function.load()?;
        Ok(Contender { name: escape(loaded.name()), code: Code::Sorter(Sorter::Library(loaded)) })
    }

    /// Sorts a copy of the items, and again as long as that takes little time.
    pub(super) fn sort(&self, guest: &Callback, items: &Items<'static>, form: &Form<'_>) -> Result<Sort> {
        let mut first = self.sort_once(guest, items, form)?;
        let (began, mut sorts) = (Instant::now(), 1);
        while first.time < LONG && sorts < MAX_SORTS && began.elapsed() < MAX_TIMING {
            first.time = first.time.min(self.sort_once(guest, items, form)?.time);
            sorts += 1;
        }
        Ok(first)
    }

    fn sort_once(&self, guest: &Callback, items: &Items<'static>, form: &Form<'_>) -> Result<Sort> {
        let sorter = match self.code {
            Code::Sorter(sorter) => sorter,
            Code::RustStable => {
                return sort_in_rust(guest, items, form, |order, compare| order.sort_by(compare));
            }
            Code::RustUnstable => {
                return sort_in_rust(guest, items, form, |order, compare| order.sort_unstable_by(compare));
            }
        };
        let mut sorted = items.clone();
        let started = Instant::now();
        let job = Job::new(guest, Options::default().unstable(true).sorter(sorter).verify(Verify::Off));
        job.sort_in_place(&mut sorted)?;
        Ok(Sort { time: started.elapsed(), sorted, comparisons: job.comparisons() })
    }
}

/// Compares the items of two numbers.
type Compare<'c> = &'c mut dyn FnMut(&u32, &u32) -> Ordering;

/// Sorts numbers of items by a sort of `std`, which may panic where the answers contradict each other.
fn sort_in_rust(
    guest: &Callback,
    items: &Items<'static>,
    form: &Form<'_>,
    sort: impl FnOnce(&mut [u32], Compare<'_>),
) -> Result<Sort> {
    let started = Instant::now();
    let mut comparisons = guest.comparisons()?;
    let mut order: Vec<u32> = (0..items.len() as u32).collect(); // lossless: `Items` bounds its length
    let mut failure = None;
    let mut compare = |a: &u32, b: &u32| {
        if failure.is_some() {
            return Ordering::Equal; // the sort coasts to its end
        }
        comparisons.compare(items.get(*a as usize), items.get(*b as usize)).unwrap_or_else(|error| {
            failure = Some(error);
            Ordering::Equal
        })
    };
    let outcome = quietly(|| sort(&mut order, &mut compare));
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    outcome.map_err(|message| {
        let text = format!("std's sort found answers that contradict each other, and panicked: {message}");
        Fault::with_exit(Exit::Contradiction, text)
    })?;
    let comparisons = comparisons.calls();
    let sorted = form.list(order.iter().map(|at| items.get(*at as usize)))?;
    Ok(Sort { time: started.elapsed(), sorted, comparisons })
}

/// Calls `call`; a panic leaves only its message, and says nothing on standard error.
fn quietly(call: impl FnOnce()) -> Result<(), String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let outcome = panic::catch_unwind(AssertUnwindSafe(call));
    panic::set_hook(hook);
    outcome.map_err(|payload| match payload.downcast_ref::<&str>() {
        Some(message) => (*message).to_owned(),
        None => payload.downcast_ref::<String>().cloned().unwrap_or_default(),
    })
}

/// `Err` unless a result is in order: sorted again it stays as it is, and a fresh guest has nothing against
/// pairs of it.
pub(super) fn check_order(guest: &Callback, sorted: &Items<'static>) -> Result<()> {
    let options = Options::default().stable(true).sorter(Sorter::Auto).verify(Verify::Sample);
    let again = Job::new(guest, options).sort(sorted)?.order;
    match again.iter().enumerate().find(|(place, at)| *place != **at as usize) {
        None => Ok(()),
        Some((place, _)) => {
            let text = format!("its result is not in order, by the same guest, from item {} on", place + 1);
            Err(Fault::with_exit(Exit::Contradiction, text))
        }
    }
}

/// `Err` unless a result is the same order as another sorter's: each item is the same, or equal to the guest.
pub(super) fn check_same(
    guest: &Callback,
    sorted: &Items<'static>,
    other: (&str, &Items<'static>),
    form: &Form<'_>,
) -> Result<()> {
    let mut comparisons = guest.comparisons()?;
    for (place, (item, others)) in sorted.iter().zip(other.1.iter()).enumerate() {
        if item != others && comparisons.compare(item, others)?.is_ne() {
            let (place, item, others) = (place + 1, form.kind.show(item), form.kind.show(others));
            let text = format!("item {place} of its result is {item}, of that of {} {others}", other.0);
            return Err(Fault::with_exit(Exit::Contradiction, text));
        }
    }
    Ok(())
}
