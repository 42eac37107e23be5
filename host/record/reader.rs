//! The reader of a record, which may be anything.

use std::cmp::Ordering;
use std::fmt;
use std::io::{BufReader, Read};

use super::hashing::Hashing;
use super::{DIGEST_BYTES, Entry, MAGIC, MAX_ENTRY_BYTES, RecordError, RecordedGuest, VERSION};

type Result<T, E = RecordError> = std::result::Result<T, E>;

/// Reads a record, whoever wrote it: nothing is allocated for bytes that are only said to follow.
pub struct Recording<R> {
    from: Hashing<BufReader<R>>,
    /// Room for the texts of an entry.
    scratch: Box<[u8]>,
    /// All items, one after the other, and where each ends.
    items: Vec<u8>,
    ends: Vec<usize>,
    guests: u32,
    current: u32,
    questions: u64,
    ended: bool,
}

/// The next piece of a record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<'r> {
    /// A guest, which has the next number, from 0.
    Guest(RecordedGuest),
    /// A question.
    Question {
        /// Number of the question, from 1.
        number: u64,
        /// Number of the guest.
        guest: u32,
        /// The two items.
        items: [&'r [u8]; 2],
        /// The answer.
        answer: RecordedAnswer,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedAnswer {
    /// The guest's order of the two items.
    Order(Ordering),
    /// The guest failed, in the [words](super::failure) for it.
    Failed(String),
}

impl<R: Read> Recording<R> {
    /// Begins to read a record.
    ///
    /// # Errors
    ///
    /// [`RecordError::NotARecord`] and [`RecordError::Version`], and those of [`Recording::step`].
    pub fn open(from: R) -> Result<Recording<R>> {
        let mut recording = Recording {
            from: Hashing::new(BufReader::new(from)),
            scratch: vec![0; MAX_ENTRY_BYTES].into(),
            items: Vec::new(),
            ends: Vec::new(),
            guests: 0,
            current: 0,
            questions: 0,
            ended: false,
        };
        let mut magic = [0; MAGIC.len()];
        if recording.from.read_exact(&mut magic).is_err() || magic != MAGIC {
            return Err(recording.from.error.take().map_or(RecordError::NotARecord, RecordError::Read));
        }
        match recording.decode()? {
            VERSION => Ok(recording),
            found => Err(RecordError::Version { found }),
        }
    }

    /// Returns what is next; `None` at the end, when all that was read is known to be undamaged.
    ///
    /// # Errors
    ///
    /// [`RecordError::Read`], [`RecordError::Truncated`], [`RecordError::Damaged`].
    pub fn step(&mut self) -> Result<Option<Step<'_>>> {
        while !self.ended {
            let (a, b, answer) = match self.decode()? {
                Entry::Guest(guest) => {
                    self.current = self.guests;
                    self.guests += 1;
                    return Ok(Some(Step::Guest(guest)));
                }
                Entry::Item(len) => {
                    self.read_item(len)?;
                    continue;
                }
                Entry::Switch(guest) => {
                    self.current = guest;
                    continue;
                }
                Entry::End(questions) => {
                    self.end(questions)?;
                    continue;
                }
                Entry::Less(a, b) => (a, b, RecordedAnswer::Order(Ordering::Less)),
                Entry::Equal(a, b) => (a, b, RecordedAnswer::Order(Ordering::Equal)),
                Entry::Greater(a, b) => (a, b, RecordedAnswer::Order(Ordering::Greater)),
                Entry::Failed(a, b, words) => (a, b, RecordedAnswer::Failed(words)),
            };
            if self.current >= self.guests {
                return Err(self.damaged("a question of no guest"));
            }
            let [Some(a), Some(b)] = [a, b].map(|number| self.range(number)) else {
                return Err(self.damaged("a question about no item"));
            };
            self.questions += 1;
            let items = [&self.items[a], &self.items[b]];
            return Ok(Some(Step::Question { number: self.questions, guest: self.current, items, answer }));
        }
        Ok(None)
    }

    /// Returns the number of questions so far.
    pub fn questions(&self) -> u64 {
        self.questions
    }

    /// Returns the place of an item in the bytes of all.
    fn range(&self, number: u32) -> Option<std::ops::Range<usize>> {
        let number = number as usize;
        let start = if number == 0 { 0 } else { *self.ends.get(number - 1)? };
        Some(start..*self.ends.get(number)?)
    }

    fn decode<T: for<'de> serde::Deserialize<'de>>(&mut self) -> Result<T> {
        let Recording { from, scratch, .. } = self;
        match postcard::from_io((from, &mut scratch[..])) {
            Ok((value, _)) => Ok(value),
            Err(_) => Err(self.unreadable("an entry that there is not")),
        }
    }

    /// Reads an item as it arrives, however long it is said to be.
    fn read_item(&mut self, len: u32) -> Result<()> {
        let before = self.items.len();
        let read = (&mut self.from).take(len.into()).read_to_end(&mut self.items);
        if read.is_err() || self.items.len() - before < len as usize {
            return Err(self.unreadable("an item that is not there"));
        }
        self.ends.push(self.items.len());
        Ok(())
    }

    fn end(&mut self, questions: u64) -> Result<()> {
        let (digest, mut found) = (self.from.digest(), [0; DIGEST_BYTES]);
        if self.from.read_exact(&mut found).is_err() {
            return Err(self.unreadable("no hash"));
        }
        if questions != self.questions || digest != found {
            return Err(self.damaged("its bytes are not those that were written"));
        }
        match self.from.inner().read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => return Err(self.damaged("bytes after its end")),
            Err(error) => return Err(RecordError::Read(error)),
        }
        self.ended = true;
        Ok(())
    }

    /// Returns the error for bytes that are missing or make no sense.
    fn unreadable(&mut self, reason: &'static str) -> RecordError {
        match self.from.error.take() {
            Some(error) => RecordError::Read(error),
            None if self.from.at_end => RecordError::Truncated { questions: self.questions },
            None => self.damaged(reason),
        }
    }

    fn damaged(&self, reason: &'static str) -> RecordError {
        RecordError::Damaged { questions: self.questions, reason }
    }
}

impl<R> fmt::Debug for Recording<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({} items, {} questions so far)", self.ends.len(), self.questions)
    }
}
