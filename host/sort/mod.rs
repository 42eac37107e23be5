//! Ordering of lines and records on top of [`native`](crate::native).

mod contract;
mod items;
mod order;

pub use contract::{Checked, Contradiction};
pub use items::Items;
pub use order::{Job, Options, Sorted, Trace};
