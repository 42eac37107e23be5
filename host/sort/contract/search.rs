//! The search for a violation: among drawn values and some items first, then among all pairs of items.

use std::cmp::Ordering;
use std::time::Instant;

use super::asking::{Interview, Told};
use super::form::Form;
use super::law::{Law, Violation};
use super::order::{sorted, spread};
use super::violation::Differs;
use super::{Checked, Contract};
use crate::callback::Callback;
use crate::error::Result;
use crate::native::Random;
use crate::sort::Items;

/// Maximum number of items that are compared with the drawn values.
const ITEMS_AMONG_DRAWN: usize = 64;

/// A search, and the number of its comparisons so far.
pub(super) struct Search<'s> {
    pub(super) callback: &'s Callback,
    pub(super) items: &'s Items<'s>,
    pub(super) how: &'s Contract,
    pub(super) form: Form,
    /// Whether the guest makes sort keys of what the comparator compares.
    pub(super) makes_keys: bool,
    /// Number of values whose keys were compared.
    pub(super) keys: usize,
    pub(super) asked: u64,
    /// When to ask no more, and whether that was so.
    pub(super) until: Option<Instant>,
    pub(super) stopped: bool,
}

/// A value: its bytes, and its number if it is an item.
#[derive(Clone, Copy)]
pub(super) struct Value<'v> {
    pub(super) bytes: &'v [u8],
    pub(super) item: Option<usize>,
}

