//! The items of a sort: lines or records, in one buffer.

use std::borrow::Cow;
use std::ops::Range;

use super::Offsets;
use super::csv::RecordEnds;
use crate::error::{Error, ItemsError, Result, bug};
use crate::memory::{check_width, try_with_capacity};

/// Lines, runs of bytes given by their offsets, or records of one width, in memory. The bytes are owned or
/// borrowed.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    bytes: Cow<'a, [u8]>,
    boundaries: Boundaries<'a>,
}

#[derive(Clone, Debug)]
enum Boundaries<'a> {
    /// From one offset to the next, without the separator that ends each, if any.
    Lines {
        starts: Offsets<'a>,
        separator: Option<u8>,
    },
    Records {
        width: usize,
    },
}

impl<'a> Items<'a> {
    /// Splits a text into lines. A line does not contain its separator; the last one may lack it.
    ///
    /// # Errors
    ///
    /// [`ItemsError::TooMany`] beyond 2³² − 1 lines, [`Error::NoMemory`].
    pub fn lines(text: Vec<u8>, separator: u8) -> Result<Items<'a>> {
        // Counted first: a list that grows line by line would take up to three times the memory at its peak.
        let separators = memchr::memchr_iter(separator, &text).count();
        let mut starts = Offsets::with_capacity(separators + 2, text.len() + 1)?;
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
    /// [`ItemsError::TooMany`] beyond 2³² − 1 records, [`Error::NoMemory`].
    pub fn csv(text: Vec<u8>, delimiter: u8) -> Result<Items<'a>> {
        let (mut starts, mut ends) = (Offsets::default(), RecordEnds::new(delimiter));
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
    pub(super) fn split(text: Vec<u8>, starts: Offsets<'a>, separator: u8) -> Result<Items<'a>> {
        check_len(starts.items())?;
        let boundaries = Boundaries::Lines { starts, separator: Some(separator) };
        Ok(Items { bytes: Cow::Owned(text), boundaries })
    }

    /// Creates items from bytes and the offsets that begin them, and one more offset past the end of the last
    /// one: Arrow's layout, borrowed.
    ///
    /// ```
    /// let offsets: [i32; 3] = [0, 5, 9];
    /// let items = callbox::sort::Items::offsets(b"v1.10v1.9", &offsets[..])?;
    /// assert_eq!(items.iter().collect::<Vec<_>>(), [&b"v1.10"[..], b"v1.9"]);
    /// # Ok::<(), callbox::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ItemsError::Offset`] where an offset is before the one before it, or beyond the bytes;
    /// [`ItemsError::TooMany`] beyond 2³² − 1 items.
    pub fn offsets(bytes: &'a [u8], offsets: impl Into<Offsets<'a>>) -> Result<Items<'a>> {
        let starts = offsets.into();
        starts.check(bytes.len())?;
        check_len(starts.items())?;
        Ok(Items { bytes: Cow::Borrowed(bytes), boundaries: Boundaries::Lines { starts, separator: None } })
    }

