//! Text by a guest's author, made safe for a person's terminal.

use std::any::Any;
use std::fmt::Write;

use super::Error;

/// Maximum number of characters shown of a name, enough to recognize it.
const MAX_SHOWN_CHARS: usize = 200;

/// Returns a name or message with its control characters escaped, so that it stays on its line and
/// cannot control a terminal, and cut to a length that a person reads.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::new();
    for (at, char) in text.chars().enumerate() {
        if at == MAX_SHOWN_CHARS {
            shown.push('…');
            break;
        }
        // Control characters, and those that are invisible or change the direction of writing.
        let hidden = char.is_control()
            || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(char, '\u{2066}'..='\u{2069}' | '\u{feff}');
        // Writing to a `String` cannot fail.
        let _ = if hidden { write!(shown, "{}", char.escape_default()) } else { write!(shown, "{char}") };
    }
    shown
}

/// Maximum number of bytes shown of an item.
const MAX_SHOWN_BYTES: usize = 80;

/// Returns an item's bytes escaped and in quotes, cut to a length that a person reads.
pub(crate) fn quoted(item: &[u8]) -> String {
    match item.get(..MAX_SHOWN_BYTES) {
        Some(start) if item.len() > MAX_SHOWN_BYTES => format!("\"{}\"…", start.escape_ascii()),
        _ => format!("\"{}\"", item.escape_ascii()),
    }
}

impl Error {
    /// Converts a panic to an error, with its message as far as it is text.
    pub(crate) fn panicked(export: &str, panic: &(dyn Any + Send)) -> Error {
        let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let message = text.unwrap_or_else(|| "no message".into());
        Error::Panic { export: export.to_owned(), message }
    }
}

/// Returns the subject and verb of a sentence about imports that were refused.
pub(super) fn list_imports(imports: &[String]) -> String {
    match imports {
        [one] => format!("import {one} is"),
        many => format!("imports {} are", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{printable, quoted};

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable("\x1b[31mred\nline \u{202e}"), r"\u{1b}[31mred\nline \u{202e}");
        assert_eq!(printable("naïve 名前 'quoted'"), "naïve 名前 'quoted'");
    }

    #[test]
    fn what_nobody_would_read_is_cut_off() {
        let long = printable(&"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with("x…"));
    }

    #[test]
    fn items_are_quoted_escaped_and_cut() {
        assert_eq!(quoted(b"a\"\x1b\xc2\x9b\n"), r#""a\"\x1b\xc2\x9b\n""#);
        assert_eq!(quoted(&[b'x'; 80]), format!("\"{}\"", "x".repeat(80)));
        assert_eq!(quoted(&[b'x'; 81]), format!("\"{}\"…", "x".repeat(80)));
    }
}
