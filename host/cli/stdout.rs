//! Detection of a standard output that was closed when the process began. Rust's start-up replaces a closed
//! one with /dev/null, and all output would be lost silently.
#![cfg_attr(target_os = "linux", allow(unsafe_code, reason = "looks before Rust's start-up does"))]

/// Returns whether standard output was closed when the process began.
pub(super) fn was_closed() -> bool {
    #[cfg(target_os = "linux")]
    return linux::CLOSED.load(std::sync::atomic::Ordering::Relaxed);
    #[cfg(not(target_os = "linux"))]
    return false;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    pub(super) static CLOSED: AtomicBool = AtomicBool::new(false);

    // SAFETY: the C library calls the functions that this section points to once, before `main`. `look` uses
    // nothing that Rust's start-up would have to prepare.
    #[unsafe(link_section = ".init_array")]
    #[used]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: reading a descriptor's flags changes nothing, even if the descriptor is not open.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        CLOSED.store(flags == -1, Relaxed);
    }
}
