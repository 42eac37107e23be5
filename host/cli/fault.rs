//! Failures of commands, and exit statuses.

use std::io;
use std::process::ExitCode;

use callbox::{Blame, ContradictionError, Error, GuestBacktrace, ModuleError, escape};

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

impl Exit {
    const ALL: [Exit; 6] =
        [Exit::Done, Exit::Disorder, Exit::Trouble, Exit::Guest, Exit::Contradiction, Exit::Pipe];

    /// Returns the meaning of a status that another process of this program has ended with.
    pub(super) fn of_status(status: i32) -> Option<Exit> {
        Exit::ALL.into_iter().find(|exit| *exit as i32 == status)
    }
}

/// A failed command: its exit status and its message.
#[derive(Debug)]
pub(super) struct Fault {
    pub exit: Exit,
    /// Message of one line; `None` where silence is customary.
    pub text: Option<String>,
    /// The place in the guest.
    pub trace: Option<GuestBacktrace>,
}

pub(super) type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    pub(super) fn new(exit: Exit, text: impl Into<String>) -> Fault {
        Fault { exit, text: Some(text.into()), trace: None }
    }

    /// Creates a fault that has been reported, or that is customarily not reported.
    pub(super) fn silent(exit: Exit) -> Fault {
        Fault { exit, text: None, trace: None }
    }

    /// Creates a fault of status [`Exit::Trouble`] with a message of one sentence.
    pub(super) fn trouble(text: impl Into<String>) -> Fault {
        Fault::new(Exit::Trouble, text)
    }

    /// Creates a fault of a guest that cannot do this work.
    pub(super) fn guest(text: impl Into<String>) -> Fault {
        Fault::new(Exit::Guest, text)
    }

    /// Appends a piece of advice to the message.
    pub(super) fn advise(self, advice: &str) -> Fault {
        Fault { text: self.text.map(|text| format!("{text}; {advice}")), ..self }
    }

    /// Creates a fault of a file from the failed action, the system's error and a piece of advice.
    pub(super) fn file(name: &str, tried: &str, error: &io::Error, advice: &str) -> Fault {
        Fault::trouble(format!("{name}: cannot {tried}: {}; {advice}", said(error)))
    }

    /// Creates a fault of standard output or an output file.
    pub(super) fn write(name: &str, error: &io::Error) -> Fault {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Fault::silent(Exit::Pipe);
        }
        Fault::file(name, "write", error, "the output is not complete")
    }

    /// Converts an error of the library about this guest to a fault.
    pub(super) fn library(guest: &str, error: &Error) -> Fault {
        let exit = match error {
            Error::OutOfBounds { .. } | Error::Contradiction(_) => Exit::Contradiction,
            Error::Read { .. } => Exit::Trouble,
            // The caller's mistake here is the choice of this guest for this work.
            Error::ElementMismatch { .. } => Exit::Guest,
            error if error.blame() == Blame::Guest => Exit::Guest,
            _ => Exit::Trouble,
        };
        let mut text = match error {
            Error::Read { path, source } => {
                let path = escape(path.as_os_str().as_encoded_bytes());
                format!("{path}: cannot read: {}; GUEST is a module's path or a bundled name", said(source))
            }
            error => error.to_string(),
        };
        let guest = escape(guest);
        if !text.starts_with(&guest) {
            text = format!("{guest}: {text}");
        }
        if let Some(limit) = error.limit() {
            text = format!("{text}; {}", super::limits::advice(limit));
        }
        if matches!(error, Error::Module(ModuleError::Features { features, .. }) if *features == ["SIMD"]) {
            text = format!("{text}; allow it with --allow simd");
        }
        if let Error::Contradiction(found) = error
            && !matches!(found, ContradictionError::NoOrder { .. })
        {
            text = format!("{text}; --verify off would take the order as it is");
        }
        let trace = match error {
            Error::Trap { source, .. } => Some(source.clone()),
            _ => None,
        };
        Fault { exit, text: Some(text), trace }
    }
}

/// Returns the system's message, without the number that Rust appends.
fn said(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
