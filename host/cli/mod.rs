//! The command line: one file for each subcommand.

mod args;
mod check;
mod completions;
mod fault;
mod guest;
mod guests;
mod input;
mod inspect;
#[cfg_attr(not(target_os = "linux"), path = "elsewhere/isolate.rs")]
mod isolate;
mod items;
mod limits;
mod line;
mod manual;
mod message;
mod number;
mod output;
mod picture;
mod replay;
#[cfg_attr(not(unix), path = "elsewhere/signals.rs")]
mod signals;
mod sort;
mod sorters;
mod stats;
mod stdout;
mod system;
#[cfg_attr(not(unix), path = "elsewhere/temporary.rs")]
mod temporary;
mod tutorial;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser};

use args::{Args, Command};
pub(crate) use fault::Exit;
use fault::Fault;
pub(crate) use line::clear_at_the_end;
pub(crate) use signals::remove_temporary;

/// Runs the command of the arguments. Data goes to standard output, messages to standard error.
pub(crate) fn run() -> Exit {
    signals::fail_at_the_file_size_limit();
    let command = Args::command(); // made once: that takes longer than all the parsing
    let words = match sort::words(&command, std::env::args_os()) {
        Ok(words) => words,
        Err(error) => return report(Err(error)),
    };
    let parsed = command.try_get_matches_from(&words);
    let parsed = parsed.and_then(|mut found| {
        Args::from_arg_matches_mut(&mut found).map_err(|error| error.format(&mut Args::command()))
    });
    let args = match parsed {
        Ok(args) => args,
        Err(error) => return usage(&words, &error),
    };
    report(match args.command {
        Command::Sort(args) => sort::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Sorters(args) => sorters::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Guests => guests::run(),
        Command::Tutorial => tutorial::run(),
        Command::Manual(args) => manual::run(&args),
        Command::Completions(args) => completions::run(&args),
    })
}

/// Prints the message of a failure, and returns the exit status.
fn report(outcome: fault::Result<Exit>) -> Exit {
    outcome.unwrap_or_else(|error| {
        if let Some(text) = fault::sentence(&error) {
            message::say(text);
        }
        if let Some(backtrace) = fault::backtrace(&error) {
            message::lines("", backtrace.to_string().as_bytes());
        }
        fault::exit(&error)
    })
}

/// Prints help to standard output; reports wrong usage like any other failure.
fn usage(words: &[OsString], error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => Exit::Done,
            Err(error) => report(Err(Fault::write("standard output", error))),
        };
    }
    // The message quotes the arguments over several lines. It is made again of arguments that are escaped, so
    // that its lines are clap's.
    let escaped = words.iter().map(|arg| callbox::escape(arg.as_encoded_bytes()));
    let text = match Args::try_parse_from(escaped) {
        Err(again) if again.kind() == error.kind() => again.to_string(),
        // Only bytes that are no text are not refused again; the message quotes none of them.
        _ => error.to_string().lines().next().unwrap_or_default().to_owned(),
    };
    let text = text.trim_end();
    // Without a subcommand, the text is the help, not an error.
    match text.strip_prefix("error: ") {
        Some(text) => message::lines("", format!("callbox: {text}").as_bytes()),
        None => message::lines("", text.as_bytes()),
    }
    Exit::Trouble
}
