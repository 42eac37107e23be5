//! Writing the result to standard output, or atomically to a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf, is_separator};

use super::fault::{Fault, Result};
use super::input::name;
use super::stdout;
use super::temporary::Temporary;

const BUFFER_BYTES: usize = 128 << 10;

/// The destination of the result. It is checked early, and no file is changed before the result is complete.
pub(super) enum Output {
    Stdout,
    /// The pipe to the process that started this one, which is standard output whatever that was before.
    Parent,
    /// A device, pipe or socket, which cannot be replaced.
    Special(PathBuf),
    /// An existing or future file at this path, after resolution of links.
    File {
        path: PathBuf,
    },
}

impl Output {
    /// Returns the output for `path`, the value of `option`; `Err` where it cannot be written.
    pub(super) fn open(path: Option<&Path>, option: &str) -> Result<Output> {
        let Some(path) = path else { return Ok(Output::Stdout) };
        let another = &format!("choose another {option}");
        let fault = |error: io::Error| Fault::file(&name(path), "write", &error, another);
        let beside = |error: io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                let text = "make the file that replaces it in its folder";
                Fault::file(&name(path), text, &error, another)
            }
            _ => fault(error),
        };
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(fault(io::ErrorKind::IsADirectory.into())),
            Ok(found) if found.is_file() => {
                // A file that cannot be written must not be replaced either.
                OpenOptions::new().write(true).open(path).map_err(fault)?;
                let path = fs::canonicalize(path).map_err(fault)?;
                Temporary::check(&path).map_err(beside)?;
                Ok(Output::File { path })
            }
            Ok(_) => Ok(Output::Special(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.as_os_str().as_encoded_bytes().last().is_some_and(|&last| is_separator(last.into())) {
                    return Err(fault(io::ErrorKind::IsADirectory.into()));
                }
                let path = through_links(path).map_err(fault)?;
                Temporary::check(&path).map_err(beside)?;
                Ok(Output::File { path })
            }
            Err(error) => Err(fault(error)),
        }
    }

    /// Returns whether the result goes to a file, which nothing reads before it is complete.
    pub(super) fn is_file(&self) -> bool {
        match self {
            Output::File { .. } => true,
            #[cfg(unix)]
            Output::Stdout => rustix::fs::fstat(rustix::stdio::stdout())
                .is_ok_and(|found| rustix::fs::FileType::from_raw_mode(found.st_mode).is_file()),
            _ => false,
        }
    }

    /// `Err` where the output is standard output and the process was started without one.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Output::Stdout if stdout::was_closed() => {
                Err(Fault::write("standard output", io::Error::from_raw_os_error(libc::EBADF)))
            }
            _ => Ok(()),
        }
    }

    /// Writes everything that `content` writes; a file is left unchanged on a failure.
    pub(super) fn write(&self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        self.check()?;
        match self {
            Output::Stdout | Output::Parent => fill(io::stdout().lock(), content)
                .and_then(|mut stdout| stdout.flush())
                .map_err(|error| Fault::write("standard output", error)),
            Output::Special(path) => (OpenOptions::new().write(true).open(path))
                .and_then(|file| fill(file, content))
                .map(drop)
                .map_err(|error| Fault::write(&name(path), error)),
            Output::File { path } => replace(path, content)
                .map_err(|error| Fault::file(&name(path), "write", &error, "the file is as it was")),
        }
    }
}

/// An output that is written little by little.
pub(super) struct Writing {
    path: PathBuf,
    to: BufWriter<Target>,
}

enum Target {
    Special(File),
    File(Temporary),
}

impl Output {
    /// Begins to write. A file is left as it is until [`Writing::finish`].
    pub(super) fn begin(self) -> Result<Writing> {
        let (path, target) = match self {
            Output::Stdout | Output::Parent => (PathBuf::from("/dev/stdout"), None),
            Output::Special(path) => (path, None),
            Output::File { path } => {
                let file = Temporary::create(&path);
                (path, Some(file.map(Target::File)))
            }
        };
        let special = || OpenOptions::new().write(true).open(&path).map(Target::Special);
        match target.unwrap_or_else(special) {
            Ok(target) => Ok(Writing { path, to: BufWriter::with_capacity(BUFFER_BYTES, target) }),
            Err(error) => Err(Fault::file(&name(&path), "write", &error, "the file is as it was")),
        }
    }
}

impl Writing {
    /// Completes the output: a file is replaced.
    pub(super) fn finish(self) -> Result<()> {
        let Writing { path, to } = self;
        let finished = match to.into_inner().map_err(io::IntoInnerError::into_error) {
            Ok(Target::File(file)) => file.replace(&path),
            Ok(Target::Special(_)) => Ok(()),
            Err(error) => Err(error),
        };
        finished.map_err(|error| Writing::fault(&path, &error))
    }

    /// Returns the fault of an output that could not be written.
    pub(super) fn fault(path: &Path, error: &io::Error) -> anyhow::Error {
        Fault::file(&name(path), "write", error, "the file is as it was")
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Special(file) => file.write(bytes),
            Target::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // neither has a buffer of its own
    }
}

fn fill<W: Write>(to: W, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<W> {
    let mut buffer = BufWriter::with_capacity(BUFFER_BYTES, to);
    content(&mut buffer)?;
    buffer.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Writes a new file and puts it in the place of `path`.
fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    fill(Temporary::create(path)?, content)?.replace(path)
}

/// Returns whether two paths lead to the same file, which need not be there yet.
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| {
        fs::canonicalize(path).or_else(|_| {
            let path = through_links(path)?;
            Ok::<_, io::Error>(fs::canonicalize(folder(&path))?.join(path.file_name().unwrap_or_default()))
        })
    };
    a == b || place(a).is_ok_and(|a| place(b).is_ok_and(|b| a == b))
}

/// `Err` where an output would take the place of a file that the command reads.
pub(super) fn check_reads(option: &str, path: &Path, read: &[&Path]) -> Result<()> {
    let same = |other: &&Path| match other.to_str() {
        Some("-") => is_same(Path::new("/dev/stdin"), path),
        _ => is_same(other, path),
    };
    if read.iter().any(same) {
        let path = name(path);
        return Err(Fault::trouble(format!("{option} {path}: the command reads this file; choose another")));
    }
    Ok(())
}

/// Returns the folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Resolves dangling links to the path at which the file would be created.
fn through_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // Maximum number of links that Linux follows.
    for _ in 0..40 {
        let Ok(target) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("too many symbolic links"))
}
