//! The arguments of the command line.

mod sort;
mod values;

pub(super) use sort::{MemoryArgs, Sort};
pub(super) use values::{CheckHow, SorterArg, Stats, When};

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use super::items::Type;
use super::limits::LimitArgs;
use super::number;
use values::{Grant, ShapeArg};

/// Sort by orders that run in a sandbox.
///
/// An order is a WebAssembly module, which need not be trusted: it can reach nothing but the two items that
/// it compares. The C library's own qsort calls it through an ordinary function pointer, or a sort inside the
/// sandbox does.
#[derive(Parser, Debug)]
#[command(version, bin_name = "callbox", max_term_width = 80, after_help = AFTER)]
pub(super) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Exit status: 0 done; 1 disorder found (sort -c, sort -C, check), or another
answer (replay); 2 wrong usage or trouble with input or output; 3 the guest
failed; 4 the comparator contradicted itself. On 2, 3 and 4 no output file has
been touched.";

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    Sort(Box<Sort>),
    Check(Check),
    Inspect(Inspect),
    Replay(Replay),
    /// List the bundled guests, and how to sort by each
    #[command(max_term_width = 80)]
    Guests,
    /// Run the callback session of the ctypes tutorial, line by line
    #[command(max_term_width = 80)]
    Tutorial,
    Manual(Manual),
    Completions(Completions),
}

/// Search for contradictions in the answers of a guest.
///
/// Up to N items, evenly spread over FILE, are compared with each other, both ways. If the answers cannot all
/// be true, a counterexample is printed, and the exit status is 1.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(super) struct Check {
    /// Path of a .wasm or .wat file, or the name of a bundled guest (`callbox guests` lists them)
    #[arg(value_name = "GUEST", value_hint = ValueHint::FilePath)]
    pub name: String,

    #[command(flatten)]
    pub guest: GuestArgs,

    /// File of the items; without it, or where it is -, standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    #[command(flatten)]
    pub items: ItemArgs,

    /// Compare at most N items, up to 4000
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = number::up_to::<4000>)]
    pub sample: u16,
}

/// Show what a guest imports, exports, costs and may use.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(super) struct Inspect {
    /// Path of a .wasm or .wat file, or the name of a bundled guest; without it, list the bundled guests
    #[arg(value_name = "GUEST", value_hint = ValueHint::FilePath)]
    pub guest: Option<String>,

    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Ask a guest again what it was asked before.
///
/// FILE is what `callbox sort --record` has written. The first question that has another answer now is
/// printed, with both answers, and the exit status is 1.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(super) struct Replay {
    /// The record; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Path of a .wasm or .wat file, or the name of a bundled guest, to ask in place of the recorded one
    #[arg(value_name = "GUEST", value_hint = ValueHint::FilePath)]
    pub guest: Option<String>,

    #[command(flatten)]
    pub options: GuestArgs,
}

/// Write the manual, pages for man(1).
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80)]
pub(super) struct Manual {
    /// Folder for the pages: it is made if it is missing, and pages in it are replaced
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}

/// Write a shell's completions of these options to standard output.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// How guests are used, their limits and their grants.
#[derive(ClapArgs, Debug)]
pub(super) struct GuestArgs {
    /// Export of GUEST that compares [default: compare_bytes for lines, compare_TYPE or compare for records]
    #[arg(short, long, value_name = "NAME", help_heading = "Guest")]
    pub export: Option<String>,

    /// How the export takes its arguments, if its name does not say: pointers, scalars or slices
    #[arg(long, value_enum, hide_possible_values = true, help_heading = "Guest", hide_short_help = true)]
    pub shape: Option<ShapeArg>,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// Let the guest import this; what it prints goes to standard error, each line after "guest: "
    #[arg(long, value_enum, value_name = "IMPORT", help_heading = "Limits", hide_short_help = true)]
    pub grant: Vec<Grant>,

    /// Put items into new pages of the guest's memory even if the guest adds pages itself
    #[arg(long, help_heading = "Limits", hide_short_help = true)]
    pub assume_fresh_pages: bool,
}

/// The type of the input's items.
#[derive(ClapArgs, Debug)]
pub(super) struct ItemArgs {
    /// Lines end with a NUL, not a newline
    #[arg(short, long, help_heading = "Input")]
    pub zero_terminated: bool,

    /// Binary records of TYPE, not lines: i8 u8 i16 u16 i32 u32 i64 u64 f32 f64, little-endian, or bytes:N
    #[arg(
        long = "records",
        value_name = "TYPE",
        default_value = "lines",
        hide_default_value = true,
        help_heading = "Input"
    )]
    pub kind: Type,
}
