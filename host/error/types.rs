//! Types that do not go together.

/// What is wrong with a C type, or with a use of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// C could not lay it out.
    #[error("{ctype} is not a usable C type: {reason}")]
    Layout {
        /// The type, as C writes it.
        ctype: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A function pointer was asked for with a Rust type that C would call in another way.
    #[error("a function pointer for \"{prototype}\" has not the type {found}: {reason}")]
    Pointer {
        /// The callback's prototype, as C writes it.
        prototype: String,
        /// The Rust type.
        found: &'static str,
        /// Which part of it differs.
        reason: String,
    },

    /// A fallback was declared that is not of the result's type.
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
