//! All integration tests in one binary, because each one links a compiler.

#[path = "../adversary/mod.rs"]
mod adversary;
mod bombs;
#[cfg(feature = "libffi")]
mod c_library;
mod cli;
mod compile_search;
mod errors;
mod escaped;
mod faults;
mod files;
#[cfg(unix)]
mod forks;
mod guests;
mod hostile;
mod isolation;
mod leases;
mod liars;
mod lookahead;
mod native_sorts;
mod orders;
mod panics;
#[cfg(feature = "libffi")]
mod prototypes;
mod random_comparators;
#[cfg(feature = "libffi")]
mod random_prototypes;
#[cfg(feature = "libffi")]
mod random_values;
mod sandboxed;
mod sorters;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_registrations;
#[cfg(feature = "sqlite")]
mod sqlite_values;
mod support;
mod terminal;
mod tidy;
mod tutorial;
mod typed;
