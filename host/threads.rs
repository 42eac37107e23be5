//! Threads, which start where there is room for all that is theirs, or are an error.
//!
//! Rust's standard library aborts the process where a new thread gets no memory for the stack on which it
//! handles signals.
#![allow(unsafe_code, reason = "maps memory, to see whether there is some")]

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

/// Memory in bytes that is surely enough for a thread until its first instruction.
const THREAD_BYTES: usize = 4 << 20;

/// Spawns a thread called `name`, and returns when it runs.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    spawning(|ready| {
        Builder::new().name(name.into()).spawn(move || {
            drop(ready);
            run()
        })
    })
}

/// Spawns a thread called `name` that ends with `scope`, and returns when it runs.
pub(crate) fn spawn_scoped<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    run: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    spawning(|ready| {
        Builder::new().name(name.into()).spawn_scoped(scope, move || {
            drop(ready);
            run()
        })
    })
}

/// Spawns a thread if there is room, and waits until it drops what it gets: what this thread or the next one
/// allocates meanwhile may be what it needs.
fn spawning<T>(spawn: impl FnOnce(Sender<()>) -> io::Result<T>) -> io::Result<T> {
    if !has_room(THREAD_BYTES) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let (ready, is_ready) = channel();
    let thread = spawn(ready)?;
    let _ = is_ready.recv(); // nothing comes: the sender is dropped
    Ok(thread)
}

/// Whether the system would map so many bytes at once. An allocation would not tell: it may get memory that
/// the allocator has kept, which nothing else can have.
#[cfg(unix)]
pub(crate) fn has_room(bytes: usize) -> bool {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: a new mapping, at an address that the system chooses, overlaps nothing.
    let Ok(at) = (unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, access, flags) }) else {
        return false;
    };
    // SAFETY: this is the mapping, and nothing refers to it.
    let _ = unsafe { munmap(at, bytes) };
    true
}

#[cfg(not(unix))]
pub(crate) fn has_room(_: usize) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn no_address_space_has_room_for_a_quarter_of_all_addresses() {
        assert!(has_room(1 << 20));
        assert!(!has_room(1 << (usize::BITS - 2)));
    }
}
