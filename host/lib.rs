//! Callbox lets native code call functions that nobody trusts.
//!
//! A C library wants a function pointer. What stands behind the pointer here is an export of a
//! sandboxed WebAssembly guest. The C library's real `qsort` sorts host memory and asks the guest
//! for the order; whatever the guest does, or answers, C never notices and the host stays safe.
//!
//! ```
//! use callbox::{native, Limits, Prototype, Sandbox};
//!
//! fn main() -> callbox::Result<()> {
//!     let sandbox = Sandbox::new(Limits::default())?;
//!     let guest = sandbox.load("wat/good/ascending.wat")?;
//!
//!     // CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int)), written as C writes it.
//!     let cmp: Prototype = "int (const int *, const int *)".parse()?;
//!     let ascending = guest.callback("compare", cmp)?;    // checked here, once
//!
//!     let mut ia = [5, 1, 7, 33, 99];
//!     native::qsort(&mut ia, &ascending)?;                // C sorts, the guest compares
//!     assert_eq!(ia, [1, 5, 7, 33, 99]);
//!     Ok(())
//! }
//! ```
//!
//! # Words
//!
//! - A [`Module`] is compiled wasm, shareable between threads; a [`Guest`] is one instance of it.
//! - A [`Prototype`] is how C will call: what ctypes calls `CFUNCTYPE`.
//! - A [`Callback`] is a guest's export that has been checked against a prototype.
//! - The [`CallbackTable`] knows what native code may call, and who holds it.
//! - A trampoline is the native code behind the function pointer. Those of comparators are compiled in, and
//!   nothing executable is allocated for them; those of other prototypes libffi makes, from pages of code
//!   that it has compiled in where the system allows (Linux), and once made they stay for ever.
//! - A [`ArrayLease`] lends the function pointer for one native call with an array, a [`ScopedLease`] lease for one with
//!   whatever arguments; a [`RetainedLease`] lease lends it for as long as native code keeps it. After any of
//!   them, the pointer is inert, not dangling.
//! - A failure is what a callback could not tell C. The first one is kept, the native call coasts
//!   to its end on neutral answers, and the failure is returned after it.
//!
//! # Features
//!
//! - `libffi` (default): function pointers of every [`Prototype`]. Without it, comparators only, and no C code to
//!   build.
//! - `sqlite`: collations, functions and authorizers of SQLite (the module `sqlite`).
//!
//! # What holds
//!
//! - Values cross, pointers do not: a guest sees copies, and no host address.
//! - No trap, panic or exit passes through C frames, with one exception: a sort that the C library
//!   has driven out of its array, because the answers contradict each other, is left by unwinding.
//! - All or nothing: on any failure the array is exactly as it was.
//! - The result is a permutation of the input.
//! - Each native call has one budget of fuel, time and memory for all its callbacks: [`Limits`].

#![cfg_attr(not(feature = "libffi"), allow(dead_code, reason = "what only other prototypes need"))]

/// The README's program is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(target_endian = "big")]
compile_error!("elements cross into wasm as they are, which is right on little-endian hosts only");

// In dependency order: each module uses only modules above it.
mod error;
mod sync;
mod limits;
pub mod isolation;
mod answers;
mod ctype;
mod prototype;
mod memory;
mod kernel;
mod sandbox;
pub mod bundled;
mod callback;
mod registry;
mod batch;
mod trampoline;
pub mod lease;
pub mod native;
pub mod sort;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(fuzzing)]
#[doc(hidden)]
#[allow(missing_docs, reason = "only the fuzz targets see it")]
pub mod fuzzing;

pub use callback::{Callback, FallbackValue};
pub use ctype::{CType, NumberKind, Struct, StructField};
pub use error::{
    Blame, CallError, Error, GuestBacktrace, GuestFrame, LibraryError, Limit, ModuleError, Result, TypeError,
};
#[cfg(feature = "libffi")]
pub use lease::ScopedLease;
pub use lease::{ArrayLease, CompareFn, CompareWithContextFn, RetainedLease};
pub use limits::Limits;
pub use memory::Element;
pub use prototype::{AbiClass, CValue, CallConv, FnPointer, Prototype};
pub use registry::{CallbackTable, Registration, SlotKey};
pub use sandbox::{CompareShape, Config, Guest, MemoryType, Module, ModuleExtern, ModuleSource, Sandbox};
