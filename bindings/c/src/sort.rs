//! Sorting, searching and checking.
#![allow(unsafe_code, reason = "exports functions, and writes results to the caller's memory")]

use std::cmp::Ordering;
use std::ffi::{c_int, c_uint};
use std::mem::MaybeUninit;
use std::ptr;

use host::sort::{self, Asked, Contract, Items, Job, Law, Options, Reply, Side, Sorter, Verify, Violation};

use crate::border::{Failure, Result, Status, status};
use crate::guest::Callback;
use crate::memory::{CItems, Numbers, array, copy, given, size};

/// `enum callbox_flags`.
const REVERSE: c_uint = 1;
const STABLE: c_uint = 2;
const QSORT: c_uint = 4;
const VERIFY_FULL: c_uint = 8;
const RIGHT: c_uint = 16;

/// `struct callbox_contradiction`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct CContradiction {
    count: usize,
    items: [usize; 3],
}

/// Returns the options of a sort.
fn options(flags: c_uint, known: c_uint) -> Result<Options> {
    if flags & !known != 0 {
        return Err(Failure::invalid(format!("`flags` has {:#x}, which mean nothing here", flags & !known)));
    }
    let is = |flag| flags & flag != 0;
    let sorter = if is(QSORT) { Sorter::Qsort } else { Sorter::Auto };
    let verify = if is(VERIFY_FULL) { Verify::Full } else { Verify::default() };
    Ok(Options::default().reverse(is(REVERSE)).stable(is(STABLE)).sorter(sorter).verify(verify))
}

/// `callbox_sort`
///
/// # Safety
///
/// `base` has `count` elements of `width` bytes.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn callbox_sort(
    callback: Option<&Callback>,
    base: *mut u8,
    count: usize,
    width: usize,
    flags: c_uint,
) -> c_int {
    status(|| {
        let Callback(callback) = given(callback, "callback")?;
        let options = options(flags, REVERSE | STABLE | QSORT | VERIFY_FULL)?;
        let bytes = size(count, width)?;
        // SAFETY: the caller passes the size, and leaves the array alone until the call returns.
        let array = unsafe { array(base, bytes, "base")? };
        let mut items = Items::records(copy(array)?, width)?;
        Job::new(callback, options).sort_in_place(&mut items)?;
        let sorted = items.into_bytes();
        if !sorted.is_empty() {
            // SAFETY: the array has as many bytes, which the caller leaves alone, and the items are a copy.
            unsafe { ptr::copy_nonoverlapping(sorted.as_ptr(), base, sorted.len()) };
        }
        Ok(())
    })
}

/// Stores a number for each of the items.
///
/// # Safety
///
/// The items are as the header says, and `place` has room for as many numbers.
unsafe fn numbers(
    callback: Option<&Callback>,
    items: Option<&CItems>,
    place: Option<&mut MaybeUninit<u32>>,
    name: &str,
    find: impl FnOnce(&host::Callback, &Items<'_>) -> Result<Vec<u32>>,
) -> c_int {
    status(|| {
        let (Callback(callback), items) = (given(callback, "callback")?, given(items, "items")?);
        let place = Numbers::new(place, items.len(), name)?;
        // SAFETY: the caller's promise.
        let found = find(callback, &unsafe { items.get()? })?;
        // SAFETY: there is a number for each item.
        unsafe { place.store(&found) };
        Ok(())
    })
}

/// `callbox_argsort`
///
/// # Safety
///
/// `items` are as the header says, and `order` has room for as many numbers.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn callbox_argsort(
    callback: Option<&Callback>,
    items: Option<&CItems>,
    flags: c_uint,
    order: Option<&mut MaybeUninit<u32>>,
) -> c_int {
    let find = |callback: &host::Callback, items: &Items<'_>| {
        let options = options(flags, REVERSE | STABLE | QSORT | VERIFY_FULL)?;
        Ok(sort::argsort(callback, items, options)?)
    };
    // SAFETY: the caller's promise.
    unsafe { numbers(callback, items, order, "order", find) }
}

