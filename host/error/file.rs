//! Files that a sort reads and writes.

use std::io;
use std::path::PathBuf;

use super::escape;
use crate::limits::size;

/// The reason why a sort cannot read its input, or keep what does not fit in memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// An input cannot be read.
    #[error("{}: cannot read: {source}", escape(input))]
    Read {
        /// The input's name.
        input: String,
        /// The error of the operating system.
        source: io::Error,
    },

    /// An input does not end with a whole record.
    #[error("{}: {bytes} bytes are no whole number of records of {width}", escape(input))]
    Ragged {
        /// The input's name.
        input: String,
        /// Number of bytes in the input.
        bytes: u64,
        /// Width of a record in bytes.
        width: usize,
    },

    /// The quotes of a CSV field do not end.
    #[error("{}: the quotes of a field of record {number} do not end", escape(input))]
    Unterminated {
        /// The input's name.
        input: String,
        /// Number of the record in the input, from 1; a header counts.
        number: u64,
    },

    /// A line or record is larger than the memory that the sort may take.
    #[error("{}: item {number} is larger than {}, all the memory for one", escape(input), size(*most))]
    TooLong {
        /// The input's name.
        input: String,
        /// Number of the item in the input, from 1.
        number: u64,
        /// Most bytes that an item can have.
        most: usize,
    },

    /// A file for what does not fit in memory cannot be made, written or read.
    #[error(
        "{}: cannot keep there what does not fit in memory: {source}",
        escape(folder.as_os_str().as_encoded_bytes())
    )]
    Spill {
        /// The folder of the file.
        folder: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// The program that compresses what does not fit in memory did not do it.
    #[error("{}: cannot compress with it: {reason}", escape(program))]
    Program {
        /// The program's name.
        program: String,
        /// The system's error, or how it ended.
        reason: String,
    },

    /// Every pair of a result was to be verified, which has to be in memory for that.
    #[error(
        "every pair is verified only of what is sorted at once in memory, and this input is too large \
         for that"
    )]
    VerifyFull,

    /// A temporary file does not have what was written to it.
    #[error("what was kept in {} has changed", escape(folder.as_os_str().as_encoded_bytes()))]
    Changed {
        /// The folder of the file.
        folder: PathBuf,
    },
}
