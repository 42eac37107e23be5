//! The key specifications of `-k`.

use std::ffi::OsStr;
use std::path::Path;

use callbox::bundled::Bundled;
use callbox::escape;
use callbox::sort::{Fields, Position};

use super::letters::Letters;
use crate::cli::fault::{Fault, Result};

/// A key of the command line: `POS1[OPTS][,POS2[OPTS]][=GUEST[#EXPORT]]`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct KeySpec {
    /// As it was given.
    pub(super) text: String,
    pub(super) place: Place,
    pub(super) letters: Letters,
    pub(super) guest: Option<KeyGuest>,
}

/// The part of a line that a key compares.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Line,
    /// The start, and the end.
    Fields(Position, Option<Position>),
    /// The name or number of a column of CSV.
    Column(String),
}

/// The guest of a key, and the export that compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct KeyGuest {
    pub(super) name: String,
    pub(super) export: Option<String>,
}

impl KeyGuest {
    /// Parses `GUEST[#EXPORT]`.
    pub(super) fn parse(text: &str) -> KeyGuest {
        match text.rsplit_once('#') {
            Some((name, export)) => KeyGuest { name: name.into(), export: Some(export.into()) },
            None => KeyGuest { name: text.into(), export: None },
        }
    }
}

impl KeySpec {
    /// Parses a specification, as sort(1) does.
    pub(super) fn parse(text: &OsStr) -> Result<KeySpec> {
        let shown = escape(text.as_encoded_bytes());
        let fault = |problem: &str| {
            Fault::trouble(format!(
                "-k {shown}: {problem}; write POS1[OPTS][,POS2[OPTS]][=GUEST], like 2,2 or 3.1,3.5nr \
                 or 2,2=semver"
            ))
        };
        let text = text.to_str().ok_or_else(|| fault("it is no text"))?;
        let (places, guest) = match text.split_once('=') {
            Some((places, guest)) => (places, Some(KeyGuest::parse(guest))),
            None => (text, None),
        };
        let mut parser = Parser { rest: places.as_bytes(), letters: Letters::default() };
        let field = parser.number().ok_or_else(|| fault("invalid number at field start"))?;
        let field = field.checked_sub(1).ok_or_else(|| fault("field number is zero"))?;
        let mut byte = 0;
        if parser.takes(b'.') {
            let place = parser.number().ok_or_else(|| fault("invalid number after '.'"))?;
            byte = place.checked_sub(1).ok_or_else(|| fault("character offset is zero"))?;
        }
        let skip_blanks = parser.letters();
        let start = Position { field, byte, skip_blanks };
        let mut end = None;
        if parser.takes(b',') {
            let field = parser.number().ok_or_else(|| fault("invalid number after ','"))?;
            let field = field.checked_sub(1).ok_or_else(|| fault("field number is zero"))?;
            let byte = if parser.takes(b'.') {
                parser.number().ok_or_else(|| fault("invalid number after '.'"))?
            } else {
                0
            };
            end = Some(Position { field, byte, skip_blanks: parser.letters() });
        }
        if !parser.rest.is_empty() {
            return Err(fault("stray character in field spec"));
        }
        if guest.as_ref().is_some_and(|guest| guest.name.is_empty()) {
            return Err(fault("there is no guest after '='"));
        }
        Ok(KeySpec { text: text.into(), place: Place::Fields(start, end), letters: parser.letters, guest })
    }

    /// Returns a key of whole lines.
    pub(super) fn line() -> KeySpec {
        KeySpec { text: String::new(), place: Place::Line, letters: Letters::default(), guest: None }
    }

    /// Takes global options where the key has none of its own, as POSIX says.
    pub(super) fn inherit(&mut self, global: Letters) {
        if self.letters.is_empty() && self.guest.is_none() {
            self.letters = global;
            if global.has(b'b')
                && let Place::Fields(start, end) = &mut self.place
            {
                start.skip_blanks = true;
                if let Some(end) = end {
                    end.skip_blanks = true;
                }
            }
        }
    }

    /// Returns the range of fields that the key compares; `None` where it is the whole line.
    pub(super) fn range(&self, separator: Option<u8>) -> Option<Fields> {
        match self.place {
            // From the first byte to the last, which takes no copy of it.
            Place::Fields(start, None) if start == Position::default() => None,
            Place::Fields(start, end) => Some(Fields { start, end, separator }),
            Place::Line if self.letters.has(b'b') => {
                let start = Position { skip_blanks: true, ..Position::default() };
                Some(Fields { start, end: None, separator })
            }
            _ => None,
        }
    }

