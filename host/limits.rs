//! What a guest may use.

use std::fmt;
use std::time::Duration;

/// What a guest may use, with defaults that suit a comparator.
///
/// Fuel and deadline are the budget of one native call with all its callbacks (of each call by C,
/// for a retained callback), and of one instantiation. The other limits hold for a guest's life.
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
    pub(crate) module_size: usize,
    pub(crate) print: usize,
}

impl Default for Limits {
    /// 10¹² units of fuel, 60 s, 64 MiB of memory, 10,000 table elements, 128 KiB of stack, a
    /// module of 8 MiB, 64 KiB of printed text.
    fn default() -> Self {
        Limits {
            fuel: 1_000_000_000_000,
            deadline: Duration::from_secs(60),
            memory: 64 << 20,
            table: 10_000,
            stack: 128 << 10,
            module_size: 8 << 20,
            print: 64 << 10,
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

    /// Bytes of native stack that a guest's calls may take.
    pub fn stack(self, bytes: usize) -> Self {
        Limits { stack: bytes, ..self }
    }

    /// Bytes of a module's binary.
    pub fn module_size(self, bytes: usize) -> Self {
        Limits { module_size: bytes, ..self }
    }

    /// Bytes that a guest may print in its life, where printing is granted at all.
    pub fn print(self, bytes: usize) -> Self {
        Limits { print: bytes, ..self }
    }
}

impl fmt::Display for Limits {
    /// One line: `fuel 1000, deadline 60s, memory 67108864, …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { fuel, deadline, memory, table, stack, module_size, print } = self;
        write!(f, "fuel {fuel}, deadline {deadline:?}, memory {memory} bytes, table {table} elements, ")?;
        write!(f, "stack {stack} bytes, module {module_size} bytes, print {print} bytes")
    }
}
