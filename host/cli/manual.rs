//! `callbox manual`.

use std::fs;
use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::args;
use super::fault::{Exit, Fault, Result};
use super::input::name;

pub(super) fn run(args: &args::Manual) -> Result<Exit> {
    let folder = &args.folder;
    fs::create_dir_all(folder)
        .map_err(|error| Fault::file(&name(folder), "make a folder", &error, "choose another DIR"))?;
    let mut program = args::Args::command().disable_help_subcommand(true);
    program.build();
    for command in [&program].into_iter().chain(program.get_subcommands()) {
        let mut page = Vec::new();
        let title = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let file = folder.join(format!("{title}.1"));
        write(command.clone(), title, &mut page)
            .and_then(|()| fs::write(&file, page))
            .map_err(|error| Fault::file(&name(&file), "write", &error, "the manual is not complete"))?;
    }
    Ok(Exit::Done)
}

/// Writes the page of a command.
fn write(mut command: Command, title: String, to: &mut Vec<u8>) -> io::Result<()> {
    // The usage is that of the help; a synopsis with every option would be longer than the page.
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    // The page has all that the long help has.
    let command = command.override_usage(usage).mut_args(|arg| arg.hide_short_help(false));
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string);
    let after = command.get_after_help().map(ToString::to_string);
    let (is_program, version) = (command.has_subcommands(), env!("CARGO_PKG_VERSION"));
    let page = Man::new(command).title(title).source(format!("callbox {version}")).manual("Callbox");
    page.render_title(to)?;
    // Options and values are words to type: none is hyphenated.
    Roff::new().control("nh", []).control("ad", ["l"]).to_writer(to)?;
    page.render_name_section(to)?;
    page.render_synopsis_section(to)?;
    section(to, "DESCRIPTION", &about.unwrap_or_default())?;
    page.render_options_section(to)?;
    if is_program {
        page.render_subcommands_section(to)?;
    }
    match after.as_deref().and_then(|after| after.split_once(": ")) {
        Some((heading, text)) => section(to, &heading.to_uppercase(), text),
        None => Ok(()),
    }
}

/// Writes a section of paragraphs, among which lines that are indented stay as they are.
fn section(to: &mut Vec<u8>, heading: &str, text: &str) -> io::Result<()> {
    let mut page = Roff::new();
    page.control("SH", [heading]);
    let mut is_kept = false;
    for line in text.lines() {
        if line.starts_with(' ') != is_kept && !line.is_empty() {
            is_kept = !is_kept;
            page.control(if is_kept { "nf" } else { "fi" }, []);
        }
        match line {
            "" => page.control("PP", []),
            line => page.text([roman(line)]),
        };
    }
    page.to_writer(to)
}
