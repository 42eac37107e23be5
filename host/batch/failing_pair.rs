//! The two items that a guest has failed at inside a kernel, which does not tell.
//!
//! A fresh guest is asked about pairs of the items until it fails in the same way. No pair is named that was
//! not seen to fail.

use std::sync::Arc;

use super::merge_sort::merge_sort;
use crate::callback::{Answer, Callback};
use crate::error::{Error, Result, asked_about};
use crate::limits::Limit;
use crate::memory::try_with_capacity;
use crate::sandbox::Budget;

/// Part of a budget, in place of one that is spent, that each of two searches may take.
const PART: u32 = 20;

/// Returns whether the failure is that the fuel or the time of the budget is spent.
pub(super) fn is_spent(error: &Error) -> bool {
    matches!(error, Error::Limit { limit: Limit::Fuel | Limit::Deadline, .. })
}

/// Returns the failure with the two items that it was asked about, if they are found on `rest`, what is left
/// of the budget, or on a tenth of a new one if it is spent.
pub(super) fn with_items(
    callback: &Callback,
    rest: Arc<Budget>,
    mut error: Box<Error>,
    items: &[&[u8]],
) -> Box<Error> {
    match &mut *error {
        Error::Trap { asked, trap, .. } if asked.is_empty() => match trap_at(callback, &rest, items) {
            Ok(Some(found)) if matches!(&*found, Error::Trap { trap: again, .. } if again == trap) => found,
            _ => error,
        },
        Error::Limit { limit: Limit::Fuel | Limit::Deadline, what, .. } => {
            if let Ok(Some(pair)) = endless(callback, items) {
                what.push_str(&asked_about(&pair.map(|item| callback.show(item))));
            }
            error
        }
        _ => error,
    }
}

/// Returns a guest's failure at two of these items.
fn trap_at(callback: &Callback, rest: &Arc<Budget>, items: &[&[u8]]) -> Result<Option<Box<Error>>> {
    if let Some((_, error)) = each_item(callback, rest, items)? {
        return Ok(Some(error));
    }
    // It fails at a pair of items, as those that are equal.
    let guest = callback.fresh()?.unobserved();
    let mut session = guest.compare_session(rest)?;
    let mut numbers = try_with_capacity(items.len(), "the numbers of the items")?;
    numbers.extend(0..items.len() as u32); // lossless: `Items` bounds its length
    let mut scratch = try_with_capacity(items.len(), "the numbers of the items")?;
    let mut ask = |a: u32, b: u32| session.compare(items[a as usize], items[b as usize]);
    Ok(merge_sort(&mut numbers, &mut scratch, &mut ask).err())
}

/// Returns two of these items that by themselves take a twentieth of a budget.
fn endless<'i>(callback: &Callback, items: &[&'i [u8]]) -> Result<Option<[&'i [u8]; 2]>> {
    let limits = callback.guest().limits();
    let part = limits.fuel(limits.fuel / u64::from(PART)).deadline(limits.deadline / PART);
    let part = || Arc::new(Budget::new(&part));
    let Some((pair @ [a, b], _)) = each_item(callback, &part(), items)? else { return Ok(None) };
    // Those before may have taken most of it.
    let alone = callback.fresh()?.unobserved().ask(Some(&part()), a, b);
    Ok(alone.is_err_and(|error| is_spent(&error)).then_some(pair))
}

/// Two items, and the guest's failure at them.
type Failing<'i> = ([&'i [u8]; 2], Box<Error>);

/// Asks about each item, on either side; returns the first two items at which the guest fails.
fn each_item<'i>(
    callback: &Callback,
    budget: &Arc<Budget>,
    items: &[&'i [u8]],
) -> Result<Option<Failing<'i>>> {
    let guest = callback.fresh()?.unobserved();
    let mut session = guest.compare_session(budget)?;
    let pairs = items.chunks(2).map(|pair| [pair[0], *pair.last().unwrap_or(&pair[0])]);
    for [a, b] in pairs.flat_map(|[a, b]| [[a, b], [b, a]]) {
        let answer: Answer = session.compare(a, b);
        if let Err(error) = answer {
            return Ok(Some(([a, b], error)));
        }
    }
    Ok(None)
}
