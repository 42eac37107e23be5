//! Reading the files of a command.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use callbox::bundled::Bundled;
use callbox::sort::Items;

use super::args;
use super::fault::{Fault, Result};

/// The file name that stands for standard input, as in sort(1).
pub(super) const STDIN: &str = "-";

/// Reads all files, or standard input if there are none, into one list of items.
pub(super) fn read(files: &[PathBuf], args: &args::ItemArgs) -> Result<Items<'static>> {
    let separator = separator(args);
    let mut bytes = Vec::new();
    let stdin = [PathBuf::from(STDIN)];
    for file in if files.is_empty() { &stdin } else { files } {
        let before = bytes.len();
        read_one(file, &mut bytes)?;
        match args.kind.width() {
            // A last line without its separator must not be joined with the next file's first line.
            None if bytes.len() > before && bytes.last() != Some(&separator) => {
                bytes.push(separator);
            }
            Some(width) if !(bytes.len() - before).is_multiple_of(width) => {
                let (file, len) = (name(file), bytes.len() - before);
                return Err(Fault::trouble(format!(
                    "{file}: {len} bytes are no whole number of records of {width}; \
                     is --records {} right?",
                    args.kind,
                )));
            }
            _ => {}
        }
    }
    items(bytes, args)
}

/// Returns no items, of the type that the arguments say.
pub(super) fn none(args: &args::ItemArgs) -> Result<Items<'static>> {
    items(Vec::new(), args)
}

fn items(bytes: Vec<u8>, args: &args::ItemArgs) -> Result<Items<'static>> {
    let items = match args.kind.width() {
        None => Items::lines(bytes, separator(args)),
        Some(width) => Items::records(bytes, width),
    };
    items.map_err(|error| Fault::trouble(error.to_string()))
}

/// Returns the separator of lines.
pub(super) fn separator(args: &args::ItemArgs) -> u8 {
    if args.zero_terminated { 0 } else { b'\n' }
}

/// Returns a file's name for messages.
pub(super) fn name(file: &Path) -> String {
    callbox::escape(file.as_os_str().as_encoded_bytes())
}

fn read_one(file: &Path, bytes: &mut Vec<u8>) -> Result<()> {
    let read = if file.as_os_str() == STDIN {
        io::stdin().lock().read_to_end(bytes)
    } else {
        File::open(file).and_then(|mut open| {
            // A hint only: the file may shrink or grow while it is read.
            bytes.try_reserve(open.metadata()?.len() as usize).map_err(io::Error::other)?;
            open.read_to_end(bytes)
        })
    };
    match read {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault::file(&name(file), "read", &error, advice(&error, file))),
    }
}

/// Returns what helps against an error of a file.
pub(super) fn advice(error: &io::Error, file: &Path) -> &'static str {
    let names_guest = || file.to_str().is_some_and(|name| Bundled::find(name).is_some());
    match error.kind() {
        io::ErrorKind::NotFound if names_guest() => {
            "the order is named already, by an option or by the first operand; leave one of them out"
        }
        io::ErrorKind::NotFound => "check the name",
        io::ErrorKind::IsADirectory => "name the files in it",
        io::ErrorKind::PermissionDenied => "check its permissions",
        _ => "nothing was written",
    }
}
