//! The arguments of the command line.

mod memory;
mod sort;
mod sorters;
mod values;

pub(super) use memory::MemoryArgs;
pub(super) use sort::Sort;
pub(super) use sorters::{InputKind, Sorters};
pub(super) use values::{CheckHow, LibraryArg, SorterArg, Stats, When};

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

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
    Sorters(Box<Sorters>),
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

/// Check whether a guest keeps the contract of a comparator.
///
/// It is asked about values that are drawn for the type of the items: numbers at the edges of their type and
/// not-a-number, empty and cut texts, digits with zeros before them, long equal beginnings, random values.
/// Each pair is compared both ways, by one guest and in another order by a fresh one, and then all pairs of
/// the items of FILE. An item must equal itself; turning two items round must turn the answer round; answers
/// about three items must follow from each other; the same question must have the same answer at any time;
/// and the guest must neither fail nor write into the items. If a law is broken, the smallest counterexample
/// that was found is printed, and the exit status is 1.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(super) struct Check {
    /// Path of a .wasm or .wat file, or the name of a bundled guest (`callbox guests` lists them)
    #[arg(value_name = "GUEST", value_hint = ValueHint::FilePath)]
    pub name: String,

    #[command(flatten)]
    pub guest: GuestArgs,

    /// File of items to compare, too; - is standard input. Without it, drawn values only
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    #[command(flatten)]
    pub items: ItemArgs,

    /// Compare at most N items of FILE with each other, evenly spread; the time grows as the square of N
    #[arg(long, value_name = "N", default_value = "10000", value_parser = number::positive)]
    pub sample: NonZeroUsize,

    /// Compare no more pairs of items after TIME
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = super::limits::duration)]
    pub time: Duration,

    /// Compare the items of FILE only, and show a counterexample as it is in FILE
    #[arg(long, requires = "file")]
    pub items_only: bool,

    /// Draw other random values for each seed N
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number::count)]
    pub seed: u64,

    /// Print the result as a JSON object
    #[arg(long)]
    pub json: bool,

    /// Draw the answers about some of the values, those of a counterexample among them, as SVG in FILE
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub svg: Option<PathBuf>,
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
