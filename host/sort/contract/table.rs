//! The answers about each pair of some items.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use super::asking::{Interview, Told};
use super::order::{self, spread};
use crate::error::Result;
use crate::memory::try_with_capacity;
use crate::sort::columns::Columns;
use crate::sort::{Items, Job};

/// Maximum time of all questions.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The answers of a guest about each pair of some items, both ways: what a picture of its order is made of.
///
/// An item is identified by its row, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answers {
    /// The number of each row's item, from 0.
    pub items: Vec<usize>,
    /// The rows in the order that the guest's answers make of them. Where those contradict each other, it is
    /// one of the orders that a sort could leave them in.
    pub order: Vec<usize>,
    table: Vec<Option<Ordering>>,
}

impl Answers {
    /// Returns the answer about the items of two rows; `None` if the guest failed.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row.
    pub fn about(&self, row: usize, other: usize) -> Option<Ordering> {
        assert!(row < self.items.len() && other < self.items.len(), "row {row} or {other} of {}", {
            self.items.len()
        });
        self.table[row * self.items.len() + other]
    }
}

impl Job {
    /// Asks a fresh guest about each pair of up to `sample` items, evenly spread, both ways, each on a budget
    /// of its own. After ten seconds, there are no more answers.
    ///
    /// # Errors
    ///
    /// As [`Job::check_contract`].
    pub fn answers(&self, items: &Items<'_>, sample: usize) -> Result<Answers> {
        let columns = Columns::of(&self.keys, items)?;
        let keyed = columns.with(items);
        self.check_widths(keyed)?;
        let (column, chosen) = (keyed.column(0), spread(items.len(), sample));
        let mut table = try_with_capacity(chosen.len() * chosen.len(), "the answers")?;
        let (interview, until) = (Interview::new(self.callback())?, Instant::now().checked_add(MAX_TIME));
        for &a in &chosen {
            for &b in &chosen {
                let over = until.is_some_and(|until| Instant::now() >= until);
                if over {
                    table.push(None);
                    continue;
                }
                table.push(match interview.ask(column.get(a), column.get(b))? {
                    Told::Answer(answer) => Some(answer),
                    _ => None,
                });
            }
        }
        let answer = |a: usize, b: usize| table[a * chosen.len() + b].unwrap_or(Ordering::Equal);
        let order = order::sorted(chosen.len(), &mut |a, b| Ok(answer(a, b)))?;
        Ok(Answers { items: chosen, order, table })
    }
}
