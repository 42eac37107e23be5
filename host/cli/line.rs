//! The last line of standard error, where it is a terminal: it tells what is going on, and is gone before
//! anything else is written.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// To the beginning of the line, and erase all of it.
const CLEAR: &[u8] = b"\r\x1b[K";

/// Whether there may be a line. It is set before the line is written, and read in handlers of signals.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Whether the process is about to end.
static ENDS: AtomicBool = AtomicBool::new(false);

/// Shows a text of printable ASCII in the place of the line that is there.
pub(super) fn show(text: &str) {
    let mut stderr = io::stderr().lock();
    SHOWN.store(true, SeqCst);
    if !ENDS.load(SeqCst) {
        let _ = stderr.write_all(format!("\r{text}\x1b[K").as_bytes());
    }
}

/// Clears the line, if there is one, and writes a text. Where standard error is closed, nothing can be
/// reported.
pub(super) fn replace(text: &[u8]) {
    let mut stderr = io::stderr().lock();
    if SHOWN.load(SeqCst) {
        let _ = stderr.write_all(&[CLEAR, text].concat());
        SHOWN.store(false, SeqCst);
    } else {
        let _ = stderr.write_all(text);
    }
}

/// Clears the line, if there is one, before the process ends. It may be called in a handler of a signal, and
/// where memory has run out.
pub(crate) fn clear_at_the_end() {
    ENDS.store(true, SeqCst);
    if SHOWN.load(SeqCst) {
        #[cfg(unix)]
        let _ = rustix::io::write(rustix::stdio::stderr(), CLEAR);
    }
}
