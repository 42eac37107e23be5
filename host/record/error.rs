//! Errors of records.

use std::io;

/// The reason why a record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes cannot be read.
    #[error("cannot read: {0}")]
    Read(#[source] io::Error),

    /// The bytes are something else.
    #[error("it is no record of what a comparator was asked")]
    NotARecord,

    /// A newer format.
    #[error(
        "it is a record of version {found}, and {} is the newest that is read here; take a newer program",
        super::VERSION
    )]
    Version {
        /// The version.
        found: u32,
    },

    /// The bytes end too early.
    #[error("the record is cut off, after {questions} questions")]
    Truncated {
        /// Number of questions before.
        questions: u64,
    },

    /// The bytes are no record that was ever written.
    #[error("the record is damaged, after {questions} questions: {reason}")]
    Damaged {
        /// Number of questions before.
        questions: u64,
        /// The expectation that does not hold.
        reason: &'static str,
    },
}
