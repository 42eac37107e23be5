//! Modules that cannot be used.

use super::escape;

/// The reason why a module cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The bytes are not a WebAssembly module, or not a valid one.
    #[error(
        "{module}: not a usable WebAssembly module: {reason}",
        module = escape(module),
        reason = escape(reason)
    )]
    Invalid {
        /// The module's name or path.
        module: String,
        /// The problem with it.
        reason: String,
    },

    /// The module uses WebAssembly proposals that are not allowed.
    #[error("{module}: it uses {}, which is not allowed", features.join(" and "), module = escape(module))]
    Features {
        /// The module's name or path.
        module: String,
        /// The proposals that it needs beyond those that are allowed.
        features: Vec<String>,
    },

    /// The module imports functions, memories, tables or globals that the host did not grant.
    #[error(
        "{module}: {}",
        super::imports::refusal(imports),
        module = escape(module)
    )]
    Imports {
        /// The module's name or path.
        module: String,
        /// Every import that was refused, as `module.name`.
        imports: Vec<String>,
    },

    /// The export is missing, is not a function, or has a type that serves no shape.
    #[error("{module}: {reason}", module = escape(module), reason = escape(reason))]
    Export {
        /// The module's name or path.
        module: String,
        /// The export, the expectation and the finding.
        reason: String,
    },

    /// The guest has no memory in which the host may stage elements.
    #[error(
        "{module}: the host has nowhere to put elements: {reason}",
        module = escape(module),
        reason = escape(reason)
    )]
    Staging {
        /// The module's name or path.
        module: String,
        /// The obstacle, and the export to add.
        reason: String,
        /// Whether [`Config::assume_fresh_pages`](crate::Config::assume_fresh_pages) would remove it.
        fresh_pages: bool,
    },
}
