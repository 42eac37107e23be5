//! Bytes that are hashed on their way.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::DIGEST_BYTES;

/// A reader or a writer that hashes what passes.
pub(super) struct Hashing<T> {
    inner: T,
    hash: Sha256,
    /// Whether a read has found the end.
    pub(super) at_end: bool,
    /// The error of a read.
    pub(super) error: Option<io::Error>,
}

impl<T> Hashing<T> {
    pub(super) fn new(inner: T) -> Hashing<T> {
        Hashing { inner, hash: Sha256::new(), at_end: false, error: None }
    }

    /// Returns the hash of all bytes so far.
    pub(super) fn digest(&self) -> [u8; DIGEST_BYTES] {
        self.hash.clone().finalize().into()
    }

    pub(super) fn inner(&mut self) -> &mut T {
        &mut self.inner
    }

    pub(super) fn into_inner(self) -> T {
        self.inner
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(read) => {
                self.at_end |= read == 0 && !buffer.is_empty();
                self.hash.update(&buffer[..read]);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.error = Some(error);
                Err(kind.into())
            }
        }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
