//! Failures of commands, and exit statuses.

use std::io;
use std::process::ExitCode;

pub(super) use anyhow::{Context, Result};
use callbox::{Blame, ContradictionError, Error, FileError, GuestBacktrace, ModuleError, escape};

/// Exit statuses. On all from `Trouble` to `Contradiction` no output file has been touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success.
    Done = 0,
    /// `-c`, `-C` or `check` found disorder.
    Disorder = 1,
    /// Wrong usage, or trouble with input, output or this machine.
    Trouble = 2,
    /// The guest failed: it trapped, hit a limit, or is not a usable guest.
    Guest = 3,
    /// The comparator contradicted itself, or keeps state.
    Contradiction = 4,
    /// The reader of the output has closed the pipe; the status that a shell shows for death by SIGPIPE.
    Pipe = 141,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A failure in this program's own words. Failures of the library are [`Error`]s. What they are about, a file
/// or a guest, is their context.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Fault {
    exit: Exit,
    text: String,
}

impl Fault {
    pub(super) fn with_exit(exit: Exit, text: impl Into<String>) -> anyhow::Error {
        Fault { exit, text: text.into() }.into()
    }

    /// Creates a fault of status [`Exit::Trouble`] with a message of one sentence.
    pub(super) fn trouble(text: impl Into<String>) -> anyhow::Error {
        Fault::with_exit(Exit::Trouble, text)
    }

    /// Creates a fault of a guest that cannot do this work.
    pub(super) fn guest(text: impl Into<String>) -> anyhow::Error {
        Fault::with_exit(Exit::Guest, text)
    }

    /// Creates a fault of a file from the failed action, the system's error and a piece of advice.
    pub(super) fn file(name: &str, tried: &str, error: &io::Error, advice: &str) -> anyhow::Error {
        Fault::trouble(format!("cannot {tried}: {}; {advice}", said(error))).context(name.to_owned())
    }

    /// Creates a fault of standard output or an output file.
    pub(super) fn write(name: &str, error: io::Error) -> anyhow::Error {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return error.into();
        }
        Fault::file(name, "write", &error, "the output is not complete")
    }
}

/// Returns the exit status of a failure.
pub(super) fn exit(error: &anyhow::Error) -> Exit {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.exit;
    }
    match error.downcast_ref::<Error>() {
        Some(Error::OutOfBounds { .. } | Error::Contradiction(_)) => Exit::Contradiction,
        // The caller's mistake here is the choice of this guest for this work.
        Some(Error::ElementMismatch { .. }) => Exit::Guest,
        Some(error) if error.blame() == Blame::Guest => Exit::Guest,
        Some(_) => Exit::Trouble,
        None if is_broken_pipe(error) => Exit::Pipe,
        None => Exit::Trouble,
    }
}

/// Returns the message of a failure, a sentence; `None` where silence is customary.
pub(super) fn sentence(error: &anyhow::Error) -> Option<String> {
    if is_broken_pipe(error) {
        return None;
    }
    let library = error.downcast_ref::<Error>();
    let text = library.map_or_else(|| error.root_cause().to_string(), in_words);
    // A library's error tells its sources itself.
    let contexts = error.chain().take_while(|cause| !cause.is::<Error>() && !cause.is::<Fault>());
    let contexts: Vec<_> = contexts.map(|context| escape(context.to_string())).collect();
    Some(contexts.into_iter().rev().fold(text, |text, about| {
        // Many errors of the library name the module themselves.
        if text.starts_with(&about) { text } else { format!("{about}: {text}") }
    }))
}

/// Returns the place in the guest where a failure happened.
pub(super) fn backtrace(error: &anyhow::Error) -> Option<&GuestBacktrace> {
    match error.downcast_ref::<Error>() {
        Some(Error::Trap { source, .. }) => Some(source),
        _ => None,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Returns an error of the library in the command line's words, with the options that help.
fn in_words(error: &Error) -> String {
    let text = match error {
        Error::Read { path, source } => {
            let path = escape(path.as_os_str().as_encoded_bytes());
            format!("{path}: cannot read: {}; GUEST is a module's path or a bundled name", said(source))
        }
        Error::File(FileError::Read { input, source }) => {
            format!("{}: cannot read: {}; nothing was written", escape(input), said(source))
        }
        Error::File(FileError::Spill { folder, source }) => {
            let folder = escape(folder.as_os_str().as_encoded_bytes());
            format!("{folder}: cannot keep there what does not fit in memory: {}", said(source))
        }
        error => error.to_string(),
    };
    match advice(error) {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

/// Returns the option that helps against an error.
fn advice(error: &Error) -> Option<String> {
    let option = match error {
        Error::Module(ModuleError::Features { features, .. }) if *features == ["SIMD"] => {
            "allow it with --allow simd"
        }
        Error::Module(ModuleError::Imports { imports, .. }) if *imports == ["callbox.print"] => {
            "grant it with --grant print"
        }
        Error::Module(ModuleError::Staging { fresh_pages: true, .. }) => "or try --assume-fresh-pages",
        Error::File(FileError::Ragged { .. }) => "is --records right?",
        Error::File(FileError::Spill { .. }) => "name another folder with -T, or allow more memory with -S",
        Error::File(FileError::VerifyFull) => "allow more memory with -S, or take --verify sample",
        Error::File(FileError::TooLong { .. }) => "allow more with -S",
        // No option makes an order of it.
        Error::Contradiction(ContradictionError::NoOrder { .. }) => return None,
        Error::Contradiction(_) => "--verify off would take the order as it is",
        error => return error.limit().map(super::limits::advice),
    };
    Some(option.to_owned())
}

/// Returns the system's message, without the number that Rust appends.
fn said(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