/// `callbox_rank`
///
/// # Safety
///
/// `items` are as the header says, and `ranks` has room for as many numbers.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn callbox_rank(
    callback: Option<&Callback>,
    items: Option<&CItems>,
    flags: c_uint,
    ranks: Option<&mut MaybeUninit<u32>>,
) -> c_int {
    let find = |callback: &host::Callback, items: &Items<'_>| {
        let options = options(flags, REVERSE | STABLE | QSORT | VERIFY_FULL)?;
        Ok(sort::rank(callback, items, options)?)
    };
    // SAFETY: the caller's promise.
    unsafe { numbers(callback, items, ranks, "ranks", find) }
}

/// `callbox_search`
///
/// # Safety
///
/// `splitters` and `items` are as the header says, and `places` has room for a number for each of `items`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn callbox_search(
    callback: Option<&Callback>,
    splitters: Option<&CItems>,
    items: Option<&CItems>,
    flags: c_uint,
    places: Option<&mut MaybeUninit<u32>>,
) -> c_int {
    let find = |callback: &host::Callback, items: &Items<'_>| {
        let options = options(flags & !RIGHT, REVERSE)?;
        let side = if flags & RIGHT == 0 { Side::Left } else { Side::Right };
        // SAFETY: the caller's promise.
        let splitters = unsafe { given(splitters, "splitters")?.get()? };
        Ok(sort::search(callback, &splitters, items, side, options)?)
    };
    // SAFETY: the caller's promise.
    unsafe { numbers(callback, items, places, "places", find) }
}

/// `callbox_check`
///
/// # Safety
///
/// `items` are as the header says.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn callbox_check(
    callback: Option<&Callback>,
    items: Option<&CItems>,
    sample: usize,
    found: Option<&mut MaybeUninit<CContradiction>>,
) -> c_int {
    status(|| {
        let (Callback(callback), items) = (given(callback, "callback")?, given(items, "items")?);
        // SAFETY: the caller's promise.
        let items = unsafe { items.get()? };
        // About these items only, which are told by their numbers.
        let how = Contract::default().drawn(false).shrink(false).sample(sample);
        let violation = Job::new(callback, Options::default()).check_contract(&items, &how)?.violation;
        if let Some(Violation { law: Law::Total, values, .. }) = &violation {
            callback.compare(&values[0], &values[1])?; // fails with its own error
        }
        let (about, sentence) = violation.as_ref().map_or_else(Default::default, describe);
        if let Some(place) = found {
            place.write(about);
        }
        if sentence.is_empty() {
            return Ok(());
        }
        let export = host::escape(callback.export());
        Err(Failure::new(Status::Contradiction, format!("\"{export}\" contradicts itself: {sentence}")))
    })
}

/// Returns the items of a contradiction, and a clause about them.
fn describe(violation: &Violation) -> (CContradiction, String) {
    let Violation { items, asked, law, .. } = violation;
    let mut about = CContradiction { count: items.len().min(3), ..CContradiction::default() };
    about.items[..about.count].copy_from_slice(&items[..about.count]);
    let clause = |asked: &Asked| {
        let [a, b] = asked.values.map(|place| items.get(place).copied().unwrap_or_default());
        match &asked.reply {
            Reply::Answer(Ordering::Less) => format!("item {a} is before item {b}"),
            Reply::Answer(Ordering::Equal) => format!("item {a} is equal to item {b}"),
            Reply::Answer(Ordering::Greater) => format!("item {a} is after item {b}"),
            Reply::Failure { how, .. } if *law == Law::Keys => format!("about the key of item {a}, {how}"),
            Reply::Key(key) => format!("the key of item {a} is \"{}\"", host::escape(key)),
            Reply::Failure { how, .. } => format!("about item {a} and item {b}, {how}"),
            _ => format!("asked about item {a} and item {b}, it writes into them"),
        }
    };
    let clauses: Vec<_> = asked.iter().map(clause).collect();
    let joint = match (law, clauses.len()) {
        (Law::Deterministic, _) => ", and later ",
        (_, 3) => ", and yet ",
        _ => ", and ",
    };
    let sentence = match clauses.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{}{joint}{last}", rest.join(", and ")),
        None => law.sentence().to_owned(),
    };
    (about, sentence)
}
