//! Safe C functions written with leases.
//!
//! Each works on a private copy, so that on any failure the array is as it was; each checks the
//! pointers that C passes; each reduces the guest's answer to its sign.

mod bsearch;
pub mod crt;
mod qsort;

pub use bsearch::{bsearch, bsearch_records};
pub(crate) use qsort::sort_private;
pub use qsort::{Sorter, crt_qsort, crt_qsort_records, qsort, qsort_records};
