//! Isolation of the whole process, in case a guest escapes from its sandbox.
//!
//! WebAssembly contains a guest; this contains one that escapes all the same. A process that has
//! read its input locks itself down, and only then inspects an untrusted module.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod lockdown;

use std::time::Duration;

use crate::error::{Error, Result};
use crate::limits::Limits;

/// Memory for the host's own work in bytes, mostly the compiler's.
const HOST_MEMORY_BYTES: u64 = 512 << 20;

/// CPU time that the host needs besides the guest's, mostly for compiling.
const HOST_TIME: Duration = Duration::from_secs(10);

/// A lockdown of the process, put into force by [`Isolation::enter`]. Linux only.
///
/// The process keeps its memory, its clock, threads of its own, reading from descriptor 0, and writing to 1
/// and 2. It cannot open a file, a socket or another process, nor start or signal one; an attempt is an
/// error, or kills it. seccomp enforces this for every system call and its arguments. Landlock denies files,
/// TCP, abstract sockets and signals once more to the calling thread and those that it starts, as far as the
/// kernel knows it (Linux 5.13 for files, 6.7 for TCP, 6.12 for the rest). Linux limits the process's memory
/// and its CPU time, not the number of its threads.
///
/// The limit of memory is one of address space too, so sandboxes that are created afterwards check bounds by
/// instructions.
///
/// ```no_run
/// use callbox::{Limits, Sandbox, isolation::Isolation, native};
/// # fn main() -> callbox::Result<()> {
/// // In a worker process that has been handed its input and its module's bytes:
/// let (wasm, mut numbers) = (std::fs::read("order.wasm").expect("a module"), [3, 1, 2]);
/// let limits = Limits::default();
/// Isolation::new(&limits).input(12).enter()?; // for good
/// let guest = callbox::Module::new(&Sandbox::new(limits)?, "order", &wasm)?.instantiate()?;
/// native::qsort(&mut numbers, &guest.callback("compare_i32", "int (const int *, const int *)".parse()?)?)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux's lockdown reads it"))]
#[must_use = "nothing is locked down until it is entered"]
pub struct Isolation {
    /// Bytes of memory that the process may take from now on.
    memory: u64,
    /// CPU time that it may use from now on.
    time: Duration,
}

impl Isolation {
    /// Creates an isolation with room for one guest with these limits, and for the host's own work on it.
    pub fn new(limits: &Limits) -> Isolation {
        Isolation {
            memory: HOST_MEMORY_BYTES.saturating_add(limits.memory as u64),
            time: HOST_TIME.saturating_add(limits.deadline),
        }
    }

    /// Adds memory for work on `bytes` bytes of input: eight times as many.
    pub fn input(self, bytes: usize) -> Isolation {
        Isolation { memory: self.memory.saturating_add(8 * bytes as u64), ..self }
    }

    /// Locks this process down for the rest of its life, all its threads included. Descriptors above 2
    /// are closed.
    ///
    /// # Errors
    ///
    /// [`Error::Isolation`] where the system lacks a facility that it takes; the process may be locked
    /// down in part then, and should end.
    pub fn enter(self) -> Result<()> {
        self.lock_down().map_err(|reason| Error::Isolation { reason })
    }

    #[cfg(not(target_os = "linux"))]
    fn lock_down(self) -> Result<(), String> {
        Err("it needs Linux".to_owned())
    }
}
