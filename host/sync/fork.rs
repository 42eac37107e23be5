//! Forks: a forked child has one thread, a copy of the one that forked. It has no ticker, and a lock that
//! another thread held would stay locked for ever.
//!
//! Short operations, those that take a lock of the process, are [`Section`]s: a fork waits until no other
//! thread is in one, so that the child finds every such lock free. What may take long, a guest's turn, is not
//! waited for: it belongs to the process that created the guest, and a child that inherits the guest is
//! refused before it would wait ([`is_same_process`]).
//!
//! Beyond this crate's reach is the lock that wasmtime takes for reading when it looks up where a trap came
//! from, for some nanoseconds.
#![allow(unsafe_code, reason = "registers functions that run at forks, and leaks what a child inherits")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
#[cfg(not(loom))]
use std::thread::yield_now;

#[cfg(loom)]
use loom::thread::yield_now;
#[cfg(loom)]
use loom::thread_local;

use super::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use super::{shared, this_thread};

/// Number of counters of threads in sections; threads use different ones, so that they do not contend.
const COUNTERS: usize = if cfg!(loom) { 5 } else { 64 };

/// A counter on cache lines of its own.
#[repr(align(128))]
struct Counter(AtomicUsize);

shared! {
    /// Whether the functions below have been registered.
    static WATCHED: AtomicBool = AtomicBool::new(false);
}

shared! {
    /// Number of forks between this process and the ancestor that first called [`process`].
    static FORKS: AtomicUsize = AtomicUsize::new(0);
}

shared! {
    /// Number of threads that are about to fork; others enter no section meanwhile.
    static FORKING: AtomicUsize = AtomicUsize::new(0);
}

shared! {
    /// Numbers of threads that are in a section.
    static INSIDE: [Counter; COUNTERS] = each Counter(AtomicUsize::new(0));
}

#[cfg(not(loom))]
thread_local!(static DEPTH: Cell<usize> = const { Cell::new(0) });
#[cfg(loom)]
thread_local!(static DEPTH: Cell<usize> = Cell::new(0));

// Number of times that this thread has called `before` for one fork: the functions may be registered more
// than once.
#[cfg(not(loom))]
thread_local!(static BEGUN: Cell<usize> = const { Cell::new(0) });
#[cfg(loom)]
thread_local!(static BEGUN: Cell<usize> = Cell::new(0));

/// Returns the number of sections that this thread is in, one in the other.
fn depth() -> usize {
    DEPTH.with(Cell::get)
}

fn set_depth(depth: usize) {
    DEPTH.with(|cell| cell.set(depth));
}

/// A short operation of this thread, which the forks of other threads wait for. It calls no code of the
/// host's and no guest, which could wait for such a fork.
pub(crate) struct Section {
    /// A section ends on its thread.
    _local: PhantomData<*const ()>,
}

impl Section {
    /// Begins a section. Waits while another thread forks, unless this thread is in a section already.
    pub(crate) fn enter() -> Section {
        if !WATCHED.load(Relaxed) {
            watch();
        }
        if depth() == 0 {
            let inside = own_counter();
            loop {
                inside.fetch_add(1, SeqCst);
                order();
                if FORKING.load(SeqCst) == 0 {
                    break;
                }
                inside.fetch_sub(1, SeqCst);
                while FORKING.load(SeqCst) > 0 {
                    yield_now();
                }
            }
        }
        set_depth(depth() + 1);
        Section { _local: PhantomData }
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        set_depth(depth() - 1);
        if depth() == 0 {
            own_counter().fetch_sub(1, SeqCst);
        }
    }
}

/// Orders the accesses before it and after it. Sequentially consistent accesses are ordered already, except
/// that loom treats them as acquiring and releasing only.
pub(crate) fn order() {
    #[cfg(loom)]
    loom::sync::atomic::fence(SeqCst);
}

fn own_counter() -> &'static AtomicUsize {
    // Marks of threads lie apart by pages as often as by a few bytes.
    let thread = this_thread();
    let thread = if cfg!(loom) { thread } else { (thread >> 12) ^ (thread >> 3) };
    &INSIDE[thread % COUNTERS].0
}

/// Returns the number of other threads that are in a section.
#[cfg(any(unix, loom))]
fn others_inside() -> usize {
    let inside: usize = INSIDE.iter().map(|counter| counter.0.load(SeqCst)).sum();
    inside - usize::from(depth() > 0)
}

/// Registers the functions below, at least once: a thread that died in a fork cannot be waited for here.
#[cold]
fn watch() {
    // SAFETY: the functions access atomics and a `Cell` of their thread, without destructors, which is
    // allowed in a forked child, too. Where there is no memory to register them, children look like their
    // parents, and only fuel ends their guests.
    #[cfg(all(unix, not(loom)))]
    unsafe {
        libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child));
    }
    WATCHED.store(true, Relaxed);
}

/// Waits for the sections of other threads, and keeps them from entering more.
#[cfg(any(unix, loom))]
pub(crate) extern "C" fn before() {
    let begun = BEGUN.with(|begun| begun.replace(begun.get() + 1));
    if begun == 0 {
        FORKING.fetch_add(1, SeqCst);
        order();
        while others_inside() > 0 {
            yield_now();
        }
    }
    // Other libraries' functions that run before a fork may call back.
    set_depth(depth() + 1);
}

#[cfg(any(unix, loom))]
pub(crate) extern "C" fn after_in_parent() {
    set_depth(depth() - 1);
    if BEGUN.with(|begun| begun.replace(begun.get() - 1)) == 1 {
        FORKING.fetch_sub(1, SeqCst);
    }
}

#[cfg(any(unix, loom))]
pub(crate) extern "C" fn after_in_child() {
    FORKS.fetch_add(1, Relaxed);
    set_depth(depth() - 1);
    BEGUN.with(|begun| begun.set(begun.get() - 1));
    // Threads that waited to enter have no copies here.
    for counter in INSIDE.iter() {
        counter.0.store(0, SeqCst);
    }
    own_counter().store(usize::from(depth() > 0), SeqCst);
    FORKING.store(0, SeqCst);
}

/// Returns a number that differs between a process and its forked children.
pub(crate) fn process() -> usize {
    if !WATCHED.load(Relaxed) {
        watch();
    }
    FORKS.load(Relaxed)
}

/// Returns whether [`process`] would return `process`; at least one call of it must precede. Costs one load.
pub(crate) fn is_same_process(process: usize) -> bool {
    FORKS.load(Relaxed) == process
}

/// A value that is dropped in a section of the process that created it, and never in a forked child: it may
/// have been in use when the process was forked.
pub(crate) struct OfProcess<T> {
    process: usize,
    value: ManuallyDrop<T>,
}

impl<T> OfProcess<T> {
    pub(crate) fn new(value: T) -> OfProcess<T> {
        OfProcess { process: process(), value: ManuallyDrop::new(value) }
    }
}

impl<T> Deref for OfProcess<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for OfProcess<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if is_same_process(self.process) {
            let _section = Section::enter();
            // SAFETY: the value is dropped here only, once.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}
