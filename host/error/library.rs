//! Functions of shared libraries.

/// What is wrong with a function of a shared library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The library could not be loaded.
    #[error("{library}: cannot load the library: {reason}")]
    Load {
        /// Its name or path.
        library: String,
        /// What the system's loader said.
        reason: String,
    },

    /// The library has no such function.
    #[error("{library}: there is no function \"{symbol}\" in this library")]
    Symbol {
        /// Its name or path.
        library: String,
        /// The function's name.
        symbol: String,
    },

    /// The function has sorted, and its result is in no order.
    #[error(
        "{function} left its items in no order: it is no function with qsort's signature, or it could not do \
         it, or the comparator contradicts itself (`callbox check` tells)"
    )]
    Unsorted {
        /// The library and the function.
        function: String,
    },
}
