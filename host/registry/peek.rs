//! Reads of what slots hold that take no lock and free nothing, so that a handler of a signal may make them.
//!
//! A reader says that it reads, and then looks whether there is anything; a writer withdraws what there is,
//! and then waits until nobody reads. Whoever lends a slot holds its content until then. A reader only
//! formats a line meanwhile.
#![allow(unsafe_code, reason = "follows pointers to what their writers keep alive")]

use std::panic::Location;
use std::ptr;
#[cfg(not(loom))]
use std::thread::yield_now;

#[cfg(loom)]
use loom::thread::yield_now;

use crate::sync::atomic::{
    AtomicPtr, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use crate::sync::{Arc, fork, order, shared};

/// Number of counters of readers, which processes in a line of forks use in turns.
const COUNTERS: usize = if cfg!(loom) { 1 } else { 64 };

shared! {
    /// Numbers of readers. A child of a fork has another counter than its parent, some of whose readers may
    /// have been threads that the child does not have.
    static READERS: [AtomicUsize; COUNTERS] = each AtomicUsize::new(0);
}

/// Returns this process's counter. The table has asked for the number of the process before anything was
/// lent, so that nothing is registered here.
fn readers() -> &'static AtomicUsize {
    &READERS[fork::process() % COUNTERS]
}

/// A pointer to the content of a slot.
pub(super) struct Peek<T> {
    content: AtomicPtr<T>,
}

/// A reader, until it is dropped.
#[cfg(unix)]
struct Reading(&'static AtomicUsize);

#[cfg(unix)]
impl Reading {
    fn begin() -> Reading {
        let readers = readers();
        readers.fetch_add(1, SeqCst);
        order();
        Reading(readers)
    }
}

#[cfg(unix)]
impl Drop for Reading {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl<T> Peek<T> {
    shared! {
        pub(super) const fn new() -> Peek<T> {
            Peek { content: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// Has readers find the content. The caller holds it until [`Peek::hide`] has returned.
    pub(super) fn show(&self, content: &Arc<T>) {
        self.content.store(ptr::from_ref(&**content).cast_mut(), SeqCst);
    }

    /// Has readers find nothing, and waits for those that have found the content.
    pub(super) fn hide(&self) {
        self.content.store(ptr::null_mut(), SeqCst);
        order();
        while readers().load(SeqCst) > 0 {
            yield_now();
        }
    }

    /// Reads the content, if there is any, for handlers of signals. `read` neither blocks nor calls code of
    /// the host's: leases wait for it.
    #[cfg(unix)]
    pub(super) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R>
    where
        T: Sync,
    {
        if self.content.load(Relaxed).is_null() {
            return None;
        }
        let _reading = Reading::begin();
        let content = self.content.load(SeqCst);
        // SAFETY: the pointer is null or was shown. It was not yet withdrawn when it was loaded, so whoever
        // withdraws it sees that somebody reads, and keeps the content until `_reading` is dropped.
        unsafe { content.as_ref() }.map(read)
    }
}

/// A place in the program's source, which is read without a lock.
pub(super) struct PlaceCell(AtomicPtr<Location<'static>>);

impl PlaceCell {
    shared! {
        pub(super) const fn new() -> PlaceCell {
            PlaceCell(AtomicPtr::new(ptr::null_mut()))
        }
    }

    pub(super) fn set(&self, place: &'static Location<'static>) {
        self.0.store(ptr::from_ref(place).cast_mut(), SeqCst);
    }

    /// Returns the place that was set last, if any.
    pub(super) fn get(&self) -> Option<&'static Location<'static>> {
        // SAFETY: the pointer is null or comes from a reference that lives for ever.
        unsafe { self.0.load(SeqCst).as_ref() }
    }
}
