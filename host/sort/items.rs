//! The items of a sort: lines or records, in one buffer.

use std::ops::Range;

use super::csv::RecordEnds;
use super::starts::Starts;
use crate::error::{Error, Result, bug};
use crate::memory::{check_width, try_with_capacity};

/// Lines, or records of one width, in memory.
#[derive(Clone, Debug)]
pub struct Items {
    bytes: Vec<u8>,
    boundaries: Boundaries,
}

#[derive(Clone, Debug)]
enum Boundaries {
    Lines { starts: Starts, separator: u8 },
    Records { width: usize },
}

impl Items {
    /// Splits a text into lines. A line does not contain its separator; the last one may lack it.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyItems`] beyond 2³² − 1 lines, [`Error::NoMemory`].
    pub fn lines(text: Vec<u8>, separator: u8) -> Result<Items> {
        // Counted first: a list that grows line by line would take up to three times the memory at its peak.
        let separators = memchr::memchr_iter(separator, &text).count();
        let mut starts = Starts::with_capacity(separators + 2, text.len() + 1)?;
        starts.push(0)?;
        memchr::memchr_iter(separator, &text).try_for_each(|at| starts.push(at + 1))?;
        if text.last().is_some_and(|last| *last != separator) {
            starts.push(text.len() + 1)?; // as if the last line had its separator
        }
        Items::split(text, starts, separator)
    }

    /// Splits a CSV text into records. A record does not contain the line feed that ends it; the last one may
    /// lack it. Line feeds in quotes are part of their record.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyItems`] beyond 2³² − 1 records, [`Error::NoMemory`].
    pub fn csv(text: Vec<u8>, delimiter: u8) -> Result<Items> {
        let (mut starts, mut ends) = (Starts::default(), RecordEnds::new(delimiter));
        starts.push(0)?;
        let mut at = 0;
        while at < text.len() {
            // As if the last record had its line feed.
            at = ends.first(&text[at..]).map_or(text.len() + 1, |length| at + length);
            starts.push(at)?;
        }
        Items::split(text, starts, b'\n')
    }

    /// Creates items from a text and the places that begin them, and one more place after the last one's
    /// separator.
    pub(super) fn split(text: Vec<u8>, starts: Starts, separator: u8) -> Result<Items> {
        check_len(starts.len() - 1)?;
        Ok(Items { bytes: text, boundaries: Boundaries::Lines { starts, separator } })
    }

    /// Creates a list of no items, each to be followed by a separator.
    pub(super) fn empty(separator: u8) -> Items {
        let mut starts = Starts::default();
        // The first one fits in memory, or the next one reports that it does not.
        let _ = starts.push(0);
        Items { bytes: Vec::new(), boundaries: Boundaries::Lines { starts, separator } }
    }

    /// Appends an item; returns how many bytes of memory it takes. A record has to be of the right width, and
    /// a line before must not lack its separator.
    pub(super) fn push(&mut self, item: &[u8]) -> Result<usize> {
        let bytes = item.len() + 1;
        self.bytes.try_reserve(bytes).map_err(|_| Error::NoMemory { bytes, what: "the items" })?;
        self.bytes.extend_from_slice(item);
        match &mut self.boundaries {
            Boundaries::Lines { starts, separator } => {
                self.bytes.push(*separator);
                starts.push(self.bytes.len())?;
                Ok(bytes + size_of::<u32>())
            }
            Boundaries::Records { .. } => Ok(item.len()),
        }
    }

    /// Creates items from records of `width` bytes each.
    ///
    /// # Errors
    ///
    /// [`Error::Ragged`] where the bytes are not a whole number of records,
    /// [`Error::TooManyItems`] beyond 2³² − 1 of them.
    pub fn records(bytes: Vec<u8>, width: usize) -> Result<Items> {
        check_width(bytes.len(), width)?;
        check_len(bytes.len() / width)?;
        Ok(Items { bytes, boundaries: Boundaries::Records { width } })
    }

