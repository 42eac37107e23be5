//! Runs: sorted items in files without names.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Spill;
use crate::error::{FileError, Result};

/// Sorted items in a file that has no name, or none that anything else can use: it is gone with the process,
/// however that ends.
pub(super) struct Run {
    file: File,
    folder: PathBuf,
    /// Number of bytes before any compression.
    pub(super) bytes: u64,
    pub(super) items: u64,
    /// Number of bytes of its longest item.
    pub(super) longest: usize,
}

impl Run {
    fn error(&self, source: io::Error) -> FileError {
        FileError::Spill { folder: self.folder.clone(), source }
    }

    /// Returns the bytes from the begin on. There must be one reader at a time.
    pub(super) fn read(&self, spill: &Spill) -> Result<Box<dyn Read + Send>> {
        let open = || {
            let mut file = self.file.try_clone()?;
            file.rewind()?;
            Ok(file)
        };
        let file = open().map_err(|source| self.error(source))?;
        Ok(match &spill.program {
            None => Box::new(file),
            Some(program) => Box::new(Decompressed::new(program, file)?),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A run that is being written.
pub(super) struct RunWriter<'a> {
    run: Run,
    to: To,
    spill: &'a Spill,
}

enum To {
    File(BufWriter<File>),
    Program(Child, BufWriter<ChildStdin>),
}

impl<'a> RunWriter<'a> {
    /// Creates a file in the folder whose turn it is, of those of `spill`.
    pub(super) fn create(spill: &'a Spill, number: usize) -> Result<RunWriter<'a>> {
        let folder = spill.folders[number % spill.folders.len()].clone();
        let create = || {
            let file = tempfile::tempfile_in(&folder)?;
            Ok((file.try_clone()?, file))
        };
        let created: io::Result<_> = create();
        let (file, copy) = created.map_err(|source| FileError::Spill { folder: folder.clone(), source })?;
        let to = match &spill.program {
            None => To::File(BufWriter::with_capacity(spill.buffer(1), copy)),
            Some(program) => {
                let mut child = start(program, &[], Stdio::piped(), copy.into())?;
                match child.stdin.take() {
                    Some(stdin) => To::Program(child, BufWriter::with_capacity(spill.buffer(1), stdin)),
                    None => return Err(failed(program, "it has no standard input").into()),
                }
            }
        };
        Ok(RunWriter { run: Run { file, folder, bytes: 0, items: 0, longest: 0 }, to, spill })
    }

    /// Writes an item and what follows it.
    pub(super) fn write(&mut self, item: &[u8], separator: Option<u8>) -> Result<()> {
        let (to, program): (&mut dyn Write, _) = match &mut self.to {
            To::File(to) => (to, None),
            To::Program(_, to) => (to, self.spill.program.as_ref()),
        };
        let written = to.write_all(item).and_then(|()| to.write_all(separator.as_slice()));
        self.run.items += 1;
        self.run.longest = self.run.longest.max(item.len());
        self.run.bytes += (item.len() + separator.as_slice().len()) as u64;
        written.map_err(|error| match program {
            Some(program) => failed(program, error).into(),
            None => self.run.error(error).into(),
        })
    }

    /// Ends the run.
    pub(super) fn finish(self) -> Result<Run> {
        match self.to {
            To::File(mut to) => to.flush().map_err(|source| self.run.error(source))?,
            To::Program(mut child, to) => {
                let program = self.spill.program.as_deref().unwrap_or_default();
                to.into_inner().map(drop).map_err(|error| failed(program, error.into_error()))?;
                wait(program, &mut child)?;
            }
        }
        Ok(self.run)
    }
}

/// Output of the program, called with `-d`, for a run's file.
struct Decompressed {
    program: std::ffi::OsString,
    child: Child,
    stdout: ChildStdout,
}

impl Decompressed {
    fn new(program: &std::ffi::OsStr, file: File) -> Result<Decompressed> {
        let mut child = start(program, &["-d"], file.into(), Stdio::piped())?;
        match child.stdout.take() {
            Some(stdout) => Ok(Decompressed { program: program.to_owned(), child, stdout }),
            None => Err(failed(program, "it has no standard output").into()),
        }
    }
}

impl Read for Decompressed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stdout.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            wait(&self.program, &mut self.child).map_err(io::Error::other)?;
        }
        Ok(read)
    }
}

impl Drop for Decompressed {
    fn drop(&mut self) {
        // It may still have to write what nobody reads.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(program: &std::ffi::OsStr, args: &[&str], stdin: Stdio, stdout: Stdio) -> Result<Child, FileError> {
    let child = Command::new(program).args(args).stdin(stdin).stdout(stdout).spawn();
    child.map_err(|error| failed(program, error))
}

fn wait(program: &std::ffi::OsStr, child: &mut Child) -> Result<(), FileError> {
    let status = child.wait().map_err(|error| failed(program, error))?;
    if status.success() { Ok(()) } else { Err(failed(program, format!("it ended with {status}"))) }
}

fn failed(program: &std::ffi::OsStr, reason: impl ToString) -> FileError {
    FileError::Program { program: program.to_string_lossy().into_owned(), reason: reason.to_string() }
}
