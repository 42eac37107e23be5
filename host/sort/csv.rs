//! Records and fields of CSV, as RFC 4180 has them. A line feed ends a record; a carriage return before it
//! belongs to the record, and to no field.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::ops::RangeInclusive;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder, Terminator};

const LINE_FEED: u8 = b'\n';

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

thread_local! {
    /// The reader of the last record, which takes long to make.
    static READER: Cell<Option<(u8, Box<Reader>)>> = const { Cell::new(None) };
}

/// Does work with a reader at the begin of a record.
fn with_reader<T>(delimiter: u8, work: impl FnOnce(&mut Reader) -> T) -> T {
    let kept = READER.take().filter(|(of, _)| *of == delimiter);
    let mut reader = kept.map_or_else(|| Box::new(reader(delimiter)), |(_, reader)| reader);
    reader.reset();
    let outcome = work(&mut reader);
    READER.set(Some((delimiter, reader)));
    outcome
}

fn reader(delimiter: u8) -> Reader {
    ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(LINE_FEED)).build()
}

/// Returns the fields of a CSV record, as of a header, without their quotes.
///
/// ```
/// assert_eq!(callbox::sort::csv_fields(b"name,\"born, where\"", b','), [&b"name"[..], b"born, where"]);
/// ```
pub fn csv_fields(record: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    Record::new(record, delimiter).fields()
}

/// Returns a text without its byte order marks, and their length. The reader would skip them, and empty lines
/// after them.
fn without_marks(text: &[u8]) -> (usize, &[u8]) {
    let mut rest = text;
    while let Some(shorter) = rest.strip_prefix(BYTE_ORDER_MARK) {
        rest = shorter;
    }
    (text.len() - rest.len(), rest)
}

/// Finds the ends of records.
#[derive(Clone)]
pub(super) struct RecordEnds(Reader);

impl RecordEnds {
    pub(super) fn new(delimiter: u8) -> RecordEnds {
        RecordEnds(reader(delimiter))
    }

    /// Returns the length of the record at the begin of this text, with its line feed; `None` where it does
    /// not end in the text. An empty line is a record.
    pub(super) fn first(&mut self, text: &[u8]) -> Option<usize> {
        let (marks, rest) = without_marks(text);
        let empty = [&b"\n"[..], b"\r\n"].into_iter().find(|end| rest.starts_with(end));
        if let Some(end) = empty {
            return Some(marks + end.len());
        }
        self.0.reset();
        self.end(rest).map(|end| marks + end)
    }

    /// Returns whether [`RecordEnds::rest`] may go on after this text, the begin of a record.
    pub(super) fn has_begun(text: &[u8]) -> bool {
        without_marks(text).1.len() >= BYTE_ORDER_MARK.len()
    }

    /// Returns the length of what ends a record whose begin did not end: see [`RecordEnds::first`].
    pub(super) fn rest(&mut self, text: &[u8]) -> Option<usize> {
        self.end(text)
    }

    /// Returns whether the last record of a text, which is not empty, ends in quotes.
    pub(super) fn is_open(&mut self, text: &[u8]) -> bool {
        self.first(text).is_none() && self.end(&[LINE_FEED]).is_none()
    }

    /// Reads on, and returns where the record ends.
    fn end(&mut self, text: &[u8]) -> Option<usize> {
        let (mut at, mut field) = (0, [0; 512]);
        if text.is_empty() {
            return None; // which would tell the reader that the input ends
        }
        loop {
            let (result, read, _) = self.0.read_field(&text[at..], &mut field);
            at += read;
            match result {
                ReadFieldResult::Field { record_end: true } => return Some(at),
                ReadFieldResult::Field { .. } | ReadFieldResult::OutputFull if at < text.len() => {}
                _ => return None,
            }
        }
    }
}

impl fmt::Debug for RecordEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordEnds")
    }
}

/// A record, without its line feed.
#[derive(Clone, Copy)]
pub(super) struct Record<'r> {
    text: &'r [u8],
    delimiter: u8,
}

