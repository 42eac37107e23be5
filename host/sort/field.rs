//! Fields of a line, as the `-k` and `-t` of sort(1) name them.

use std::ops::Range;

/// A place in a line: a field, and a byte in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// Number of the field, from 0.
    pub field: usize,
    /// Number of bytes between the begin of the field and the place. At the end of a range, 0 stands for
    /// the end of the field.
    pub byte: usize,
    /// Whether the bytes are counted from the field's first byte that is not blank.
    pub skip_blanks: bool,
}

/// A range of a line, between two places in its fields.
///
/// Fields and places are those of POSIX's sort(1): without a separator, a field begins with the blanks before
/// it. A place beyond the end of the line is its end, and a range that ends before it begins is empty.
///
/// ```
/// use callbox::sort::{Fields, Position};
/// // -t: -k2,2
/// let second = Position { field: 1, ..Position::default() };
/// let fields = Fields { start: second, end: Some(second), separator: Some(b':') };
/// assert_eq!(fields.range(b"root:x:0"), 5..6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fields {
    /// The first place.
    pub start: Position,
    /// The last field, and how much of it; `None` for the end of the line.
    pub end: Option<Position>,
    /// The byte between fields; `None` for the empty place between a byte that is not blank and a blank.
    pub separator: Option<u8>,
}

impl Fields {
    /// Returns the range of bytes in this line.
    pub fn range(&self, line: &[u8]) -> Range<usize> {
        let start = self.place(line, self.start);
        let end = match self.end {
            None => line.len(),
            // The end of a field is the begin of the next one, without the separator.
            Some(end) if end.byte == 0 => self.skip(line, end.field.saturating_add(1), true),
            Some(end) => self.place(line, end),
        };
        start..end.max(start)
    }

    /// Returns the place of a byte in a field.
    fn place(&self, line: &[u8], position: Position) -> usize {
        let mut at = self.skip(line, position.field, false);
        if position.skip_blanks {
            at += blanks(&line[at..]);
        }
        at.saturating_add(position.byte).min(line.len())
    }

    /// Returns the place after this many fields, `before` the separator that follows the last one or after.
    fn skip(&self, line: &[u8], fields: usize, before: bool) -> usize {
        let mut at = 0;
        for left in (0..fields).rev() {
            if at == line.len() {
                break;
            }
            match self.separator {
                Some(separator) => match memchr::memchr(separator, &line[at..]) {
                    Some(found) => at += found + usize::from(left > 0 || !before),
                    None => at = line.len(),
                },
                None => {
                    at += blanks(&line[at..]);
                    at += line[at..].iter().take_while(|byte| !is_blank(byte)).count();
                }
            }
        }
        at
    }
}

/// Returns the number of blanks at the begin of a text.
pub(super) fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(byte)).count()
}

/// Blanks of the C locale, and newlines, which only lines that end in NUL contain.
pub(super) fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the ranges of fields without a separator, as POSIX describes them.
    fn fields(line: &[u8]) -> Vec<Range<usize>> {
        let begins = |at: usize| at == 0 || is_blank(&line[at]) && !is_blank(&line[at - 1]);
        let begins: Vec<_> = (0..line.len()).filter(|at| begins(*at)).chain([line.len()]).collect();
        begins.windows(2).map(|pair| pair[0]..pair[1]).collect()
    }

    proptest! {
        #[test]
        fn a_range_is_within_its_line(
            line in "[a :\t]{0,12}",
            places in proptest::array::uniform4(prop_oneof![0usize..6, Just(usize::MAX)]),
            blanks in proptest::array::uniform2(proptest::bool::ANY),
            ends in proptest::bool::ANY,
            separator in prop_oneof![Just(None), Just(Some(b':')), Just(Some(b' '))],
        ) {
            let [field, byte, end_field, end_byte] = places;
            let start = Position { field, byte, skip_blanks: blanks[0] };
            let end = Position { field: end_field, byte: end_byte, skip_blanks: blanks[1] };
            let range = Fields { start, end: ends.then_some(end), separator }.range(line.as_bytes());
            prop_assert!(range.start <= range.end && range.end <= line.len());
        }

        #[test]
        fn a_whole_field_is_what_is_between_separators(
            line in "[ab][ab:]{0,11}",
            field in 0usize..5,
        ) {
            let place = Position { field, ..Position::default() };
            let fields = Fields { start: place, end: Some(place), separator: Some(b':') };
            let range = fields.range(line.as_bytes());
            let naive = line.split(':').nth(field).unwrap_or("");
            prop_assert_eq!(&line[range], naive);
        }

        #[test]
        fn a_field_without_separator_begins_with_its_blanks(line in "[ab \t]{0,12}", field in 0usize..5) {
            let place = Position { field, ..Position::default() };
            let range = Fields { start: place, end: Some(place), separator: None }.range(line.as_bytes());
            let naive = fields(line.as_bytes()).get(field).cloned().unwrap_or(line.len()..line.len());
            prop_assert_eq!(&line[range], &line[naive]);
        }
    }
}
