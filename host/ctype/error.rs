//! C types that are invalid, or do not fit their use.

/// The reason why a C type, or a use of one, is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// C cannot lay out the type.
    #[error("{ctype} is not a usable C type: {reason}")]
    Layout {
        /// The type, as C writes it.
        ctype: String,
        /// The problem with it.
        reason: String,
    },

    /// A function pointer was requested as a Rust type that C would call in another way.
    #[error("a function pointer for \"{prototype}\" has not the type {found}: {reason}")]
    Pointer {
        /// The callback's prototype, as C writes it.
        prototype: String,
        /// The Rust type.
        found: &'static str,
        /// The part of it that differs.
        reason: String,
    },

    /// A declared fallback is not a value of the result's type.
    #[error("{fallback} is not a valid {result}, the result of \"{export}\"")]
    Fallback {
        /// The export behind the callback.
        export: String,
        /// The result's type, as C writes it.
        result: String,
        /// The fallback, as it was declared.
        fallback: String,
    },
}
