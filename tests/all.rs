//! All integration tests in one binary, because each one links a compiler.

#[path = "all/ahead.rs"]
mod ahead;
#[path = "all/cli.rs"]
mod cli;
#[path = "all/bombs.rs"]
mod bombs;
#[path = "all/errors.rs"]
mod errors;
#[path = "all/faults.rs"]
mod faults;
#[path = "all/files.rs"]
mod files;
#[cfg(feature = "libffi")]
#[path = "all/foreign.rs"]
mod foreign;
#[path = "all/guests.rs"]
mod guests;
#[path = "all/hostile.rs"]
mod hostile;
#[path = "all/isolation.rs"]
mod isolation;
#[path = "all/leases.rs"]
mod leases;
#[path = "all/native.rs"]
mod native;
#[cfg(feature = "libffi")]
#[path = "all/natives.rs"]
mod natives;
#[path = "all/orders.rs"]
mod orders;
#[path = "all/resident.rs"]
mod resident;
#[cfg(feature = "libffi")]
#[path = "all/signatures.rs"]
mod signatures;
#[path = "all/sorters.rs"]
mod sorters;
#[cfg(feature = "sqlite")]
#[path = "all/sqlite.rs"]
mod sqlite;
#[path = "all/support.rs"]
mod support;
#[path = "all/tidy.rs"]
mod tidy;
#[path = "all/tutorial.rs"]
mod tutorial;
