//! Functions of shared libraries.

use super::escape;

/// The reason why a function of a shared library cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The library could not be loaded.
    #[error("{}: cannot load the library: {}", escape(library), escape(reason))]
    Load {
        /// The library's name or path.
        library: String,
        /// The message of the system's loader.
        reason: String,
    },

    /// The library has no such function.
    #[error("{}: there is no function \"{}\" in this library", escape(library), escape(symbol))]
    Symbol {
        /// The library's name or path.
        library: String,
        /// The function's name.
        symbol: String,
    },

    /// The function has returned, and its result is not sorted.
    #[error(
        "{} left its items in no order: it is no function with qsort's signature, or it could not do \
         it, or the comparator contradicts itself (`callbox check` tells)",
        escape(function)
    )]
    Unsorted {
        /// The library and the function.
        function: String,
    },
}
