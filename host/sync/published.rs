//! A value that threads use without waiting, while others take it away.
//!
//! Each use is announced in a place of its thread, a hazard pointer as M. Michael describes it ("Hazard
//! Pointers: Safe Memory Reclamation for Lock-Free Objects", 2004). A thread that takes a value away does not
//! keep it for later as he does, but hands each thread that still uses it a share of it, to be dropped after
//! the use, as the crate arc-swap does. One exclusive operation announces a use, and none ends it.
#![allow(unsafe_code, reason = "shares values without a lock")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ptr;

#[cfg(loom)]
use loom::thread_local;

use super::atomic::{
    AtomicBool, AtomicPtr,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
};
use super::{Arc, Mutex, barrier, lock, shared};
use crate::error::panics;

/// A value in a place that any thread may read or change at any time.
///
/// Reading it waits for nothing and writes to memory of the reading thread only, so that readers do not
/// contend. A value that is taken away lives until its last reader has dropped it, which needs no other one
/// to return. No step waits for another thread, so a forked child finds every value usable.
pub(crate) struct Published<T: 'static> {
    /// A share of an [`Arc`], or null.
    value: AtomicPtr<T>,
    _share: PhantomData<Arc<T>>,
}

/// This thread's use of what was [published](Published) when it was loaded.
pub(crate) struct Loaded<T> {
    /// The value, and where its use is announced.
    used: Option<(*const T, &'static Reader)>,
}

/// A place where a thread announces a use. It is never freed, and used again by other threads.
#[repr(align(128))]
struct Reader {
    /// The value in use, or null.
    using: AtomicPtr<()>,
    /// A share of the value in use, which its user has to drop, or null.
    handed: AtomicPtr<Share>,
    is_taken: AtomicBool,
    next: *const Reader,
}

/// A share of a value of some type, to be dropped.
type Share = Box<dyn Anything>;

trait Anything {}

impl<T> Anything for T {}

// SAFETY: `next` does not change once other threads can see the reader, and readers are never freed.
unsafe impl Sync for Reader {}

shared! {
    /// The newest of all readers.
    static READERS: AtomicPtr<Reader> = AtomicPtr::new(ptr::null_mut());
}

shared! {
    /// Held while shares are handed to readers, one value at a time.
    static HANDING: Mutex<()> = Mutex::new(());
}

/// A reader that this thread keeps between two uses.
struct Kept(Cell<Option<&'static Reader>>);

#[cfg(not(loom))]
thread_local!(static KEPT: Kept = const { Kept(Cell::new(None)) });
#[cfg(loom)]
thread_local!(static KEPT: Kept = Kept(Cell::new(None)));

impl<T: 'static> Published<T> {
    shared! {
        pub(crate) const fn empty() -> Published<T> {
            Published { value: AtomicPtr::new(ptr::null_mut()), _share: PhantomData }
        }
    }

    /// Returns the value of now.
    #[inline]
    pub(crate) fn load(&self) -> Loaded<T> {
        let mut value = self.value.load(Acquire);
        if value.is_null() {
            return Loaded { used: None };
        }
        let reader = Reader::take();
        loop {
            reader.using.swap(value.cast(), SeqCst);
            barrier::order();
            // If it is still there, whoever takes it away sees that it is in use.
            let now = self.value.load(SeqCst);
            if now == value {
                return Loaded { used: Some((value, reader)) };
            }
            reader.end_use();
            if now.is_null() {
                reader.put_back();
                return Loaded { used: None };
            }
            value = now;
        }
    }

    /// Publishes another value, or none, and returns the one before.
    pub(crate) fn replace(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
        barrier::prepare();
        let value = value.map_or(ptr::null(), Arc::into_raw);
        let before = self.value.swap(value.cast_mut(), SeqCst);
        barrier::order();
        if before.is_null() {
            return None;
        }
        // SAFETY: the place had a share of it, from `Arc::into_raw`, and has none any more.
        let before = unsafe { Arc::from_raw(before) };
        for reader in readers().filter(|reader| reader.is_using(&before)) {
            reader.hand(&before);
        }
        Some(before)
    }
}

impl<T: 'static> Drop for Published<T> {
    fn drop(&mut self) {
        drop(self.replace(None));
    }
}

