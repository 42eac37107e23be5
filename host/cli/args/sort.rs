//! The arguments of `callbox sort`.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::OsStringValueParser;
use clap::{ArgAction, Args as ClapArgs};

use super::values::{CheckHow, SorterArg, Stats, VerifyArg, When};
use super::{AFTER, GuestArgs, ItemArgs};
use crate::cli::number;

/// Sort lines, keys or records by an order that nobody trusts.
///
/// The order is a GUEST, the path of a .wasm or .wat file or the name of a bundled one, or it is given by the
/// letters of sort(1), each of which names a bundled guest: then there is no GUEST.
///
///   callbox sort ORDER.wasm FILE            callbox sort -V FILE
///   callbox sort semver -t, -k2,2 FILE      callbox sort -t: -k3,3n -k1,1 FILE
///
/// With no FILE, or when FILE is -, read standard input.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER, verbatim_doc_comment, disable_help_flag = true,
          args_override_self = true, override_usage = "\
callbox sort [OPTIONS] GUEST [FILE]...
       callbox sort [OPTIONS] -n|-h|-M|-V|-g|-d|-f|-i|-b|-k ... [FILE]...")]
pub(in crate::cli) struct Sort {
    /// The guest, unless options name the order; then the files to sort together
    #[arg(value_name = "GUEST, FILE", value_parser = OsStringValueParser::new(), hide = true)]
    pub operands: Vec<OsString>,

    #[command(flatten)]
    pub order: OrderArgs,

    #[command(flatten)]
    pub keys: KeyArgs,

    /// Check whether the input is in order; report the first item that is not
    #[arg(short = 'c', help_heading = "Mode")]
    pub check: bool,

    /// Like -c; quiet or silent reports by the exit status only
    #[arg(long = "check", value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "diagnose-first", value_parser = CheckHow::parse, help_heading = "Mode")]
    pub check_how: Option<CheckHow>,

    /// Like -c, but report by the exit status only
    #[arg(short = 'C', help_heading = "Mode")]
    pub silent: bool,

    /// Merge files that are sorted already
    #[arg(short, long, help_heading = "Mode")]
    pub merge: bool,

    /// Keep only the first of items that compare equal
    #[arg(short, long, help_heading = "Mode")]
    pub unique: bool,

    /// Keep items that compare equal in the input's order (otherwise their bytes decide)
    #[arg(short, long, help_heading = "Mode")]
    pub stable: bool,

    /// Underline the part of each line that a guest sees
    #[arg(long, help_heading = "Mode")]
    pub debug: bool,

    #[command(flatten)]
    pub items: ItemArgs,

    /// Keep the first line first
    #[arg(long, help_heading = "Input")]
    pub header: bool,

    /// Read the names of the files from F, each ended by a NUL; - is standard input
    #[arg(long, value_name = "F", value_parser = OsStringValueParser::new(), help_heading = "Input")]
    pub files0_from: Option<OsString>,

    /// Write to FILE, which is replaced atomically and may be an input
    #[arg(short, long, value_name = "FILE", action = ArgAction::Append,
          value_parser = OsStringValueParser::new(), help_heading = "Output")]
    pub output: Vec<OsString>,

    /// Show progress on standard error: auto is on a terminal, after a second
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", hide_possible_values = true,
          help_heading = "Output")]
    pub progress: When,

    /// Show statistics on standard error, as text or as json
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true,
          default_missing_value = "text", help_heading = "Output")]
    pub stats: Option<Stats>,

    /// Show each comparison on standard error
    #[arg(long, help_heading = "Output")]
    pub trace: bool,

    #[command(flatten)]
    pub memory: MemoryArgs,

    #[command(flatten)]
    pub guest: GuestArgs,

    /// Function that sorts: qsort, the C library's; sandboxed, a merge sort inside the sandbox, the fastest;
    /// msvcrt, the Microsoft C runtime's algorithm; or LIB:SYMBOL, a function of a shared library, which you
    /// trust with any answers of the guest
    #[arg(long, value_name = "SORTER", default_value = "qsort", help_heading = "Guest")]
    pub sorter: SorterArg,

    /// Pairs of the result to ask a fresh guest about, before anything is written
    #[arg(long, value_enum, value_name = "PAIRS", default_value = "sample", help_heading = "Guest")]
    pub verify: VerifyArg,

    /// Sort in a process that can access only its input and its output (Linux)
    #[arg(long, help_heading = "Limits")]
    pub isolate: bool,

    /// Print help (--help has more than -?)
    #[arg(short = '?', long, action = ArgAction::Help, help_heading = "Help")]
    help: Option<bool>,
}

