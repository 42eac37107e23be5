//! The letters by which sort(1) names orders, and what they do.

/// Ordering options: the letters of sort(1), of one key or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Letters(u32);

/// All letters, in the order in which GNU sort names them.
const ALL: &[u8] = b"bdfghiMnRrV";

/// Letters that choose the guest, and the guests that they name.
const GUESTS: [(u8, &str); 5] =
    [(b'g', "general"), (b'h', "human"), (b'M', "month"), (b'n', "numeric"), (b'V', "version")];

/// The guest that orders keys where no letter names another.
pub(super) const DEFAULT_GUEST: &str = "bytes";

impl Letters {
    /// Returns the letters with one more; `None` if it is no letter of an order.
    pub(in crate::cli) fn with(self, letter: u8) -> Option<Letters> {
        ALL.iter().position(|known| *known == letter).map(|bit| Letters(self.0 | 1 << bit))
    }

    pub(in crate::cli) fn has(self, letter: u8) -> bool {
        self.with(letter) == Some(self)
    }

    /// Returns whether the letters name an order, and not only its direction.
    pub(super) fn name_order(self) -> bool {
        ALL.iter().any(|letter| *letter != b'r' && self.has(*letter))
    }

    /// Returns whether there is none.
    pub(super) fn is_empty(self) -> bool {
        self == Letters::default()
    }

    /// Returns the bundled guest of this order.
    pub(super) fn guest(self) -> &'static str {
        GUESTS.iter().find(|(letter, _)| self.has(*letter)).map_or(DEFAULT_GUEST, |(_, guest)| guest)
    }

    /// Returns the letters that exclude each other, as GNU sort names them; `None` if these do not.
    pub(super) fn incompatible(self) -> Option<String> {
        let guests = GUESTS.iter().filter(|(letter, _)| *letter != b'V' && self.has(*letter)).count();
        let text = [b'V', b'R', b'd', b'i'].into_iter().any(|letter| self.has(letter));
        // GNU sort names neither the direction nor blanks.
        let named = |letter: &&u8| self.has(**letter) && !matches!(letter, b'b' | b'r');
        let names = || ALL.iter().filter(named).map(|letter| char::from(*letter)).collect();
        (guests + usize::from(text) > 1).then(names)
    }

    /// Returns the letter that a word of `--sort` stands for.
    pub(in crate::cli) fn of_word(word: &str) -> Option<u8> {
        const WORDS: [(&str, u8); 6] = [
            ("general-numeric", b'g'),
            ("human-numeric", b'h'),
            ("month", b'M'),
            ("numeric", b'n'),
            ("random", b'R'),
            ("version", b'V'),
        ];
        let mut found = WORDS.iter().filter(|(name, _)| name.starts_with(word));
        let first = found.next().filter(|_| !word.is_empty())?;
        found.next().is_none().then_some(first.1)
    }
}
