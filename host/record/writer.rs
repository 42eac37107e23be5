//! The writer of a record.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::mem;

use super::hashing::Hashing;
use super::{Entry, MAGIC, MAX_ENTRY_BYTES, RecordedGuest, VERSION, failure};
use crate::callback::{Callback, Observation, ObservedValue};
use crate::error::{Error, Result};
use crate::sync::{Arc, Mutex, lock};

/// Writes what comparators are asked, and what they answer, to a file.
///
/// A writer that fails makes no call fail: [`Recorder::finish`] returns its error. Each write is small, so a
/// file wants a [`BufWriter`](io::BufWriter).
pub struct Recorder<W> {
    record: Arc<Mutex<Record<W>>>,
}

/// Numbers of what a record has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordCounts {
    /// Number of questions.
    pub questions: u64,
    /// Number of different items.
    pub items: u32,
}

struct Record<W> {
    /// `None` once the record has ended.
    to: Option<Hashing<W>>,
    /// The numbers of items by their keyed hashes of 128 bits, which are the same for two items as seldom as
    /// their SHA-256 would be.
    items: HashMap<[u64; 2], u32>,
    keys: [RandomState; 2],
    guests: u32,
    /// The guest that the next question would be of.
    current: u32,
    counts: RecordCounts,
    error: Option<io::Error>,
    /// Room for an entry.
    buffer: Vec<u8>,
}

impl<W: Write + Send + 'static> Recorder<W> {
    /// Begins a record.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn new(to: W) -> io::Result<Recorder<W>> {
        let mut to = Hashing::new(to);
        to.write_all(&MAGIC)?;
        to.write_all(&postcard::to_stdvec(&VERSION).map_err(io::Error::other)?)?;
        let record = Record {
            to: Some(to),
            items: HashMap::new(),
            keys: [RandomState::new(), RandomState::new()],
            guests: 0,
            current: 0,
            counts: RecordCounts::default(),
            error: None,
            buffer: Vec::new(),
        };
        Ok(Recorder { record: Arc::new(Mutex::new(record)) })
    }

    /// Returns the callback with a sink that records its questions, until the record is finished.
    ///
    /// Each such callback is a guest of its own in the record, and so are its questions of several threads,
    /// in the order in which they ended.
    ///
    /// # Errors
    ///
    /// [`Error::PrototypeUnserved`] if the callback is not a comparator.
    pub fn observe(&self, callback: &Callback) -> Result<Callback> {
        let Some(shape) = callback.shape() else {
            let reason = "only questions of comparators are recorded, as \"int (const T *, const T *)\"";
            let prototype = callback.prototype().to_string();
            return Err(Error::PrototypeUnserved { prototype, reason });
        };
        let record = self.record.clone();
        let guest = lock(&record).begin_guest(RecordedGuest::of(callback, shape));
        Ok(callback.clone().observe(move |call| lock(&record).add(guest, call)))
    }

    /// Flushes the writer.
    ///
    /// # Errors
    ///
    /// The first error of the writer; the record is of no use then, and has ended.
    pub fn flush(&self) -> io::Result<()> {
        let mut record = lock(&self.record);
        let flushed = match (record.error.take(), &mut record.to) {
            (Some(error), _) => Err(error),
            (None, Some(to)) => to.flush(),
            (None, None) => Ok(()),
        };
        flushed.inspect_err(|_| record.to = None)
    }

    /// Ends the record. Questions that come later are not recorded.
    ///
    /// # Errors
    ///
    /// The first error of the writer; the record is of no use then.
    pub fn finish(self) -> io::Result<(W, RecordCounts)> {
        let mut record = lock(&self.record);
        let questions = record.counts.questions;
        record.write(&Entry::End(questions));
        if let Some(error) = record.error.take() {
            return Err(error);
        }
        let Some(mut to) = record.to.take() else { return Err(io::Error::other("it has ended")) };
        let digest = to.digest();
        to.write_all(&digest)?;
        to.flush()?;
        Ok((to.into_inner(), record.counts))
    }
}

impl<W: Write> Record<W> {
    fn begin_guest(&mut self, guest: RecordedGuest) -> u32 {
        self.write(&Entry::Guest(guest));
        self.current = self.guests;
        self.guests += 1;
        self.current
    }

    fn add(&mut self, guest: u32, call: &Observation<'_>) {
        let &[ObservedValue::Bytes { bytes: a, .. }, ObservedValue::Bytes { bytes: b, .. }] = call.arguments
        else {
            return;
        };
        if self.current != guest {
            self.write(&Entry::Switch(guest));
            self.current = guest;
        }
        let (a, b) = (self.item(a), self.item(b));
        self.write(&match call.outcome {
            Ok(ObservedValue::Order(Ordering::Less)) => Entry::Less(a, b),
            Ok(ObservedValue::Order(Ordering::Equal)) => Entry::Equal(a, b),
            Ok(ObservedValue::Order(Ordering::Greater)) => Entry::Greater(a, b),
            Ok(_) => return,
            Err(error) => Entry::Failed(a, b, failure(error)),
        });
        self.counts.questions += 1;
    }

    /// Returns the number of an item, which is written if it is new.
    fn item(&mut self, item: &[u8]) -> u32 {
        let key = [0, 1].map(|at| self.keys[at].hash_one(item));
        if let Some(number) = self.items.get(&key) {
            return *number;
        }
        let number = self.counts.items;
        match (u32::try_from(item.len()), number.checked_add(1)) {
            (Ok(len), Some(next)) => {
                self.items.insert(key, number);
                self.counts.items = next;
                self.write(&Entry::Item(len));
                self.try_write(|to| to.write_all(item));
            }
            _ => self.fail(io::Error::other("a record has no room for so many items, or such long ones")),
        }
        number
    }

    fn write(&mut self, entry: &Entry) {
        let mut buffer = mem::take(&mut self.buffer);
        buffer.clear();
        match postcard::to_extend(entry, buffer) {
            // Only a guest's names may be long.
            Ok(bytes) if bytes.len() > MAX_ENTRY_BYTES => {
                self.fail(io::Error::other("the guest's names are too long for a record"));
            }
            Ok(bytes) => {
                self.try_write(|to| to.write_all(&bytes));
                self.buffer = bytes;
            }
            Err(error) => self.fail(io::Error::other(error)),
        }
    }

    fn try_write(&mut self, write: impl FnOnce(&mut Hashing<W>) -> io::Result<()>) {
        if let (None, Some(to)) = (&self.error, &mut self.to)
            && let Err(error) = write(to)
        {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
    }
}

impl<W> fmt::Debug for Recorder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({:?})", lock(&self.record).counts)
    }
}
