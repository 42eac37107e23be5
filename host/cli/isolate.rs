//! `callbox sort --isolate`: the job in a child process that locks itself down.
//!
//! The child is this program again, with the same arguments. It reads its input, locks itself down,
//! and only then parses the module. The result passes through its standard output; the parent replaces an
//! output file only if the child exits with success.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};

use callbox::isolation::Isolation;
use callbox::sort::Items;

use super::args;
use super::fault::{Exit, Fault, Result};
use super::output::Output;

/// Environment variable that marks the child.
const INSIDE: &str = "CALLBOX_ISOLATED";

/// Returns whether this process is the child.
pub(super) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Locks this process down, for a job with these items.
pub(super) fn enter(args: &args::Sort, items: &Items) -> Result<()> {
    // The result of an orphan would have no reader.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let bytes = items.iter().map(|item| item.len() + 1).sum();
    Isolation::new(&args.guest.limits.set())
        .input(bytes)
        .enter()
        .map_err(|error| Fault::library(&args.guest.name, &error))
}

/// Runs the job in a child, and returns its exit status.
pub(super) fn run(args: &args::Sort, output: Output) -> Result<Exit> {
    let fault = |error: io::Error| Fault::trouble(format!("--isolate: cannot start a process: {error}"));
    let program = std::env::current_exe().map_err(fault)?;
    let mut child = Command::new(program);
    child.args(std::env::args_os().skip(1)).env(INSIDE, "1");
    if let Output::Stdout = output {
        if args.check.is_none() && !args.silent {
            output.check()?;
        }
        let status = child.status().map_err(fault)?;
        return ended(args, status);
    }
    let mut child = child.stdout(Stdio::piped()).spawn().map_err(fault)?;
    let mut outcome = Ok(Exit::Done);
    let written = output.write(|to| {
        if let Some(mut from) = child.stdout.take() {
            io::copy(&mut from, to)?;
        }
        outcome = wait(&mut child).and_then(|status| ended(args, status));
        match outcome {
            Ok(Exit::Done) => Ok(()),
            _ => Err(io::Error::other("the job failed")), // so that no file is replaced
        }
    });
    match outcome {
        Ok(Exit::Done) => {
            // Where writing failed, the child's own writes fail as well, and it ends.
            let _ = wait(&mut child);
            written.map(|()| Exit::Done)
        }
        other => other,
    }
}

fn wait(child: &mut Child) -> Result<ExitStatus> {
    child.wait().map_err(|error| Fault::trouble(format!("--isolate: cannot wait for the process: {error}")))
}

/// Converts the child's exit status. Failures that the child has reported are not reported again.
fn ended(args: &args::Sort, status: ExitStatus) -> Result<Exit> {
    let guest = &args.guest.name;
    let silent = |exit| Err(Fault { exit, text: None });
    match status.code() {
        Some(0) => return Ok(Exit::Done),
        Some(1) => return Ok(Exit::Disorder),
        Some(3) => return silent(Exit::Guest),
        Some(4) => return silent(Exit::Contradiction),
        Some(141) => return silent(Exit::Pipe),
        Some(_) => return silent(Exit::Trouble),
        None => {}
    }
    let (exit, what) = match signal(status) {
        Some(libc::SIGSYS) => (Exit::Guest, "it made a system call that is not allowed"),
        Some(libc::SIGXCPU) => (Exit::Guest, "it used up its time of processor; allow more with --timeout"),
        Some(libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGTRAP) => (Exit::Guest, "it crashed"),
        Some(libc::SIGABRT) => (Exit::Trouble, "it ended itself, as it does when it runs out of memory"),
        Some(libc::SIGKILL) => {
            (Exit::Trouble, "something killed it, as the system does when memory runs out")
        }
        _ => (Exit::Trouble, "a signal ended it"),
    };
    let text =
        format!("{guest}: the isolated process did not finish: {what} ({status}); nothing was written");
    Err(Fault { exit, text: Some(text) })
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    status.signal()
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}
