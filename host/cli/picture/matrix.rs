//! A matrix of answers: a cell for each pair of a row and a column.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Canvas, Colour, Drawn, FONT, INVERSE, MUTED, SERIES, TEXT, TITLE_FONT, draw, text, width};
use crate::cli::fault::Result;

/// Width and height of a cell, in pixels.
const CELL: i32 = 18;

const MARGIN: i32 = 8;

/// Room for the number of a row.
const NUMBER: i32 = 28;

/// Height of a line of text.
const LINE: i32 = 22;

/// A matrix with as many columns as rows.
pub(in crate::cli) struct Matrix<'a> {
    /// Lines above the matrix.
    pub(in crate::cli) title: Vec<String>,
    pub(in crate::cli) rows: Vec<String>,
    /// The kinds of cells, each with its sign and its meaning.
    pub(in crate::cli) kinds: &'a [(char, &'a str)],
    /// Meaning of a cell that stands out.
    pub(in crate::cli) wrong: &'a str,
    /// The cells, row by row.
    pub(in crate::cli) cells: Vec<Cell>,
}

/// A cell of a [`Matrix`].
#[derive(Clone, Copy)]
pub(in crate::cli) struct Cell {
    /// Index of its kind.
    pub(in crate::cli) kind: usize,
    /// Whether it stands out, by a full colour.
    pub(in crate::cli) is_wrong: bool,
    /// Whether it has a frame.
    pub(in crate::cli) is_framed: bool,
}

impl Matrix<'_> {
    /// Draws the matrix, and returns the SVG.
    pub(in crate::cli) fn draw(&self, name: &str) -> Result<String> {
        let n = self.rows.len() as i32;
        let number = |row: usize| format!("{}", row + 1);
        // Digits are wider than other characters on average.
        let widest = self.rows.iter().map(|row| width(row) * 6 / 5).max().unwrap_or(0);
        let left = MARGIN + widest + NUMBER;
        let top = MARGIN + LINE * self.title.len() as i32 + CELL;
        let legend: Vec<_> = self.kinds.iter().map(|(_, meaning)| *meaning).chain([self.wrong]).collect();
        let texts = self.title.iter().map(|line| MARGIN + width(line));
        let legends = legend.iter().map(|meaning| left + CELL * 2 + MARGIN + width(meaning));
        let right = texts.chain(legends).chain([left + n * CELL]).max().unwrap_or(0) + MARGIN;
        let bottom = top + n * CELL + MARGIN + LINE * legend.len() as i32 + MARGIN;
        draw(name, (right as u32, bottom as u32), |canvas| {
            for (at, line) in self.title.iter().enumerate() {
                let place = (MARGIN, MARGIN + LINE * at as i32 + LINE / 2);
                let font = if at == 0 { TITLE_FONT } else { FONT };
                canvas.draw(&Text::new(line.clone(), place, text(font, TEXT)))?;
            }
            for (at, row) in self.rows.iter().enumerate() {
                let middle = CELL * at as i32 + CELL / 2;
                let name = text(FONT, TEXT).pos(Pos::new(HPos::Right, VPos::Center));
                canvas.draw(&Text::new(row.clone(), (left - NUMBER, top + middle), name))?;
                for place in [(left - NUMBER / 2, top + middle), (left + middle, top - CELL / 2)] {
                    canvas.draw(&Text::new(number(at), place, centred(11, MUTED)))?;
                }
            }
            for (at, cell) in self.cells.iter().enumerate() {
                let (row, column) = ((at as i32) / n, (at as i32) % n);
                self.draw_cell(canvas, (left + CELL * column, top + CELL * row), *cell)?;
            }
            // Above the cells beside them.
            for (at, _) in self.cells.iter().enumerate().filter(|(_, cell)| cell.is_framed) {
                let (x, y) = (left + CELL * ((at as i32) % n), top + CELL * ((at as i32) / n));
                let frame = [(x, y), (x + CELL - 1, y + CELL - 1)];
                canvas.draw(&Rectangle::new(frame, TEXT.light))?;
            }
            for (at, meaning) in legend.iter().enumerate() {
                let y = top + n * CELL + MARGIN + LINE * at as i32;
                let (kind, is_wrong) = if at < self.kinds.len() { (at, false) } else { (0, true) };
                self.draw_cell(canvas, (left, y), Cell { kind, is_wrong, is_framed: false })?;
                if is_wrong {
                    let other = Cell { kind: 2, is_wrong, is_framed: false };
                    self.draw_cell(canvas, (left + CELL, y), other)?;
                }
                let place = (left + CELL * 2 + MARGIN, y + CELL / 2);
                canvas.draw(&Text::new((*meaning).to_owned(), place, text(FONT, TEXT)))?;
            }
            Ok(())
        })
    }

    fn draw_cell(&self, canvas: &Canvas<'_>, (x, y): (i32, i32), cell: Cell) -> Drawn {
        let colour = SERIES[[0, 5, 1, 3][cell.kind % 4]];
        let strength = if cell.is_wrong { 1.0 } else { 0.18 };
        let area = [(x, y), (x + CELL - 1, y + CELL - 1)];
        canvas.draw(&Rectangle::new(area, colour.light.mix(strength).filled()))?;
        let sign = self.kinds[cell.kind].0.to_string();
        let place = (x + CELL / 2, y + CELL / 2);
        canvas.draw(&Text::new(sign, place, centred(FONT, if cell.is_wrong { INVERSE } else { colour })))
    }
}

/// Returns the style of a text in the middle of its place.
fn centred(font: i32, colour: Colour) -> TextStyle<'static> {
    text(font, colour).pos(Pos::new(HPos::Center, VPos::Center))
}
