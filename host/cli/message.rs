//! Messages on standard error. Each is one line, and nothing in it controls a terminal.

use callbox::escape;

use super::line;

/// Prints a message of the command itself.
pub(super) fn say(text: impl AsRef<[u8]>) {
    line("callbox: ", text);
}

/// Prints one line of any text after a prefix.
pub(super) fn line(prefix: &str, text: impl AsRef<[u8]>) {
    line::replace(format!("{prefix}{}\n", escape(text)).as_bytes());
}

/// Prints a text that has been escaped, and what ends it.
pub(super) fn ended(text: String, end: &str) {
    line::replace(format!("{text}{end}").as_bytes());
}

/// Prints each line of a text after a prefix, which tells whose text it is.
pub(super) fn lines(prefix: &str, text: &[u8]) {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').for_each(|text| line(prefix, text));
}
