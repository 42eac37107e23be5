//! `--debug`: the part of each line that a key's guest sees, underlined as GNU sort does it.

use std::io::{self, Write};
use std::ops::Range;

use callbox::sort::{Fields, Format, Position};

use super::order::Order;
use super::spec::{KeySpec, Place};

/// Writes a line, and below it a line of marks for each key, and for the bytes that decide last.
pub(super) fn write(
    to: &mut dyn Write,
    line: &[u8],
    order: &Order,
    columns: &[Option<usize>],
    format: Format,
    last_resort: bool,
) -> io::Result<()> {
    let shown: Vec<_> = line.iter().map(|byte| if *byte == b'\t' { b'>' } else { *byte }).collect();
    to.write_all(&shown)?;
    to.write_all(b"\n")?;
    for (key, column) in order.keys.iter().zip(columns) {
        if order.is_only_bytes() {
            break; // what decides last is the whole line too
        }
        let part = match (column, format) {
            (Some(column), Format::Csv { delimiter }) => raw_column(line, *column, delimiter),
            _ => read_part(key, line, key.range(order.separator).unwrap_or_default()),
        };
        mark(to, line, part)?;
    }
    if last_resort || order.is_only_bytes() {
        mark(to, line, 0..line.len())?;
    }
    Ok(())
}

/// Writes a line of marks.
fn mark(to: &mut dyn Write, line: &[u8], part: Range<usize>) -> io::Result<()> {
    let (before, marks) = (width(&line[..part.start]), width(&line[part]));
    // A width of the standard library's formats ends at 65,535.
    to.write_all(&vec![b' '; before])?;
    match marks {
        0 => writeln!(to, "^ no match for key"),
        _ => to.write_all(&vec![b'_'; marks]).and_then(|()| to.write_all(b"\n")),
    }
}

/// Returns the number of columns that a text takes. Control characters take none, apart from tabs, which are
/// shown as `>`.
fn width(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\t' || !byte.is_ascii_control()).count()
}

/// Returns the part of a key that its guest reads: where letters name the guest, only the number or the
/// month.
fn read_part(key: &KeySpec, line: &[u8], fields: Fields) -> Range<usize> {
    let letters = key.letters;
    let read: Option<fn(&[u8], bool) -> usize> = match letters {
        _ if letters.has(b'M') => Some(month),
        _ if letters.has(b'g') => Some(float),
        _ if letters.has(b'n') || letters.has(b'h') => Some(number),
        _ => None,
    };
    let from_start = Fields { start: Position::default(), ..fields };
    let end = from_start.range(line).end;
    // Blanks before a key that begins with the line are skipped here, as far as its end.
    let at_start = fields.start.field == 0 && fields.start.byte == 0;
    let mut start = if at_start { 0 } else { fields.range(line).start };
    if read.is_some() || (at_start && fields.start.skip_blanks) {
        let blank = |at: &usize| matches!(line.get(*at), Some(b' ' | b'\t' | b'\n')) && *at != end;
        start += (start..).take_while(blank).count();
    }
    match read {
        _ if end < start => start..start,
        Some(read) => start..start + read(&line[start..end], letters.has(b'h')),
        None => start..end,
    }
}

/// Returns the length of a month's name, of which three letters count.
fn month(text: &[u8], _: bool) -> usize {
    const MONTHS: [&[u8; 3]; 12] =
        [b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"];
    let name = text.get(..3).filter(|name| MONTHS.iter().any(|month| month.eq_ignore_ascii_case(name)));
    name.map_or(0, <[u8]>::len)
}

/// Returns the length of a decimal number, and of its unit where those count.
fn number(text: &[u8], units: bool) -> usize {
    let minus = usize::from(text.first() == Some(&b'-'));
    let whole = digits(&text[minus..]);
    let mut end = minus + whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(&text[end + 1..]);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return 0;
    }
    end + usize::from(units && text.get(end).is_some_and(|unit| b"KMGTPEZYRQk".contains(unit)))
}

/// Returns the length of a number as strtold(3) reads it, with the white space before it.
fn float(text: &[u8], _: bool) -> usize {
    let spaces = text.iter().take_while(|c| c.is_ascii_whitespace() || **c == b'\x0b').count();
    match unspaced_float(&text[spaces..]) {
        0 => 0,
        length => spaces + length,
    }
}

fn unspaced_float(text: &[u8]) -> usize {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let unsigned = &text[sign..];
    let begins = |word: &str| {
        unsigned.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    if begins("inf") {
        return sign + if begins("infinity") { 8 } else { 3 };
    }
    if begins("nan") {
        let payload = unsigned[3..].strip_prefix(b"(").map_or(0, |payload| {
            let length = payload.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == b'_').count();
            if payload.get(length) == Some(&b')') { length + 2 } else { 0 }
        });
        return sign + 3 + payload;
    }
    let hex = begins("0x").then(|| mantissa(&unsigned[2..], u8::is_ascii_hexdigit)).filter(|len| *len > 0);
    let (end, exponent) = match hex {
        Some(length) => (2 + length, b'p'),
        None => (mantissa(unsigned, u8::is_ascii_digit), b'e'),
    };
    if end == 0 {
        return 0;
    }
    let mut power = 0;
    if unsigned.get(end).is_some_and(|c| c.to_ascii_lowercase() == exponent) {
        let sign = usize::from(matches!(unsigned.get(end + 1), Some(b'+' | b'-')));
        let length = digits(&unsigned[end + 1 + sign..]);
        power = if length > 0 { 1 + sign + length } else { 0 };
    }
    sign + end + power
}

/// Returns the length of digits with a point among them; 0 where there is no digit.
fn mantissa(text: &[u8], is_digit: impl Fn(&u8) -> bool) -> usize {
    let count = |text: &[u8]| text.iter().take_while(|c| is_digit(c)).count();
    let whole = count(text);
    let fraction = text[whole..].strip_prefix(b".").map(count);
    match (whole, fraction) {
        (0, None | Some(0)) => 0,
        (whole, fraction) => whole + fraction.map_or(0, |fraction| fraction + 1),
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|c| c.is_ascii_digit()).count()
}

/// Returns where a column of CSV is in its record, with its quotes.
fn raw_column(line: &[u8], column: usize, delimiter: u8) -> Range<usize> {
    let (mut start, mut left, mut quoted) = (0, column, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            _ if *byte == delimiter && !quoted => {
                if left == 0 {
                    return start..at;
                }
                (start, left) = (at + 1, left - 1);
            }
            _ => {}
        }
    }
    if left == 0 { start..line.len() } else { line.len()..line.len() }
}

/// Returns the number of the column that each key compares.
pub(super) fn columns(order: &Order, names: &[Vec<u8>]) -> Vec<Option<usize>> {
    let find = |key: &KeySpec| match key.place {
        Place::Column(_) => key.find(names).ok().flatten().map(|(column, _)| column),
        _ => None,
    };
    order.keys.iter().map(find).collect()
}
