//! The new file of `-o` on systems without Unix's permissions. It has a name from the start, and the
//! permissions of any new file in its folder.

use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use super::output::folder;

pub(super) struct Temporary(NamedTempFile);

impl Temporary {
    /// `Err` where no file can be created beside `path`.
    pub(super) fn check(path: &Path) -> io::Result<()> {
        Temporary::create(path).map(drop)
    }

    /// Creates a file that can take the place of `path`.
    pub(super) fn create(path: &Path) -> io::Result<Temporary> {
        Builder::new().prefix(".callbox-").tempfile_in(folder(path)).map(Temporary)
    }

    /// Puts the file at `path`.
    pub(super) fn replace(self, path: &Path) -> io::Result<()> {
        self.0.as_file().sync_all()?;
        self.0.persist(path).map(drop).map_err(|error| error.error)
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // a file has no buffer of its own
    }
}
