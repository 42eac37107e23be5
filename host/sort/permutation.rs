//! Permutations, ranks and places: engines take them in place of a comparator.

use super::columns::{Columns, ItemRef, Keyed};
use super::{Items, Job, Options};
use crate::callback::Callback;
use crate::error::{Error, ItemsError, Result};
use crate::memory::try_with_capacity;

/// The place among items that are in order at which [`search`] puts one that equals some of them: numpy's
/// `side`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// Before them.
    #[default]
    Left,
    /// After them.
    Right,
}

/// Returns the numbers of the items, from 0, in the order of the items: what numpy calls argsort, and other
/// engines a permutation for their `take` or `gather`.
///
/// ```
/// use callbox::sort::{self, Items, Options};
/// use callbox::{CType, Limits, Sandbox};
/// # fn main() -> callbox::Result<()> {
/// let compare = Sandbox::new(Limits::default())?.bundled("version")?.comparator_for(CType::Void)?;
/// let items = Items::offsets(b"v1.10v1.9v1.10", &[0, 5, 9, 14][..])?;
/// let options = Options::default().stable(true);
/// assert_eq!(sort::argsort(&compare, &items, options.clone())?, [1, 0, 2]);
/// assert_eq!(sort::rank(&compare, &items, options)?, [1, 0, 1]);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Those of [`Job::sort`].
#[track_caller]
pub fn argsort(compare: &Callback, items: &Items<'_>, options: Options) -> Result<Vec<u32>> {
    Ok(Job::new(compare, options).sort(items)?.order)
}

/// Returns the dense rank of each item, from 0: how many different items are before it in the order. Items
/// that the guest calls equal have the same rank, whatever the options say of ties.
///
/// # Errors
///
/// Those of [`Job::sort`].
#[track_caller]
pub fn rank(compare: &Callback, items: &Items<'_>, options: Options) -> Result<Vec<u32>> {
    Job::new(compare, options.unique(true)).ranks(items)
}

/// Returns for each item the number of `splitters` before it, which are in order: those that it is after, and
/// with [`Side::Right`] also those that it equals. This is numpy's searchsorted, and how an engine cuts rows
/// into ranges.
///
/// ```
/// use callbox::sort::{self, Items, Options, Side};
/// use callbox::{CType, Limits, Sandbox};
/// # fn main() -> callbox::Result<()> {
/// let compare = Sandbox::new(Limits::default())?.bundled("version")?.comparator_for(CType::Void)?;
/// let lines = |text: &str| Items::lines(text.into(), b'\n');
/// let (splitters, items) = (lines("v1.9\nv1.10\n")?, lines("v2\nv1.9\nv1.2\n")?);
/// let search = |side| sort::search(&compare, &splitters, &items, side, Options::default());
/// assert_eq!(search(Side::Left)?, [2, 0, 0]);
/// assert_eq!(search(Side::Right)?, [2, 1, 0]);
/// # Ok(()) }
/// ```
///
/// Of the options, only [`Options::reverse`] matters.
///
/// # Errors
///
/// [`ItemsError::Unsorted`] where the guest says that a splitter is after the next; those of
/// [`Job::sort`].
#[track_caller]
pub fn search(
    compare: &Callback,
    splitters: &Items<'_>,
    items: &Items<'_>,
    side: Side,
    options: Options,
) -> Result<Vec<u32>> {
    let job = Job::new(compare, options);
    job.check_order(splitters)?;
    let columns = Columns::of(&job.keys, items)?;
    job.compare_with(columns.with(items), |worker| {
        let mut places = try_with_capacity(items.len(), "the places of the items")?;
        for item in items.iter() {
            let (mut least, mut most) = (0, splitters.len());
            while least < most {
                let middle = least.midpoint(most);
                let [splitter, item] = [splitters.get(middle), item].map(ItemRef::Bytes);
                let order = worker.compare_keys(0, &splitter, &item)?;
                if order.is_lt() || (side == Side::Right && order.is_eq()) {
                    least = middle + 1;
                } else {
                    most = middle;
                }
            }
            places.push(least as u32); // lossless: `Items` bounds its length
        }
        Ok(places)
    })
}

impl Job {
    /// Returns the dense rank of each item. Only for a job that drops duplicates.
    fn ranks(&self, items: &Items<'_>) -> Result<Vec<u32>> {
        let columns = Columns::of(&self.keys, items)?;
        let (order, firsts) = self.sort_and_cut(columns.with(items))?;
        let mut ranks = try_with_capacity(order.len(), "the ranks of the items")?;
        ranks.resize(order.len(), 0);
        let mut firsts = firsts.iter().flatten().peekable();
        let mut begun = 0_u32;
        for (place, &number) in order.iter().enumerate() {
            begun += u32::from(firsts.next_if(|first| **first as usize == place).is_some());
            ranks[number as usize] = begun.saturating_sub(1);
        }
        Ok(ranks)
    }

    /// `Err` where an item is after the next.
    fn check_order(&self, items: &Items<'_>) -> Result<()> {
        let columns = Columns::of(&self.keys, items)?;
        let keyed: Keyed<'_> = columns.with(items);
        self.compare_with(keyed, |worker| {
            for next in 1..items.len() {
                let at = next - 1;
                if worker.compare_keys(0, &keyed.at(at), &keyed.at(next))?.is_gt() {
                    let compare = self.callback();
                    let export = compare.export().to_owned();
                    let items = Box::new([at, next].map(|at| compare.show(items.get(at))));
                    return Err(Error::from(ItemsError::Unsorted { export, at, items }));
                }
            }
            Ok(())
        })
    }
}