/// The order, in the letters of sort(1).
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Order, in the letters of sort(1)")]
pub(in crate::cli) struct OrderArgs {
    /// Ignore leading blanks
    #[arg(short = 'b', long)]
    pub ignore_leading_blanks: bool,

    /// Only letters, digits and blanks count
    #[arg(short, long)]
    pub dictionary_order: bool,

    /// Lower-case letters are as upper-case ones
    #[arg(short = 'f', long)]
    pub ignore_case: bool,

    /// By number, also 1e5, 0x1p4, inf: the guest general
    #[arg(short, long)]
    pub general_numeric_sort: bool,

    /// By number with a unit, like 2K or 1G: the guest human
    #[arg(short, long)]
    pub human_numeric_sort: bool,

    /// Only characters that are printed count
    #[arg(short, long)]
    pub ignore_nonprinting: bool,

    /// By the English names of months: the guest month
    #[arg(short = 'M', long)]
    pub month_sort: bool,

    /// By decimal number: the guest numeric
    #[arg(short, long)]
    pub numeric_sort: bool,

    /// Not supported: an order at random
    #[arg(short = 'R', long, hide = true)]
    pub random_sort: bool,

    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new(), hide = true)]
    pub random_source: Option<OsString>,

    /// By version numbers: the guest version
    #[arg(short = 'V', long)]
    pub version_sort: bool,

    /// The same by name: general-numeric, human-numeric, month, numeric, version
    #[arg(long, value_name = "WORD", action = ArgAction::Append)]
    pub sort: Vec<String>,

    /// Reverse the order
    #[arg(short, long)]
    pub reverse: bool,
}

/// The keys.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Keys")]
pub(in crate::cli) struct KeyArgs {
    /// Compare a part of each line, then the next key's: POS1[OPTS][,POS2[OPTS]][=GUEST[#EXPORT]]. POS is a
    /// field, or FIELD.CHARACTER; OPTS are letters of sort(1), for this key only. With --csv: a column's name
    /// or number, then [,OPTS] or [=GUEST[#EXPORT]]
    #[arg(short, long, value_name = "KEY", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub key: Vec<OsString>,

    /// The byte between fields; else fields begin with blanks
    #[arg(short = 't', long, value_name = "SEP", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub field_separator: Vec<OsString>,

    /// Records of CSV with a header; the columns are separated by DELIM, or else by a comma
    #[arg(long, value_name = "DELIM", num_args = 0..=1, require_equals = true, default_missing_value = ",")]
    pub csv: Option<String>,
}

/// Memory, files and threads.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Memory and speed")]
pub(in crate::cli) struct MemoryArgs {
    /// Take up to SIZE of memory in all, then use temporary files: 64M, 1G, 20%; a number alone is in KiB
    /// [default: half of what is free]
    #[arg(short = 'S', long, value_name = "SIZE", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub buffer_size: Vec<OsString>,

    /// Folder for temporary files, not $TMPDIR or /tmp; several take turns
    #[arg(short = 'T', long, value_name = "DIR", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub temporary_directory: Vec<OsString>,

    /// Merge at most N files at once
    #[arg(long, value_name = "N")]
    pub batch_size: Option<String>,

    /// Compress temporary files with PROG, decompress them with PROG -d
    #[arg(long, value_name = "PROG", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub compress_program: Vec<OsString>,

    /// Sort with N threads, each with guests of its own
    #[arg(long, value_name = "N", default_value = "1", value_parser = number::positive)]
    pub parallel: NonZeroUsize,
}

impl Sort {
    /// Returns whether the command has no result but its exit status.
    pub(in crate::cli) fn only_checks(&self) -> bool {
        self.check || self.check_how.is_some() || self.silent
    }

    /// Returns whether disorder is reported by the exit status only.
    pub(in crate::cli) fn is_silent(&self) -> bool {
        self.silent || self.check_how == Some(CheckHow::Quiet)
    }

    /// Returns the file of `-o`.
    pub(in crate::cli) fn output(&self) -> Option<PathBuf> {
        self.output.last().map(PathBuf::from)
    }
}
