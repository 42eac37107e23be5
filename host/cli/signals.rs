//! Signals that would leave something behind: a file, or a line of a terminal.
#![allow(unsafe_code, reason = "registers handlers, and asks which signals are ignored")]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use signal_hook::consts::*;
use signal_hook::low_level::{emulate_default_handler, register};

use super::line;

/// Signals that end a process from outside, or by a limit.
const ENDING: [i32; 11] =
    [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGXCPU, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO];

/// The path of the file to remove, leaked for the handlers, which may run at any time.
static TEMPORARY: AtomicPtr<libc::c_char> = AtomicPtr::new(ptr::null_mut());

/// Whether the handlers of [`ENDING`] signals are there.
static TIDIES: Mutex<bool> = Mutex::new(false);

/// Makes a write beyond the limit of file sizes (`ulimit -f`) fail like any other; it would end the process.
pub(super) fn fail_at_the_file_size_limit() {
    // With any handler, the write fails with EFBIG after the signal. Where none can be installed, the process
    // ends as without it.
    // SAFETY: the handler does nothing.
    let _ = unsafe { register(SIGXFSZ, || ()) };
}

/// Has the system keep the status of children that end, which whoever started this process may have refused.
pub(super) fn wait_for_children() {
    // SAFETY: no handler is installed, and none was: the process has just begun.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Removes `path` if a signal ends the process from now on. Only the last path that was given is removed.
pub(super) fn remove_at_the_end(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?.into_raw();
    TEMPORARY.store(path, Relaxed);
    tidy_at_the_end()
}

/// Has a signal that ends the process remove the file that [`remove_at_the_end`] was given, and the line of
/// [`line::show`], from now on.
pub(super) fn tidy_at_the_end() -> io::Result<()> {
    let mut tidies = TIDIES.lock().unwrap_or_else(PoisonError::into_inner);
    if *tidies {
        return Ok(());
    }
    for signal in ENDING {
        // A signal that whoever started this process has it ignore, as nohup does, stays ignored.
        if !is_ignored(signal) {
            let end = move || {
                line::clear_at_the_end();
                remove_temporary();
                let _ = emulate_default_handler(signal);
            };
            // SAFETY: writing, removing a file and ending by a signal are allowed in a handler, and nothing
            // of it allocates.
            unsafe { register(signal, end) }?;
        }
    }
    *tidies = true;
    Ok(())
}

/// Removes the file that [`remove_at_the_end`] was given, if there is one. It may be called in a handler of a
/// signal, and where memory has run out.
pub(crate) fn remove_temporary() {
    let path = TEMPORARY.load(Relaxed);
    if !path.is_null() {
        // SAFETY: `remove_at_the_end` has leaked a C string here.
        unsafe { libc::unlink(path) };
    }
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: all bytes zero is a value of this C structure.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action it only writes the present one to a local variable.
    let found = unsafe { libc::sigaction(signal, ptr::null(), &mut action) };
    found == 0 && action.sa_sigaction == libc::SIG_IGN
}
