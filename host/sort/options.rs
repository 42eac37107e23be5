//! How to sort.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::batch::Rules;
use crate::native;

/// Is told of each comparison: both items, and what the guest said of them.
pub type Trace = Arc<dyn Fn(&[u8], &[u8], Ordering) + Send + Sync>;

/// What runs a sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sorter {
    /// The C library's `qsort`.
    #[default]
    Qsort,
    /// The Microsoft C runtime's algorithm, [`native::msvcrt::qsort`](crate::native::msvcrt::qsort).
    Msvcrt,
    /// A function of a shared library. Its result is checked to be in order, which takes a comparison more for
    /// each item.
    Library(native::SortFunction),
    /// A trusted kernel inside the sandbox: all items are copied into the guest's memory, where
    /// numbers are not taken by value, and a module of ours in the same store calls the comparator
    /// directly. Nothing native ever sees an answer; the host checks that the result is a
    /// permutation and applies it.
    ///
    /// It is a stable merge sort. It runs in a guest of its own, made for the job from the callback's
    /// module, whose memory counts against [`Limits::memory`](crate::Limits::memory).
    Sandboxed,
}

impl Sorter {
    /// The native code that sorts, if it is native code.
    pub(super) fn native(self) -> Option<native::NativeSorter> {
        match self {
            Sorter::Qsort => Some(native::NativeSorter::Qsort),
            Sorter::Msvcrt => Some(native::NativeSorter::Msvcrt),
            Sorter::Library(function) => Some(native::NativeSorter::Library(function)),
            Sorter::Sandboxed => None,
        }
    }

    /// Returns the native code that may sort records themselves. Of a library's function only the order of
    /// numbers is checked.
    pub(super) fn native_in_place(self) -> Option<native::NativeSorter> {
        self.native().filter(|sorter| !matches!(sorter, native::NativeSorter::Library(_)))
    }
}

/// How to sort. The words are those of sort(1).
#[derive(Clone)]
pub struct Options {
    /// Largest first. Items that stay in the input's order because of `stable` are not reversed.
    pub reverse: bool,
    /// Of items that the guest calls equal, keep the first only.
    pub unique: bool,
    /// Items that the guest calls equal stay in the input's order. Otherwise their bytes decide.
    pub stable: bool,
    /// What runs the sort.
    pub sorter: Sorter,
    /// How many threads sort at once, each with a guest of its own; fewer where there is little to
    /// do. They share the job's fuel out evenly. The items are cut into as many parts, which are
    /// sorted apart and then merged, so the comparisons differ from those of one thread.
    pub parallel: NonZeroUsize,
    /// Who is told of each comparison. Those of [`Sorter::Sandboxed`] never leave the sandbox, and
    /// are not told.
    pub trace: Option<Trace>,
}

impl Options {
    /// The same for a kernel.
    pub(super) fn rules(&self) -> Rules {
        Rules { reverse: self.reverse, ties_by_bytes: !self.unique && !self.stable }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            reverse: false,
            unique: false,
            stable: false,
            sorter: Sorter::default(),
            parallel: NonZeroUsize::MIN,
            trace: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { reverse, unique, stable, sorter, parallel, trace } = self;
        let trace = trace.is_some();
        write!(f, "reverse {reverse}, unique {unique}, stable {stable}, sorter {sorter:?}, ")?;
        write!(f, "parallel {parallel}, trace {trace}")
    }
}
