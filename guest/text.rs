//! Helpers shared by several orders of text, with the characters of the C locale.

use core::cmp::Ordering;

/// Returns the number of decimal digits at the start of `text`.
///
/// ```
/// assert_eq!(callbox_guest::digits(b"2024-05"), 4);
/// ```
pub fn digits(text: &[u8]) -> usize {
    let len = text.len();
    if len < 8 {
        // SAFETY: the text has as many bytes. What is read twice is behind the others.
        return leading_digits(unsafe { few(text, len) }).min(len);
    }
    let (mut at, last) = (0, len - 8);
    loop {
        // SAFETY: `at <= last`, so eight bytes follow.
        let digits = leading_digits(u64::from_le(unsafe { load(text, at) }));
        if digits < 8 || at == last {
            return at + digits;
        }
        at = last.min(at + 8); // the last eight bytes overlap those before
    }
}

/// Returns `text` without its leading blanks: spaces, tabs and, as in GNU sort, newlines.
///
/// ```
/// assert_eq!(callbox_guest::skip_blanks(b" \t7 "), b"7 ");
/// ```
pub fn skip_blanks(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let [b' ' | b'\t' | b'\n', after @ ..] = rest {
        rest = after;
    }
    rest
}

/// Returns `text` without its leading zeros.
///
/// ```
/// assert_eq!(callbox_guest::skip_zeros(b"007"), b"7");
/// ```
pub fn skip_zeros(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let [b'0', after @ ..] = rest {
        rest = after;
    }
    rest
}

/// Returns the length of the common prefix of two texts, which it finds eight bytes at a time.
///
/// ```
/// assert_eq!(callbox_guest::common_prefix(b"file-9", b"file-10"), 5);
/// ```
pub fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    if len < 8 {
        // SAFETY: both texts have as many bytes. What is read twice is behind the others.
        let differ = unsafe { few(a, len) ^ few(b, len) };
        return (differ.trailing_zeros() as usize / 8).min(len);
    }
    let (mut at, last) = (0, len - 8);
    loop {
        // SAFETY: `at <= last`, so eight bytes of both texts follow.
        let differ = u64::from_le(unsafe { load::<u64>(a, at) ^ load::<u64>(b, at) });
        if differ != 0 || at == last {
            return at + differ.trailing_zeros() as usize / 8;
        }
        at = last.min(at + 8); // the last eight bytes overlap those before
    }
}

/// Compares two texts bytewise, as `a.cmp(b)` does, but eight bytes at a time.
///
/// ```
/// assert!(callbox_guest::compare(b"file-10", b"file-9").is_lt());
/// ```
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (x, y) = difference(a, b);
    if x == y {
        return a.len().cmp(&b.len());
    }
    // Shifts out what follows the first byte that differs; what is before it is the same.
    let shift = !(x ^ y).trailing_zeros() & 56;
    if x << shift < y << shift {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// Compares the numbers of any length that two texts have at `at`, where their common prefix ends, and
/// cuts both texts behind the numbers if those are equal.
///
/// A number may begin before `at`; leading zeros do not count, and no digits are zero.
///
/// ```
/// use callbox_guest::{common_prefix, compare_numbers};
///
/// let (mut a, mut b): (&[u8], &[u8]) = (b"file-25", b"file-207");
/// let at = common_prefix(a, b);
/// assert!(compare_numbers(&mut a, &mut b, at).is_lt());
///
/// let (mut a, mut b): (&[u8], &[u8]) = (b"file-007.gz", b"file-07.txt");
/// let at = common_prefix(a, b);
/// assert!(compare_numbers(&mut a, &mut b, at).is_eq());
/// assert_eq!((a, b), (&b".gz"[..], &b".txt"[..]));
/// ```
pub fn compare_numbers(a: &mut &[u8], b: &mut &[u8], at: usize) -> Ordering {
    let (mut x, mut y) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
    if x.first() == Some(&b'0') || y.first() == Some(&b'0') {
        let mut before = at.wrapping_sub(1);
        while a.get(before) == Some(&b'0') {
            before = before.wrapping_sub(1);
        }
        if !is_digit(a.get(before)) {
            x = skip_zeros(x);
            y = skip_zeros(y);
        }
    }
    let (len, other) = (digits(x), digits(y));
    if len != other {
        return len.cmp(&other);
    }
    if len > 0 && x.first() != y.first() {
        return x.first().cmp(&y.first());
    }
    // SAFETY: `len` is no more than the length of either.
    let ((x, rest), (y, other)) = unsafe { (split(x, len), split(y, len)) };
    let order = compare(x, y);
    if order == Ordering::Equal {
        (*a, *b) = (rest, other);
    }
    order
}

/// Returns how many of eight bytes are digits before the first that is not, the first byte lowest.
#[inline(always)]
fn leading_digits(bytes: u64) -> usize {
    let each = |byte: u64| u64::MAX / 0xff * byte;
    // A digit is below 10 without the bits of '0'; the high bit of each other byte is set here.
    let value = bytes ^ each(0x30);
    let others = (((value & each(0x7f)) + each(0x80 - 10)) | value) & each(0x80);
    others.trailing_zeros() as usize / 8
}

/// # Safety
///
/// The text has as many bytes.
unsafe fn split(text: &[u8], at: usize) -> (&[u8], &[u8]) {
    (text.get_unchecked(..at), text.get_unchecked(at..))
}

#[inline(always)]
fn is_digit(c: Option<&u8>) -> bool {
    c.map_or(false, |c| c ^ b'0' < 10) // takes two instructions less than a range
}

/// Returns the first up to eight bytes of each that differ, the first byte lowest, or the last ones that
/// both texts have.
#[inline(always)]
fn difference(a: &[u8], b: &[u8]) -> (u64, u64) {
    let len = a.len().min(b.len());
    if len < 8 {
        // SAFETY: `len` is no more than the length of either.
        return unsafe { (few(a, len), few(b, len)) };
    }
    let last = len - 8;
    let mut at = 0;
    loop {
        // SAFETY: `at <= last`, so eight bytes of both texts follow.
        let (x, y) = unsafe { (u64::from_le(load(a, at)), u64::from_le(load(b, at))) };
        if x != y || at == last {
            return (x, y);
        }
        at = last.min(at + 8); // the last eight bytes overlap those before
    }
}

/// Returns the first `len` bytes, which are fewer than eight, the first one lowest.
///
/// # Safety
///
/// The text has as many.
#[inline(always)]
unsafe fn few(text: &[u8], len: usize) -> u64 {
    // The pieces overlap, so what is read twice is the same.
    if len >= 4 {
        let (first, last) = (u32::from_le(load(text, 0)), u32::from_le(load(text, len - 4)));
        u64::from(first) | u64::from(last) << (len * 8 - 32)
    } else if len > 0 {
        let at = |at| u64::from(load::<u8>(text, at));
        at(0) | at(len / 2) << 8 | at(len - 1) << 16
    } else {
        0
    }
}

/// Reads an unaligned value.
///
/// # Safety
///
/// The text has all its bytes from `at` on.
#[inline(always)]
unsafe fn load<T: Copy>(text: &[u8], at: usize) -> T {
    text.as_ptr().add(at).cast::<T>().read_unaligned()
}
