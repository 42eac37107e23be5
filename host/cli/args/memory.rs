//! Options of the memory, the temporary files and the threads of a sort.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::builder::OsStringValueParser;
use clap::{ArgAction, Args as ClapArgs};

use crate::cli::number;

/// Memory, files and threads.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Memory and speed")]
pub(in crate::cli) struct MemoryArgs {
    /// Take up to SIZE of memory in all, then use temporary files: 64M, 1G, 20%; a number alone is in KiB
    /// [default: half of what is free]
    #[arg(short = 'S', long, value_name = "SIZE", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub buffer_size: Vec<OsString>,

    /// Folder for temporary files [default: $TMPDIR, or /tmp]; several take turns
    #[arg(short = 'T', long, value_name = "DIR", action = ArgAction::Append,
          value_parser = OsStringValueParser::new())]
    pub temporary_directory: Vec<OsString>,

    /// Merge at most N files at once
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub batch_size: Option<String>,

    /// Compress temporary files with PROG, and decompress them with PROG -d
    #[arg(long, value_name = "PROG", action = ArgAction::Append,
          value_parser = OsStringValueParser::new(), hide_short_help = true)]
    pub compress_program: Vec<OsString>,

    /// Sort with N threads, each with guests of its own [default: as many as processors, up to 8; 1 for
    /// --trace, --record and functions of libraries]
    #[arg(long, value_name = "N", value_parser = number::positive)]
    pub parallel: Option<NonZeroUsize>,
}
