//! The arguments of `callbox sort`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::OsStringValueParser;
use clap::{ArgAction, Args as ClapArgs, ValueHint};

use super::memory::MemoryArgs;
use super::values::{CheckHow, SorterArg, Stats, VerifyArg, When};
use super::{AFTER, GuestArgs, ItemArgs};

const ABOUT: &str = "Sort lines, keys or records by an order that runs in a sandbox";

const LONG_ABOUT: &str = "\
Sort lines, keys or records by an order that runs in a sandbox.

The order is GUEST: the path of a .wasm or .wat file, or the name of a bundled
guest, which `callbox guests` lists. Where options name an order, in the letters
of sort(1) or after the = of a key, there is no GUEST. Files are sorted as one.
Without FILE, or where FILE is -, standard input is read.

  callbox sort ORDER.wasm FILE           an order of your own
  callbox sort -V FILE                   by version numbers
  callbox sort semver -t, -k2,2 FILE     by the version in field 2
  callbox sort -t: -k3,3n -k1,1 FILE     by number 3, then field 1
  callbox sort --csv -k host=ipv4 FILE   by the column \"host\"";

const USAGE: &str = "\
callbox sort [OPTIONS] GUEST [FILE]...
       callbox sort [OPTIONS] -b|-d|-f|-g|-h|-i|-M|-n|-V [FILE]...
       callbox sort [OPTIONS] -k KEY... [FILE]...";

/// The arguments of `callbox sort`.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, about = ABOUT, long_about = LONG_ABOUT, override_usage = USAGE,
          after_help = AFTER, version, disable_version_flag = true, disable_help_flag = true,
          args_override_self = true)]
pub(in crate::cli) struct Sort {
    /// The guest, unless options name the order; then the files to sort together
    #[arg(value_name = "GUEST, FILE", value_parser = OsStringValueParser::new(), hide = true,
          value_hint = ValueHint::FilePath)]
    pub operands: Vec<OsString>,

    #[command(flatten)]
    pub order: OrderArgs,

    #[command(flatten)]
    pub keys: KeyArgs,

    /// Reverse the order; a key with letters or a guest of its own takes an r instead
    #[arg(short, long, help_heading = "Mode")]
    pub reverse: bool,

    /// Sort nothing, but check the order of one file; report the first item that is not in order
    #[arg(short = 'c', help_heading = "Mode")]
    pub check: bool,

    /// As -c (diagnose-first, the default), or as -C (quiet or silent)
    #[arg(long = "check", value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "diagnose-first", value_parser = CheckHow::parse, help_heading = "Mode",
          hide_short_help = true)]
    pub check_how: Option<CheckHow>,

    /// As -c, but tell by the exit status only
    #[arg(short = 'C', help_heading = "Mode")]
    pub silent: bool,

    /// Merge files that are sorted already
    #[arg(short, long, help_heading = "Mode")]
    pub merge: bool,

    /// Keep only the first of items that compare equal; with -c, these are not in order
    #[arg(short, long, help_heading = "Mode")]
    pub unique: bool,

    /// Leave items that compare equal in the input's order, rather than have their bytes decide
    #[arg(short, long, help_heading = "Mode")]
    pub stable: bool,

    /// Underline what each key compares, below each line
    #[arg(long, help_heading = "Mode")]
    pub debug: bool,

    #[command(flatten)]
    pub items: ItemArgs,

    /// Leave the first line where it is, whatever is sorted below
    #[arg(long, help_heading = "Input")]
    pub header: bool,

    /// Sort the files that F names, each name ended by a NUL; - is standard input
    #[arg(long, value_name = "F", value_parser = OsStringValueParser::new(), help_heading = "Input",
          hide_short_help = true)]
    pub files0_from: Option<OsString>,

    /// Write to FILE, which may be an input, and is replaced as a whole or not at all
    #[arg(short, long, value_name = "FILE", action = ArgAction::Append,
          value_parser = OsStringValueParser::new(), help_heading = "Output")]
    pub output: Vec<OsString>,

    /// Show progress on standard error: auto, always or never; auto means on a terminal, after a second
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        help_heading = "Output",
        hide_short_help = true
    )]
    pub progress: When,

    /// Show statistics on standard error, as text or as json
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true,
          hide_possible_values = true, default_missing_value = "text", help_heading = "Output",
          hide_short_help = true)]
    pub stats: Option<Stats>,

    /// Show each comparison on standard error, or write it to FILE: as text, or where its name ends in .json
    /// as events for Perfetto or speedscope
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-",
          value_parser = OsStringValueParser::new(), help_heading = "Output", hide_short_help = true)]
    pub trace: Option<OsString>,

    /// Record each comparison in FILE, for `callbox replay`
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new(), help_heading = "Output",
          hide_short_help = true)]
    pub record: Option<OsString>,

    /// Write to FILE where the guests' time goes, also where a guest fails: each line is a stack of functions
    /// that were running, outermost first, and about how many milliseconds, as flamegraph.pl, inferno and
    /// speedscope read it
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new(),
          value_hint = ValueHint::FilePath, help_heading = "Output", hide_short_help = true)]
    pub profile: Option<OsString>,

    #[command(flatten)]
    pub memory: MemoryArgs,

    #[command(flatten)]
    pub guest: GuestArgs,

    /// Code that sorts: qsort, the C library's function; sandboxed, a merge sort inside the sandbox; auto,
    /// sandboxed for keys that fit in the guest's memory, and else qsort; msvcrt, the Microsoft C runtime's
    /// algorithm; or LIB:SYMBOL, a function of a shared library, which has to bear any answers of the guest
    #[arg(
        long,
        value_name = "SORTER",
        default_value = "auto",
        help_heading = "Guest",
        hide_short_help = true
    )]
    pub sorter: SorterArg,

    /// Which pairs of the result a fresh guest is asked about, before anything is written
    #[arg(
        long,
        value_enum,
        value_name = "PAIRS",
        default_value = "sample",
        help_heading = "Guest",
        hide_short_help = true
    )]
    pub verify: VerifyArg,

    /// Sort in a process that can access only its input and its output (Linux)
    #[arg(long, help_heading = "Limits", hide_short_help = true)]
    pub isolate: bool,

    /// Print help; --help has every option, -? the usual ones
    #[arg(short = '?', long, action = ArgAction::Help, help_heading = "Help")]
    help: Option<bool>,

    /// Print version
    #[arg(long, action = ArgAction::Version, help_heading = "Help", hide_short_help = true)]
    version: Option<bool>,
}

