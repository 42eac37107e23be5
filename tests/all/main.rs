//! All integration tests in one binary, because each one links a compiler.

mod bombs;
#[cfg(feature = "libffi")]
mod c_library;
mod cli;
mod errors;
mod faults;
mod files;
mod guests;
mod hostile;
mod isolation;
mod leases;
mod lookahead;
mod native_sorts;
mod orders;
#[cfg(feature = "libffi")]
mod prototypes;
#[cfg(feature = "libffi")]
mod random_prototypes;
mod sandboxed;
mod sorters;
#[cfg(feature = "sqlite")]
mod sqlite;
mod support;
mod tidy;
mod tutorial;
