//! Words that are values of options.

use std::fmt;
use std::str::FromStr;

use callbox::native::SortFunction;
use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum VerifyArg {
    /// Ask about none: a comparator that contradicts itself may leave any order
    Off,
    /// Ask about 1,000 at all distances, more for many items; about all of up to 45 items
    Sample,
    /// Ask about all, which takes time as the square of the number of items
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
pub(in crate::cli) enum SorterArg {
    Auto,
    Qsort,
    Msvcrt,
    Sandboxed,
    Library(LibraryArg),
}

/// A function of a shared library.
#[derive(Clone, Debug)]
pub(in crate::cli) struct LibraryArg {
    library: String,
    symbol: String,
}

impl LibraryArg {
    /// Parses LIB:SYMBOL.
    pub(super) fn parse(text: &str) -> Result<LibraryArg, String> {
        match text.rsplit_once(':') {
            Some((library, symbol)) if !library.is_empty() && !symbol.is_empty() => {
                Ok(LibraryArg { library: library.to_owned(), symbol: symbol.to_owned() })
            }
            _ => Err("expected LIB:SYMBOL such as libbsd.so.0:mergesort".to_owned()),
        }
    }

    /// Loads the library and finds the function.
    #[allow(unsafe_code, reason = "loads a library that the user has named")]
    pub(in crate::cli) fn load(&self) -> callbox::Result<SortFunction> {
        // SAFETY: the user vouches for the function; the help of `--sorter` says for what.
        unsafe { SortFunction::load(&self.library, &self.symbol) }
    }
}

impl fmt::Display for LibraryArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.library, self.symbol)
    }
}

impl FromStr for SorterArg {
    type Err = String;

    fn from_str(text: &str) -> Result<SorterArg, String> {
        match text {
            "auto" => Ok(SorterArg::Auto),
            "qsort" => Ok(SorterArg::Qsort),
            "msvcrt" => Ok(SorterArg::Msvcrt),
            "sandboxed" => Ok(SorterArg::Sandboxed),
            _ => LibraryArg::parse(text).map(SorterArg::Library).map_err(|expected| {
                expected.replace("LIB:SYMBOL", "auto, qsort, sandboxed, msvcrt, or LIB:SYMBOL")
            }),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum CheckHow {
    DiagnoseFirst,
    Quiet,
}

impl CheckHow {
    /// Parses a word or its beginning.
    pub(super) fn parse(text: &str) -> Result<CheckHow, String> {
        let words = [("diagnose-first", CheckHow::DiagnoseFirst), ("quiet", CheckHow::Quiet)];
        let found =
            words.iter().chain(&[("silent", CheckHow::Quiet)]).find(|(word, _)| word.starts_with(text));
        let found = found.filter(|_| !text.is_empty()).map(|(_, how)| *how);
        found.ok_or_else(|| "expected diagnose-first, quiet or silent".to_owned())
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum Stats {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum ShapeArg {
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
pub(in crate::cli) enum Grant {
    /// callbox.print
    Print,
}
