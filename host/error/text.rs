//! Text by a stranger, made safe for a person's terminal.

use std::fmt::{self, Write};
use std::ops::RangeInclusive;

/// Maximum number of characters shown of a name, enough to recognize it.
const MAX_SHOWN_CHARS: usize = 200;

/// Characters that are escaped besides controls (C0, DEL and C1): those that end a line, change the direction
/// of writing, or are not seen.
const HIDDEN: [RangeInclusive<char>; 21] = [
    '\u{ad}'..='\u{ad}',        // soft hyphen
    '\u{34f}'..='\u{34f}',      // combining grapheme joiner
    '\u{61c}'..='\u{61c}',      // mark of Arabic direction
    '\u{115f}'..='\u{1160}',    // fillers of Hangul
    '\u{17b4}'..='\u{17b5}',    // inherent vowels of Khmer
    '\u{180b}'..='\u{180f}',    // selectors and separator of Mongolian
    '\u{200b}'..='\u{200f}',    // spaces and joiners of no width, marks of direction
    '\u{2028}'..='\u{202e}',    // separators of lines and paragraphs, embeddings and overrides of direction
    '\u{2060}'..='\u{206f}',    // word joiner, invisible operators, isolates of direction
    '\u{3164}'..='\u{3164}',    // filler of Hangul
    '\u{fe00}'..='\u{fe0f}',    // selectors of variations
    '\u{feff}'..='\u{feff}',    // byte order mark
    '\u{ffa0}'..='\u{ffa0}',    // filler of Hangul
    '\u{fff0}'..='\u{fffb}',    // annotations between lines
    '\u{110bd}'..='\u{110bd}',  // number sign of Kaithi
    '\u{110cd}'..='\u{110cd}',  // number sign of Kaithi
    '\u{13430}'..='\u{1343f}',  // formatting of hieroglyphs
    '\u{1bca0}'..='\u{1bca3}',  // formatting of shorthand
    '\u{1d173}'..='\u{1d17a}',  // formatting of music
    '\u{e0000}'..='\u{e0fff}',  // tags and selectors of variations
    '\u{f0000}'..='\u{10ffff}', // private use, and no characters
];

/// Escapes a stranger's text for a terminal: it stays on one line, cannot control the terminal, and shows
/// all that it consists of.
///
/// Control characters and those that are invisible or change the direction of writing become `\n`, `\t`,
/// `\r` or `\u{1b}`; bytes that are not UTF-8 become `\x9b`. All else stays, so an escaped text stays as it
/// is. Every message of this crate and of the command line goes through it.
///
/// ```
/// assert_eq!(callbox::escape("naïve \x1b[31m\u{202e}"), r"naïve \u{1b}[31m\u{202e}");
/// assert_eq!(callbox::escape(b"a\x9bb\n"), r"a\x9bb\n");
/// ```
pub fn escape(text: impl AsRef<[u8]>) -> String {
    Escaped(text.as_ref()).to_string()
}

/// A stranger's text, shown as [`escape`] does, without an allocation.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                let hidden = char.is_control() || HIDDEN.iter().any(|range| range.contains(&char));
                if hidden { write!(f, "{}", char.escape_default())? } else { f.write_char(char)? }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Escapes a name or message, and cuts it to a length that a person reads.
pub(crate) fn printable(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => escape(&text[..end]) + "…",
        None => escape(text),
    }
}

/// Maximum number of bytes shown of an item.
const MAX_SHOWN_BYTES: usize = 80;

/// Returns an item's bytes escaped and in quotes, cut to a length that a person reads.
pub(crate) fn quoted(item: &[u8]) -> String {
    match item.get(..MAX_SHOWN_BYTES) {
        Some(start) if item.len() > MAX_SHOWN_BYTES => format!("\"{}\"…", escape(start)),
        _ => format!("\"{}\"", escape(item)),
    }
}

/// Returns the end of a sentence about a call that failed: the two items that it compared, or the one that it
/// made a key of, where they are known.
pub(crate) fn asked_about(items: &[String]) -> String {
    match items {
        [a, b] => format!(", comparing {a} with {b}"),
        [one] => format!(", making the key of {one}"),
        _ => String::new(),
    }
}

/// Returns the message of a call from inside a call of the same guest.
pub(super) fn reentrant(module: &str, export: &str) -> String {
    let [module, export] = [module, export].map(escape);
    format!(
        "{module}: \"{export}\" was called from inside a call of the same guest; a guest is not re-entrant"
    )
}

#[cfg(test)]
mod tests {
    use super::{HIDDEN, escape, printable, quoted};

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable("\x1b[31mred\nline \u{202e}"), r"\u{1b}[31mred\nline \u{202e}");
        assert_eq!(printable("naïve 名前 'quoted' \\n"), "naïve 名前 'quoted' \\n");
        assert_eq!(escape(b"\x9b31m \xc2\x9b \x7f \xf0\x9f\x98"), r"\x9b31m \u{9b} \u{7f} \xf0\x9f\x98");
        for char in "\u{61c}\u{200e}\u{2028}\u{2029}\u{202a}\u{2066}\u{2069}\u{feff}\u{e0041}".chars() {
            assert_eq!(escape(char.to_string()), char.escape_default().to_string());
        }
        assert!(HIDDEN.is_sorted_by_key(|range| *range.start()));
    }

    #[test]
    fn what_was_escaped_stays_as_it_is() {
        let all: Vec<u8> =
            (0..=255).cycle().take(4096).enumerate().map(|(n, b)| b ^ (n >> 5) as u8).collect();
        assert_eq!(escape(escape(&all)), escape(&all));
        assert!(!escape(&all).chars().any(char::is_control));
    }

    #[test]
    fn what_nobody_would_read_is_cut_off() {
        let long = printable(&"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with("x…"));
    }

    #[test]
    fn items_are_quoted_escaped_and_cut() {
        assert_eq!(quoted(b"a\"\x1b\xc2\x9b\n"), r#""a"\u{1b}\u{9b}\n""#);
        assert_eq!(quoted(&[b'x'; 80]), format!("\"{}\"", "x".repeat(80)));
        assert_eq!(quoted(&[b'x'; 81]), format!("\"{}\"…", "x".repeat(80)));
    }
}
