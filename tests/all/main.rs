//! All integration tests in one binary, because each one links a compiler.

#[path = "../adversary/mod.rs"]
mod adversary;
#[cfg(target_os = "linux")]
mod bombs;
#[cfg(all(unix, feature = "libffi"))]
mod c_library;
mod cli;
#[cfg(unix)]
mod command_lines;
mod compile_search;
mod contract;
mod errors;
mod escaped;
mod every_sorter;
mod faults;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod forks;
#[cfg(unix)]
mod guides;
mod guests;
mod hostile;
mod isolation;
mod kept;
mod keys;
mod leases;
mod liars;
mod lookahead;
mod manual;
mod messages;
mod native_sorts;
mod observe;
mod orders;
mod panics;
mod permutations;
mod profile;
mod progress;
#[cfg(feature = "libffi")]
mod prototypes;
mod random_comparators;
#[cfg(all(target_os = "linux", target_arch = "x86_64", feature = "libffi"))]
mod random_prototypes;
#[cfg(all(target_os = "linux", target_arch = "x86_64", feature = "libffi"))]
mod random_values;
mod record;
mod sandboxed;
mod seeing;
mod sort_keys;
mod sorters;
#[cfg(unix)]
mod spill;
#[cfg(unix)]
mod spill_lies;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_registrations;
#[cfg(feature = "sqlite")]
mod sqlite_values;
mod support;
mod table;
#[cfg(unix)]
mod tasks;
mod terminal;
mod tidy;
mod tutorial;
mod typed;
