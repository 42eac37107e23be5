//! The inputs of a sort: all are opened before the first is read.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use callbox::escape;
use callbox::sort::{Format, Input};

use crate::cli::args;
use crate::cli::fault::{Fault, Result};
use crate::cli::input::{self, STDIN};

/// Maximum size in bytes of a sort whose guests are not optimized: it takes no longer than the optimizer
/// would.
const MAX_SMALL_BYTES: u64 = 64 << 10;

/// Amount that has been read of all inputs, and the time it took.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Reading {
    /// Returns the number of bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Relaxed)
    }

    /// Returns the time that it took.
    pub(super) fn time(&self) -> Duration {
        Duration::from_nanos(self.0.nanoseconds.load(Relaxed))
    }
}

/// A reader that counts.
struct Counted<R> {
    from: R,
    reading: Reading,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let started = Instant::now();
        let read = self.from.read(buffer)?;
        let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.reading.0.nanoseconds.fetch_add(nanoseconds, Relaxed);
        self.reading.0.bytes.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}

/// Inputs that are open.
pub(super) struct Opened {
    pub(super) inputs: Vec<Input>,
    /// The header, without its separator.
    pub(super) header: Option<Vec<u8>>,
    pub(super) reading: Reading,
    /// Number of bytes of all files, where it is known.
    pub(super) size: Option<u64>,
}

/// Returns the names of the files to sort.
pub(super) fn names(args: &args::Sort, operands: &[OsString]) -> Result<Vec<PathBuf>> {
    let files = match &args.files0_from {
        None if operands.is_empty() => vec![PathBuf::from(STDIN)],
        None => operands.iter().map(PathBuf::from).collect(),
        Some(list) => {
            if let Some(operand) = operands.first() {
                let operand = escape(operand.as_encoded_bytes());
                let text = "--files0-from names the files; leave operands out";
                return Err(Fault::trouble(format!("{operand}: {text}")));
            }
            files0(list)?
        }
    };
    if args.only_checks() && files.len() > 1 {
        let extra = input::name(&files[1]);
        return Err(Fault::trouble(format!("{extra}: -c and -C look at one file only; name one")));
    }
    Ok(files)
}

/// Returns whether all files together are known to be so small that an optimized guest does not pay.
pub(super) fn are_small(files: &[PathBuf]) -> bool {
    let size = |file: &Path| {
        let file = if file.as_os_str() == STDIN { Path::new("/dev/stdin") } else { file };
        fs::metadata(file).ok().filter(fs::Metadata::is_file).map(|file| file.len())
    };
    let all = files.iter().try_fold(0_u64, |sum, file| sum.checked_add(size(file)?));
    all.is_some_and(|bytes| bytes <= MAX_SMALL_BYTES)
}

/// Returns whether one of the files is a terminal that someone types on.
pub(super) fn are_typed(files: &[PathBuf]) -> bool {
    files.iter().any(|file| file.as_os_str() == STDIN) && io::stdin().is_terminal()
}

