//! Helpers shared by several orders of text, with the characters of the C locale.

/// Returns the number of decimal digits at the start of `text`.
pub fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|c| c.is_ascii_digit()).count()
}

/// Returns `text` without its leading blanks: spaces, tabs and, as in GNU sort, newlines.
pub fn skip_blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|c| matches!(c, b' ' | b'\t' | b'\n')).count()..]
}

/// Returns `text` without its leading zeros.
pub fn skip_zeros(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&c| c == b'0').count()..]
}

/// Returns the length of the common prefix of two texts.
pub fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    // Compares eight bytes at a time; the lowest byte that differs is the first one.
    let mut at = 0;
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        let differ = eight(a) ^ eight(b);
        if differ != 0 {
            return at + differ.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + a[at..].iter().zip(&b[at..]).take_while(|(a, b)| a == b).count()
}

fn eight(chunk: &[u8]) -> u64 {
    chunk.try_into().map_or(0, u64::from_le_bytes) // each chunk has eight bytes
}
