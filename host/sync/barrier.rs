//! Barriers of two kinds: one that costs next to nothing, and one that pays for both.
//!
//! If one thread passes the light one between a store and a load, and another the heavy one, at least one of
//! them sees what the other stored, as with two fences. Linux interrupts the processors of the process for
//! the heavy one; elsewhere, or where a filter of system calls forbids that, both are fences.

use std::sync::atomic::compiler_fence;

use super::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst, fence};
use super::shared;

shared! {
    /// Whether the light barrier is none for the processor. It no longer changes once a thread has passed a
    /// heavy one.
    static LIGHT_IS_FREE: AtomicBool = AtomicBool::new(false);
}

shared! {
    /// Whether light barriers will be passed often.
    static WANTED: AtomicBool = AtomicBool::new(false);
}

/// Says that light barriers will be passed often, so that it pays to register the process.
pub(crate) fn want() {
    WANTED.store(true, Relaxed);
}

/// Returns whether the process is to be registered.
#[cfg(not(loom))]
pub(crate) fn is_wanted() -> bool {
    WANTED.load(Relaxed) && !LIGHT_IS_FREE.load(Relaxed)
}

/// Registers the process, which takes Linux some milliseconds where there are several threads.
pub(crate) fn register() {
    #[cfg(all(target_os = "linux", not(loom)))]
    {
        static REGISTERED: std::sync::LazyLock<()> =
            std::sync::LazyLock::new(|| LIGHT_IS_FREE.store(linux::register(), Relaxed));
        super::force(&REGISTERED);
    }
}

/// Orders the accesses before it and after it, as seen by threads that pass a heavy barrier.
#[inline(always)]
pub(super) fn light() {
    if LIGHT_IS_FREE.load(Relaxed) {
        compiler_fence(SeqCst);
    } else {
        fence(SeqCst);
    }
}

/// Orders the accesses before it and after it, as seen by threads that pass a light or a heavy barrier.
/// Returns `false` if those of other threads may not be ordered, because a filter of system calls has come
/// between.
#[cold]
pub(super) fn heavy() -> bool {
    register();
    fence(SeqCst);
    #[cfg(all(target_os = "linux", not(loom)))]
    if LIGHT_IS_FREE.load(Relaxed) {
        return linux::interrupt();
    }
    true
}

/// Orders the accesses before it and after it, which are sequentially consistent. Those are ordered already,
/// except that loom treats them as acquiring and releasing only.
#[inline(always)]
pub(crate) fn order() {
    #[cfg(loom)]
    fence(SeqCst);
}

#[cfg(all(target_os = "linux", not(loom)))]
mod linux {
    use rustix::thread::{MembarrierCommand, membarrier};

    pub(super) fn register() -> bool {
        membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
    }

    pub(super) fn interrupt() -> bool {
        membarrier(MembarrierCommand::PrivateExpedited).is_ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::skip::skip;

    /// The order itself is the kernel's promise; `tests/loom` checks what is built on it.
    #[test]
    fn the_process_is_registered_and_its_threads_are_interrupted() {
        if !linux::register() {
            return skip("membarrier", "membarrier(2), which this kernel does not have");
        }
        assert!(heavy() && LIGHT_IS_FREE.load(Relaxed), "whoever passes a heavy barrier registers");
    }
}
