//! Systems without Unix's signals. Nothing is told of the end of the process, so that one which is ended from
//! outside may leave the temporary of `-o` behind.

use std::io;

pub(super) fn tidy_at_the_end() -> io::Result<()> {
    Ok(())
}

pub(super) fn fail_at_the_file_size_limit() {}

pub(crate) fn remove_temporary() {}

pub(super) fn wait_for_children() {}
