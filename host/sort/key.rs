//! Keys: the parts of items that are compared, and by whom.

use std::borrow::Cow;

use super::csv::Record;
use super::field::Fields;
use crate::callback::Callback;

/// A key of an order: which part of each item is compared, what is done to it first, and the callback that
/// compares. A guest sees these bytes of an item and no others.
///
/// ```
/// use callbox::sort::{Fields, Items, Job, Key, Options, Part, Position};
/// use callbox::{CType, Limits, Prototype, Sandbox};
///
/// # fn main() -> callbox::Result<()> {
/// let sandbox = Sandbox::new(Limits::default())?;
/// let lines = Prototype::comparator(CType::Void);
/// let numeric = sandbox.bundled("numeric")?.callback("compare_bytes", lines.clone())?;
/// let bytes = sandbox.bundled("bytes")?.callback("compare_bytes", lines)?;
///
/// // -k2,2nr -k1,1
/// let field = |field| {
///     let place = Position { field, ..Position::default() };
///     Part::Fields(Fields { start: place, end: Some(place), separator: None })
/// };
/// let keys = vec![Key::new(&numeric).part(field(1)).reverse(true), Key::new(&bytes).part(field(0))];
///
/// let lines = Items::lines(b"pear 2\nfig 10\napple 2\n".to_vec(), b'\n')?;
/// let sorted = Job::by_keys(keys, Options::default()).sort(&lines)?;
/// assert_eq!(sorted.order, [1, 2, 0]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Key {
    pub(super) callback: Callback,
    pub(super) part: Part,
    pub(super) ignore: Ignore,
    pub(super) fold_case: bool,
    pub(super) reverse: bool,
}

/// The part of an item that a key compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The whole item.
    #[default]
    Item,
    /// A range of fields of a line.
    Fields(Fields),
    /// A field of a CSV record, without its quotes; empty where the record has fewer fields.
    Column {
        /// Number of the field, from 0.
        index: usize,
        /// The byte between fields.
        delimiter: u8,
    },
}

/// Bytes of a key that are left out before it is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ignore {
    /// None.
    #[default]
    Nothing,
    /// All that are not letters, digits or blanks, as by `sort -d`.
    NotDictionary,
    /// All that are not printed, as by `sort -i`.
    NotPrinting,
}

impl Key {
    /// Creates a key of whole items.
    pub fn new(callback: &Callback) -> Key {
        Key {
            callback: callback.clone(),
            part: Part::Item,
            ignore: Ignore::Nothing,
            fold_case: false,
            reverse: false,
        }
    }

    /// Sets the part of an item that is compared.
    pub fn part(self, part: Part) -> Key {
        Key { part, ..self }
    }

    /// Sets which bytes are left out.
    pub fn ignore(self, ignore: Ignore) -> Key {
        Key { ignore, ..self }
    }

    /// Sets whether lower-case letters of ASCII are compared as upper-case ones.
    pub fn fold_case(self, fold_case: bool) -> Key {
        Key { fold_case, ..self }
    }

    /// Sets whether the order of this key is reversed.
    pub fn reverse(self, reverse: bool) -> Key {
        Key { reverse, ..self }
    }

    /// Returns the callback.
    pub fn callback(&self) -> &Callback {
        &self.callback
    }

    /// Returns whether the key is the item as it is.
    pub(super) fn is_item(&self) -> bool {
        self.part == Part::Item && !self.changes_bytes()
    }

    fn changes_bytes(&self) -> bool {
        self.fold_case || self.ignore != Ignore::Nothing
    }

    /// Returns the bytes of this key of an item.
    pub(super) fn of<'i>(&self, item: &'i [u8]) -> Cow<'i, [u8]> {
        let part = match self.part {
            Part::Item => Cow::Borrowed(item),
            Part::Fields(fields) => Cow::Borrowed(&item[fields.range(item)]),
            Part::Column { index, delimiter } => Record::new(item, delimiter).field(index),
        };
        if self.changes_bytes() { Cow::Owned(self.prepared(&part)) } else { part }
    }

    fn prepared(&self, part: &[u8]) -> Vec<u8> {
        let kept = part.iter().filter(|byte| self.ignore.keeps(byte));
        kept.map(|byte| if self.fold_case { byte.to_ascii_uppercase() } else { *byte }).collect()
    }
}

impl Ignore {
    fn keeps(self, byte: &u8) -> bool {
        match self {
            Ignore::Nothing => true,
            Ignore::NotDictionary => byte.is_ascii_alphanumeric() || super::field::is_blank(byte),
            Ignore::NotPrinting => matches!(byte, b' '..=b'~'),
        }
    }
}
