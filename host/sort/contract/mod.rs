//! Checks whether a comparator keeps its contract, and finds a small counterexample if not.
//!
//! It is asked about values that are drawn for its elements, each pair both ways, by one fresh guest and by
//! another in another order, and each question is looked at; then about pairs of the items, in batches inside
//! the sandbox.

mod asking;
mod draw;
mod form;
mod keys;
mod law;
mod order;
mod pairs;
mod search;
mod shrink;
mod table;
mod violation;

use std::num::NonZeroUsize;
use std::time::Duration;

pub use law::{Asked, Law, Reply, Violation};
pub use table::Answers;

use super::columns::Columns;
use super::{Items, Job};
use crate::error::Result;
use search::Search;

/// How a comparator is checked: [`Job::check_contract`].
///
/// By default values are drawn, violations are made smaller, and every pair of up to 10,000 items is asked
/// about, for up to 10 seconds, by one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    sample: usize,
    drawn: bool,
    shrink: bool,
    seed: u64,
    time: Duration,
    threads: NonZeroUsize,
}

impl Default for Contract {
    fn default() -> Contract {
        let (seed, time, threads) = (0, Duration::from_secs(10), NonZeroUsize::MIN);
        Contract { sample: 10_000, drawn: true, shrink: true, seed, time, threads }
    }
}

impl Contract {
    /// Sets the maximum number of items that are compared with each other, evenly spread. The time that this
    /// takes grows as its square.
    pub fn sample(self, sample: usize) -> Contract {
        Contract { sample, ..self }
    }

    /// Sets whether values are drawn: numbers at the edges of their types, texts of many kinds, random ones.
    pub fn drawn(self, drawn: bool) -> Contract {
        Contract { drawn, ..self }
    }

    /// Sets whether a violation is made smaller, by values that are no items.
    pub fn shrink(self, shrink: bool) -> Contract {
        Contract { shrink, ..self }
    }

    /// Sets the seed of the random values.
    pub fn seed(self, seed: u64) -> Contract {
        Contract { seed, ..self }
    }

    /// Sets the time after which no more pairs of items are compared.
    pub fn time(self, time: Duration) -> Contract {
        Contract { time, ..self }
    }

    /// Sets the maximum number of threads, each with a guest of its own; fewer compare few items.
    pub fn threads(self, threads: NonZeroUsize) -> Contract {
        Contract { threads, ..self }
    }
}

/// The result of a check of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Number of items that were compared with each other.
    pub items: usize,
    /// Number of values that were drawn, each of which was compared with each other.
    pub drawn: usize,
    /// Number of pairs of items that were asked about, both ways.
    pub pairs: u64,
    /// Whether [`Contract::time`] was over before all pairs were asked about.
    pub stopped: bool,
    /// Number of values whose sort keys were compared, too; 0 if the guest makes none of what it compares.
    pub keys: usize,
    /// Number of comparisons, to find a violation and to make it smaller.
    pub comparisons: u64,
    /// The first violation that was found.
    pub violation: Option<Violation>,
}

impl Job {
    /// Searches for answers of the first key's guest that break the contract of a comparator, about values
    /// that are drawn for its elements and about these items, of which there may be none. Fresh guests are
    /// asked, each question on a budget of its own, of at most a second, or each thread's on one together.
    ///
    /// ```
    /// use callbox::sort::{Contract, Items, Job, Law, Options};
    /// # fn main() -> callbox::Result<()> {
    /// let sandbox = callbox::Sandbox::new(callbox::Limits::default())?;
    /// let subtract = sandbox.load("wat/good/subtract.wat")?.comparator_for(callbox::CType::Int)?;
    /// let none = Items::records(Vec::new(), 4)?;
    /// let checked = Job::new(&subtract, Options::default()).check_contract(&none, &Contract::default())?;
    /// let violation = checked.violation.expect("a - b overflows");
    /// assert_eq!(violation.law, Law::Antisymmetric);
    /// assert_eq!(violation.values, [0, i32::MIN].map(|number| number.to_le_bytes().to_vec()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`](crate::Error::ElementMismatch) where records are not of the width that the
    /// callback compares; [`Error::Trap`](crate::Error::Trap) and [`Error::Limit`](crate::Error::Limit) where
    /// the guest fails once, and not again when a fresh one is asked the same;
    /// [`Error::Thread`](crate::Error::Thread). Other failures of the guest are violations.
    pub fn check_contract(&self, items: &Items<'_>, how: &Contract) -> Result<Checked> {
        let columns = Columns::of(&self.keys, items)?;
        let keyed = columns.with(items);
        self.check_widths(keyed)?;
        Search::new(self.callback(), keyed.column(0), how).run()
    }

    /// Returns the values that [`Job::check_contract`] draws, no two of the same bytes, the simplest first.
    ///
    /// # Errors
    ///
    /// As [`Job::check_contract`], where records are not of the width that the callback compares.
    pub fn drawn(&self, items: &Items<'_>, how: &Contract) -> Result<Vec<Vec<u8>>> {
        let columns = Columns::of(&self.keys, items)?;
        let keyed = columns.with(items);
        self.check_widths(keyed)?;
        Ok(Search::new(self.callback(), keyed.column(0), how).drawn())
    }
}
