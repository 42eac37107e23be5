//! The arguments of `callbox sorters`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum, ValueHint};

use super::values::LibraryArg;
use super::{AFTER, GuestArgs, ItemArgs};
use crate::cli::number;

/// Maximum number of items.
const MAX_SIZE: usize = 100_000_000;

/// Sort the same input by every sorter, and count the comparisons.
///
/// The sorters are the C library's qsort, the Microsoft C runtime's, the one inside the sandbox, Rust's
/// sort_by and sort_unstable_by, and those of --sorter. Each gets the guest's answers as they are; its result
/// is checked to be in order, and the same as the others'. Comparisons are calls of the guest; times are the
/// fastest of several sorts of a small input. After a failure, a sorter gets no larger input of this kind.
#[derive(ClapArgs, Debug)]
#[command(max_term_width = 80, after_help = AFTER)]
pub(in crate::cli) struct Sorters {
    /// Path of a .wasm or .wat file, or the name of a bundled guest; without it, the comparator of the ctypes
    /// tutorial, a[0] - b[0], orders ints
    #[arg(value_name = "GUEST", value_hint = ValueHint::FilePath)]
    pub name: Option<String>,

    /// Files whose items are sorted as one input, in the order in which they stand there; - is standard
    /// input. Without FILE, items are drawn
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// Numbers of items to sort, from 2 to 10^8; of FILE, its first ones [default: 5,100,1e4,1e6, of FILE all
    /// items too]
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = size, help_heading = "Input")]
    pub sizes: Vec<usize>,

    /// Inputs to draw [default: all]
    #[arg(long, value_name = "KIND,...", value_enum, value_delimiter = ',', help_heading = "Input")]
    pub inputs: Vec<InputKind>,

    /// Seed of what is drawn [default: 1]
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true,
          value_parser = number::count, help_heading = "Input")]
    pub seed: u64,

    #[command(flatten)]
    pub items: ItemArgs,

    /// Another sorter: LIB:SYMBOL, a function of a shared library with the signature of qsort, which has to
    /// bear any answers of the guest
    #[arg(long, value_name = "LIB:SYMBOL", value_parser = LibraryArg::parse, help_heading = "Guest")]
    pub sorter: Vec<LibraryArg>,

    #[command(flatten)]
    pub guest: GuestArgs,

    /// Write one JSON object in place of the table
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// Draw comparisons and times to FILE, which is replaced as a whole or not at all
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub svg: Option<PathBuf>,
}

/// A kind of input to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum InputKind {
    /// The five numbers of the ctypes tutorial, whatever --sizes says
    Tutorial,
    /// At random
    Random,
    /// In order already
    Sorted,
    /// In the opposite order
    Reversed,
    /// At random, of four different ones
    Few,
}

/// Parses a number of items: one item is in order without a comparison, and all are in memory several times.
fn size(text: &str) -> Result<usize, String> {
    let number = number::count(text)?;
    let number = usize::try_from(number).ok().filter(|number| (2..=MAX_SIZE).contains(number));
    number.ok_or_else(|| "expected a number from 2 to 10^8".to_owned())
}
