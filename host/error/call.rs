//! Calls that could not be lowered to the guest, or answers that could not be lifted back.

use super::{Blame, escape};
use crate::limits::size;

/// The reason why the values of a call could not be lowered or lifted. Arguments are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// A string does not end within [`Limits::text`](crate::Limits::text).
    #[error(
        "\"{export}\" was called with a text in argument {argument} that does not end within \
         {}; raise Limits::text, or say its length with another argument",
        size(*most), export = escape(export)
    )]
    Text {
        /// The export behind the callback.
        export: String,
        /// The number of the argument.
        argument: usize,
        /// The limit.
        most: usize,
    },

    /// A length is negative, or larger than any object.
    #[error(
        "\"{export}\" was called with {count} elements in argument {argument}, which cannot be",
        export = escape(export)
    )]
    Count {
        /// The export behind the callback.
        export: String,
        /// The argument that points to the elements.
        argument: usize,
        /// The length that was passed.
        count: i128,
    },

    /// A null pointer where a comparator's element was expected.
    #[error(
        "\"{export}\" was called with a null pointer; an element was expected",
        export = escape(export)
    )]
    NullElement {
        /// The export behind the callback.
        export: String,
    },

    /// A null pointer to some elements.
    #[error(
        "\"{export}\" was called with a null pointer to {count} elements \
         in argument {argument}",
        export = escape(export)
    )]
    Null {
        /// The export behind the callback.
        export: String,
        /// The number of the argument.
        argument: usize,
        /// The number of elements that was passed.
        count: usize,
    },

    /// The arguments point to more in all than [`Limits::array`](crate::Limits::array).
    #[error(
        "\"{export}\" was called with arguments of more than {} in all; \
         raise Limits::array",
        size(*most), export = escape(export)
    )]
    TooLarge {
        /// The export behind the callback.
        export: String,
        /// The limit.
        most: usize,
    },

    /// A 64-bit integer that the guest takes as an `i32` is too large for one.
    #[error(
        "\"{export}\" was called with {value} in argument {argument}, \
         and the export takes it as an i32; let it take an i64", export = escape(export))]
    Range {
        /// The export behind the callback.
        export: String,
        /// The number of the argument.
        argument: usize,
        /// Its value.
        value: i128,
    },

    /// The export was called from Rust with other types than its prototype has.
    #[error(
        "\"{export}\" was called with types that are not those of \"{prototype}\": {reason}",
        export = escape(export)
    )]
    Types {
        /// The export behind the callback.
        export: String,
        /// The callback's prototype, as C writes it.
        prototype: String,
        /// The argument or the result that differs.
        reason: String,
    },

    /// The guest answered, or left in a pointee, a pointer that the call did not give it, or not as this.
    #[error(
        "{module}: \"{export}\" handed back {value:#x}, which is {reason}",
        module = escape(module), export = escape(export)
    )]
    Forged {
        /// The module's name or path.
        module: String,
        /// The export.
        export: String,
        /// The pointer that it handed back, as the guest sees it.
        value: u64,
        /// The reason why C must not get it.
        reason: &'static str,
    },

    /// The guest answered, or left in a pointee, a number that is no value of its C type.
    #[error(
        "{module}: \"{export}\" handed back {value}, which is no value of \"{ctype}\"",
        module = escape(module), export = escape(export)
    )]
    NoValue {
        /// The module's name or path.
        module: String,
        /// The export.
        export: String,
        /// The type, as C writes it.
        ctype: String,
        /// The number; of a floating-point number its significand.
        value: i128,
    },

    /// Asked for the same sort key again, the guest said that it is longer than it had said.
    #[error(
        "{module}: \"sort_key\" says that the key of {value} has {} bytes, and with room for those, {}; \
         a key must depend on its value only", lens[0], lens[1], module = escape(module)
    )]
    KeyLength {
        /// The module's name or path.
        module: String,
        /// The value, as text.
        value: String,
        /// The lengths in bytes that it said.
        lens: [usize; 2],
    },
}

impl CallError {
    /// Returns the party that has to change something.
    pub fn blame(&self) -> Blame {
        match self {
            CallError::Forged { .. } | CallError::NoValue { .. } | CallError::KeyLength { .. } => {
                Blame::Guest
            }
            _ => Blame::Caller,
        }
    }
}
