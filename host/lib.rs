//! Callbox lets native code call untrusted functions.
//!
//! A C library takes a function pointer. Behind the pointer is an export of a sandboxed WebAssembly guest.
//! The C library's real `qsort` sorts host memory and the guest compares; whatever the guest does or answers,
//! C never notices and the host stays safe.
//!
//! ```
//! use callbox::{native, Limits, Prototype, Sandbox};
//!
//! fn main() -> callbox::Result<()> {
//!     let sandbox = Sandbox::new(Limits::default())?;
//!     let guest = sandbox.bundled("i32")?; // or sandbox.load("order.wasm")
//!
//!     // CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int)), written as C writes it.
//!     let cmp: Prototype = "int (const int *, const int *)".parse()?;
//!     let ascending = guest.callback("compare_i32", cmp)?; // checked here, once
//!
//!     let mut ia = [5, 1, 7, 33, 99];
//!     native::qsort(&mut ia, &ascending)?;                // C sorts, the guest compares
//!     assert_eq!(ia, [1, 5, 7, 33, 99]);
//!     Ok(())
//! }
//! ```
//!
//! # Terms
//!
//! - A [`Module`] is compiled wasm, shareable between threads; a [`Guest`] is one instance of it.
//! - A [`Prototype`] is a C function type: ctypes' `CFUNCTYPE`.
//! - A [`Callback`] is a guest's export that has been checked against a prototype.
//! - The [`CallbackTable`] lists the callbacks that native code may call, and their leases.
//! - A trampoline is the native code behind the function pointer. Trampolines of comparators are compiled
//!   in, without allocation of executable memory; libffi creates those of other prototypes, from code pages
//!   that are compiled into it where the system allows (Linux), and never frees them.
//! - An [`ArrayLease`] lends the function pointer for one native call with an array, a [`ScopedLease`] for
//!   one with arbitrary arguments; a [`RetainedLease`] lends it for as long as native code keeps it. After
//!   the end of any lease, the pointer is inert, not dangling.
//! - A failure is an error of a callback, which cannot be reported to C. The first one is recorded, the
//!   native call runs to its end on neutral answers, and the failure is returned after it.
//!
//! # Features
//!
//! - `libffi` (default): function pointers of every [`Prototype`]. Without it, those of comparators only, and
//!   no C code to build.
//! - `sqlite`: collations, functions and authorizers of SQLite.
//! - `isolation`: a process that locks itself down, on Linux.
//! - `record`: records of what comparators were asked.
//! - `libloading`: sort functions of shared libraries.
//! - `json`: the callback table as JSON.
//! - `cli` (default): the program `callbox`, with the features before.
//!
//! How to embed the library, from dependency lines to a callback that C keeps: [the guide][embedding].
//!
//! [embedding]: https://docs.rs/crate/callbox/latest/source/docs/embedding.md
//!
//! # Guarantees
//!
//! - Values cross, pointers do not: a guest sees copies, and no host address.
//! - No trap, panic or exit passes through C frames, with one exception: a sort that contradictory answers
//!   have driven out of its array is left by unwinding.
//! - All or nothing: on any failure the array is exactly as it was.
//! - The result is a permutation of the input.
//! - A comparator that contradicts itself is found out, as far as pairs of the result show it: after every
//!   sort of [`sort`], and of [`native`] on request ([`native::Verify`]).
//! - Each native call has one budget of fuel, time and memory for all its callbacks: [`Limits`].

#![cfg_attr(docsrs, feature(doc_cfg))]

/// The programs of the README and of guides, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/embedding.md")]
#[doc = include_str!("../docs/seeing.md")]
struct Programs;

#[cfg(target_endian = "big")]
compile_error!("elements cross into wasm as they are, which is right on little-endian hosts only");

// In dependency order: each module uses only modules above it. ARCHITECTURE.md has the same lines.
mod threads; // threads, where there is room for them
mod limits; // the limits of a guest, each written once
mod ctype; // C types, their layout and their text; WebAssembly's core types
mod error; // everything that can go wrong, and whose fault it is
mod sync; // what threads share, and what a forked child finds of it
#[cfg(feature = "isolation")]
pub mod isolation; // a second wall: seccomp, Landlock and resource limits around the process
mod answers; // prepared answers: those that C gets before it asks
mod prototype; // C function types: the parser, the printer, Rust's function pointers
mod memory; // arrays, scratch copies, bounds of pointers, allocations that may fail
mod kernel; // the generator of the sorter that runs in the sandbox
mod sandbox; // engine, module, guest: the only folder that speaks wasmtime
pub mod bundled; // the guests that come with the library
mod callback; // an export checked against a prototype, and how values cross
mod registry; // slots, entries, the callback table
mod batch; // many comparisons by one entry into WebAssembly; all that is known of glibc
mod trampoline; // the border, and the functions that C calls
mod typed; // an export called from Rust, with Rust's types
pub mod lease; // the RAII loans of a function pointer to native code
#[cfg(feature = "record")]
pub mod record; // what comparators were asked, written down, and read again
pub mod native; // safe C functions: qsort, bsearch, msvcrt's sort, sorts of shared libraries
pub mod sort; // lines, records and keys in order, on one thread or several
#[cfg(feature = "sqlite")]
pub mod sqlite; // collations, scalar functions and authorizers with guests behind them
#[cfg(fuzzing)]
#[doc(hidden)]
#[allow(missing_docs, reason = "only the fuzz targets see it")]
pub mod fuzzing; // the doors of the fuzz targets

/// Reports what this machine cannot test: the unit tests do it as the integration tests do.
#[cfg(test)]
#[path = "../tests/all/support/skip.rs"]
pub(crate) mod skip;

pub use callback::{Callback, Comparisons, FallbackValue, Observation, ObservedValue, SortKey};
pub use ctype::{CType, Enum, NumberKind, Struct, StructField};
pub use error::{
    Blame, CallError, ContradictionError, Error, FileError, GuestBacktrace, GuestFrame, ItemsError,
    LibraryError, ModuleError, Result, TypeError, escape,
};
#[cfg(feature = "libffi")]
pub use lease::ScopedLease;
pub use lease::{ArrayLease, CompareFn, CompareWithContextFn, RetainedLease};
pub use limits::{Limit, LimitUnit, Limits};
pub use memory::Element;
pub use prototype::{AbiClass, CValue, CallConv, Prototype};
#[cfg(feature = "libffi")]
pub use prototype::{FnPointer, UntypedFn};
pub use registry::{CallbackTable, LateCalls, Registration, SlotKey, TableReport};
pub use sandbox::{
    CompareShape, Config, ElementRoom, Guest, MemoryType, Module, ModuleExtern, ModuleSource, Sample, Sandbox,
};
#[doc(hidden)]
pub use typed::ArgumentForm;
pub use typed::{Argument, CallArguments};

pub use bytemuck;
#[doc(hidden)]
pub use core; // for `c_struct!`
#[cfg(feature = "sqlite")]
pub use rusqlite;
