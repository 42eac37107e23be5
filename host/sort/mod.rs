//! Ordering of lines and records on top of [`native`](crate::native).
//!
//! ```
//! use callbox::sort::{Items, Job, Options};
//! use callbox::{CType, Limits, Prototype, Sandbox};
//!
//! # fn main() -> callbox::Result<()> {
//! let guest = Sandbox::new(Limits::default())?.bundled("version")?;
//! let compare = guest.callback("compare_bytes", Prototype::comparator(CType::Void))?;
//!
//! let lines = Items::lines(b"v1.10\nv1.9\nv1.2\n".to_vec(), b'\n')?;
//! let sorted = Job::new(&compare, Options::default()).sort(&lines)?;
//! assert_eq!(sorted.order, [2, 1, 0]);
//! # Ok(()) }
//! ```

mod by_keys;
mod by_number;
mod by_value;
#[cfg(feature = "spill")]
mod chunk;
mod columns;
mod contract;
mod csv;
mod field;
mod input;
mod items;
mod job;
mod key;
mod offsets;
mod options;
mod parallel;
mod permutation;
mod progress;
mod runs;
mod sorter;
#[cfg(feature = "spill")]
mod spill;
mod worker;

pub use contract::{Answers, Asked, Checked, Contract, Law, Reply, Violation};
pub use csv::csv_fields;
pub use field::{Fields, Position};
pub use input::{Format, Input};
pub use items::Items;
pub use job::{Job, Sorted};
pub use key::{Ignore, Key, Part};
pub use offsets::Offsets;
pub use options::{Options, Sorter};
pub use permutation::{Side, argsort, rank, search};
pub use progress::{Phase, Progress};
#[cfg(feature = "spill")]
pub use spill::{Arranged, Disorder, Spill, max_open_files};

pub use crate::native::Verify;