impl<T> Loaded<T> {
    /// Returns the value, if there was one.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: it lives until this is dropped: a thread that takes it away hands over a share of it.
        self.used.map(|(value, _)| unsafe { &*value })
    }

    /// Returns the value, for use after this is dropped.
    pub(crate) fn to_owned(&self) -> Option<Arc<T>> {
        let (value, _) = self.used?;
        // SAFETY: it is from `Arc::into_raw` and lives, as above. The share is not given up.
        let value = ManuallyDrop::new(unsafe { Arc::from_raw(value) });
        Some(Arc::clone(&value))
    }
}

impl<T> Drop for Loaded<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some((_, reader)) = self.used {
            reader.end_use();
            reader.put_back();
        }
    }
}

/// Returns all readers there are.
fn readers() -> impl Iterator<Item = &'static Reader> {
    let newest = READERS.load(Acquire);
    // SAFETY: readers are never freed.
    let reader = |at: *const Reader| unsafe { at.as_ref() };
    std::iter::successors(reader(newest), move |newer| reader(newer.next))
}

impl Reader {
    /// Returns a reader for this thread's use.
    #[inline]
    fn take() -> &'static Reader {
        // A destructor of another value of the thread may call when this one is gone.
        KEPT.try_with(|kept| kept.0.take()).ok().flatten().unwrap_or_else(Reader::claim)
    }

    /// Ends the use that was announced last. A panic of the value's destructor goes no further.
    #[inline]
    fn end_use(&self) {
        self.using.store(ptr::null_mut(), Release);
        barrier::light();
        if !self.handed.load(Relaxed).is_null() {
            panics::discard(self.take_share());
        }
    }

    /// Keeps the reader for this thread's next use.
    #[inline]
    fn put_back(&'static self) {
        // A call from inside a call has put its own back.
        let other = KEPT.try_with(|kept| kept.0.replace(Some(self))).unwrap_or(Some(self));
        if let Some(other) = other {
            other.release();
        }
    }

    #[cold]
    fn claim() -> &'static Reader {
        let claimed = |reader: &&Reader| {
            !reader.is_taken.load(Relaxed)
                && reader.is_taken.compare_exchange(false, true, Acquire, Relaxed).is_ok()
        };
        if let Some(reader) = readers().find(claimed) {
            return reader;
        }
        let mut reader = Box::new(Reader {
            using: AtomicPtr::new(ptr::null_mut()),
            handed: AtomicPtr::new(ptr::null_mut()),
            is_taken: AtomicBool::new(true),
            next: READERS.load(Relaxed),
        });
        loop {
            let (next, new) = (reader.next.cast_mut(), &raw mut *reader);
            match READERS.compare_exchange(next, new, AcqRel, Relaxed) {
                Ok(_) => return Box::leak(reader),
                Err(newer) => reader.next = newer,
            }
        }
    }

    #[cold]
    fn release(&self) {
        self.is_taken.store(false, Release);
    }

    fn is_using<T>(&self, value: &Arc<T>) -> bool {
        ptr::eq(self.using.load(SeqCst).cast_const(), Arc::as_ptr(value).cast())
    }

    /// Hands a share of a value to the thread that uses it, unless that has ended its use meanwhile.
    #[cold]
    fn hand<T: 'static>(&self, value: &Arc<T>) {
        let _handing = lock(&HANDING);
        let share: Box<Share> = Box::new(Box::new(Arc::clone(value)));
        self.handed.store(Box::into_raw(share), Release);
        let ordered = barrier::heavy();
        // A use that goes on finds the share at its end. No other of the same value can have begun.
        if ordered && self.is_using(value) {
            return;
        }
        let share = self.take_share();
        if !ordered {
            mem::forget(share); // the use may go on unseen, so the value must never be freed
        }
    }

    /// Takes the share that was handed over, unless the other thread has taken it.
    #[cold]
    fn take_share(&self) -> Option<Box<Share>> {
        let share = self.handed.swap(ptr::null_mut(), AcqRel);
        // SAFETY: it is from `Box::into_raw`, and whoever swaps it out has it alone.
        (!share.is_null()).then(|| unsafe { Box::from_raw(share) })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(reader) = self.0.take() {
            reader.release();
        }
    }
}
