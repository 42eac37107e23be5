//! Items and elements that cannot be sorted or searched as they are.

use super::asked_about;

/// The reason why items, or the elements of an array, cannot be sorted or searched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemsError {
    /// The bytes are not a whole number of elements, or the elements have no size.
    #[error(
        "{bytes} bytes cannot be divided into elements of {width}; the width must be at least 1 and \
         divide the length"
    )]
    Ragged {
        /// Number of bytes.
        bytes: usize,
        /// Width of an element in bytes.
        width: usize,
    },

    /// There are more items than an index can count.
    #[error("{len} items are too many; at most {} can be sorted at once", u32::MAX)]
    TooMany {
        /// Number of items.
        len: usize,
    },

    /// Offsets do not divide the bytes into items.
    #[error(
        "offset {at} is {offset}, where {least} to {most} were expected; offsets ascend, and end within the \
         bytes"
    )]
    Offset {
        /// Number of the offset, from 0.
        at: usize,
        /// The offset.
        offset: u64,
        /// The offset before it.
        least: u64,
        /// Number of bytes.
        most: usize,
    },

    /// Items to search among are not in order.
    #[error(
        "the items to search among are not in the order that \"{}\" says: item {at} is after the next{}; \
         sort them by the same guest first",
        super::escape(export),
        asked_about(&items[..])
    )]
    Unsorted {
        /// The export behind the callback.
        export: String,
        /// Number of the first of the two items, from 0.
        at: usize,
        /// The two items, as text.
        items: Box<[String; 2]>,
    },
}
