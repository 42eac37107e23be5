//! The functions that C calls: comparators, numbered and compiled in, and those of other prototypes, made by
//! libffi.
//!
//! A trampoline finds its slot and crosses the [border]. Nothing but a value leaves it towards C, with one
//! exception: a sort of this crate that C has driven out of its array is left by unwinding.

mod active;
#[cfg(feature = "libffi")]
mod arguments;
mod border;
#[cfg(feature = "libffi")]
mod call;
#[cfg(feature = "libffi")]
mod closure;
mod comparator;

pub(crate) use active::{Ask, OpenCall, call};
#[cfg(feature = "sqlite")]
pub(crate) use border::{AnyThread, Neutral, cross};
#[cfg(feature = "sqlite")]
pub(crate) use call::call_values;
#[cfg(feature = "libffi")]
pub(crate) use closure::lend;
#[cfg(target_pointer_width = "64")]
pub(crate) use comparator::compare_with_context;
pub(crate) use comparator::{UnwindingCompareFn, compare_fn};
