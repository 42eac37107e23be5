//! Host memory that C works on: typed arrays, scratch copies, pointer bounds.

mod alloc;
mod array;
mod bounds;
pub(crate) mod madvise;

pub(crate) use alloc::{array_bytes, try_with_capacity};
pub use array::Element;
pub(crate) use array::{Array, Extent, ScratchArray, check_width};
pub(crate) use bounds::{AddressRange, Bounds, Violation};
