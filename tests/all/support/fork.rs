//! Forked children.
#![allow(unsafe_code, reason = "forks")]

/// Runs `body` in a forked child and returns its exit status, or a signal's number below 0.
pub(crate) fn forked(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child calls this library, which says what a forked child may do, and allocates, which the
    // C library prepares for.
    match unsafe { libc::fork() } {
        -1 => panic!("cannot fork"),
        0 => {
            // SAFETY: `alarm` only requests a signal, which ends a child that waits for ever.
            unsafe { libc::alarm(60) };
            #[allow(clippy::disallowed_methods, reason = "no panic may return to the parent's code")]
            let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(99);
            // SAFETY: `_exit` ends the child without running the parent's destructors.
            unsafe { libc::_exit(status) }
        }
        child => {
            let mut status = 0;
            // SAFETY: `child` is a child of this process, and `status` is a local variable.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -libc::WTERMSIG(status) }
        }
    }
}
