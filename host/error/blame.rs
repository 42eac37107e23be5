//! Attribution of errors to a party and to a limit.

use super::{CallError, Error};
use crate::limits::Limit;

/// The party that has to change something so that a failure does not recur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The program that uses Callbox: a wrong argument, a wrong prototype, a missing file.
    Caller,
    /// The untrusted module: it trapped, exceeded a limit, or is no usable guest.
    Guest,
    /// The process around both: no memory, no free slot, a panic.
    Host,
}

impl Error {
    /// Returns the party that has to change something.
    pub fn blame(&self) -> Blame {
        use Error::*;
        match self {
            Read { .. }
            | NotBundled { .. }
            | PrototypeSyntax { .. }
            | PrototypeUnserved { .. }
            | Type(_)
            | Library(_)
            | File(_)
            | ElementMismatch { .. }
            | Items(_)
            | Interrupted { .. }
            | ArrayTooLarge { .. }
            | Stack { .. }
            | Forked { .. }
            | Reentrant { .. } => Blame::Caller,
            Module(_) | Limit { .. } | Trap { .. } | OutOfBounds { .. } | Contradiction(_) => Blame::Guest,
            Call(error) => error.blame(),
            LeftMergePath { .. }
            | TemporaryTooLarge { .. }
            | NoMemory { .. }
            | NotPermutation
            | Panic { .. }
            | TableFull { .. }
            | Isolation { .. }
            | Engine { .. }
            | Thread { .. }
            | Internal { .. } => Blame::Host,
        }
    }

    /// Returns the limit that was hit, if any.
    pub fn limit(&self) -> Option<Limit> {
        match self {
            Error::Limit { limit, .. } => Some(*limit),
            // More than 32 bits count is refused whatever the limit.
            Error::ArrayTooLarge { most, .. } if *most != u32::MAX as usize => Some(Limit::Array),
            Error::Stack { .. } => Some(Limit::Stack),
            Error::Call(CallError::Text { .. }) => Some(Limit::Text),
            Error::Call(CallError::TooLarge { .. }) => Some(Limit::Array),
            _ => None,
        }
    }
}

impl From<Box<Error>> for Error {
    fn from(error: Box<Error>) -> Error {
        *error
    }
}
