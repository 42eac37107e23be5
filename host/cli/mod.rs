//! The command line: one file for each subcommand.

mod args;
mod check;
mod fault;
mod guest;
mod input;
mod inspect;
mod isolate;
mod items;
mod limits;
mod output;
mod sort;
mod stats;
mod stdout;
mod tutorial;

use std::io::Write;

use clap::Parser;

use args::{Args, Command};
pub(crate) use fault::Exit;
use fault::Fault;

/// Runs the command of the arguments. Data goes to standard output, messages to standard error.
pub(crate) fn run() -> Exit {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let outcome = match args.command {
        Command::Sort(args) => sort::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Tutorial => tutorial::run(),
    };
    outcome.unwrap_or_else(|fault| {
        if let Some(text) = fault.text {
            // Where standard error is closed, nothing can be reported.
            let _ = writeln!(std::io::stderr(), "callbox: {text}");
        }
        fault.exit
    })
}

/// Prints help to standard output; reports wrong usage like any other failure.
fn usage(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => Exit::Done,
            Err(error) => Fault::write("standard output", &error).exit,
        };
    }
    let text = error.to_string();
    // Without a subcommand, the text is the help, not an error.
    let text = text.strip_prefix("error: ").map_or(text.clone(), |text| format!("callbox: {text}"));
    let _ = write!(std::io::stderr(), "{text}");
    Exit::Trouble
}
