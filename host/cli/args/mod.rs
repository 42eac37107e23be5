//! The arguments of the command line.

mod sort;

pub(super) use sort::{CheckHow, MemoryArgs, OrderArgs, Sort, SorterArg, Stats, When};

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::items::Type;
use super::limits::LimitArgs;
use super::number;

/// Sort with comparators that run in a sandbox.
///
/// The comparator is an untrusted WebAssembly module. The C library's own qsort does the sorting and calls it
/// through an ordinary function pointer.
#[derive(Parser, Debug)]
#[command(version, bin_name = "callbox", max_term_width = 80, after_help = AFTER)]
pub(super) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Exit status: 0 done; 1 disorder found (sort -c, sort -C, check); 2 wrong usage
or trouble with input or output; 3 the guest failed; 4 the comparator
contradicted itself. On 2, 3 and 4 no output file has been touched.";

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Sort lines or records by the guest's order
    Sort(Sort),
    /// Search for contradictory answers of the comparator
    Check(Check),
    /// Show exports, imports, shape, memory, limits and sha256 of a guest
    Inspect(Inspect),
    /// Run the callback session of the ctypes tutorial, line by line
    Tutorial,
}

/// Search for contradictory answers of the comparator.
///
/// Compare up to N items, evenly spread over FILE, with each other, both ways. Print a counterexample and
/// exit with 1 if the answers cannot all be true.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(super) struct Check {
    /// Path of a .wasm or .wat file, or the name of a bundled guest (`callbox guests` lists them)
    #[arg(value_name = "GUEST")]
    pub name: String,

    #[command(flatten)]
    pub guest: GuestArgs,

    /// File of the items; - is standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    #[command(flatten)]
    pub items: ItemArgs,

    /// Compare at most N items, up to 4000
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = number::up_to::<4000>)]
    pub sample: u16,
}

/// Show exports, imports, shape, memory, limits and sha256 of a guest.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(super) struct Inspect {
    /// Path of a .wasm or .wat file, or the name of a bundled guest; if omitted, list all bundled guests
    #[arg(value_name = "GUEST")]
    pub guest: Option<String>,

    #[command(flatten)]
    pub limits: LimitArgs,
}

/// How guests are used, their limits and their grants.
#[derive(ClapArgs, Debug)]
pub(super) struct GuestArgs {
    /// GUEST's comparator [default: compare_bytes for lines, compare_T or compare for records]
    #[arg(short, long, value_name = "NAME", help_heading = "Guest")]
    pub export: Option<String>,

    /// Shape of the export's arguments, if its name does not imply it
    #[arg(long, value_enum, help_heading = "Guest")]
    pub shape: Option<ShapeArg>,

    #[command(flatten)]
    pub limits: LimitArgs,

    /// Grant the guest an import; its output goes to standard error, each line after "guest: "
    #[arg(long, value_enum, value_name = "IMPORT", help_heading = "Limits")]
    pub grant: Vec<Grant>,

    /// Put elements into fresh pages even if the guest grows its memory itself
    #[arg(long, help_heading = "Limits")]
    pub assume_fresh_pages: bool,
}

/// The type of the input's items.
#[derive(ClapArgs, Debug)]
pub(super) struct ItemArgs {
    /// Line delimiter is NUL, not newline
    #[arg(short, long, help_heading = "Input")]
    pub zero_terminated: bool,

    /// Raw little-endian records of TYPE instead of lines: i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 bytes:N
    #[arg(long = "records", value_name = "TYPE", default_value = "lines", hide_default_value = true,
          help_heading = "Input")]
    pub kind: Type,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ShapeArg {
    Pointers,
    Scalars,
    Slices,
}

impl From<ShapeArg> for callbox::CompareShape {
    fn from(shape: ShapeArg) -> callbox::CompareShape {
        match shape {
            ShapeArg::Pointers => callbox::CompareShape::Pointers,
            ShapeArg::Scalars => callbox::CompareShape::Scalars,
            ShapeArg::Slices => callbox::CompareShape::Slices,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Grant {
    /// callbox.print
    Print,
}
