//! What a guest may use.

use std::fmt;
use std::time::Duration;

/// What a guest may use, with defaults that suit a comparator.
///
/// Fuel and deadline are the budget of one native call with all its callbacks (of each call by C,
/// for a retained callback), and of one instantiation. Memory, table, stack and print hold for a
/// guest's life. The others are checked before a module is compiled, so that no module can make
/// the compiler work for long: inside the defaults, the worst that is known takes 3 s and 256 MiB.
///
/// | limit | default | of |
/// |---|---|---|
/// | [`fuel`](Limits::fuel) | 10¹² units | a native call |
/// | [`deadline`](Limits::deadline) | 60 s | a native call |
/// | [`memory`](Limits::memory) | 64 MiB | a guest |
/// | [`table`](Limits::table) | 10,000 elements | a guest |
/// | [`stack`](Limits::stack) | 128 KiB | a guest |
/// | [`print`](Limits::print) | 64 KiB | a guest |
/// | [`array`](Limits::array) | 1 GiB | a native call |
/// | [`text`](Limits::text) | 1 MiB | an argument |
/// | [`module_size`](Limits::module_size) | 8 MiB | a module |
/// | [`code_size`](Limits::code_size) | 256 KiB | a module |
/// | [`functions`](Limits::functions) | 5,000 | a module |
/// | [`function_size`](Limits::function_size) | 32 KiB | a function |
/// | [`locals`](Limits::locals) | 1,000 | a function |
/// | [`declarations`](Limits::declarations) | 1,000 of each kind | a module |
/// | [`complexity`](Limits::complexity) | 400,000 units | a module |
///
/// ```
/// use std::time::Duration;
/// let limits = callbox::Limits::default().fuel(1_000_000).deadline(Duration::from_secs(2));
/// # let _ = limits;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) fuel: u64,
    pub(crate) deadline: Duration,
    pub(crate) memory: usize,
    pub(crate) table: usize,
    pub(crate) stack: usize,
    pub(crate) print: usize,
    pub(crate) array: usize,
    pub(crate) text: usize,
    pub(crate) module_size: usize,
    pub(crate) code_size: usize,
    pub(crate) functions: usize,
    pub(crate) function_size: usize,
    pub(crate) locals: usize,
    pub(crate) declarations: usize,
    pub(crate) complexity: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            fuel: 1_000_000_000_000,
            deadline: Duration::from_secs(60),
            memory: 64 << 20,
            table: 10_000,
            stack: 128 << 10,
            print: 64 << 10,
            array: 1 << 30,
            text: 1 << 20,
            module_size: 8 << 20,
            code_size: 256 << 10,
            functions: 5_000,
            function_size: 32 << 10,
            locals: 1_000,
            declarations: 1_000,
            complexity: 400_000,
        }
    }
}

impl Limits {
    /// Fuel of one native call, in wasmtime's units: about one for each instruction.
    pub fn fuel(self, fuel: u64) -> Self {
        Limits { fuel, ..self }
    }

    /// Wall-clock time of one native call. It is checked each 10 ms.
    pub fn deadline(self, deadline: Duration) -> Self {
        Limits { deadline, ..self }
    }

    /// Bytes of linear memory, the elements that the host puts there included.
    pub fn memory(self, bytes: usize) -> Self {
        Limits { memory: bytes, ..self }
    }

    /// Elements of the guest's function table.
    pub fn table(self, elements: usize) -> Self {
        Limits { table: elements, ..self }
    }

    /// Bytes of native stack that a guest's calls may take; at least 1. A thread that has not these
    /// and 64 KiB more left when it calls a guest is refused with
    /// [`Error::Stack`](crate::Error::Stack).
    pub fn stack(self, bytes: usize) -> Self {
        Limits { stack: bytes, ..self }
    }

    /// Bytes that a guest may print in its life, where printing is granted at all.
    pub fn print(self, bytes: usize) -> Self {
        Limits { print: bytes, ..self }
    }

    /// Bytes of an array that native code sorts or searches, of which a private copy is made; and of all
    /// that the arguments of any other call point to.
    pub fn array(self, bytes: usize) -> Self {
        Limits { array: bytes, ..self }
    }

    /// Bytes of a `const char *` that native code passes, its NUL included.
    pub fn text(self, bytes: usize) -> Self {
        Limits { text: bytes, ..self }
    }

    /// Bytes of a module's file, text or binary.
    pub fn module_size(self, bytes: usize) -> Self {
        Limits { module_size: bytes, ..self }
    }

    /// Bytes of a module's code section.
    pub fn code_size(self, bytes: usize) -> Self {
        Limits { code_size: bytes, ..self }
    }

    /// Functions that a module may define.
    pub fn functions(self, functions: usize) -> Self {
        Limits { functions, ..self }
    }

    /// Bytes of one function's body.
    pub fn function_size(self, bytes: usize) -> Self {
        Limits { function_size: bytes, ..self }
    }

    /// Locals of one function, its parameters included.
    pub fn locals(self, locals: usize) -> Self {
        Limits { locals, ..self }
    }

    /// Types, imports, globals, exports, element segments and data segments: so many of each kind.
    pub fn declarations(self, declarations: usize) -> Self {
        Limits { declarations, ..self }
    }

    /// An estimate of what a module's code costs to compile: 1 for a plain instruction, more for
    /// calls, loops, branches out of nested blocks past many locals, and others that compile to
    /// much. A unit was measured to stand for up to 7 µs on a machine of 2023.
    pub fn complexity(self, units: u64) -> Self {
        Limits { complexity: units, ..self }
    }
}

impl fmt::Display for Limits {
    /// One line: `fuel 1000, deadline 60s, memory 67108864 bytes, …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { fuel, deadline, memory, table, stack, print, array, text, .. } = self;
        let Limits { module_size, code_size, functions, function_size, .. } = self;
        let Limits { locals, declarations, complexity, .. } = self;
        write!(f, "fuel {fuel}, deadline {deadline:?}, memory {memory} bytes, table {table} elements, ")?;
        write!(f, "stack {stack} bytes, print {print} bytes, array {array} bytes, text {text} bytes, ")?;
        write!(f, "module {module_size} bytes, code {code_size} bytes, functions {functions}, ")?;
        write!(f, "function {function_size} bytes, locals {locals}, declarations {declarations}, ")?;
        write!(f, "complexity {complexity}")
    }
}