/// Reads names that each end with a NUL.
fn files0(list: &OsString) -> Result<Vec<PathBuf>> {
    let shown = escape(list.as_encoded_bytes());
    let mut names = Vec::new();
    let read = if list == STDIN {
        io::stdin().read_to_end(&mut names)
    } else {
        File::open(list).and_then(|mut file| file.read_to_end(&mut names))
    };
    read.map_err(|error| Fault::file(&shown, "read", &error, "--files0-from names a file of names"))?;
    if names.last() == Some(&0) {
        names.pop();
    } else if names.is_empty() {
        return Err(Fault::trouble(format!("{shown}: it has no file names; each ends with a NUL")));
    }
    let name = |(at, name): (usize, &[u8])| match name {
        [] => Err(Fault::trouble(format!("{shown}:{}: a file name of no bytes", at + 1))),
        b"-" if list == STDIN => {
            Err(Fault::trouble("-: file names are read from standard input, which is no file then"))
        }
        name => Ok(PathBuf::from(os_string(name)?)),
    };
    names.split(|byte| *byte == 0).enumerate().map(name).collect()
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> Result<OsString> {
    Ok(std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> Result<OsString> {
    let text = std::str::from_utf8(bytes);
    text.map(OsString::from).map_err(|_| Fault::trouble(format!("{}: no file name", escape(bytes))))
}

/// A file that is opened when it is read.
struct Later {
    path: PathBuf,
    file: Option<File>,
}

impl Read for Later {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.read(buffer),
            none => none.insert(File::open(&self.path)?).read(buffer),
        }
    }
}

/// Opens all files, and reads their headers.
pub(super) fn open(args: &args::Sort, files: &[PathBuf], format: Format, most: usize) -> Result<Opened> {
    let reading = Reading::default();
    let (mut inputs, mut size, mut room) = (Vec::new(), Some(0), open_files());
    for file in files {
        let name = input::name(file);
        if file.as_os_str() == STDIN {
            size = None;
            inputs.push(Input::new(name, format, counted(io::stdin(), &reading)));
            continue;
        }
        let found = std::fs::metadata(file).map_err(|error| fault(file, &error))?;
        size = size.filter(|_| found.is_file()).map(|sum| sum + found.len());
        let mut opened = None;
        if found.is_file() || cfg!(not(unix)) {
            opened = Some(File::open(file).map_err(|error| fault(file, &error))?);
        } else {
            // Opening a pipe would wait for its writer.
            may_read(file).map_err(|error| fault(file, &error))?;
        }
        if room == 0 {
            opened = None; // it is opened again
        }
        room = room.saturating_sub(1);
        let later = Later { path: file.clone(), file: opened };
        inputs.push(Input::new(name, format, counted(later, &reading)));
    }
    inputs.iter_mut().for_each(|input: &mut Input| input.limit(most / 2));
    with_headers(args, inputs, reading, size).map(|(opened, _)| opened)
}

/// Returns how many files may stay open until they are read.
fn open_files() -> usize {
    callbox::sort::max_open_files() / 4
}

#[cfg(unix)]
fn may_read(file: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    if file.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    Ok(access(file, Access::READ_OK)?)
}

#[cfg(not(unix))]
fn may_read(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Reads all files into memory, up to `most` bytes.
pub(super) fn load(
    args: &args::Sort,
    files: &[PathBuf],
    format: Format,
    most: u64,
) -> Result<(Opened, usize)> {
    let reading = Reading::default();
    let (mut inputs, mut total) = (Vec::new(), 0);
    for file in files {
        let mut bytes = Vec::new();
        let read = if file.as_os_str() == STDIN {
            counted(io::stdin(), &reading).take(most + 1).read_to_end(&mut bytes)
        } else {
            File::open(file).and_then(|open| counted(open, &reading).take(most + 1).read_to_end(&mut bytes))
        };
        read.map_err(|error| fault(file, &error))?;
        if reading.bytes() > most {
            let text = "is more than -S lets an isolated process have in memory; allow more with -S, or \
                        leave --isolate out";
            return Err(Fault::trouble(format!("{}: {text}", input::name(file))));
        }
        let unended = bytes.last().is_some_and(|last| format.separator().is_some_and(|end| end != *last));
        total += bytes.len() + usize::from(unended);
        inputs.push(Input::new(input::name(file), format, Cursor::new(bytes)));
    }
    let (opened, dropped) = with_headers(args, inputs, reading, None)?;
    Ok((opened, total.saturating_sub(dropped)))
}

fn counted<R: Read>(from: R, reading: &Reading) -> Counted<R> {
    Counted { from, reading: reading.clone() }
}

/// Takes the headers from inputs: that of each file of CSV, which must be the same, or the first line.
/// Returns how many bytes of them are not written again.
fn with_headers(
    args: &args::Sort,
    mut inputs: Vec<Input>,
    reading: Reading,
    size: Option<u64>,
) -> Result<(Opened, usize)> {
    let mut header: Option<Vec<u8>> = None;
    let (csv, mut dropped) = (args.keys.csv.is_some(), 0);
    if csv || args.header {
        for input in &mut inputs {
            if header.is_some() && !csv {
                break;
            }
            if !input.advance()? {
                continue; // it has no line
            }
            match &header {
                None => header = Some(input.item().to_vec()),
                Some(first) if first == input.item() => dropped += first.len() + 1,
                Some(_) => {
                    let text = "its header is not that of the first file; sort files with the same columns";
                    return Err(Fault::trouble(format!("{}: {text}", input.name())));
                }
            }
        }
    }
    Ok((Opened { inputs, header, reading, size }, dropped))
}

fn fault(file: &Path, error: &io::Error) -> anyhow::Error {
    Fault::file(&input::name(file), "read", error, input::advice(error, file))
}
