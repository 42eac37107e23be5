//! Records of what comparators were asked, and what they answered, to ask again later.
//!
//! A [`Recorder`] is a sink of [`Callback::observe`](crate::Callback::observe) that writes each question as
//! it ends; a [`Recording`] reads them. Items are written once, and questions refer to them by number.
//!
//! ```
//! use callbox::record::{RecordedAnswer, Recorder, Recording, Step};
//! use callbox::{CType, Limits, Sandbox, native};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let compare = Sandbox::new(Limits::default())?.bundled("i32")?.comparator_for(CType::Int32)?;
//! let recorder = Recorder::new(Vec::new())?;
//! native::qsort(&mut [5, 1], &recorder.observe(&compare)?)?;
//! let (file, counts) = recorder.finish()?;
//! assert_eq!(counts.questions, 1);
//!
//! let mut recording = Recording::open(&file[..])?;
//! while let Some(step) = recording.step()? {
//!     if let Step::Question { items: [a, b], answer, .. } = step {
//!         assert_eq!(answer, RecordedAnswer::Order(compare.compare(a, b)?));
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # Format
//!
//! [`MAGIC`], the version, and then entries, all in the encoding of [postcard]: an entry begins with its
//! number, integers are of variable length, a text is preceded by its length. The last entry is followed by
//! the SHA-256 of all bytes before. A question among a million items takes 7 bytes.
//!
//! [postcard]: https://postcard.jamesmunns.com/wire-format

mod error;
mod hashing;
mod reader;
mod writer;

pub use error::RecordError;
pub use reader::{RecordedAnswer, Recording, Step};
pub use writer::{RecordCounts, Recorder};

use serde::{Deserialize, Serialize};

use crate::callback::Callback;
use crate::error::Error;
use crate::sandbox::CompareShape;

/// The bytes that begin a record.
pub const MAGIC: [u8; 8] = *b"\x89CBREC\r\n";

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// Maximum number of bytes of an entry, without those of an item.
const MAX_ENTRY_BYTES: usize = 64 << 10;

/// Maximum number of characters of a failure.
const MAX_FAILURE_CHARS: usize = 200;

/// Number of bytes of a SHA-256.
const DIGEST_BYTES: usize = 32;

/// A part of a record. Their order is the format's: it only grows at the end.
#[derive(Debug, Serialize, Deserialize)]
enum Entry {
    /// A guest, of which the next questions are.
    Guest(RecordedGuest),
    /// An item of so many bytes, which follow. It gets the next number.
    Item(u32),
    /// A question about two items by their numbers, with its answer.
    Less(u32, u32),
    Equal(u32, u32),
    Greater(u32, u32),
    Failed(u32, u32, String),
    /// The next questions are of the guest of this number.
    Switch(u32),
    /// There have been so many questions.
    End(u64),
}

/// A guest that was asked, and how it was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedGuest {
    /// The module's name or path.
    pub module: String,
    /// SHA-256 of the module's binary.
    pub sha256: [u8; 32],
    /// Name of the export that compares.
    pub export: String,
    /// The callback's prototype, as C writes it.
    pub prototype: String,
    shape: RecordedShape,
    /// Fuel of a run.
    pub fuel: u64,
    /// Time of a run in microseconds.
    pub deadline: u64,
    /// Memory of the guest in bytes.
    pub memory: u64,
    /// Stack of the guest in bytes.
    pub stack: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum RecordedShape {
    Pointers,
    Scalars,
    Slices,
}

impl RecordedGuest {
    fn of(callback: &Callback, shape: CompareShape) -> RecordedGuest {
        let (module, limits) = (callback.guest().module(), callback.guest().limits());
        RecordedGuest {
            module: module.name().to_owned(),
            sha256: module.sha256(),
            export: callback.export().to_owned(),
            prototype: callback.prototype().to_string(),
            shape: match shape {
                CompareShape::Pointers => RecordedShape::Pointers,
                CompareShape::Scalars => RecordedShape::Scalars,
                CompareShape::Slices => RecordedShape::Slices,
            },
            fuel: limits.fuel,
            deadline: u64::try_from(limits.deadline.as_micros()).unwrap_or(u64::MAX),
            memory: limits.memory as u64,
            stack: limits.stack as u64,
        }
    }

    /// Returns how the export takes the two items.
    pub fn shape(&self) -> CompareShape {
        match self.shape {
            RecordedShape::Pointers => CompareShape::Pointers,
            RecordedShape::Scalars => CompareShape::Scalars,
            RecordedShape::Slices => CompareShape::Slices,
        }
    }
}

/// Returns the words for a failure that a record has, without the items: two failures with the same words are
/// the same answer.
pub fn failure(error: &Error) -> String {
    let words = match error {
        Error::Trap { trap, .. } => format!("trapped: {trap}"),
        Error::Limit { limit, .. } => format!("ran into the limit {}", limit.option()),
        error => error.to_string(),
    };
    words.chars().take(MAX_FAILURE_CHARS).collect()
}