    /// Creates a list of no items, each to be followed by a separator.
    pub(super) fn empty(separator: u8) -> Items<'a> {
        let mut starts = Offsets::default();
        // The first one fits in memory, or the next one reports that it does not.
        let _ = starts.push(0);
        let boundaries = Boundaries::Lines { starts, separator: Some(separator) };
        Items { bytes: Cow::Owned(Vec::new()), boundaries }
    }

    /// Appends an item; returns how many bytes of memory it takes. A record has to be of the right width, and
    /// a line before must not lack its separator.
    pub(super) fn push(&mut self, item: &[u8]) -> Result<usize> {
        let (all, bytes) = (self.bytes.to_mut(), item.len() + 1);
        all.try_reserve(bytes).map_err(|_| Error::NoMemory { bytes, what: "the items" })?;
        all.extend_from_slice(item);
        match &mut self.boundaries {
            Boundaries::Lines { starts, separator } => {
                all.extend(*separator);
                starts.push(all.len())?;
                Ok(bytes + size_of::<u32>())
            }
            Boundaries::Records { .. } => Ok(item.len()),
        }
    }

    /// Creates items from records of `width` bytes each.
    ///
    /// # Errors
    ///
    /// [`ItemsError::Ragged`] where the bytes are not a whole number of records,
    /// [`ItemsError::TooMany`] beyond 2³² − 1 of them.
    pub fn records(bytes: Vec<u8>, width: usize) -> Result<Items<'a>> {
        Items::cut(Cow::Owned(bytes), width)
    }

    /// As [`Items::records`], without a copy of the bytes.
    ///
    /// # Errors
    ///
    /// As [`Items::records`].
    pub fn borrowed_records(bytes: &'a [u8], width: usize) -> Result<Items<'a>> {
        Items::cut(Cow::Borrowed(bytes), width)
    }

    fn cut(bytes: Cow<'a, [u8]>, width: usize) -> Result<Items<'a>> {
        check_width(bytes.len(), width)?;
        check_len(bytes.len() / width)?;
        Ok(Items { bytes, boundaries: Boundaries::Records { width } })
    }

    /// Returns the bytes of all items as they are in memory: with their separators, if they have any.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_owned()
    }

    /// Returns the number of items.
    pub fn len(&self) -> usize {
        match &self.boundaries {
            Boundaries::Lines { starts, .. } => starts.items(),
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
            Boundaries::Lines { starts, separator } => {
                &self.bytes[starts.get(at)..starts.get(at + 1) - usize::from(separator.is_some())]
            }
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

    /// Returns the byte that no line has in it; `None` if there is none.
    pub(super) fn separator(&self) -> Option<u8> {
        if let Boundaries::Lines { separator, .. } = self.boundaries { separator } else { None }
    }

    /// Returns the number of bytes of all items, with their separators.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns all records, one after the other; empty for lines.
    pub(super) fn all_records(&self) -> &[u8] {
        if self.width().is_some() { &self.bytes } else { &[] }
    }

    /// Returns the bytes of the items of these numbers, as in memory, without the last line's separator;
    /// `None` where items have no separators.
    pub(super) fn whole(&self, numbers: Range<u32>) -> Option<&[u8]> {
        let (from, to) = (numbers.start as usize, numbers.end as usize);
        match &self.boundaries {
            Boundaries::Lines { separator: None, .. } => None,
            Boundaries::Lines { .. } if from == to => Some(&[]),
            Boundaries::Lines { starts, .. } => Some(&self.bytes[starts.get(from)..starts.get(to) - 1]),
            Boundaries::Records { width } => Some(&self.bytes[from * width..to * width]),
        }
    }

    /// Replaces the records by as many others.
    pub(super) fn replace_records(&mut self, records: &[u8]) -> Result<()> {
        if self.width().is_none() || self.bytes.len() != records.len() {
            return Err(bug!("{} bytes of sorted records for {}", records.len(), self.bytes.len()));
        }
        match &mut self.bytes {
            Cow::Owned(old) => old.copy_from_slice(records),
            Cow::Borrowed(_) => {
                let mut sorted = try_with_capacity(records.len(), "the sorted records")?;
                sorted.extend_from_slice(records);
                self.bytes = Cow::Owned(sorted);
            }
        }
        Ok(())
    }

    /// Replaces the items by those of these numbers, in this order.
    pub(super) fn arrange(&mut self, order: &[u32]) -> Result<()> {
        let (separator, end) = (self.separator(), usize::from(self.separator().is_some()));
        let len = order.iter().map(|&at| self.get(at as usize).len() + end).sum();
        let mut bytes = try_with_capacity(len, "the sorted items")?;
        let mut starts = Offsets::with_capacity(order.len() + 1, len)?;
        for &at in order {
            starts.push(bytes.len())?;
            bytes.extend_from_slice(self.get(at as usize));
            bytes.extend(separator);
        }
        starts.push(bytes.len())?;
        if let Boundaries::Lines { starts: old, .. } = &mut self.boundaries {
            *old = starts;
        }
        self.bytes = Cow::Owned(bytes);
        Ok(())
    }

    /// Iterates over the items in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.len()).map(|at| self.get(at))
    }
}

fn check_len(len: usize) -> Result<()> {
    if len > u32::MAX as usize { Err(ItemsError::TooMany { len }.into()) } else { Ok(()) }
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

    proptest! {
        #[test]
        fn offsets_divide_bytes_or_are_refused(offsets in proptest::collection::vec(-1i64..9, 0..6)) {
            let bytes = b"abcdefg";
            let naive: Option<Vec<&[u8]>> = (offsets.windows(2))
                .map(|pair| bytes.get(usize::try_from(pair[0]).ok()?..usize::try_from(pair[1]).ok()?))
                .collect();
            let alone = offsets.iter().all(|offset| (0..=7).contains(offset));
            let naive = naive.filter(|_| alone);
            let short: Vec<i32> = offsets.iter().map(|offset| *offset as i32).collect();
            for items in [Items::offsets(bytes, &offsets[..]), Items::offsets(bytes, &short[..])] {
                let items = items.as_ref().ok().map(|items| items.iter().collect::<Vec<_>>());
                prop_assert_eq!(items, naive.clone());
            }
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
