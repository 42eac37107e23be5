//! Inputs of a sort, read item by item.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use super::csv::RecordEnds;
use crate::error::{Error, FileError, Result};

/// Form of the items in a sort's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Lines. The last one of an input may lack its separator.
    Lines {
        /// The byte that ends a line.
        separator: u8,
    },
    /// Records of this width in bytes.
    Records {
        /// The width, at least 1.
        width: usize,
    },
    /// Records of CSV, which end with a line feed outside of quotes.
    Csv {
        /// The byte between fields.
        delimiter: u8,
    },
}

impl Format {
    /// Returns the byte after each item; `None` where there is none.
    pub fn separator(self) -> Option<u8> {
        match self {
            Format::Lines { separator } => Some(separator),
            Format::Csv { .. } => Some(b'\n'),
            Format::Records { .. } => None,
        }
    }
}

/// Size of a buffer at first. It grows where an item does not fit.
const BUFFER_BYTES: usize = 64 << 10;

/// An input of a sort.
pub struct Input {
    name: String,
    bytes: Box<dyn Read + Send>,
    format: Format,
    ends: Option<RecordEnds>,
    /// Empty before the first byte is read.
    buffer: Vec<u8>,
    /// Size of the buffer at first.
    block: usize,
    /// The part of the buffer that has been filled and not taken as items.
    unread: Range<usize>,
    /// Number of bytes at the begin of `unread` that contain no separator.
    searched: usize,
    at_end: bool,
    item: Range<usize>,
    /// Number of items, and of their bytes, that have been read.
    items: u64,
    read: u64,
    most: usize,
}

impl Input {
    /// Creates an input. Its name is for messages.
    pub fn new(name: impl Into<String>, format: Format, bytes: impl Read + Send + 'static) -> Input {
        Input::with_buffer(name, format, BUFFER_BYTES, bytes)
    }

    /// Creates an input that reads this many bytes at once.
    pub(super) fn with_buffer(
        name: impl Into<String>,
        format: Format,
        buffer: usize,
        bytes: impl Read + Send + 'static,
    ) -> Input {
        let ends = match format {
            Format::Csv { delimiter } => Some(RecordEnds::new(delimiter)),
            _ => None,
        };
        Input {
            name: name.into(),
            bytes: Box::new(bytes),
            format,
            ends,
            buffer: Vec::new(),
            block: buffer,
            unread: 0..0,
            searched: 0,
            at_end: false,
            item: 0..0,
            items: 0,
            read: 0,
            most: usize::MAX,
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the form of the items.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Passes all items on that have not been read.
    #[cfg(feature = "spill")]
    pub(super) fn try_for_each(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while self.advance()? {
            each(self.item())?;
        }
        Ok(())
    }

    /// Sets the size in bytes of an item that is refused because it is too large.
    pub fn limit(&mut self, most: usize) {
        self.most = most;
    }

    /// Reads the next item; returns `false` at the end of the input.
    ///
    /// # Errors
    ///
    /// [`FileError::Read`], [`FileError::Ragged`], [`FileError::Unterminated`] and [`FileError::TooLong`].
    pub fn advance(&mut self) -> Result<bool> {
        let (item, taken) = loop {
            if let Some(found) = self.first()? {
                break found;
            }
            if self.at_end {
                return Ok(false);
            }
            self.fill()?;
        };
        self.item = self.unread.start..self.unread.start + item;
        self.unread.start += taken;
        self.searched = 0;
        self.items += 1;
        self.read += taken as u64;
        Ok(true)
    }

    /// Returns the item that [`Input::advance`] has read, without its separator.
    pub fn item(&self) -> &[u8] {
        &self.buffer[self.item.clone()]
    }

    /// Returns the number of items that have been read.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Returns the length of the first unread item, and that with its separator; `None` if the buffer does
    /// not contain all of it.
    fn first(&mut self) -> Result<Option<(usize, usize)>> {
        let unread = &self.buffer[self.unread.clone()];
        let with_separator = match (self.format, &mut self.ends) {
            (Format::Lines { separator }, _) => {
                memchr::memchr(separator, &unread[self.searched..]).map(|at| self.searched + at + 1)
            }
            (Format::Records { width }, _) => {
                if unread.len() >= width {
                    return Ok(Some((width, width)));
                }
                if self.at_end && !unread.is_empty() {
                    let (input, bytes) = (self.name.clone(), self.read + unread.len() as u64);
                    return Err(FileError::Ragged { input, bytes, width }.into());
                }
                None
            }
            (Format::Csv { .. }, Some(ends)) => {
                // The reader goes on where it was.
                let found = match self.searched {
                    0 => ends.first(unread),
                    searched => ends.rest(&unread[searched..]).map(|end| searched + end),
                };
                if found.is_none() && self.at_end && !unread.is_empty() && ends.is_open(unread) {
                    let (input, number) = (self.name.clone(), self.items + 1);
                    return Err(FileError::Unterminated { input, number }.into());
                }
                found
            }
            (Format::Csv { .. }, None) => None,
        };
        let may_go_on = self.ends.is_none() || RecordEnds::has_begun(unread);
        self.searched = if may_go_on { unread.len() } else { 0 };
        Ok(match with_separator {
            Some(taken) => Some((taken - 1, taken)),
            None if self.at_end && !unread.is_empty() => Some((unread.len(), unread.len())),
            None => None,
        })
    }

    /// Reads more bytes into the buffer, which grows if an item fills it.
    fn fill(&mut self) -> Result<()> {
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.buffer.len() {
            if self.unread.len() > self.most {
                let (input, number) = (self.name.clone(), self.items + 1);
                return Err(FileError::TooLong { input, number, most: self.most }.into());
            }
            let more = self.buffer.len().max(self.block);
            let no_memory = |_| Error::NoMemory { bytes: more, what: "an item" };
            self.buffer.try_reserve_exact(more).map_err(no_memory)?;
            self.buffer.resize(self.buffer.len() + more, 0);
        }
        match self.bytes.read(&mut self.buffer[self.unread.end..]) {
            Ok(0) => self.at_end = true,
            Ok(read) => self.unread.end += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(FileError::Read { input: self.name.clone(), source }.into()),
        }
        Ok(())
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
