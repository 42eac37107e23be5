//! placeholder

#![warn(missing_docs)]

mod array;
pub mod bundled;
mod callback;
mod ctype;
mod entry;
mod error;
mod lease;
mod limits;
pub mod native;
mod prototype;
mod sandbox;
pub mod sort;
mod table;
mod trampoline;

pub use array::Element;
pub use callback::Callback;
pub use ctype::{CType, Kind};
pub use entry::{CallbackTable, Registration};
pub use error::{Blame, Error, Frame, GuestBacktrace, Limit, Result};
pub use lease::{Lease, Pointer, Retained};
pub use limits::Limits;
pub use prototype::{CallConv, Prototype};
pub use sandbox::{Extern, Guest, Memory, Module, Sandbox, Shape};
pub use table::Key;
