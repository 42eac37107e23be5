//! `callbox completions`.

use clap::{Command, CommandFactory};

use super::args;
use super::fault::{Exit, Result};
use super::output::Output;

pub(super) fn run(args: &args::Completions) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown(&args::Args::command()), "callbox", &mut script);
    Output::Stdout.write(|to| to.write_all(&script))?;
    Ok(Exit::Done)
}

/// Returns a command without the options that exist only to be refused.
fn shown(command: &Command) -> Command {
    let args = command.get_arguments().filter(|arg| arg.is_positional() || !arg.is_hide_set());
    // To a fish older than 4, `?` is a pattern that matches no file, which is an error.
    let args = args.cloned().map(|arg| match arg.get_short() {
        Some('?') => arg.short(None),
        _ => arg,
    });
    Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(command.is_disable_version_flag_set() || command.get_version().is_none())
        .disable_help_flag(command.is_disable_help_flag_set())
        .args(args)
        .subcommands(command.get_subcommands().map(shown))
}