impl<'s> Search<'s> {
    pub(super) fn new(callback: &'s Callback, items: &'s Items<'s>, how: &'s Contract) -> Search<'s> {
        Search {
            callback,
            items,
            how,
            form: Form::of(callback, items),
            makes_keys: callback.has_sort_key(),
            keys: 0,
            asked: 0,
            until: Instant::now().checked_add(how.time),
            stopped: false,
        }
    }

    pub(super) fn run(mut self) -> Result<Checked> {
        let drawn = self.drawn();
        let mut values: Vec<_> = drawn.iter().map(|bytes| Value { bytes, item: None }).collect();
        let items = self.items;
        let value = |item| Value { bytes: items.get(item), item: Some(item) };
        let chosen = spread(items.len(), self.how.sample);
        let among: Vec<_> = spread(chosen.len(), ITEMS_AMONG_DRAWN);
        values.extend(among.iter().map(|&at| value(chosen[at])));
        let mut checked = Checked {
            items: chosen.len(),
            drawn: drawn.len(),
            pairs: 0,
            stopped: false,
            keys: 0,
            comparisons: 0,
            violation: None,
        };
        let (among_all, violation) = self.among(&values)?;
        checked.violation = violation;
        if self.stopped {
            (checked.drawn, checked.items) = (among_all.min(drawn.len()), 0);
        } else if checked.violation.is_none() {
            if among.len() == chosen.len() {
                checked.pairs = (chosen.len() * chosen.len().saturating_sub(1) / 2) as u64;
            } else {
                let values: Vec<_> = chosen.into_iter().map(value).collect();
                checked.violation = self.pairs(&values, &mut checked)?;
            }
        }
        (checked.comparisons, checked.keys) = (self.asked, self.keys);
        checked.stopped |= self.stopped;
        Ok(checked)
    }

    pub(super) fn drawn(&self) -> Vec<Vec<u8>> {
        if self.how.drawn { self.form.draw(&mut Random::seeded(self.how.seed)) } else { Vec::new() }
    }

    /// Returns whether there is no more time; the search then stops.
    pub(super) fn is_over(&mut self) -> bool {
        self.stopped |= self.until.is_some_and(|until| Instant::now() >= until);
        self.stopped
    }

    /// Asks about each pair of a few values both ways, one fresh guest in one order and another in another.
    /// Returns of how many of the values all pairs were asked about, too.
    fn among(&mut self, values: &[Value<'_>]) -> Result<(usize, Option<Violation>)> {
        let n = values.len();
        let mut table = Vec::with_capacity(n * n);
        let first = Interview::new(self.callback)?;
        for place in 0..n * n {
            match self.ask(&first, values, [place / n, place % n])? {
                Ok(answer) => table.push(answer),
                Err(told) => return Ok((n, self.failed(told, values, [place / n, place % n])?)),
            }
            if self.is_over() {
                return Ok(((place + 1) / n, None));
            }
        }
        let (second, mut differs) = (Interview::new(self.callback)?, None);
        for place in (0..n * n).rev() {
            let pair = [place / n, place % n];
            match self.ask(&second, values, pair)? {
                // The simplest values come first.
                Ok(answer) if answer != table[place] => {
                    let simpler = |other: &Differs| other.pair.iter().max() < pair.iter().max();
                    if !differs.as_ref().is_some_and(simpler) {
                        differs = Some(Differs { pair, answers: [table[place], answer] });
                    }
                }
                Ok(_) => {}
                Err(told) => return Ok((n, self.failed(told, values, pair)?)),
            }
            if self.is_over() {
                break;
            }
        }
        if let Some(differs) = differs {
            return Ok((n, Some(self.keeps_state(values, differs)?)));
        }
        let violation = match broken(&table, n) {
            Some((law, places)) => {
                let said = |[a, b]: &[usize; 2]| table[places[*a] * n + places[*b]];
                let answers: Vec<_> = law.questions().iter().map(said).collect();
                let places: Vec<_> = places.iter().map(|place| values[*place]).collect();
                self.violation(law, &places, &answers)?
            }
            None => {
                let order = sorted(n, &mut |a, b| Ok(table[a * n + b]))?;
                let values: Vec<_> = order.iter().map(|place| values[*place]).collect();
                self.keys(&values, |place| table[order[place] * n + order[place + 1]].is_eq())?
            }
        };
        Ok((n, violation))
    }

    /// Asks about two of the values; `Err` where it did not just answer.
    pub(super) fn ask(
        &mut self,
        interview: &Interview,
        values: &[Value<'_>],
        [a, b]: [usize; 2],
    ) -> Result<Result<Ordering, Told>> {
        self.asked += 1;
        Ok(match interview.ask(values[a].bytes, values[b].bytes)? {
            Told::Answer(answer) => Ok(answer),
            told => Err(told),
        })
    }
}

/// Returns a law that a table of `n × n` answers breaks, and the first values that show it.
fn broken(table: &[Ordering], n: usize) -> Option<(Law, Vec<usize>)> {
    let said = |a: usize, b: usize| table[a * n + b];
    if let Some(a) = (0..n).find(|a| said(*a, *a).is_ne()) {
        return Some((Law::Reflexive, vec![a]));
    }
    let mut pairs = (0..n).flat_map(|b| (0..b).map(move |a| [a, b]));
    if let Some(pair) = pairs.find(|&[a, b]| said(a, b) != said(b, a).reverse()) {
        return Some((Law::Antisymmetric, pair.to_vec()));
    }
    // In a weak order, the number of values before one gives its place. Only where the places do not explain
    // every answer are three values searched for.
    let before = |a: usize| (0..n).filter(|b| said(a, *b).is_gt()).count();
    let place: Vec<_> = (0..n).map(before).collect();
    if (0..n).all(|a| (0..n).all(|b| said(a, b) == place[a].cmp(&place[b]))) {
        return None;
    }
    let mut triples = (0..n).flat_map(|c| (0..c).flat_map(move |b| (0..b).map(move |a| [a, b, c])));
    triples.find_map(|[a, b, c]| {
        let mut turned = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]].into_iter();
        turned.find_map(|[a, b, c]| {
            let law = Law::broken_by([said(a, b), said(b, c), said(a, c)])?;
            Some((law, vec![a, b, c]))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_law_is_broken_exactly_where_no_ranks_have_the_answers(
            upper in proptest::collection::vec(-1i32..=1, 6)
        ) {
            let n = 4;
            let mut table = vec![Ordering::Equal; n * n];
            let mut upper = upper.into_iter();
            for a in 0..n {
                for b in 0..a {
                    let order = upper.next().unwrap().cmp(&0);
                    table[a * n + b] = order;
                    table[b * n + a] = order.reverse();
                }
            }
            let ranks = |code: usize| [code % 4, code / 4 % 4, code / 16 % 4, code / 64];
            let fits = |ranks: [usize; 4]| {
                (0..n).all(|a| (0..n).all(|b| table[a * n + b] == ranks[a].cmp(&ranks[b])))
            };
            prop_assert_eq!(broken(&table, n).is_none(), (0..256).any(|code| fits(ranks(code))));
        }
    }
}
