//! The callback table as a handler of a signal may write it.

use std::fmt::{self, Write};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::utc::Utc;
use super::{CallbackTable, Entry, Slot, statics};
use crate::error::Escaped;

/// Size in bytes of the longest line; what does not fit is left out.
const LINE_BYTES: usize = 1024;

/// Maximum number of characters of a name.
const NAME_CHARS: usize = 60;

impl CallbackTable {
    /// Writes the table to a file, pipe or terminal, one line for each slot that is lent, and one for each
    /// that was called late; the last line has the totals. A handler of a signal may call it, also one that
    /// interrupts this library, and so may the hook of a crash.
    ///
    /// It takes no lock, allocates and frees nothing, calls no other function of the system than `write`, one
    /// for each line, and leaves `errno` as it was. What it reads is not freed meanwhile: leases that end
    /// wait while a line is put together, not while it is written, and so does nothing that C calls. Each
    /// line tells of one moment; while other threads lend and release, different lines tell of different
    /// ones. Calls that threads are counting at this moment may be missing. Names are cut to 60 characters,
    /// lines to 1,024 bytes.
    ///
    /// It cannot tell which memory a crash has overwritten: the handler of a SIGSEGV does better to write it
    /// after all else.
    ///
    /// ```no_run
    /// #![allow(unsafe_code)]
    /// use std::ffi::c_int;
    ///
    /// extern "C" fn on_usr1(_: c_int) {
    ///     let _ = callbox::CallbackTable.dump(std::io::stderr()); // slot 0: 12 calls, …
    /// }
    ///
    /// // SAFETY: the handler only calls what may be called in one.
    /// unsafe { libc::signal(libc::SIGUSR1, on_usr1 as *const () as libc::sighandler_t) };
    /// ```
    ///
    /// # Errors
    ///
    /// That of the first `write` that fails, after which nothing more is written. One that a signal
    /// interrupts is repeated.
    pub fn dump(self, to: impl AsFd) -> io::Result<()> {
        let errno = errno::errno();
        let written = lines(|line| write_all(to.as_fd(), line));
        errno::set_errno(errno);
        Ok(written?)
    }
}

/// Passes the lines of the table on, each with its end.
fn lines<E>(mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let (mut lent, mut late_calls) = (0_u64, 0_u64);
    for (number, slot) in statics::slots() {
        let mut line = Line::new();
        if slot.peek(|entry| show(&mut line, number, entry)).is_some() {
            lent += 1;
            each(line.ended())?;
        }
        let late = slot.late_calls();
        if late > 0 {
            late_calls += late;
            let mut line = Line::new();
            show_late(&mut line, number, slot, late);
            each(line.ended())?;
        }
    }
    let mut line = Line::new();
    let _ = write!(line, "callbox: {lent} callbacks are lent; {late_calls} late calls");
    each(line.ended())
}

/// Writes the line of a slot that is lent, with what is most wanted first, because the rest may be cut off.
fn show(line: &mut Line, number: usize, entry: &Entry) {
    let (calls, failures, leases, instances) = entry.numbers();
    // A line that is full is no failure.
    let _ = write!(
        line,
        "slot {number}: {calls} calls, {failures} failures, {leases} leases, {instances} guests, \
         since {} at {}: \"{}\" of {}",
        Utc(entry.since),
        entry.place,
        name(entry.callback.export()),
        name(entry.callback.guest().module().name()),
    );
}

fn show_late(line: &mut Line, number: usize, slot: &Slot<Entry>, late: u64) {
    let _ = write!(line, "slot {number}: {late} late calls");
    if let Some(place) = slot.released_place() {
        let _ = write!(line, ", after the lease at {place}");
    }
}

fn name(text: &str) -> Escaped<'_> {
    let end = text.char_indices().nth(NAME_CHARS).map_or(text.len(), |(end, _)| end);
    Escaped(&text.as_bytes()[..end])
}

/// A line, in memory of its own.
struct Line {
    bytes: [u8; LINE_BYTES],
    len: usize,
}

impl Line {
    fn new() -> Line {
        Line { bytes: [0; LINE_BYTES], len: 0 }
    }

    /// Ends the line.
    fn ended(&mut self) -> &[u8] {
        let len = self.len.min(LINE_BYTES - 1);
        self.bytes[len] = b'\n';
        &self.bytes[..=len]
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..LINE_BYTES - 1];
        let fits = text.floor_char_boundary(room.len());
        room[..fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        if fits == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(unsafe_code, reason = "handles a signal")]

    use std::ffi::c_int;
    use std::fs::OpenOptions;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    use super::*;
    use crate::callback::Callback;
    use crate::registry::{Access, SlotHandle};

    static NULL: OnceLock<std::fs::File> = OnceLock::new();
    static DUMPS: AtomicU64 = AtomicU64::new(0);

    extern "C" fn dump(_: c_int) {
        let dumped = NULL.get().is_some_and(|null| CallbackTable.dump(null).is_ok());
        DUMPS.fetch_add(u64::from(dumped), SeqCst);
    }

    #[test]
    fn a_handler_that_interrupts_the_holder_of_the_tables_lock_dumps_all_the_same() {
        let _handle = SlotHandle::new(Entry::new(Callback::placeholder(), Access::CallingThread)).unwrap();
        NULL.set(OpenOptions::new().write(true).open("/dev/null").unwrap()).unwrap();
        // SAFETY: the handler does what one may do, and no other test raises this signal.
        unsafe { libc::signal(libc::SIGUSR2, dump as *const () as libc::sighandler_t) };
        let held = statics::TABLE.locked();
        // SAFETY: the handler returns.
        unsafe { libc::raise(libc::SIGUSR2) };
        drop(held);
        assert_eq!(DUMPS.load(SeqCst), 1);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let mut line = Line::new();
        assert!(write!(line, "{}", "\u{e4}".repeat(LINE_BYTES)).is_err());
        let text = std::str::from_utf8(line.ended()).unwrap();
        assert!(text.len() > LINE_BYTES - 2 && text.ends_with("\u{e4}\n"), "{text}");
        let long = "x\u{1b}".repeat(LINE_BYTES);
        assert_eq!(name(&long).to_string(), r"x\u{1b}".repeat(NAME_CHARS / 2));
    }
}
