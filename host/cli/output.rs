//! Writing the result: to standard output, or all at once to a file.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::fault::{Fault, Result};
use super::input::name;
use super::stdout;

const BUFFER: usize = 128 << 10;

/// Where the result goes. It is found out early whether that can work, and nothing is changed
/// before the result is complete.
pub(super) enum Output {
    Stdout,
    /// A device, pipe or socket, which cannot be replaced.
    Special(PathBuf),
    /// A file that is, or will be, at this path; links have been followed.
    File {
        path: PathBuf,
    },
}

impl Output {
    /// Finds out whether `path` can be written.
    pub(super) fn open(path: Option<&Path>) -> Result<Output> {
        let Some(path) = path else { return Ok(Output::Stdout) };
        let fault = |error: io::Error| Fault::file(&name(path), "write", &error, "choose another -o");
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(fault(io::ErrorKind::IsADirectory.into())),
            Ok(found) if found.is_file() => {
                // A file that cannot be written is not to be replaced either.
                OpenOptions::new().write(true).open(path).map_err(fault)?;
                let path = fs::canonicalize(path).map_err(fault)?;
                beside(&path).map_err(fault)?;
                Ok(Output::File { path })
            }
            Ok(_) => Ok(Output::Special(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = through_links(path).map_err(fault)?;
                beside(&path).map_err(fault)?;
                Ok(Output::File { path })
            }
            Err(error) => Err(fault(error)),
        }
    }

    /// Finds out whether there is a standard output, if that is where it goes.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Output::Stdout if stdout::was_closed() => {
                Err(Fault::write("standard output", &io::Error::from_raw_os_error(libc::EBADF)))
            }
            _ => Ok(()),
        }
    }

    /// Writes all that `content` writes, or, to a file, nothing.
    pub(super) fn write(self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        self.check()?;
        match self {
            Output::Stdout => fill(io::stdout().lock(), content)
                .and_then(|mut stdout| stdout.flush())
                .map_err(|error| Fault::write("standard output", &error)),
            Output::Special(path) => (OpenOptions::new().write(true).open(&path))
                .and_then(|file| fill(file, content))
                .map(drop)
                .map_err(|error| Fault::write(&name(&path), &error)),
            Output::File { path } => replace(&path, content)
                .map_err(|error| Fault::file(&name(&path), "write", &error, "the file is as it was")),
        }
    }
}

fn fill<W: Write>(to: W, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<W> {
    let mut buffer = BufWriter::with_capacity(BUFFER, to);
    content(&mut buffer)?;
    buffer.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Writes a new file beside `path` and puts it in its place, with the old one's permissions and owner.
fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let new = fill(beside(path)?, content)?;
    if let Ok(old) = fs::metadata(path) {
        // Who may not give files away keeps the new one. The owner goes first: changing it takes
        // some permissions away.
        let _ = fchown(new.as_file(), Some(old.uid()), Some(old.gid()));
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // As any new file: what the umask leaves of read and write for all.
    let permissions = fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".callbox-").permissions(permissions).tempfile_in(folder)
}

/// Where a link that leads nowhere yet would have its file.
fn through_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // As many links as the kernel follows.
    for _ in 0..40 {
        let Ok(target) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("too many symbolic links"))
}
