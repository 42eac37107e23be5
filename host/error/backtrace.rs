//! The place in a guest where a trap happened.

use std::fmt;

/// The place in a guest where a trap happened: the innermost function first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuestBacktrace {
    /// Functions that were running, innermost first, at most 20.
    pub frames: Vec<GuestFrame>,
}

/// One function of a [`GuestBacktrace`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuestFrame {
    /// The function's name, where the module has a name section.
    pub name: Option<String>,
    /// The function's index in its module.
    pub index: u32,
    /// Offset of the instruction in the module, in bytes.
    pub offset: Option<usize>,
}

impl fmt::Display for GuestBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("in the guest:")?;
        for (depth, frame) in self.frames.iter().enumerate() {
            match &frame.name {
                Some(name) => write!(f, "\n  {depth}: {name}")?,
                None => write!(f, "\n  {depth}: function {}", frame.index)?,
            }
            if let Some(offset) = frame.offset {
                write!(f, " at {offset:#x}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for GuestBacktrace {}