    /// Returns the number of items.
    pub fn len(&self) -> usize {
        match &self.boundaries {
            Boundaries::Lines { starts, .. } => starts.len() - 1,
            Boundaries::Records { width } => self.bytes.len() / width,
        }
    }

    /// Returns whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the item of this number, from 0.
    ///
    /// # Panics
    ///
    /// Panics where there is no such item.
    pub fn get(&self, at: usize) -> &[u8] {
        match &self.boundaries {
            Boundaries::Lines { starts, .. } => &self.bytes[starts.get(at)..starts.get(at + 1) - 1],
            Boundaries::Records { width } => &self.bytes[at * width..][..*width],
        }
    }

    /// Returns the width of a record in bytes; `None` for lines.
    pub fn width(&self) -> Option<usize> {
        match self.boundaries {
            Boundaries::Lines { .. } => None,
            Boundaries::Records { width } => Some(width),
        }
    }

    /// Returns the number of bytes of all items, with their separators.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns all records, one after the other; empty for lines.
    pub(super) fn all_records(&self) -> &[u8] {
        if self.width().is_some() { &self.bytes } else { &[] }
    }

    pub(super) fn records_mut(&mut self) -> &mut [u8] {
        if self.width().is_some() { &mut self.bytes } else { &mut [] }
    }

    /// Returns the bytes of the items of these numbers, as in memory, without the last line's separator.
    pub(super) fn whole(&self, numbers: Range<u32>) -> &[u8] {
        let (from, to) = (numbers.start as usize, numbers.end as usize);
        match &self.boundaries {
            Boundaries::Lines { .. } if from == to => &[],
            Boundaries::Lines { starts, .. } => &self.bytes[starts.get(from)..starts.get(to) - 1],
            Boundaries::Records { width } => &self.bytes[from * width..to * width],
        }
    }

    /// Overwrites the records with as many others.
    pub(super) fn replace_records(&mut self, records: &[u8]) -> Result<()> {
        match self.records_mut() {
            old if old.len() == records.len() => old.copy_from_slice(records),
            old => return Err(bug!("{} bytes of sorted records for {}", records.len(), old.len())),
        }
        Ok(())
    }

    /// Replaces the items by those of these numbers, in this order.
    pub(super) fn arrange(&mut self, order: &[u32]) -> Result<()> {
        let end = usize::from(self.width().is_none());
        let len = order.iter().map(|&at| self.get(at as usize).len() + end).sum();
        let mut bytes = try_with_capacity(len, "the sorted items")?;
        let mut starts = Starts::with_capacity(order.len() + 1, len)?;
        for &at in order {
            starts.push(bytes.len())?;
            bytes.extend_from_slice(self.get(at as usize));
            if let Boundaries::Lines { separator, .. } = self.boundaries {
                bytes.push(separator);
            }
        }
        starts.push(bytes.len())?;
        if let Boundaries::Lines { starts: old, .. } = &mut self.boundaries {
            *old = starts;
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Iterates over the items in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.len()).map(|at| self.get(at))
    }
}

fn check_len(len: usize) -> Result<()> {
    if len > u32::MAX as usize { Err(Error::TooManyItems { len }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_are_what_split_says(text in "[ab\n]{0,30}") {
            let mut naive: Vec<_> = text.split('\n').map(str::as_bytes).collect();
            if naive.last() == Some(&&b""[..]) {
                naive.pop(); // the text ended with a separator, or was empty
            }
            let items = Items::lines(text.clone().into_bytes(), b'\n').unwrap();
            prop_assert_eq!(items.iter().collect::<Vec<_>>(), naive);
        }
    }

    #[test]
    fn a_width_that_does_not_divide_the_length_is_refused() {
        assert!(Items::records(vec![0; 7], 2).is_err());
        assert!(Items::records(vec![0; 7], 0).is_err());
        assert!(Items::records(vec![], 0).is_err());
        assert_eq!(Items::records(vec![], 4).unwrap().len(), 0);
        assert_eq!(Items::records(vec![1, 2, 3, 4], 2).unwrap().get(1), [3, 4]);
    }
}
