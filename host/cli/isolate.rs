//! `callbox sort --isolate`: the job in a child process that locks itself down.
//!
//! The child is a fork of this process: nothing that could be inherited or passed decides which of them a
//! process is. It reads its input, locks itself down, and only then parses the module. Its standard output
//! and standard error are pipes to the parent, which believes nothing that comes through them: a result has
//! the length that the child has promised before it was locked down, messages are escaped and bounded, and
//! an output file is opened only when a result arrives, and replaced only if the child has exited with
//! success.
#![allow(unsafe_code, reason = "forks this process")]

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::thread;

use callbox::Limit;
use callbox::isolation::Isolation;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, set_parent_process_death_signal,
    waitpid,
};

use super::args;
use super::fault::{Context, Exit, Fault, Result};
use super::message;
use super::output::Output;
use crate::threads;

const BUFFER_BYTES: usize = 128 << 10;

/// Bytes of messages that are passed on, besides those that the guest may print.
const MESSAGE_BYTES: u64 = 1 << 20;

/// Bytes that a printed byte takes at most in a message: a line of one byte and its prefix.
const SHOWN_BYTES: u64 = 16;

/// Longest line that is passed on in one piece.
const LINE_BYTES: u64 = 64 << 10;

/// Ways in which the child ends by itself.
const ENDS: [Exit; 5] = [Exit::Done, Exit::Disorder, Exit::Trouble, Exit::Guest, Exit::Contradiction];

/// A sort in a child.
#[derive(Clone, Copy)]
pub(super) struct Isolated<'a> {
    pub(super) args: &'a args::Sort,
    /// The guest's name.
    pub(super) guest: &'a str,
}

/// Locks this process, the child, down for a job whose result has `bytes` bytes.
pub(super) fn enter(sort: Isolated<'_>, bytes: usize) -> Result<()> {
    let fault = |error: io::Error| Fault::trouble(format!("--isolate: cannot prepare the process: {error}"));
    let promised = if sort.args.only_checks() { 0 } else { bytes as u64 };
    let mut parent = io::stdout();
    parent.write_all(&promised.to_le_bytes()).and_then(|()| parent.flush()).map_err(fault)?;
    // Standard input may hold more than the input, for others to read.
    let (empty, _) = io::pipe().map_err(fault)?;
    rustix::stdio::dup2_stdin(empty).map_err(|error| fault(error.into()))?;
    let limits = sort.args.guest.limits.set();
    Isolation::new(&limits).input(bytes).enter().context(sort.guest.to_owned())
}

/// Runs `job` in a child, and returns its exit status. The job calls [`enter`], and writes to
/// [`Output::Parent`].
pub(super) fn run(sort: Isolated<'_>, output: Output, job: impl FnOnce() -> Exit) -> Result<Exit> {
    if !sort.args.only_checks() {
        output.check()?;
    }
    let fault = |error: io::Error| Fault::trouble(format!("--isolate: cannot start a process: {error}"));
    let (result, to_result) = io::pipe().map_err(fault)?;
    let (messages, to_messages) = io::pipe().map_err(fault)?;
    // Without memory for it, the process ends while there is no child that says so too.
    let result = BufReader::with_capacity(BUFFER_BYTES, result);
    let parent = getpid();
    // SAFETY: this process has one thread so far, so the child finds no lock that another one holds.
    let child = match unsafe { libc::fork() } {
        -1 => return Err(fault(io::Error::last_os_error())),
        0 => {
            let ready = connect(parent, &to_result, &to_messages);
            drop((result, messages, to_result, to_messages));
            std::process::exit(ready.map_or(Exit::Trouble, |()| job()) as i32)
        }
        child => Child { pid: Pid::from_raw(child), status: None },
    };
    drop((to_result, to_messages));
    thread::scope(|scope| {
        let mut child = child;
        let passing_on = threads::spawn_scoped(scope, "callbox-messages", || pass_on(sort, messages));
        let passing_on = passing_on.map_err(fault)?;
        let received = receive(sort, output, result, &mut child);
        drop(child); // it ends, and so do its messages
        let said = passing_on.join().unwrap_or(0);
        match received? {
            Received::Ended(status) => exit(sort, status, said),
            Received::Lied(lie) => {
                Err(Fault::guest(format!("{} {lie}; do not trust this guest", isolated_process(sort))))
            }
        }
    })
}

