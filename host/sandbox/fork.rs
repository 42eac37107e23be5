//! Detection of forks without a system call: a forked child has no ticker.
#![allow(unsafe_code, reason = "registers a function that runs in forked children")]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Number of forks between this process and the ancestor that first called [`process`].
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// Returns a number that differs between a process and its forked children.
pub(super) fn process() -> usize {
    #[cfg(unix)]
    {
        use std::sync::Once;
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| {
            // SAFETY: `count` only adds to an atomic, which is allowed in a forked child. Where
            // there is no memory to register it, children look like their parents, and only fuel
            // ends their guests.
            unsafe { libc::pthread_atfork(None, None, Some(count)) };
        });
    }
    FORKS.load(Relaxed)
}

/// Returns whether [`process`] would return `process`; at least one call of it must precede. Costs one load.
pub(super) fn is_same_process(process: usize) -> bool {
    FORKS.load(Relaxed) == process
}

#[cfg(unix)]
unsafe extern "C" fn count() {
    FORKS.fetch_add(1, Relaxed);
}
