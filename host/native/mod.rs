//! Safe wrappers of C's sort and search functions.
//!
//! Each sort works on a private copy, so that on any failure the array is unchanged. All functions
//! check the pointers that C passes, reduce the guest's answer to its sign, and hold the guest
//! exclusively while C sorts or searches: other threads that need the same guest wait until it returns.
//!
//! The guest is asked what C asks and no more. Each sort has a twin that ends in `_verified`, which asks a
//! fresh guest about pairs of the result before it is written back, as much as [`Verify`] says.
//!
//! ```
//! use callbox::{Limits, Sandbox, native};
//! # fn main() -> callbox::Result<()> {
//! let guest = Sandbox::new(Limits::default())?.load("wat/good/descending.wat")?;
//! let descending = guest.callback("compare", "int (const int *, const int *)".parse()?)?;
//!
//! let mut ia = [3, 1, 2];
//! native::qsort(&mut ia, &descending)?;
//! assert_eq!(ia, [3, 2, 1]);
//! assert_eq!(native::bsearch(&2, &ia, &descending)?, Some(1));
//! # Ok(()) }
//! ```

mod bsearch;
pub mod msvcrt;
mod library;
mod qsort;
#[cfg(test)]
mod tests;
mod verify;

pub use bsearch::{bsearch, bsearch_records};
pub use library::SortFunction;
pub(crate) use qsort::{NativeSorter, prepared_answers, sort_by, sort_by_guest};
pub use qsort::{
    msvcrt_qsort, msvcrt_qsort_records, msvcrt_qsort_records_verified, msvcrt_qsort_verified, qsort,
    qsort_records, qsort_records_verified, qsort_verified,
};
pub(crate) use verify::Random;
pub use verify::Verify;
pub(crate) use verify::{SortResult, VerifiedKey, verify};