/// Connects the child to its parent, with which it ends.
fn connect(parent: Pid, result: &PipeWriter, messages: &PipeWriter) -> io::Result<()> {
    rustix::stdio::dup2_stdout(result)?;
    rustix::stdio::dup2_stderr(messages)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended before.
    if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

/// The child, which is killed where the parent cannot wait for it to end.
struct Child {
    pid: Option<Pid>,
    status: Option<WaitStatus>,
}

impl Child {
    fn wait(&mut self) -> io::Result<WaitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let found = rustix::io::retry_on_intr(|| waitpid(self.pid, WaitOptions::empty()))?;
        let (_, status) = found.ok_or_else(|| io::Error::other("there is no such process"))?;
        self.status = Some(status);
        Ok(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let (None, Some(pid)) = (self.status, self.pid) {
            let _ = kill_process(pid, Signal::KILL);
            let _ = self.wait();
        }
    }
}

/// Passes the child's messages on, line by line, and returns how many there were.
fn pass_on(sort: Isolated<'_>, messages: PipeReader) -> u64 {
    let printed = sort.args.guest.limits.set().get(Limit::Print);
    let bounded = MESSAGE_BYTES.saturating_add(printed.saturating_mul(SHOWN_BYTES));
    let most = if sort.args.trace.is_some() { u64::MAX } else { bounded };
    let mut messages = BufReader::new(messages.take(most));
    let (mut count, mut line, mut prefix) = (0, Vec::new(), "");
    while matches!((&mut messages).take(LINE_BYTES).read_until(b'\n', &mut line), Ok(1..)) {
        message::lines(prefix, &line);
        // The rest of a line is no line of its own, which might pass for one of this program's.
        prefix = if line.ends_with(b"\n") { "" } else { "... " };
        line.clear();
        count += 1;
    }
    if messages.get_ref().limit() == 0 {
        message::say("--isolate: the isolated process says too much; no more of it is shown");
        count += 1;
    }
    count
}

/// The end of the child, or its lie.
enum Received {
    Ended(WaitStatus),
    Lied(String),
}

/// Writes the child's result. `Err` where it cannot be written.
fn receive(
    sort: Isolated<'_>,
    output: Output,
    mut result: BufReader<PipeReader>,
    child: &mut Child,
) -> Result<Received> {
    let mut promised = [0; 8];
    let promised = result.read_exact(&mut promised).map_or(0, |()| u64::from_le_bytes(promised));
    // One byte more, which it must not write.
    let mut result = result.take(promised.saturating_add(1));
    // The first byte, or the end, arrives when it has sorted.
    if result.fill_buf().map_or(true, |bytes| bytes.is_empty()) {
        let status = child
            .wait()
            .map_err(|error| Fault::trouble(format!("--isolate: cannot wait for the process: {error}")))?;
        if !is_done(status) || sort.args.only_checks() {
            return Ok(Received::Ended(status));
        }
    }
    let mut received = None;
    let written = output.write(|to| {
        let copied = io::copy(&mut (&mut result).take(promised), to)?;
        let outcome = if copied == promised && !result.fill_buf()?.is_empty() {
            // It may never end.
            Received::Lied(format!("wrote more than the {promised} bytes of its input"))
        } else {
            match child.wait()? {
                status if is_done(status) && copied < promised && !sort.args.unique => {
                    Received::Lied(format!("wrote {copied} bytes, and its input has {promised}"))
                }
                status => Received::Ended(status),
            }
        };
        let done = matches!(outcome, Received::Ended(status) if is_done(status));
        received = Some(outcome);
        // So that no file is replaced.
        if done { Ok(()) } else { Err(io::Error::other("the isolated process failed")) }
    });
    match (received, written) {
        (Some(Received::Ended(status)), Err(fault)) if is_done(status) => Err(fault),
        (Some(received), _) => Ok(received),
        (None, written) => Err(written.err().unwrap_or_else(|| Fault::trouble("--isolate: no result"))),
    }
}

fn is_done(status: WaitStatus) -> bool {
    status.exit_status() == Some(Exit::Done as i32)
}

/// Returns the subject of sentences about the child.
fn isolated_process(sort: Isolated<'_>) -> String {
    format!("{}: the isolated process", sort.guest)
}

/// Converts the child's exit status. Failures that the child has reported are not reported again.
fn exit(sort: Isolated<'_>, status: WaitStatus, said: u64) -> Result<Exit> {
    let process = isolated_process(sort);
    if let Some(code) = status.exit_status() {
        let ended = |by: &Exit| *by as i32 == code;
        return match ENDS.into_iter().find(ended) {
            Some(exit @ Exit::Done) => Ok(exit),
            Some(exit @ Exit::Disorder) if sort.args.only_checks() => Ok(exit),
            Some(exit @ (Exit::Trouble | Exit::Guest | Exit::Contradiction)) if said > 0 => Ok(exit),
            _ => Err(Fault::trouble(format!("{process} ended with status {code}, and no reason"))),
        };
    }
    let signal = status.terminating_signal().unwrap_or(0);
    let (exit, what) = match signal {
        libc::SIGSYS => (Exit::Guest, "it made a system call that is not allowed"),
        libc::SIGXCPU => (Exit::Guest, "it used up its time of processor; allow more with --timeout"),
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGTRAP => (Exit::Guest, "it crashed"),
        libc::SIGABRT => (Exit::Trouble, "it ended itself, as it does when it runs out of memory"),
        libc::SIGKILL => (Exit::Trouble, "something killed it, as the system does when memory runs out"),
        _ => (Exit::Trouble, "a signal ended it"),
    };
    Err(Fault::with_exit(
        exit,
        format!("{process} did not finish: {what} (signal {signal}); no file was changed"),
    ))
}