/// The order, in the letters of sort(1).
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Order, instead of GUEST")]
pub(in crate::cli) struct OrderArgs {
    /// Skip blanks at the beginning of lines, or of keys
    #[arg(short = 'b', long)]
    pub ignore_leading_blanks: bool,

    /// Compare only letters, digits and blanks
    #[arg(short, long)]
    pub dictionary_order: bool,

    /// Compare lower-case letters as upper-case ones
    #[arg(short = 'f', long)]
    pub ignore_case: bool,

    /// By number, also 1e5, 0x1p4 or inf (guest general)
    #[arg(short, long)]
    pub general_numeric_sort: bool,

    /// By number with unit, like 2K or 1G (guest human)
    #[arg(short, long)]
    pub human_numeric_sort: bool,

    /// Compare only printing characters
    #[arg(short, long)]
    pub ignore_nonprinting: bool,

    /// By the English name of a month (guest month)
    #[arg(short = 'M', long)]
    pub month_sort: bool,

    /// By decimal number (guest numeric)
    #[arg(short, long)]
    pub numeric_sort: bool,

    /// Not supported: an order at random
    #[arg(short = 'R', long, hide = true)]
    pub random_sort: bool,

    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new(), hide = true)]
    pub random_source: Option<OsString>,

    /// By version numbers (guest version)
    #[arg(short = 'V', long)]
    pub version_sort: bool,

    /// One of these by its name: general-numeric, human-numeric, month, numeric, version
    #[arg(long, value_name = "WORD", action = ArgAction::Append, hide_short_help = true)]
    pub sort: Vec<String>,
}

/// The keys.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Keys")]
pub(in crate::cli) struct KeyArgs {
    /// Compare a part of each line: POS1[OPTS][,POS2[OPTS]][=GUEST[#EXPORT]]
    ///
    /// Where it is equal, the next key decides. POS is FIELD[.BYTE], counted from 1; OPTS are letters of
    /// sort(1), for this key instead of all. With --csv, KEY is a column's name or number, then
    /// [,OPTS][=GUEST[#EXPORT]]
    #[arg(short, long, value_name = "KEY", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub key: Vec<OsString>,

    /// The byte between fields; without it, each begins with the blanks before it
    #[arg(short = 't', long, value_name = "SEP", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub field_separator: Vec<OsString>,

    /// Input is CSV with a header, which stays first; columns are separated by DELIM, or else by commas
    #[arg(long, value_name = "DELIM", num_args = 0..=1, require_equals = true, default_missing_value = ",")]
    pub csv: Option<String>,
}

impl Sort {
    /// Returns whether each comparison is told.
    pub(in crate::cli) fn is_watched(&self) -> bool {
        self.trace.is_some() || self.record.is_some()
    }

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
