//! The command line: one file for each subcommand.

mod args;
mod check;
mod fault;
mod guest;
mod input;
mod inspect;
mod items;
mod output;
mod sort;
mod stats;
mod tutorial;

use std::io::Write;

use clap::Parser;

use args::{Args, Command};
pub use fault::Exit;

/// Does what the arguments say. Data goes to standard output, talk to standard error.
pub fn run() -> Exit {
    let outcome = match Args::parse().command {
        Command::Sort(args) => sort::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Tutorial => tutorial::run(),
    };
    outcome.unwrap_or_else(|fault| {
        if let Some(text) = fault.text {
            // Where standard error is closed, there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "callbox: {text}");
        }
        fault.exit
    })
}
