//! The options of a sort.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::Progress;
use crate::batch::Rules;
use crate::native::{self, Verify};

/// The code that sorts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sorter {
    /// The C library's `qsort`.
    #[default]
    Qsort,
    /// [`Sorter::Sandboxed`] for items and keys that fit in the memory of their guests, and otherwise, or for
    /// few items, [`Sorter::Qsort`].
    Auto,
    /// The Microsoft C runtime's algorithm, [`native::msvcrt::qsort`](crate::native::msvcrt::qsort).
    Msvcrt,
    /// A function of a shared library. Its result is checked to be in order, which takes one more answer per
    /// item.
    Library(native::SortFunction),
    /// A kernel inside the sandbox: a trusted module in the guest's store, which calls the comparator
    /// directly. All items are copied into the guest's memory, except numbers that are taken by value. No
    /// native code ever sees an answer; the host checks that the result is a permutation and applies it.
    ///
    /// The kernel is a stable merge sort. It runs in a guest of its own, instantiated for the job from the
    /// callback's module, whose memory counts against [`Limits::memory`](crate::Limits::memory). A callback
    /// that is [observed](crate::Callback::observe) is sorted by [`Sorter::Qsort`] instead, whose questions
    /// the host sees.
    Sandboxed,
}

impl Sorter {
    /// Returns the native sorter; `None` for [`Sorter::Sandboxed`].
    pub(super) fn native(self) -> Option<native::NativeSorter> {
        match self {
            Sorter::Qsort | Sorter::Auto => Some(native::NativeSorter::Qsort),
            Sorter::Msvcrt => Some(native::NativeSorter::Msvcrt),
            Sorter::Library(function) => Some(native::NativeSorter::Library(function)),
            Sorter::Sandboxed => None,
        }
    }

    /// Returns whether items may be sorted in the sandbox.
    pub(super) fn may_be_sandboxed(self) -> bool {
        matches!(self, Sorter::Auto | Sorter::Sandboxed)
    }

    /// Returns the native sorter that may sort the records themselves; `None` for a library's function too,
    /// as only its order of numbers is checked.
    pub(super) fn native_in_place(self) -> Option<native::NativeSorter> {
        self.native().filter(|sorter| !matches!(sorter, native::NativeSorter::Library(_)))
    }
}

/// The options of a sort, in the terms of sort(1). By default, nothing is reversed, left out or kept in the
/// input's order, [`Sorter::Qsort`] sorts on one thread, and [`Verify::Sample`] checks.
///
/// ```
/// use callbox::sort::{Options, Sorter};
/// let options = Options::default().sorter(Sorter::Sandboxed).stable(true);
/// # let _ = options;
/// ```
#[derive(Clone)]
pub struct Options {
    pub(super) reverse: bool,
    pub(super) unique: bool,
    pub(super) stable: bool,
    pub(super) unstable: bool,
    pub(super) sorter: Sorter,
    pub(super) parallel: NonZeroUsize,
    pub(super) verify: Verify,
    pub(super) progress: Option<Arc<Progress>>,
}

impl Options {
    /// Sets whether the order is reversed, the largest first. Items that `stable` keeps in the input's order
    /// are not reversed.
    pub fn reverse(self, reverse: bool) -> Options {
        Options { reverse, ..self }
    }

    /// Sets whether only the first of items that the guest calls equal is kept.
    pub fn unique(self, unique: bool) -> Options {
        Options { unique, ..self }
    }

    /// Sets whether items that the guest calls equal stay in the input's order. Otherwise their bytes decide.
    pub fn stable(self, stable: bool) -> Options {
        Options { stable, ..self }
    }

    /// Sets whether items that the guest calls equal are left in whatever order the sorter puts them: it gets
    /// the guest's answers as they are, 0 included. `stable` and `unique` take precedence.
    ///
    /// ```
    /// use callbox::sort::{Items, Job, Options, Sorter};
    /// use callbox::{CType, Limits, Sandbox};
    /// # fn main() -> callbox::Result<()> {
    /// let fold = Sandbox::new(Limits::default())?.bundled("fold")?.comparator_for(CType::Void)?;
    /// let lines = Items::lines(b"b\na\nA\n".to_vec(), b'\n')?;
    /// let sorted = Job::new(&fold, Options::default().unstable(true)).sort(&lines)?;
    /// assert_eq!(sorted.order[2], 0); // and the two others in any order
    /// # Ok(()) }
    /// ```
    pub fn unstable(self, unstable: bool) -> Options {
        Options { unstable, ..self }
    }

    /// Sets the code that sorts.
    pub fn sorter(self, sorter: Sorter) -> Options {
        Options { sorter, ..self }
    }

    /// Sets the maximum number of threads, each with a guest of its own; fewer are used for few items. The
    /// job's fuel is divided evenly among them. The items are cut into one part per thread; the parts are
    /// sorted separately and then merged, so the comparisons differ from those of one thread.
    pub fn parallel(self, threads: NonZeroUsize) -> Options {
        Options { parallel: threads, ..self }
    }

    /// Sets how many pairs of the result a fresh guest is asked about, before anything is written.
    pub fn verify(self, verify: Verify) -> Options {
        Options { verify, ..self }
    }

    /// Sets what is kept up to date with how far the sort has come.
    pub fn progress(self, progress: Arc<Progress>) -> Options {
        Options { progress: Some(progress), ..self }
    }

    /// Returns whether items that all keys call equal stay in the input's order.
    pub(super) fn keeps_ties(&self) -> bool {
        self.unique || self.stable
    }

    /// Returns whether items that all keys call equal are left in any order.
    pub(super) fn leaves_ties(&self) -> bool {
        self.unstable && !self.keeps_ties()
    }

    /// Returns whether bytes decide the order of items that all keys call equal.
    pub(super) fn ties_by_bytes(&self) -> bool {
        !self.keeps_ties() && !self.leaves_ties()
    }

    /// Returns the rules that decide the order of items that all keys call equal.
    pub(super) fn rules(&self) -> Rules {
        Rules { reverse: self.reverse, ties_by_bytes: self.ties_by_bytes() }
    }

    /// Returns the order of two items by what the keys say and by every rule except stability.
    pub(super) fn last_resort(&self, order: Ordering, a: &[u8], b: &[u8]) -> Ordering {
        if order.is_eq() { self.rules().apply(order, a, b) } else { order }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            reverse: false,
            unique: false,
            stable: false,
            unstable: false,
            sorter: Sorter::default(),
            parallel: NonZeroUsize::MIN,
            verify: Verify::default(),
            progress: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { reverse, unique, stable, unstable, sorter, parallel, verify, progress } = self;
        let progress = progress.is_some();
        write!(f, "reverse {reverse}, unique {unique}, stable {stable}, unstable {unstable}, ")?;
        write!(f, "sorter {sorter:?}, parallel {parallel}, verify {verify:?}, progress {progress}")
    }
}
