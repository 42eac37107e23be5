//! The new file of `-o`, which has no name until it is complete.
//!
//! A process that ends before, however it ends, leaves nothing behind. To replace a file, the new one gets a
//! name for the moment before it is renamed; a signal that asks the process to end removes it. Where the file
//! system has no files without a name, the new one has a name from the start.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use super::output::folder;
use super::signals;

/// Permissions of any new file: reading and writing for all, as far as the umask leaves them.
const NEW_FILE: u32 = 0o666;

/// Reading and writing for the owner.
const OF_OWNER: u32 = 0o600;

/// All permissions of the group.
const OF_GROUP: u32 = 0o070;

/// A program in the file runs as the file's owner or group.
const SET_ID: u32 = 0o6000;

pub(super) enum Temporary {
    #[cfg(target_os = "linux")]
    Unnamed(File),
    Named(NamedTempFile),
}

impl Temporary {
    /// `Err` where no file can be created beside `path`. Creates none.
    pub(super) fn check(path: &Path) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if unnamed(folder(path)).is_ok() {
            return Ok(());
        }
        let create = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        Ok(rustix::fs::access(folder(path), create)?)
    }

    /// Creates a file that can take the place of `path`.
    pub(super) fn create(path: &Path) -> io::Result<Temporary> {
        #[cfg(target_os = "linux")]
        if let Ok(file) = unnamed(folder(path)) {
            return Ok(Temporary::Unnamed(file));
        }
        Ok(Temporary::Named(named(path)?))
    }

    /// Puts the file at `path`, with the permissions and the owner of the file that is there.
    pub(super) fn replace(self, path: &Path) -> io::Result<()> {
        let old = fs::metadata(path).ok();
        match self {
            #[cfg(target_os = "linux")]
            Temporary::Unnamed(mut file) => {
                resemble(&file, old.as_ref())?;
                if old.is_none() && link(&file, path).is_ok() {
                    return Ok(());
                }
                match beside(folder(path), |name| link(&file, name)) {
                    Ok(named) => named.persist(path).map(drop).map_err(|error| error.error),
                    // A file system that cannot name what it has created without.
                    Err(_) => {
                        let mut named = named(path)?;
                        io::Seek::rewind(&mut file)?;
                        io::copy(&mut file, named.as_file_mut())?;
                        Temporary::Named(named).replace(path)
                    }
                }
            }
            Temporary::Named(file) => {
                resemble(file.as_file(), old.as_ref())?;
                file.persist(path).map(drop).map_err(|error| error.error)
            }
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            #[cfg(target_os = "linux")]
            Temporary::Unnamed(file) => file.write(bytes),
            Temporary::Named(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // a file has no buffer of its own
    }
}

/// Gives a complete file the permissions and the owner of an old one, and writes it to the disk.
fn resemble(file: &File, old: Option<&fs::Metadata>) -> io::Result<()> {
    if let Some(old) = old {
        // The owner is set first: a change of it clears some permissions.
        let mut mode = old.permissions().mode();
        if fchown(file, Some(old.uid()), Some(old.gid())).is_err() {
            // A user without the right to change owners stays the owner, whose rights were another's.
            mode &= !SET_ID;
            if fchown(file, None, Some(old.gid())).is_err() {
                mode &= !OF_GROUP;
            }
        }
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    file.sync_all()
}

/// Creates a file without a name; `Err` where the file system has none, or none that could be named later.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).mode(NEW_FILE).custom_flags(libc::O_TMPFILE);
    let file = options.open(folder)?;
    fs::symlink_metadata(in_proc(&file))?;
    Ok(file)
}

/// Names a file that has no name.
#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(CWD, in_proc(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

/// Returns the path by which /proc reaches an open file.
#[cfg(target_os = "linux")]
fn in_proc(file: &File) -> String {
    format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file))
}

/// Creates a file with a name beside `path`. If it is to replace a file, only its owner can read it until it
/// has that file's permissions.
fn named(path: &Path) -> io::Result<NamedTempFile> {
    let mode = if path.exists() { OF_OWNER } else { NEW_FILE };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    beside(folder(path), |name| std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode).open(name))
}

/// Creates something at a new name in a folder. If a signal ends the process, the name is removed.
fn beside<R>(folder: &Path, mut create: impl FnMut(&Path) -> io::Result<R>) -> io::Result<NamedTempFile<R>> {
    Builder::new().prefix(".callbox-").make_in(folder, |name| {
        signals::remove_at_the_end(name)?;
        create(name)
    })
}
