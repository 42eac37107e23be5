//! What went wrong, and whose fault it was.

mod backtrace;
mod blame;
mod bug;
mod call;
mod library;
mod module;
mod text;
mod types;

pub use backtrace::{GuestBacktrace, GuestFrame};
pub use blame::Blame;
pub(crate) use bug::bug;
pub use call::CallError;
pub use library::LibraryError;
pub use module::ModuleError;
pub(crate) use text::printable;
pub use types::TypeError;

use crate::limits::Limit;

/// The result of every fallible function in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, each a sentence that names the thing, what was expected, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("{}: cannot read the module: {source}", path.display())]
    Read {
        /// The path as it was given.
        path: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A text does not parse as a C function type.
    #[error(
        "\"{text}\" is not a C function type: {reason} at column {column}; \
         write it like \"int (const void *, const void *)\""
    )]
    PrototypeSyntax {
        /// The text that was to be parsed.
        text: String,
        /// Where it went wrong, counted in bytes from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },

    /// The prototype is a good C function type, but no trampoline serves it.
    #[error("unsupported prototype \"{prototype}\": {reason}")]
    PrototypeUnserved {
        /// The prototype that was to be registered, as C writes it.
        prototype: String,
        /// Which part of it is not served, and what to write instead.
        reason: &'static str,
    },

    /// A C type cannot be used, or not in this place.
    #[error(transparent)]
    Type(#[from] TypeError),

    /// The values of a call did not cross between native code and the guest.
    #[error(transparent)]
    Call(#[from] CallError),

    /// A function of a shared library is not there, or no sort.
    #[error(transparent)]
    Library(#[from] LibraryError),

    /// The elements of the array are not what the callback compares.
    #[error("the array holds elements of {found}, but \"{export}\" compares {expected}")]
    ElementMismatch {
        /// The export behind the callback.
        export: String,
        /// What the prototype points to.
        expected: String,
        /// What the array holds.
        found: String,
    },

    /// A run of bytes that is no whole number of elements, or elements of no size.
    #[error(
        "{bytes} bytes cannot be divided into elements of {width}; the width must be at least 1 and divide the length"
    )]
    Ragged {
        /// Length of the run in bytes.
        bytes: usize,
        /// Width of an element in bytes.
        width: usize,
    },

    /// More items than an index can count.
    #[error("{len} items are too many; at most {} can be sorted at once", u32::MAX)]
    TooManyItems {
        /// How many there were.
        len: usize,
    },

    /// The module cannot be used.
    #[error(transparent)]
    Module(#[from] ModuleError),

    /// The guest ran into one of its limits.
    #[error("{module}: {what}")]
    Limit {
        /// The module's name or path.
        module: String,
        /// Which limit.
        limit: Limit,
        /// What was used up, and how much of it there was.
        what: String,
    },

    /// The guest trapped.
    #[error("{module}: \"{export}\" trapped: {trap}")]
    Trap {
        /// The module's name or path.
        module: String,
        /// The function that the host had called.
        export: String,
        /// The trap by name, as wasmtime words it.
        trap: String,
        /// Where in the guest it happened.
        source: GuestBacktrace,
    },

    /// A guest was called while it was already running on this thread.
    #[error(
        "{module}: \"{export}\" was called from inside a call of the same guest; a guest is not re-entrant"
    )]
    Reentrant {
        /// The module's name or path.
        module: String,
        /// The function that was to be called.
        export: String,
    },

    /// The C library's sort asked about memory outside its array, because the answers contradict
    /// each other. It was left by unwinding; the array is as it was.
    #[error(
        "\"{export}\" contradicts itself: its answers drove the C library's sort out of its array \
         at comparison {call}; find a counterexample with `callbox check`"
    )]
    OutOfBounds {
        /// The export behind the callback.
        export: String,
        /// Which comparison it was, counted from 1.
        call: u64,
    },

    /// The resident sorter lost count of its elements, because the answers contradict each other.
    #[error(
        "\"{export}\" contradicts itself: no order fits its answers; find a counterexample with `callbox check`"
    )]
    Contradiction {
        /// The export behind the callback.
        export: String,
    },

    /// glibc before 2.39 could not allocate the temporary of its merge sort and fell back to a
    /// quicksort that is unsafe with an untrusted comparator. It was left before it moved anything.
    #[error(
        "the C library's qsort left its merge path for one that is unsafe with an untrusted \
         comparator, because it could not have the {bytes} bytes of its temporary; \
         free memory, or use another sorter"
    )]
    LeftMergePath {
        /// Size of the array, which is about that of the temporary.
        bytes: usize,
    },

    /// The same path would be taken for certain, so nothing was called.
    #[error(
        "sorting {bytes} bytes takes a temporary of {temporary}; above a quarter of this machine's \
         memory the C library's qsort takes a path that is unsafe with an untrusted comparator; \
         sort less at once, or use another sorter"
    )]
    TemporaryTooLarge {
        /// Size of the array in bytes.
        bytes: usize,
        /// What its merge sort would allocate.
        temporary: usize,
    },

    /// An array is larger than [`Limits::array`](crate::Limits::array).
    #[error("an array of {bytes} bytes is too large; at most {most} can be sorted or searched at once")]
    ArrayTooLarge {
        /// Size of the array in bytes; `usize::MAX` where even that cannot be said.
        bytes: usize,
        /// The limit.
        most: usize,
    },

    /// The host has no memory for its own work.
    #[error("out of memory: {bytes} bytes for {what} could not be had")]
    NoMemory {
        /// How many were asked for.
        bytes: usize,
        /// What for.
        what: &'static str,
    },

    /// The thread that called has too little stack left for a guest.
    #[error(
        "{module}: not enough stack: a guest needs {needed} bytes, and this thread has {left} left; \
         call from a thread with more, or lower Limits::stack"
    )]
    Stack {
        /// The module's name or path.
        module: String,
        /// What the guest may use, and what the host needs besides.
        needed: usize,
        /// What the thread has.
        left: usize,
    },

    /// The process was forked after the sandbox was made; in the child nothing watches its deadlines.
    #[error("{module}: the process was forked; make a new sandbox in the child")]
    Forked {
        /// The module's name or path.
        module: String,
    },

    /// The sort returned something that is not a permutation of its input.
    #[error("the sort's result is not a permutation of its input; nothing was written back")]
    NotPermutation,

    /// Something panicked inside a trampoline; the panic did not reach C.
    #[error("a panic inside the trampoline of \"{export}\": {message}")]
    Panic {
        /// The export behind the callback.
        export: String,
        /// The panic's message.
        message: String,
    },

    /// Every trampoline is lent.
    #[error("all {capacity} slots of the callback table are lent; release a lease first")]
    TableFull {
        /// How many trampolines there are.
        capacity: usize,
    },

    /// The process could not be locked down.
    #[error("this process cannot be isolated: {reason}")]
    Isolation {
        /// What is missing.
        reason: String,
    },

    /// wasmtime does not run on this machine, or could not do what it was asked to.
    #[error("the WebAssembly engine failed: {reason}")]
    Engine {
        /// The message of the engine.
        reason: String,
    },

    /// The system refused to start a thread.
    #[error("cannot start a thread {purpose}: {source}")]
    Thread {
        /// The thread's purpose, as in "to sort with".
        purpose: &'static str,
        /// The error of the operating system.
        source: std::io::Error,
    },

    /// A bug in this crate.
    #[error("internal error: {message} ({location}); this is a bug in callbox, please report it")]
    Internal {
        /// The expectation that did not hold.
        message: String,
        /// File and line that found it.
        location: &'static str,
    },
}
