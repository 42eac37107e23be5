//! The arguments of the command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

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

/// Sort lines or records by the guest's order.
///
/// With no FILE, or when FILE is -, read standard input. Options have the names of sort(1) where they mean
/// the same.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(super) struct Sort {
    #[command(flatten)]
    pub guest: GuestArgs,

    /// Files to sort together; - is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Reverse the order
    #[arg(short, long)]
    pub reverse: bool,

    /// Keep only the first of items that the guest calls equal
    #[arg(short, long)]
    pub unique: bool,

    /// Keep items that the guest calls equal in the input's order (otherwise their bytes decide)
    #[arg(short, long)]
    pub stable: bool,

    #[command(flatten)]
    pub items: ItemArgs,

    /// Do not sort; report the first item out of order
    #[arg(short, long, value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "diagnose-first", conflicts_with_all = ["output", "silent"])]
    pub check: Option<CheckHow>,

    /// Like -c, but report by the exit status only
    #[arg(short = 'C', conflicts_with = "output")]
    pub silent: bool,

    /// Write to FILE, which is replaced atomically and may be an input
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Function that sorts: qsort, the C library's; sandboxed, a merge sort inside the sandbox, the fastest;
    /// msvcrt, the Microsoft C runtime's algorithm; or LIB:SYMBOL, a function of a shared library, which you
    /// trust with any answers of the guest
    #[arg(long, value_name = "SORTER", default_value = "qsort")]
    pub sorter: SorterArg,

    /// Sort with N threads, each with a guest of its own
    #[arg(long, value_name = "N", default_value = "1", value_parser = number::positive)]
    pub parallel: NonZeroUsize,

    /// Pairs of the result to ask a fresh guest about, before anything is written
    #[arg(long, value_enum, value_name = "PAIRS", default_value = "sample")]
    pub verify: VerifyArg,

    /// Sort in a process that can access only its input and its output (Linux)
    #[arg(long, help_heading = "Limits")]
    pub isolate: bool,

    /// Show each comparison on standard error
    #[arg(long)]
    pub trace: bool,

    /// Show statistics on standard error, as text or as json
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true,
          default_missing_value = "text")]
    pub stats: Option<Stats>,
}

impl Sort {
    /// Returns whether the command has no result but its exit status.
    pub(super) fn only_checks(&self) -> bool {
        self.check.is_some() || self.silent
    }
}

/// Search for contradictory answers of the comparator.
///
/// Compare up to N items, evenly spread over FILE, with each other, both ways. Print a counterexample and
/// exit with 1 if the answers cannot all be true.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(super) struct Check {
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

/// The guest, its limits and its grants.
#[derive(ClapArgs, Debug)]
pub(super) struct GuestArgs {
    /// Path of a .wasm or .wat file, or the name of a bundled guest (`callbox inspect` lists them)
    #[arg(value_name = "GUEST")]
    pub name: String,

    /// The comparator's export [default: compare_bytes for lines, compare_T or compare for records]
    #[arg(short, long, value_name = "NAME")]
    pub export: Option<String>,

    /// Shape of the export's arguments, if its name does not imply it
    #[arg(long, value_enum)]
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
    #[arg(short, long)]
    pub zero_terminated: bool,

    /// Item type: lines, or raw little-endian records: i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 bytes:N
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "lines")]
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
pub(super) enum VerifyArg {
    /// None: a comparator that contradicts itself may leave any order
    Off,
    /// 1,000 at all distances, more for many items; every pair of up to 45 items
    Sample,
    /// Every pair, which takes time as the square of the number of items
    Full,
}

impl From<VerifyArg> for callbox::sort::Verify {
    fn from(verify: VerifyArg) -> callbox::sort::Verify {
        match verify {
            VerifyArg::Off => callbox::sort::Verify::Off,
            VerifyArg::Sample => callbox::sort::Verify::Sample,
            VerifyArg::Full => callbox::sort::Verify::Full,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum SorterArg {
    Qsort,
    Msvcrt,
    Sandboxed,
    Library { library: String, symbol: String },
}

impl FromStr for SorterArg {
    type Err = String;

    fn from_str(text: &str) -> Result<SorterArg, String> {
        match text {
            "qsort" => Ok(SorterArg::Qsort),
            "msvcrt" => Ok(SorterArg::Msvcrt),
            "sandboxed" => Ok(SorterArg::Sandboxed),
            _ => match text.rsplit_once(':') {
                Some((library, symbol)) if !library.is_empty() && !symbol.is_empty() => {
                    Ok(SorterArg::Library { library: library.to_owned(), symbol: symbol.to_owned() })
                }
                _ => {
                    Err("expected qsort, sandboxed, msvcrt, or LIB:SYMBOL such as libbsd.so.0:mergesort"
                        .into())
                }
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckHow {
    DiagnoseFirst,
    #[value(alias = "silent")]
    Quiet,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Stats {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Grant {
    /// callbox.print
    Print,
}
