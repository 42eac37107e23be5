//! A pseudo-terminal, and a process whose standard error it is.
#![allow(unsafe_code, reason = "opens a pseudo-terminal, for which the standard library has nothing")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::ptr;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// A process in a session of its own, whose terminal is a pseudo-terminal of 80 columns.
pub(crate) struct Terminal {
    pub(crate) child: Child,
    keys: File,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Terminal {
    /// Starts a command. The terminal is its standard error, and whatever else `connect` connects to it.
    pub(crate) fn start(mut command: Command, connect: impl FnOnce(&mut Command, &OwnedFd)) -> Terminal {
        let (mut ours, mut its) = (-1, -1);
        let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: both descriptors are local variables, and so is the size; there is no name and there are no
        // settings.
        let opened = unsafe {
            libc::openpty(&mut ours, &mut its, ptr::null_mut(), ptr::null_mut(), (&raw const size).cast_mut())
        };
        assert_eq!(opened, 0, "{}", io::Error::last_os_error());
        // SAFETY: `openpty` has just opened it.
        let ours = unsafe { File::from_raw_fd(ours) };
        // SAFETY: as above.
        let its = unsafe { OwnedFd::from_raw_fd(its) };
        connect(&mut command, &its);
        command.stderr(its.try_clone().unwrap());
        let lead = || {
            // SAFETY: the call has nothing to do with memory, and is allowed after a fork.
            let alone = unsafe { libc::setsid() } != -1;
            // SAFETY: as above.
            if alone && unsafe { libc::ioctl(2, libc::TIOCSCTTY as _, 0) } != -1 {
                return Ok(());
            }
            Err(io::Error::last_os_error())
        };
        // SAFETY: it calls nothing that is not allowed after a fork.
        unsafe { command.pre_exec(lead) };
        let child = command.spawn().unwrap();
        drop((command, its)); // so that its end is the terminal's
        let (mut reader, (send, output)) = (ours.try_clone().unwrap(), channel());
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Linux ends it with an error.
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                let _ = send.send(buffer[..len].to_vec());
            }
        });
        Terminal { child, keys: ours, output, seen: Vec::new() }
    }

    /// Waits for a text to be written.
    pub(crate) fn wait_for(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            match self.output.recv_timeout(Duration::from_secs(60)) {
                Ok(more) => self.seen.extend(more),
                Err(error) => panic!("no {text:?}: {error}: {:?}", String::from_utf8_lossy(&self.seen)),
            }
        }
    }

    pub(crate) fn type_in(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
    }

    /// Waits for the process to end. Returns all that was written.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        drop(self.keys);
        self.seen.extend(self.output.iter().flatten());
        (status, String::from_utf8(self.seen).unwrap())
    }
}

/// Returns the lines that are left on a terminal that a text was written to. Colours, and whatever else a
/// line of progress does not need, fail.
pub(crate) fn screen(written: &str) -> Vec<String> {
    let (mut lines, mut column) = (vec![Vec::new()], 0);
    let mut rest = written.chars();
    while let Some(char) = rest.next() {
        let line: &mut Vec<char> = lines.last_mut().unwrap();
        match char {
            '\r' => column = 0,
            '\n' => lines.push(Vec::new()),
            '\x1b' => {
                assert_eq!((rest.next(), rest.next()), (Some('['), Some('K')), "{written:?}");
                assert!(column < 80, "the line has reached the next one: {written:?}");
                line.truncate(column);
            }
            char => {
                assert!(!char.is_control(), "{written:?}");
                line.resize(line.len().max(column + 1), ' ');
                line[column] = char;
                column += 1;
            }
        }
    }
    let lines = lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned());
    let mut lines: Vec<_> = lines.collect();
    assert_eq!(lines.pop().as_deref(), Some(""), "{written:?}");
    lines
}
