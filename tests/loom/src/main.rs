//! The callback table, its leases and its trampolines, under loom.
//!
//! Most modules are the library's sources. `callback`, `sandbox` and `batch` have a closure behind a callback
//! instead of a guest, in the same turns and sessions; `published` stands for what has models of its own.
#![allow(dead_code, unused_imports, missing_docs, reason = "the models use a part of the library")]
#![allow(clippy::disallowed_methods, reason = "as in the library")]

#[path = "../../../host/answers.rs"]
mod answers;
#[path = "../../../host/ctype/mod.rs"]
mod ctype;
#[path = "../../../host/error/mod.rs"]
mod error;
#[path = "../../../host/lease/mod.rs"]
mod lease;
#[path = "../../../host/limits/mod.rs"]
mod limits;
#[path = "../../../host/memory/mod.rs"]
mod memory;
#[path = "../../../host/prototype/mod.rs"]
mod prototype;
#[path = "../../../host/registry/mod.rs"]
mod registry;
#[path = "../../../host/sync/mod.rs"]
mod sync;
#[path = "../../../host/trampoline/mod.rs"]
mod trampoline;

mod batch;
mod callback;
mod models;
mod published;
mod sandbox;

use callback::Callback;
use ctype::{CType, NumberKind};
use error::{Blame, CallError, Error, Result};
use lease::{ArrayLease, CompareFn, CompareWithContextFn, RetainedLease};
use limits::{Limit, Limits};
use memory::Element;
use registry::{CallbackTable, Registration, SlotKey};

/// Runs the models whose names contain an argument, or all.
fn main() {
    let names: Vec<_> = std::env::args().skip(1).collect();
    let chosen = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(&**part));
    let mut ran = 0;
    for (name, bound, model) in models::MODELS.iter().filter(|(name, ..)| chosen(name)) {
        models::explore(name, *bound, *model);
        ran += 1;
    }
    assert!(ran > 0, "no model has such a name");
}
