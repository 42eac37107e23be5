//! Lines over a logarithmic axis, in panels side by side.

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::{Canvas, Colour, Drawn, FONT, GRID, MUTED, SERIES, TEXT, TITLE_FONT, draw, text, width};
use crate::cli::fault::Result;

/// Size of a panel, in pixels, without the labels of its lines.
const PANEL: (i32, i32) = (320, 300);

/// Room above, below, left and right of the axes.
const ABOVE: i32 = 40;
const BELOW: i32 = 32;
const BEFORE: i32 = 52;
const AFTER: i32 = 24;

/// Height of a label at the end of a line.
const LABEL: i32 = 17;

/// Number of marks.
const MARKS: usize = 6;

/// A panel: lines over the same axes.
pub(in crate::cli) struct LinePanel {
    pub(in crate::cli) title: String,
    pub(in crate::cli) y: Scale,
    pub(in crate::cli) series: Vec<Series>,
}

/// The scale of the vertical axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Scale {
    /// From 0 on.
    Linear,
    Logarithmic,
}

/// Points that a line connects. Those of one place in their lists have one colour and one mark in all panels.
pub(in crate::cli) struct Series {
    pub(in crate::cli) name: String,
    /// Positive numbers.
    pub(in crate::cli) points: Vec<(f64, f64)>,
}

/// Draws rows of panels, and returns the SVG.
pub(in crate::cli) fn lines<const N: usize>(title: &str, rows: &[[LinePanel; N]]) -> Result<String> {
    let names = rows.iter().flatten().flat_map(|panel| &panel.series).map(|series| width(&series.name));
    let panel = (BEFORE + PANEL.0 + AFTER + names.max().unwrap_or(0), ABOVE + PANEL.1 + BELOW);
    let size = [(panel.0, N), (panel.1, rows.len())].map(|(length, count)| length as u32 * count as u32);
    draw(title, size.into(), |canvas| {
        let areas = canvas.split_evenly((rows.len(), N));
        rows.iter().flatten().zip(&areas).try_for_each(|(panel, area)| draw_panel(panel, area))
    })
}

fn draw_panel(panel: &LinePanel, area: &Canvas<'_>) -> Drawn {
    area.draw(&Text::new(panel.title.clone(), (8, TITLE_FONT), text(TITLE_FONT, TEXT)))?;
    let points = || panel.series.iter().flat_map(|series| &series.points);
    let x = range(points().map(|(x, _)| *x));
    let y = range(points().map(|(_, y)| *y));
    match panel.y {
        Scale::Linear => draw_axes(panel, area, x, 0.0..y.end * 1.1),
        Scale::Logarithmic => draw_axes(panel, area, x, (y.start / 1.3..y.end * 1.3).log_scale()),
    }
}

/// Returns the range of these numbers; some range where there are none, or only one.
fn range(numbers: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let (least, most) = (numbers.clone().fold(f64::INFINITY, f64::min), numbers.fold(0.0, f64::max));
    if least < most { least..most } else { most.max(1.0)..most.max(1.0) * 10.0 }
}

fn draw_axes<Y>(panel: &LinePanel, area: &Canvas<'_>, x: std::ops::Range<f64>, y: Y) -> Drawn
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .margin_top(ABOVE)
        .margin_right(area.dim_in_pixel().0 as i32 - BEFORE - PANEL.0)
        .x_label_area_size(BELOW)
        .y_label_area_size(BEFORE)
        .build_cartesian_2d(x.log_scale(), y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.light)
        .axis_style(MUTED.light)
        .label_style(text(FONT, MUTED))
        .x_labels(7)
        .y_labels(6)
        .x_label_formatter(&|n| number(*n))
        .y_label_formatter(&|value| number(*value))
        .draw()?;
    let below = (BEFORE + PANEL.0 + AFTER + 6, ABOVE + PANEL.1 + BELOW / 2);
    area.draw(&Text::new("n", below, text(FONT, MUTED)))?;
    let mut ends = Vec::new();
    for (at, series) in panel.series.iter().enumerate() {
        let colour = colour(at);
        chart.draw_series(LineSeries::new(series.points.iter().copied(), colour.light.stroke_width(2)))?;
        let places: Vec<_> = series.points.iter().map(|point| chart.backend_coord(point)).collect();
        ends.extend(places.last().map(|end| (end.1, at)));
        for place in places {
            mark(area, at, from_origin(area, place), colour)?;
        }
    }
    draw_labels(panel, area, ends)
}

/// Returns a place of the picture as a place of an area.
fn from_origin(area: &Canvas<'_>, (x, y): (i32, i32)) -> (i32, i32) {
    let (left, top) = area.get_base_pixel();
    (x - left, y - top)
}

/// Draws the names of series beside the ends of their lines, each with its mark, none over another.
fn draw_labels(panel: &LinePanel, area: &Canvas<'_>, mut ends: Vec<(i32, usize)>) -> Drawn {
    ends.sort_unstable();
    let left = BEFORE + PANEL.0 + AFTER / 2;
    let (_, top) = area.get_base_pixel();
    let mut lowest = top;
    for (y, _) in &mut ends {
        *y = (*y).max(lowest);
        lowest = *y + LABEL;
    }
    let mut highest = top + ABOVE + PANEL.1;
    for (y, at) in ends.iter().rev() {
        let y = (*y).min(highest);
        highest = y - LABEL;
        let colour = colour(*at);
        mark(area, *at, (left, y - top), colour)?;
        area.draw(&Text::new(panel.series[*at].name.clone(), (left + 9, y - top), text(FONT, colour)))?;
    }
    Ok(())
}

/// Returns the colour of a series, which another one of the same mark does not have.
fn colour(series: usize) -> Colour {
    SERIES[(series + series / MARKS) % SERIES.len()]
}

/// Draws the mark of a series.
fn mark(area: &Canvas<'_>, series: usize, (x, y): (i32, i32), colour: Colour) -> Drawn {
    let style = colour.light.filled();
    match series % MARKS {
        0 => area.draw(&Circle::new((x, y), 4, style)),
        1 => area.draw(&TriangleMarker::new((x, y), 6, style)),
        2 => area.draw(&Rectangle::new([(x - 4, y - 4), (x + 4, y + 4)], style)),
        3 => area.draw(&Polygon::new([(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)], style)),
        4 => area.draw(&Cross::new((x, y), 4, colour.light.stroke_width(2))),
        _ => area.draw(&Circle::new((x, y), 4, colour.light.stroke_width(2))),
    }
}

/// Formats a number of an axis: 0.5, 100, 10k, 1M.
fn number(number: f64) -> String {
    let (divisor, unit) = match number {
        1e6.. => (1e6, "M"),
        1e4.. => (1e3, "k"),
        _ => (1.0, ""),
    };
    let text = format!("{:.2}", number / divisor);
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}
