//! Whether standard output was open when the process began. Rust's start-up opens /dev/null in the
//! place of a closed one, and everything written would be lost without a word.
#![cfg_attr(target_os = "linux", allow(unsafe_code, reason = "looks before Rust's start-up does"))]

/// Whether there was no standard output.
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

    // SAFETY: the C library calls what this section points to once, before `main`. The function uses
    // nothing that Rust's start-up would have to prepare.
    #[unsafe(link_section = ".init_array")]
    #[used]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: asking for a descriptor's flags changes nothing, whatever it is.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        CLOSED.store(flags == -1, Relaxed);
    }
}
