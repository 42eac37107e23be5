//! The rows of `callbox sorters`, as text and as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::fault::{self, Exit};

/// A row: a sort, or the reason why there is none.
pub(super) struct Row {
    pub(super) sorter: String,
    /// Name of the input and number of items; `None` where a sorter is not here.
    pub(super) of: Option<(&'static str, usize)>,
    pub(super) outcome: Result<Figures, Failure>,
}

#[derive(Clone, Copy)]
pub(super) struct Figures {
    pub(super) comparisons: u64,
    pub(super) time: Duration,
}

/// The message of an error, and its exit status.
#[derive(Clone)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    text: String,
}

impl Failure {
    pub(super) fn of(error: &anyhow::Error) -> Failure {
        Failure { exit: fault::exit(error), text: fault::sentence(error).unwrap_or_default() }
    }

    /// Returns what has happened. Advice, which follows a semicolon, would be the same in many rows.
    fn reason(&self) -> &str {
        self.text.split("; ").next().unwrap_or_default()
    }
}

impl Row {
    /// Returns the figures, and the number of comparisons that n log2 n would be.
    pub(super) fn figures(&self) -> Option<(usize, Figures, f64)> {
        let (_, size) = self.of?;
        let figures = self.outcome.as_ref().ok()?;
        Some((size, *figures, size as f64 * (size as f64).log2()))
    }

    pub(super) fn json(&self) -> Value {
        let mut row = json!({ "sorter": self.sorter });
        if let Some((input, n)) = self.of {
            row["input"] = input.into();
            row["n"] = n.into();
        }
        if let Some((_, figures, n_log_n)) = self.figures() {
            row["comparisons"] = figures.comparisons.into();
            row["per_n_log2_n"] = (figures.comparisons as f64 / n_log_n).into();
            row["seconds"] = figures.time.as_secs_f64().into();
        }
        if let Err(failure) = &self.outcome {
            row["error"] = failure.reason().into();
            row["status"] = (failure.exit as u8).into();
        }
        row
    }
}

/// Widths of the columns.
pub(super) struct Table {
    sorter: usize,
    size: usize,
    comparisons: usize,
}

const COMPARISONS: &str = "comparisons";

impl Table {
    /// Creates a table of these sorters, and sizes up to `largest`.
    pub(super) fn new<'s>(sorters: impl Iterator<Item = &'s str>, largest: usize) -> Table {
        let n_log_n = largest * (largest.ilog2() as usize + 1);
        Table {
            sorter: sorters.map(|name| name.chars().count()).max().unwrap_or(0),
            size: largest.to_string().len(),
            comparisons: n_log_n.to_string().len().max(COMPARISONS.len()),
        }
    }

    pub(super) fn head(&self) -> String {
        let Table { sorter, size, comparisons } = *self;
        let (n, per) = ("n", "per n log2 n");
        format!(
            "{:8} {n:>size$} {:sorter$} {COMPARISONS:>comparisons$} {per} {:>10}\n",
            "input", "sorter", "time"
        )
    }

    pub(super) fn row(&self, row: &Row) -> String {
        let Table { sorter, size, comparisons } = *self;
        let (input, n) = row.of.map_or(("-", "-".to_owned()), |(input, n)| (input, n.to_string()));
        let begin = format!("{input:8} {n:>size$} {:sorter$}", row.sorter);
        match (&row.outcome, row.figures()) {
            (Ok(_), Some((_, Figures { comparisons: count, time }, n_log_n))) => {
                let (per, time) = (count as f64 / n_log_n, shown(time));
                format!("{begin} {count:>comparisons$} {per:>12.3} {time:>10}\n")
            }
            (Err(failure), _) => format!("{begin} {}\n", failure.reason()),
            (Ok(_), None) => format!("{begin}\n"),
        }
    }
}

/// Returns a time in the unit that leaves it a number below 1,000, in three digits.
fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let units = [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds < 999.5 * unit).unwrap_or(units[3]);
    let number = seconds / unit;
    let digits = if number < 9.995 { 2 } else { usize::from(number < 99.95) };
    format!("{number:.digits$} {name}")
}
