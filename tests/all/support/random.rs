//! Random input.

/// Pseudo-random numbers, the same in each run (Marsaglia's xorshift).
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Returns lines of up to `longest` of these pieces each.
    pub(crate) fn lines(&mut self, count: usize, longest: usize, pieces: &[&str]) -> Vec<u8> {
        let mut text = Vec::new();
        for _ in 0..count {
            for _ in 0..self.below(longest + 1) {
                text.extend_from_slice(pieces[self.below(pieces.len())].as_bytes());
            }
            text.push(b'\n');
        }
        text
    }
}