impl<'r> Record<'r> {
    pub(super) fn new(text: &'r [u8], delimiter: u8) -> Record<'r> {
        Record { text: text.strip_suffix(b"\r").unwrap_or(text), delimiter }
    }

    /// Returns the field of this number, from 0, without its quotes; an empty one where there is none.
    pub(super) fn field(self, index: usize) -> Cow<'r, [u8]> {
        if memchr::memchr(b'"', self.text).is_none() {
            return Cow::Borrowed(self.text.split(|byte| *byte == self.delimiter).nth(index).unwrap_or(b""));
        }
        with_reader(self.delimiter, |reader| self.read(reader, index..=index))
            .pop()
            .unwrap_or_default()
            .into()
    }

    /// Returns all fields, without their quotes.
    pub(super) fn fields(self) -> Vec<Vec<u8>> {
        with_reader(self.delimiter, |reader| self.read(reader, 0..=usize::MAX))
    }

    /// Returns the fields of these numbers.
    fn read(self, reader: &mut Reader, numbers: RangeInclusive<usize>) -> Vec<Vec<u8>> {
        let mut number = 0;
        let mut text = self.text;
        let (mut fields, mut field, mut part) = (Vec::new(), Vec::new(), [0; 512]);
        loop {
            // At the end of the text, an empty input ends the last field.
            let (result, read, written) = reader.read_field(text, &mut part);
            text = &text[read..];
            if numbers.contains(&number) {
                field.extend_from_slice(&part[..written]);
            }
            match result {
                ReadFieldResult::Field { record_end } => {
                    if numbers.contains(&number) {
                        fields.push(std::mem::take(&mut field));
                    }
                    number += 1;
                    if record_end || number > *numbers.end() {
                        return fields;
                    }
                }
                ReadFieldResult::End => return fields,
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_ends_outside_of_quotes() {
        let mut ends = RecordEnds::new(b',');
        assert_eq!(ends.first(b"a,b\nc"), Some(4));
        assert_eq!(ends.first(b"a,\"x\ny\"\r\nc"), Some(9));
        assert_eq!(ends.first(b"a,\"x\ny"), None);
        assert_eq!(ends.first(b"\r\na"), Some(2));
        assert_eq!(ends.first(b"\na"), Some(1));
        assert_eq!(ends.first(b"a"), None);
        assert_eq!(ends.first(b""), None);
        assert_eq!(ends.first(b"\xef\xbb\xbf\na,b\n"), Some(4));
        assert_eq!(ends.first(b"\xef\xbb\xbfa,b\nc"), Some(7));
    }

    #[test]
    fn quotes_that_do_not_end_are_open() {
        let mut ends = RecordEnds::new(b',');
        for (text, open) in
            [("a,\"x", true), ("a,\"x\"", false), ("a,x", false), ("\"\"\"", true), ("a\"", false)]
        {
            assert_eq!(ends.is_open(text.as_bytes()), open, "{text}");
        }
    }

    #[test]
    fn a_field_has_no_quotes() {
        let field = |text: &'static [u8], index| Record::new(text, b',').field(index).into_owned();
        assert_eq!(field(b"a,\"x, \"\"y\"\"\n\",c\r", 1), b"x, \"y\"\n");
        assert_eq!(field(b"a,\"x\",c\r", 2), b"c");
        assert_eq!(field(b"a,\"x\"\r", 1), b"x");
        assert_eq!(field(b"a,b", 2), b"");
        assert_eq!(field(b"a,\"b\"", 2), b"");
        assert_eq!(field(b"", 0), b"");
    }

    proptest! {
        #[test]
        fn fields_that_were_quoted_are_read_as_they_were(
            fields in proptest::collection::vec("[a,\"\r\n ]{0,6}", 1..5),
        ) {
            let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let text = fields.iter().map(quoted).collect::<Vec<_>>().join(",") + "\nrest\n";
            let end = RecordEnds::new(b',').first(text.as_bytes()).unwrap();
            prop_assert_eq!(&text[end..], "rest\n");
            let found = Record::new(&text.as_bytes()[..end - 1], b',').fields();
            prop_assert_eq!(found, fields.iter().map(|field| field.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
