//! Sort keys: bytes that `memcmp` puts in a comparator's order.

use crate::{skip_zeros, Number};

/// Writer of one item's sort key, which [`sort_key!`](crate::sort_key) passes to a function.
///
/// Keys compare bytewise, and a key before what it begins: as `strxfrm` has it for `strcoll`, the order of
/// keys is that of the items by `compare_bytes`, and keys are the same where the items are equal.
///
/// Bytes that do not fit in the host's room are counted but not written; the host then asks again. A function
/// need not look at the room.
///
/// # Keys of several parts
///
/// Parts may follow each other if no part's bytes are the beginning of another's, or else the next part
/// would decide too early. [`push_text`](Key::push_text), [`push_number`](Key::push_number),
/// [`push_decimal`](Key::push_decimal) and the numbers of eight bytes see to that. [`extend`](Key::extend)
/// does not, unless all texts are as long as each other or it comes last.
///
/// ```
/// use callbox_guest::Key;
///
/// /// By name, then the newest version first, then by what else there is.
/// fn release(name: &[u8], version: u64, rest: &[u8], key: &mut Key) {
///     key.push_text(name);
///     key.reversed(|key| key.push_u64(version));
///     key.extend(rest);
/// }
///
/// let key = |name: &[u8], version, rest: &[u8]| {
///     let mut room = [0; 100];
///     let mut key = Key::new(&mut room);
///     release(name, version, rest, &mut key);
///     let len = key.len();
///     room[..len].to_vec()
/// };
/// assert!(key(b"a", 1, b"z") < key(b"ab", 2, b"b"));
/// assert!(key(b"ab", 2, b"b") < key(b"ab", 1, b"a"));
/// assert!(key(b"ab", 1, b"") < key(b"ab", 1, b"a"));
/// ```
#[derive(Debug)]
pub struct Key<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl<'a> Key<'a> {
    /// An empty key, with room for its bytes.
    pub fn new(room: &'a mut [u8]) -> Key<'a> {
        Key { room, len: 0 }
    }

    /// Returns the key's length in bytes, which may be more than there is room for.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns `true` if the key has no bytes. Such a key comes first.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes a byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        if let Some(to) = self.room.get_mut(self.len) {
            *to = byte;
        }
        // A length that wrapped would pass for that of a short key.
        self.len = self.len.saturating_add(1);
    }

    /// Writes bytes as they are.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(room) = self.room.get_mut(self.len..end) {
            for (to, byte) in room.iter_mut().zip(bytes) {
                *to = *byte;
            }
        }
        self.len = end;
    }

    /// Writes a text and its end, so that another part may follow: texts compare bytewise, then the part.
    ///
    /// Takes a byte more than the text, and another for each byte 0 or 1 in it.
    pub fn push_text(&mut self, text: &[u8]) {
        for &byte in text {
            if byte <= 1 {
                self.push(1);
            }
            self.push(byte + u8::from(byte <= 1));
        }
        self.push(0);
    }

    /// Writes the decimal number of any length at the start of `text`, as
    /// [`compare_numbers`](crate::compare_numbers) reads it, and returns the text after it.
    ///
    /// Leading zeros do not count, and no digits are zero. The first byte written is a digit, and `0` for
    /// zero alone, so that a number keeps a digit's place among other bytes.
    ///
    /// ```
    /// let mut room = [0; 8];
    /// let mut key = callbox_guest::Key::new(&mut room);
    /// assert_eq!(key.push_number(b"0042.5"), b".5");
    /// assert_eq!(key.len(), 3);
    /// assert_eq!(room[..3], *b"242"); // 2 digits, which are 42
    /// ```
    pub fn push_number<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        let number = skip_zeros(text);
        let mut rest = number;
        while let [b'0'..=b'9', after @ ..] = rest {
            rest = after;
        }
        let len = number.len() - rest.len();
        self.push(b'0' + len.min(9) as u8);
        if let Some(mut more) = len.checked_sub(9) {
            while more >= 255 {
                self.push(255);
                more -= 255;
            }
            self.push(more as u8);
        }
        number.iter().take(len).for_each(|digit| self.push(*digit));
        rest
    }

    /// Writes a decimal number: keys compare as [`Number::order`] does.
    pub fn push_decimal(&mut self, number: &Number<'_>) {
        let start = self.len;
        self.push(0x80); // above its complement, with which a negative number begins
        self.push_number(number.whole);
        self.push_text(number.fraction);
        if number.negative {
            self.reverse(start);
        }
    }

    /// Writes eight bytes that compare as the numbers do. Smaller integers convert to these.
    pub fn push_u64(&mut self, number: u64) {
        self.extend(&number.to_be_bytes());
    }

    /// Writes eight bytes that compare as the numbers do. Smaller integers convert to these.
    pub fn push_i64(&mut self, number: i64) {
        self.push_u64(number as u64 ^ 1 << 63);
    }

    /// Writes eight bytes that compare as [`f64::total_cmp`] does: -NaN, -∞, …, -0, +0, …, ∞, NaN.
    pub fn push_f64(&mut self, number: f64) {
        let bits = number.to_bits();
        self.push_u64(bits ^ ((bits as i64 >> 63) as u64 | 1 << 63));
    }

    /// Reverses the order of what `write` writes, of which no key may be the beginning of another.
    pub fn reversed(&mut self, write: impl FnOnce(&mut Key<'a>)) {
        let start = self.len;
        write(self);
        self.reverse(start);
    }

    fn reverse(&mut self, start: usize) {
        for byte in self.room.iter_mut().take(self.len).skip(start) {
            *byte = !*byte;
        }
    }
}
