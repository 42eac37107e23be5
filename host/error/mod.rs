//! Errors, and the party at fault.

mod backtrace;
mod blame;
mod bug;
mod call;
mod contradiction;
mod file;
pub(crate) mod imports;
mod items;
mod library;
mod module;
pub(crate) mod panics;
mod text;

pub use backtrace::{GuestBacktrace, GuestFrame};
pub use blame::Blame;
pub(crate) use bug::bug;
pub use call::CallError;
pub use contradiction::ContradictionError;
pub use file::FileError;
pub use items::ItemsError;
pub use library::LibraryError;
pub use module::ModuleError;
pub use text::escape;
pub(crate) use text::{Escaped, asked_about, printable, quoted};

pub use crate::ctype::TypeError;
use crate::limits::{Limit, size};

/// The result of every fallible function in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// All errors of this crate, each a sentence that names the thing, the expectation, and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("{}: cannot read the module: {source}", escape(path.as_os_str().as_encoded_bytes()))]
    Read {
        /// The path as it was given.
        path: std::path::PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },

    /// No guest of this name comes with the library.
    #[error("there is no bundled guest \"{name}\"; bundled are {}", bundled.join(", "), name = escape(name))]
    NotBundled {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        bundled: Vec<&'static str>,
    },

    /// A text does not parse as a C function type.
    #[error(
        "\"{text}\" is not a C function type: {reason} at column {column}; \
         write it like \"int (const void *, const void *)\"",
        text = escape(text)
    )]
    PrototypeSyntax {
        /// The text that was to be parsed.
        text: String,
        /// Position of the error, counted in bytes from 1.
        column: usize,
        /// The problem there.
        reason: String,
    },

    /// The prototype is a valid C function type, but no trampoline serves it.
    #[error("unsupported prototype \"{prototype}\": {reason}")]
    PrototypeUnserved {
        /// The prototype that was to be registered, as C writes it.
        prototype: String,
        /// The part of it that is not served, and the alternative.
        reason: &'static str,
    },

    /// A C type cannot be used, or not in this position.
    #[error(transparent)]
    Type(#[from] TypeError),

    /// The values of a call could not be lowered to the guest, or lifted back.
    #[error(transparent)]
    Call(#[from] CallError),

    /// A function of a shared library is missing, or does not sort.
    #[error(transparent)]
    Library(#[from] LibraryError),

    /// A sort cannot read its input, or keep what does not fit in memory.
    #[error(transparent)]
    File(#[from] FileError),

    /// The elements are not of the type that the callback compares.
    #[error("the array holds elements of {found}, but \"{}\" compares {expected}", escape(export))]
    ElementMismatch {
        /// The export behind the callback.
        export: String,
        /// The elements that the callback compares.
        expected: String,
        /// The elements that were found.
        found: String,
    },

    /// Items, or the elements of an array, cannot be sorted or searched.
    #[error(transparent)]
    Items(#[from] ItemsError),

    /// The module cannot be used.
    #[error(transparent)]
    Module(#[from] ModuleError),

    /// The guest, or its module, exceeded a limit.
    #[error("{module}: {what}", module = escape(module), what = escape(what))]
    Limit {
        /// The module's name or path.
        module: String,
        /// The limit.
        limit: Limit,
        /// The resource that was used up, and its amount.
        what: String,
    },

    /// The guest trapped.
    #[error("{}: \"{}\" trapped: {trap}{}", escape(module), escape(export), asked_about(asked))]
    Trap {
        /// The module's name or path.
        module: String,
        /// The function that the host had called.
        export: String,
        /// The trap by name, as wasmtime words it.
        trap: String,
        /// The items that it was asked about, as text: the two that it was to compare, or the one that it was
        /// to make a key of; none where they are not known.
        asked: Vec<String>,
        /// The place in the guest where it happened.
        source: GuestBacktrace,
    },

    /// The program stopped the guest: [`Config::interrupt_when`](crate::Config::interrupt_when).
    #[error("{}: \"{}\" was interrupted", escape(module), escape(export))]
    Interrupted {
        /// The module's name or path.
        module: String,
        /// The function that the host had called.
        export: String,
    },

    /// A guest was called while it was already running on this thread.
    #[error("{}", text::reentrant(module, export))]
    Reentrant {
        /// The module's name or path.
        module: String,
        /// The function that was to be called.
        export: String,
    },

    /// The C library's sort passed the comparator addresses outside its array, because the answers
    /// contradict each other. The sort was left by unwinding; the array is unchanged.
    #[error(
        "\"{export}\" contradicts itself: its answers drove the C library's sort out of its array \
         at comparison {call}; find a counterexample with `callbox check`",
        export = escape(export)
    )]
    OutOfBounds {
        /// The export behind the callback.
        export: String,
        /// Number of the comparison, counted from 1.
        call: u64,
    },

    /// The comparator's answers contradict each other.
    #[error(transparent)]
    Contradiction(#[from] ContradictionError),

    /// glibc before 2.39 could not allocate the temporary of its merge sort and fell back to a
    /// quicksort that is unsafe with an untrusted comparator. The sort was left before it moved anything.
    #[error(
        "the C library's qsort left its merge path for one that is unsafe with an untrusted \
         comparator, because it could not have the {bytes} bytes of its temporary; \
         free memory, or use another sorter"
    )]
    LeftMergePath {
        /// Size of the array, which is about that of the temporary.
        bytes: usize,
    },

    /// `qsort` would certainly leave its merge path, as in [`Error::LeftMergePath`], so it was not called.
    #[error(
        "sorting {bytes} bytes takes a temporary of {temporary}; above a quarter of this machine's \
         memory the C library's qsort takes a path that is unsafe with an untrusted comparator; \
         sort less at once, or use another sorter"
    )]
    TemporaryTooLarge {
        /// Size of the array in bytes.
        bytes: usize,
        /// Size of the temporary that its merge sort would allocate, in bytes.
        temporary: usize,
    },

    /// An array is larger than [`Limits::array`](crate::Limits::array), or than 32 bits can count.
    #[error(
        "an array of {} is too large; at most {} can be sorted or searched at once",
        size(*bytes), size(*most)
    )]
    ArrayTooLarge {
        /// Size of the array in bytes; `usize::MAX` where it overflows.
        bytes: usize,
        /// The limit.
        most: usize,
    },

    /// The host has no memory for its own work.
    #[error("out of memory: {} for {what} could not be had", size(*bytes))]
    NoMemory {
        /// Number of bytes requested.
        bytes: usize,
        /// Purpose of the memory.
        what: &'static str,
    },

    /// The thread that called has too little stack left for a guest.
    #[error(
        "{module}: not enough stack: a guest needs {}, and this thread has {} left; \
         call from a thread with more, or lower Limits::stack",
        size(*needed), size(*left), module = escape(module)
    )]
    Stack {
        /// The module's name or path.
        module: String,
        /// Stack that the guest may use, plus that which the host needs, in bytes.
        needed: usize,
        /// Stack that the thread has left, in bytes.
        left: usize,
    },

    /// The process was forked after the sandbox was created; in the child nothing enforces its deadlines.
    #[error("{module}: the process was forked; make a new sandbox in the child", module = escape(module))]
    Forked {
        /// The module's name or path.
        module: String,
    },

    /// The sort returned something that is not a permutation of its input.
    #[error("the sort's result is not a permutation of its input; nothing was written back")]
    NotPermutation,

    /// Code inside a trampoline panicked; the panic did not reach C.
    #[error("a panic inside the trampoline of \"{}\": {}", escape(export), escape(message))]
    Panic {
        /// The export behind the callback.
        export: String,
        /// The panic's message.
        message: String,
    },

    /// Every slot of the callback table is leased.
    #[error("all {capacity} slots of the callback table are lent; release a lease first")]
    TableFull {
        /// Number of slots.
        capacity: usize,
    },

    /// The process could not be locked down.
    #[error("this process cannot be isolated: {reason}")]
    Isolation {
        /// The missing facility, or the system's error.
        reason: String,
    },

    /// wasmtime does not run on this machine, or an operation of it failed.
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
    #[error("internal error: {} ({location}); this is a bug in callbox, please report it", escape(message))]
    Internal {
        /// The expectation that did not hold.
        message: String,
        /// File and line that found it.
        location: &'static str,
    },
}
