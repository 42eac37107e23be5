//! The places in a text at which its lines begin.

use crate::error::{Error, Result};
use crate::memory::try_with_capacity;

const WHAT: &str = "the places of the lines";

/// Start offset of each line, plus one past the end. 32-bit offsets halve the size where the text is small
/// enough.
#[derive(Clone, Debug)]
pub(super) enum Starts {
    Short(Vec<u32>),
    Long(Vec<usize>),
}

impl Starts {
    /// Creates a list with room for `count` offsets, none of them above `most`.
    pub(super) fn with_capacity(count: usize, most: usize) -> Result<Starts> {
        match u32::try_from(most) {
            Ok(_) => try_with_capacity(count, WHAT).map(Starts::Short),
            Err(_) => try_with_capacity(count, WHAT).map(Starts::Long),
        }
    }

    pub(super) fn push(&mut self, start: usize) -> Result<()> {
        if let (Starts::Short(starts), Err(_)) = (&*self, u32::try_from(start)) {
            let mut long = try_with_capacity(starts.len() + 1, WHAT)?;
            long.extend(starts.iter().map(|start| *start as usize));
            *self = Starts::Long(long);
        }
        match self {
            Starts::Short(starts) => push(starts, start as u32),
            Starts::Long(starts) => push(starts, start),
        }
    }

    pub(super) fn get(&self, at: usize) -> usize {
        match self {
            Starts::Short(starts) => starts[at] as usize,
            Starts::Long(starts) => starts[at],
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Starts::Short(starts) => starts.len(),
            Starts::Long(starts) => starts.len(),
        }
    }
}

impl Default for Starts {
    fn default() -> Starts {
        Starts::Short(Vec::new())
    }
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