    /// Parses a key of CSV: a column's name or number, and `,OPTS`, `=GUEST[#EXPORT]` or both, and an `r`.
    pub(super) fn column(text: &OsStr) -> Result<KeySpec> {
        let shown = escape(text.as_encoded_bytes());
        let whole = text.to_str().ok_or_else(|| Fault::trouble(format!("-k {shown}: it is no text")))?;
        let (column, guest) = match whole.rsplit_once('=') {
            Some((column, guest)) if !guest.is_empty() => (column, Some(guest)),
            _ => (whole, None),
        };
        let mut letters = Letters::default();
        let mut name = column;
        if let Some((before, options)) = column.rsplit_once(',') {
            let mut parser = Parser { rest: options.as_bytes(), letters };
            parser.letters();
            if parser.rest.is_empty() && !options.is_empty() {
                (name, letters) = (before, parser.letters);
            }
        }
        let known = |guest: &str| Bundled::find(guest).is_some() || Path::new(guest).exists();
        let guest = guest.map(KeyGuest::parse).map(|mut guest| {
            if let Some(shorter) = guest.name.strip_suffix('r')
                && !known(&guest.name)
                && known(shorter)
            {
                guest.name = shorter.to_owned();
                letters = letters.with(b'r').unwrap_or(letters);
            }
            guest
        });
        Ok(KeySpec { text: whole.into(), place: Place::Column(name.into()), letters, guest })
    }

    /// Returns the number of the key's column, from 0, and whether an `r` after its name reverses it; `None`
    /// for a key of whole lines.
    pub(super) fn find(&self, columns: &[Vec<u8>]) -> Result<Option<(usize, bool)>> {
        let Place::Column(name) = &self.place else { return Ok(None) };
        let find = |name: &str| columns.iter().position(|column| column == name.as_bytes());
        if let Some(found) = find(name) {
            return Ok(Some((found, false)));
        }
        if let Some(found) = name.strip_suffix('r').and_then(find) {
            return Ok(Some((found, true)));
        }
        match name.parse::<usize>() {
            Ok(number @ 1..) if number <= columns.len() => Ok(Some((number - 1, false))),
            _ => {
                let names = columns.iter().map(escape).collect::<Vec<_>>().join(", ");
                let delimiter = match columns {
                    [] => "; the input has no header",
                    [only] if only.contains(&b';') => "; is the delimiter --csv=';'?",
                    [only] if only.contains(&b'\t') => "; is the delimiter --csv=tab?",
                    _ => "",
                };
                Err(Fault::trouble(format!(
                    "-k {}: there is no column \"{}\"; there are: {names}{delimiter}",
                    escape(&self.text),
                    escape(name),
                )))
            }
        }
    }
}

struct Parser<'t> {
    rest: &'t [u8],
    letters: Letters,
}

impl Parser<'_> {
    /// Takes a number; one that is too large is as good as the largest.
    fn number(&mut self) -> Option<usize> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let add = |sum: usize, digit: &u8| sum.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
        (digits > 0).then(|| number.iter().fold(0, add))
    }

    fn takes(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes ordering options; returns whether blanks are one of them.
    fn letters(&mut self) -> bool {
        let mut blanks = false;
        while let Some((letter, rest)) = self.rest.split_first()
            && let Some(letters) = self.letters.with(*letter)
        {
            (self.letters, self.rest) = (letters, rest);
            blanks |= *letter == b'b';
        }
        blanks
    }
}

/// Returns the modern spelling of the obsolescent `+POS1 [-POS2]`; `None` if the word is not one.
pub(super) fn modern_spelling(word: &OsStr, next: Option<&OsStr>) -> Option<String> {
    let place = |word: &OsStr, sign: char| {
        let places = word.to_str()?.strip_prefix(sign)?;
        let digits = places.find(|c: char| !c.is_ascii_digit()).unwrap_or(places.len());
        let field: usize = places[..digits].parse().ok()?;
        let rest = &places[digits..];
        let (byte, letters) = match rest.strip_prefix('.') {
            Some(rest) => {
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                (rest[..digits].parse().ok()?, &rest[digits..])
            }
            None => (0_usize, rest),
        };
        let known = letters.bytes().all(|letter| Letters::default().with(letter).is_some());
        known.then(|| (field, byte, letters.to_owned()))
    };
    let (field, byte, letters) = place(word, '+')?;
    let start = match byte {
        0 => format!("{}{letters}", field.saturating_add(1)),
        _ => format!("{}.{}{letters}", field.saturating_add(1), byte.saturating_add(1)),
    };
    let end = next.and_then(|next| place(next, '-')).map(|(field, byte, letters)| match byte {
        0 => format!(",{field}{letters}"),
        _ => format!(",{}.{byte}{letters}", field.saturating_add(1)),
    });
    Some(format!("-k {start}{}", end.unwrap_or_default()))
}
