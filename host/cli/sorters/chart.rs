//! The picture of `callbox sorters`: comparisons and times of each input, side by side.

use super::contender::Contender;
use super::input::Input;
use super::table::{Figures, Row};
use crate::cli::fault::{Fault, Result};
use crate::cli::picture::{LinePanel, Scale, Series, lines};

/// Number of n log2 n comparisons beyond which others would be too small to be told apart.
const LARGE: f64 = 5.0;

/// `Err` where no input has enough sizes for a line.
pub(super) fn check(inputs: &[Input]) -> Result<()> {
    if inputs.iter().all(|input| input.sizes.len() < 2) {
        return Err(Fault::trouble("--svg: a line needs two sizes of an input; name them with --sizes"));
    }
    Ok(())
}

/// Draws the rows: two panels for each input of two sizes or more.
pub(super) fn draw(inputs: &[Input], sorters: &[Contender], rows: &[Row]) -> Result<String> {
    let comparisons = |figures: &Figures| figures.comparisons as f64;
    let nanoseconds = |figures: &Figures| figures.time.as_nanos() as f64;
    let mut panels = Vec::new();
    for input in inputs.iter().filter(|input| input.sizes.len() > 1) {
        let panel = |about: &str, y: Scale, value: &dyn Fn(&Figures) -> f64| LinePanel {
            title: format!("{}: {about} / (n log₂ n)", input.name),
            y,
            series: sorters.iter().map(|sorter| series(sorter, input, rows, value)).collect(),
        };
        let own = rows.iter().filter(|row| row.of.is_some_and(|(name, _)| name == input.name));
        let quadratic =
            own.filter_map(Row::figures).any(|(_, figures, n_log_n)| comparisons(&figures) > LARGE * n_log_n);
        let scale = if quadratic { Scale::Logarithmic } else { Scale::Linear };
        panels
            .push([panel("comparisons", scale, &comparisons), panel("ns", Scale::Logarithmic, &nanoseconds)]);
    }
    lines("Comparisons and time by sorter and number of items", &panels)
}

fn series(sorter: &Contender, input: &Input, rows: &[Row], value: &dyn Fn(&Figures) -> f64) -> Series {
    let own = |row: &&Row| row.sorter == sorter.name && row.of.is_some_and(|(name, _)| name == input.name);
    let point = |row: &Row| {
        let (size, figures, n_log_n) = row.figures()?;
        Some((size as f64, value(&figures) / n_log_n))
    };
    // Of a library, the name of the file is enough.
    let name = sorter.name.rsplit('/').next().unwrap_or_default().to_owned();
    Series { name, points: rows.iter().filter(own).filter_map(point).collect() }
}
