//! What several orders of text need, with the C locale's idea of characters.

/// Length of the decimal digits that `text` begins with.
pub fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|c| c.is_ascii_digit()).count()
}

/// `text` without the blanks it begins with: spaces, tabs, and, as GNU sort has it, newlines.
pub fn skip_blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|c| matches!(c, b' ' | b'\t' | b'\n')).count()..]
}

/// `text` without the zeros it begins with.
pub fn skip_zeros(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&c| c == b'0').count()..]
}
