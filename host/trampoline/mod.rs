//! The functions that C calls: comparators, numbered and compiled in, and those of other prototypes, made by
//! libffi.
//!
//! A trampoline finds its slot and crosses the [border]. It only returns a value to C, with one exception: a
//! C sort that this crate calls is unwound if it is driven out of its array.

mod active;
#[cfg(not(loom))] // no calls with arguments in the models
mod arguments;
mod border;
#[cfg(not(loom))]
mod call;
#[cfg(feature = "libffi")]
mod closure;
mod comparator;
#[cfg(not(loom))]
mod plain;
#[cfg(not(loom))]
mod raw_call;
#[cfg(not(loom))]
mod watch;

pub(crate) use active::{Ask, OpenCall};
#[cfg(fuzzing)]
pub(crate) use arguments::hostile;
#[cfg(feature = "sqlite")]
pub(crate) use border::{AnyThread, Neutral, cross};
#[cfg(not(loom))]
pub(crate) use call::{call_compare, call_values};
#[cfg(feature = "libffi")]
pub(crate) use closure::lend;
#[cfg(target_pointer_width = "64")]
pub(crate) use comparator::compare_with_context;
pub(crate) use comparator::{UnwindingCompareFn, call_native, compare_fn};
