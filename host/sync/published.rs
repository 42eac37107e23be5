//! A value that threads use without waiting, while others take it away.
//!
//! A use is announced in a place of its thread, a hazard pointer as M. Michael describes it ("Hazard
//! Pointers: Safe Memory Reclamation for Lock-Free Objects", 2004), with two differences. The announcement
//! stays after the use, so that the next one of the same value takes no exclusive operation. And whoever
//! takes a value away does not keep it for later: it revokes the announcements, and hands a share of the
//! value to each thread that may be using it, to be dropped after the use, as the crate arc-swap does.
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
    /// The value that was used last, or null once that was taken away. Set by its thread, before the value
    /// was found in its place again.
    announced: AtomicPtr<()>,
    /// Whether a use is going on.
    is_used: AtomicBool,
    /// A share of a value that was taken away meanwhile, to be dropped when the use ends, or null.
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
        let value = self.value.load(Acquire);
        if value.is_null() {
            return Loaded { used: None };
        }
        let reader = Reader::take();
        reader.is_used.store(true, Relaxed);
        barrier::light();
        // If the announcement still stands, whoever revokes it sees that a use is going on.
        if reader.announced.load(Acquire) == value.cast() {
            return Loaded { used: Some((value, reader)) };
        }
        self.announce(reader, value)
    }

    /// Announces the use of a value that was found here.
    #[cold]
    fn announce(&self, reader: &'static Reader, mut value: *mut T) -> Loaded<T> {
        while !value.is_null() {
            reader.announced.swap(value.cast(), SeqCst);
            barrier::order();
            // If it is still there, whoever takes it away sees the announcement.
            let now = self.value.load(SeqCst);
            if now == value {
                return Loaded { used: Some((value, reader)) };
            }
            value = now;
            panics::discard(reader.take_share());
        }
        reader.announced.store(ptr::null_mut(), Release);
        reader.end_use();
        reader.put_back();
        Loaded { used: None }
    }

    /// Publishes another value, or none, and returns the one before.
    pub(crate) fn replace(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
        let value = value.map_or(ptr::null(), Arc::into_raw);
        let before = self.value.swap(value.cast_mut(), SeqCst);
        barrier::order();
        if before.is_null() {
            return None;
        }
        // SAFETY: the place had a share of it, from `Arc::into_raw`, and has none any more.
        let before = unsafe { Arc::from_raw(before) };
        for reader in readers() {
            if reader.revoke(&before) && !reader.is_kept_here() {
                reader.hand(&before);
            }
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

    /// Ends the use. A panic of the value's destructor goes no further.
    #[inline]
    fn end_use(&self) {
        self.is_used.store(false, Release);
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
            announced: AtomicPtr::new(ptr::null_mut()),
            is_used: AtomicBool::new(false),
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
        self.announced.store(ptr::null_mut(), Release);
        self.is_taken.store(false, Release);
    }

    /// Returns whether it waits for this thread's next use.
    fn is_kept_here(&self) -> bool {
        KEPT.try_with(|kept| kept.0.get().is_some_and(|kept| ptr::eq(kept, self))).unwrap_or(false)
    }

    /// Revokes the announcement of a value that was taken away; returns whether there was one.
    fn revoke<T>(&self, value: &Arc<T>) -> bool {
        let value = Arc::as_ptr(value).cast_mut().cast();
        self.announced.load(SeqCst) == value
            && self.announced.compare_exchange(value, ptr::null_mut(), SeqCst, Acquire).is_ok()
    }

    /// Hands a share of a value, whose announcement has been revoked, to the thread if it may be using it.
    #[cold]
    fn hand<T: 'static>(&self, value: &Arc<T>) {
        // A use that begins later does not find the announcement.
        let revoked = barrier::heavy();
        if revoked && !self.is_used.load(Acquire) {
            return;
        }
        let handing = lock(&HANDING);
        // A use that announced another value before may have a share of that.
        let share: Box<Share> = Box::new(Box::new((Arc::clone(value), self.take_share())));
        self.handed.swap(Box::into_raw(share), AcqRel);
        let told = barrier::heavy();
        // A use that goes on finds the share at its end.
        if revoked && told && self.is_used.load(Acquire) {
            return;
        }
        let share = self.take_share();
        drop(handing);
        if !(revoked && told) {
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
