//! The picture of `callbox check`: the answers about each pair of some values, with what contradicts them.

use std::cmp::Ordering;

use callbox::escape;
use callbox::sort::{Answers, Checked, Contract, Items, Job, Violation};

use crate::cli::fault::Result;
use crate::cli::items::Type;
use crate::cli::picture::{Cell, Matrix};

/// Maximum number of values in the picture.
const MAX_ROWS: usize = 24;

/// Maximum number of characters of a value.
const MAX_SHOWN: usize = 20;

const KINDS: [(char, &str); 4] = [
    ('<', "the row's value is before the column's"),
    ('=', "they are equal"),
    ('>', "the row's value is after the column's"),
    ('?', "no answer, or the items were written into"),
];

/// Draws the answers about the values of the counterexample, if there is one, and others: items of the
/// input, evenly spread, or drawn ones.
pub(super) fn draw(
    job: &Job,
    how: &Contract,
    (checked, items): (&Checked, &Items<'_>),
    (name, kind): (&str, &Type),
) -> Result<String> {
    let name = &escape(name);
    let mut values: Vec<Vec<u8>> = Vec::new();
    let found = checked.violation.iter().flat_map(|found| found.values.clone());
    let others = match items.len() {
        0 => job.drawn(items, how)?,
        all => {
            let rows = all.min(MAX_ROWS);
            (0..rows).map(|row| items.get(row * all / rows).to_vec()).collect()
        }
    };
    for value in found.chain(others) {
        if values.len() < MAX_ROWS && !values.contains(&value) {
            values.push(value);
        }
    }
    let bytes = values.concat();
    let mut end = 0;
    let ends = values.iter().map(|value| {
        end += value.len() as u64;
        end
    });
    let offsets: Vec<u64> = [0].into_iter().chain(ends).collect();
    let chosen = match items.width() {
        Some(width) => Items::records(bytes.clone(), width)?,
        None => Items::offsets(&bytes, &offsets[..])?,
    };
    let answers = job.answers(&chosen, values.len())?;
    let shown = |row: &usize| cut(kind.show(chosen.get(answers.items[*row])));
    let title = match &checked.violation {
        Some(violation) => format!("{name}: {}", violation.law.sentence()),
        None => format!("{name}: no contradiction"),
    };
    let order = order(&answers);
    let mut places = vec![0; order.len()];
    for (place, &row) in order.iter().enumerate() {
        places[row] = place;
    }
    let violation = checked.violation.as_ref();
    let cell = |row: usize, column: usize| {
        let answer = answers.about(row, column);
        let kind = match answer {
            Some(Ordering::Less) => 0,
            Some(Ordering::Equal) => 1,
            Some(Ordering::Greater) => 2,
            None => 3,
        };
        let is_wrong = is_wrong(&answers, [row, column], places[row].cmp(&places[column]));
        let values = [row, column].map(|row| chosen.get(answers.items[row]));
        Cell { kind, is_wrong, is_framed: violation.is_some_and(|found| asks(found, values)) }
    };
    let matrix = Matrix {
        title: vec![
            title,
            "each row's value compared with each column's; those that are after more others come later"
                .to_owned(),
        ],
        rows: order.iter().map(shown).collect(),
        kinds: &KINDS,
        wrong: "against the order, or against the answer the other way round",
        cells: order.iter().flat_map(|row| order.iter().map(|column| cell(*row, *column))).collect(),
    };
    matrix.draw(&format!("Answers of {name}"))
}

/// Returns the rows by their scores: how many of the others each is after, less how many it is before. Few
/// wrong answers move a row by as few places, wherever they are.
fn order(answers: &Answers) -> Vec<usize> {
    let score = |row: usize| -> i32 {
        let answer = |column| answers.about(row, column).map_or(0, |answer| answer as i32);
        (0..answers.items.len()).map(answer).sum()
    };
    let mut order = answers.order.clone();
    order.sort_by_key(|&row| score(row));
    order
}

/// Returns whether an answer is against the order of the two, or not that of the pair turned round.
fn is_wrong(answers: &Answers, [row, column]: [usize; 2], placed: Ordering) -> bool {
    let Some(answer) = answers.about(row, column) else { return false };
    answer != Ordering::Equal && answer != placed
        || answers.about(column, row).is_some_and(|other| other != answer.reverse())
}

/// Returns whether a counterexample has a question about these values.
fn asks(violation: &Violation, values: [&[u8]; 2]) -> bool {
    violation.asked.iter().any(|asked| asked.values.map(|at| &violation.values[at][..]) == values)
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    text
}
