//! The offsets in a run of bytes at which items begin.

use std::borrow::Cow;

use crate::error::{Error, ItemsError, Result};
use crate::memory::try_with_capacity;

const WHAT: &str = "the places of the lines";

/// Start offset of each item, plus one past the end of the last: one more than there are items, or none for
/// no items. This is Arrow's layout of strings and binaries, whose offsets convert into it without a copy.
///
/// Offsets of 32 bits halve the size where the bytes are few enough.
#[derive(Clone, Debug)]
pub struct Offsets<'a>(Repr<'a>);

#[derive(Clone, Debug)]
enum Repr<'a> {
    Short(Cow<'a, [u32]>),
    Long(Cow<'a, [u64]>),
}

use Repr::{Long, Short};

impl<'a> Offsets<'a> {
    /// Creates a list with room for `count` offsets, none of them above `most`.
    pub(super) fn with_capacity(count: usize, most: usize) -> Result<Offsets<'a>> {
        let repr = match u32::try_from(most) {
            Ok(_) => Short(Cow::Owned(try_with_capacity(count, WHAT)?)),
            Err(_) => Long(Cow::Owned(try_with_capacity(count, WHAT)?)),
        };
        Ok(Offsets(repr))
    }

    pub(super) fn push(&mut self, offset: usize) -> Result<()> {
        if let (Short(offsets), Err(_)) = (&self.0, u32::try_from(offset)) {
            let mut long = try_with_capacity(offsets.len() + 1, WHAT)?;
            long.extend(offsets.iter().map(|offset| u64::from(*offset)));
            self.0 = Long(Cow::Owned(long));
        }
        match &mut self.0 {
            Short(offsets) => push(offsets.to_mut(), offset as u32),
            Long(offsets) => push(offsets.to_mut(), offset as u64),
        }
    }

    pub(super) fn get(&self, at: usize) -> usize {
        match &self.0 {
            Short(offsets) => offsets[at] as usize,
            Long(offsets) => offsets[at] as usize,
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.0 {
            Short(offsets) => offsets.len(),
            Long(offsets) => offsets.len(),
        }
    }

    /// Returns the number of items between these offsets.
    pub(super) fn items(&self) -> usize {
        self.len().saturating_sub(1)
    }

    /// `Err` unless the offsets ascend, and end within so many bytes.
    pub(super) fn check(&self, most: usize) -> Result<()> {
        match &self.0 {
            Short(offsets) => check(offsets.iter().map(|offset| u64::from(*offset)), most),
            Long(offsets) => check(offsets.iter().copied(), most),
        }
    }
}

impl Default for Offsets<'_> {
    fn default() -> Self {
        Offsets(Short(Cow::Owned(Vec::new())))
    }
}

macro_rules! from_slices {
    ($($offset:ty as $repr:ident),*) => {
        $(impl<'a> From<&'a [$offset]> for Offsets<'a> {
            /// Borrows the offsets. A negative one is refused as one that is too large.
            fn from(offsets: &'a [$offset]) -> Self {
                Offsets($repr(Cow::Borrowed(bytemuck::cast_slice(offsets))))
            }
        })*
    };
}

from_slices!(u32 as Short, u64 as Long, i32 as Short, i64 as Long);

fn check(offsets: impl Iterator<Item = u64>, most: usize) -> Result<()> {
    let mut least = 0;
    for (at, offset) in offsets.enumerate() {
        if offset < least || offset > most as u64 {
            return Err(ItemsError::Offset { at, offset, least, most }.into());
        }
        least = offset;
    }
    Ok(())
}

/// Appends an element; `Err` instead of an abort where there is no memory.
fn push<T>(vec: &mut Vec<T>, element: T) -> Result<()> {
    if vec.len() == vec.capacity() {
        let bytes = size_of::<T>() * (vec.len() + 1);
        vec.try_reserve(1).map_err(|_| Error::NoMemory { bytes, what: WHAT })?;
    }
    vec.push(element);
    Ok(())
}
