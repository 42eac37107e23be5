//! The models: what threads do at once, and what must hold whichever way they interleave.

mod published;

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use loom::model::Builder;
use loom::thread::{self, JoinHandle};

use crate::error::Error;
use crate::lease::release;
use crate::memory::{AddressRange, Bounds};
use crate::registry::{Access, CallbackTable, Entry, SLOTS, SlotHandle};
use crate::sync::atomic::AtomicUsize;
use crate::sync::fork::{self, Section};
use crate::sync::{Mutex, lock};
use crate::{Callback, CompareFn, RetainedLease, trampoline};

/// The models by name, each with the number of times that a thread is interrupted at most, if every
/// interleaving would take too long: waiting for a fork takes any number of steps.
pub(crate) const MODELS: &[(&str, Option<usize>, fn())] = &[
    ("a call while the lease ends", None, call_while_the_lease_ends),
    ("two calls while the lease ends", None, two_calls_while_the_lease_ends),
    ("a stale context while its slot is lent again", None, stale_context),
    ("a late call while its slot is lent again", None, late_call),
    ("clones that are dropped at once", None, clones),
    ("a destructor that is called twice at once, and a call", None, destructors),
    ("a retirement while clones are dropped, and a call", None, retirement),
    ("failures while one is taken", None, failures),
    ("a call that fails while a failure is taken", None, failing_calls),
    ("three lend the last slots at once", None, last_slots),
    ("a report while leases come and go", None, report),
    ("a dump while leases come and go", None, dump),
    ("a lease with an array, called on two threads", None, array_lease),
    ("a late call while a native call is in progress", None, native_call),
    ("a published value that is taken away", None, published::taken_away),
    ("a published value that is replaced under two readers", Some(3), published::replaced),
    ("a published value that is taken away from inside", None, published::taken_away_from_inside),
    ("turns with one guest by two leases", Some(6), turns),
    ("three turns, and a call from inside one", Some(4), reentrant_turns),
    ("a guest for each of two threads, called by three", Some(2), guest_for_each_thread),
    ("a guest for each thread, and calls from inside", Some(3), reentrant_on_each_thread),
    ("a guest for each thread while the lease ends", Some(3), guests_while_the_lease_ends),
    ("a fork while a lock is held", None, fork_one),
    ("a fork while locks are held, one in the other", None, fork_nested),
    ("two forks at once, and a lock", Some(2), fork_two),
    ("a fork whose functions are registered twice", None, fork_twice),
];

/// Explores the interleavings of a model.
pub(crate) fn explore(name: &str, bound: Option<usize>, model: fn()) {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let (before, started) = (RUNS.load(Relaxed), Instant::now());
    let mut builder = Builder::new();
    builder.preemption_bound = bound;
    builder.max_branches = 100_000;
    builder.check(move || {
        RUNS.fetch_add(1, Relaxed);
        // Loom counts the threads of one run.
        fork::process();
        model();
    });
    let runs = RUNS.load(Relaxed) - before;
    println!("{name}: {runs} runs, {:.1} s", started.elapsed().as_secs_f64());
    assert!(runs > 1, "one run is no model");
}

/// Returns a callback whose guest answers 1, with this fallback.
fn callback(fallback: i32) -> Callback {
    Callback::new(fallback, || Ok(1))
}

/// Returns a callback whose guest answers -1, with this fallback.
fn other(fallback: i32) -> Callback {
    Callback::new(fallback, || Ok(-1))
}

/// Calls a comparator's pointer, as C does.
fn call(pointer: CompareFn) -> c_int {
    let elements = [1, 2];
    let [a, b] = elements.each_ref().map(|element: &i32| (&raw const *element).cast());
    // SAFETY: both arguments point to an int.
    unsafe { pointer(a, b) }
}

/// A context, which is a number.
#[derive(Clone, Copy)]
struct Context(u64);

impl Context {
    fn of(lease: &RetainedLease) -> Context {
        Context(lease.key().as_u64())
    }

    fn call(self) -> c_int {
        let elements = [1, 2];
        let [a, b] = elements.each_ref().map(|element: &i32| (&raw const *element).cast());
        let context = std::ptr::without_provenance_mut::<c_void>(self.0 as usize);
        // SAFETY: both arguments point to an int.
        unsafe { trampoline::compare_with_context(a, b, context) }
    }
}

/// Spawns a thread that C has.
fn spawn<T: 'static>(work: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    thread::spawn(work)
}

/// Asserts that nothing is lent, and that this many slots can be.
fn assert_free(slots: usize) {
    assert_eq!(CallbackTable.len(), 0);
    assert_eq!(CallbackTable.iter().count(), 0);
    let lent: Vec<_> = (0..SLOTS).map_while(|_| callback(0).retain().ok()).collect();
    assert_eq!(lent.len(), slots);
    let mut numbers: Vec<_> = lent.iter().map(|lease| lease.key().slot()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), slots, "two leases have one slot");
}

fn call_while_the_lease_ends() {
    let lease = callback(7).retain().unwrap();
    let pointer = lease.pointer();
    let caller = spawn(move || [call(pointer), call(pointer)]);
    drop(lease);
    let answers = caller.join().unwrap();
    assert!(matches!(answers, [1, 1] | [1, 7] | [7, 7]), "{answers:?}");
    let late = answers.iter().filter(|answer| **answer == 7).count();
    assert_eq!(CallbackTable.late_calls(), late as u64);
    assert_free(SLOTS);
}

fn two_calls_while_the_lease_ends() {
    let lease = callback(7).retain().unwrap();
    let pointer = lease.pointer();
    let callers = [spawn(move || call(pointer)), spawn(move || call(pointer))];
    drop(lease);
    let answers = callers.map(|caller| caller.join().unwrap());
    assert!(answers.iter().all(|answer| [1, 7].contains(answer)), "{answers:?}");
    let late = answers.iter().filter(|answer| **answer == 7).count();
    assert_eq!(CallbackTable.late_calls(), late as u64);
    assert_eq!(CallbackTable.len(), 0);
}

/// Lends all slots but one, so that the next lease has the slot of the last one.
fn leave_one_slot() -> Vec<RetainedLease> {
    (1..SLOTS).map(|_| callback(0).retain().unwrap()).collect()
}

fn stale_context() {
    let _lent = leave_one_slot();
    let first = callback(7).retain().unwrap();
    let slot = first.key().slot();
    let context = Context::of(&first);
    let caller = spawn(move || [context.call(), context.call()]);
    drop(first);
    let second = other(9).retain().unwrap();
    assert_eq!(second.key().slot(), slot);
    let answers = caller.join().unwrap();
    assert!(matches!(answers, [1, 1] | [1, 7] | [7, 7]), "{answers:?}");
    assert_eq!((second.calls(), Context::of(&second).call()), (0, -1));
}

fn late_call() {
    let _lent = leave_one_slot();
    let first = callback(7).retain().unwrap();
    let pointer = first.pointer();
    let caller = spawn(move || call(pointer));
    drop(first);
    let second = other(9).retain().unwrap();
    drop(second);
    let answer = caller.join().unwrap();
    // Of the first, of the second, or the fallback of one of them.
    assert!([1, -1, 7, 9].contains(&answer), "{answer}");
    assert_eq!(CallbackTable.late_calls(), u64::from([7, 9].contains(&answer)));
    assert_eq!(call(pointer), 9);
}

fn clones() {
    let lease = callback(7).retain().unwrap();
    let (one, two) = (lease.clone(), lease.clone());
    let pointer = lease.pointer();
    let dropping = [spawn(move || drop(one)), spawn(move || drop(two))];
    let answer = call(pointer);
    assert_eq!(answer, 1, "a clone lives");
    drop(lease);
    for thread in dropping {
        thread.join().unwrap();
    }
    assert_eq!(call(pointer), 7);
    assert_free(SLOTS);
}

fn destructors() {
    let lease = callback(7).retain().unwrap();
    let pointer = lease.pointer();
    let user_data = lease.into_user_data().addr();
    let release = move || release(std::ptr::without_provenance_mut(user_data));
    let threads = [spawn(release), spawn(release)];
    let answer = call(pointer);
    assert!([1, 7].contains(&answer), "{answer}");
    for thread in threads {
        thread.join().unwrap();
    }
    assert_free(SLOTS);
}

fn retirement() {
    let lease = callback(7).retain().unwrap();
    let clone = lease.clone();
    let pointer = lease.pointer();
    let retiring = spawn(move || lease.retire());
    let caller = spawn(move || call(pointer));
    drop(clone);
    retiring.join().unwrap();
    let answer = caller.join().unwrap();
    assert!([1, 7].contains(&answer), "{answer}");
    assert_eq!(CallbackTable.late_calls(), u64::from(answer == 7));
    assert_free(SLOTS - 1);
}

/// Returns the error of a call, with a number.
fn failure(call: u64) -> Error {
    Error::OutOfBounds { export: "compare".to_owned(), call }
}

fn failures() {
    let handle = SlotHandle::new(Entry::new(callback(7), Access::CallingThread)).unwrap();
    let threads = [1, 2].map(|number| {
        let handle = handle.clone();
        spawn(move || {
            handle.entry().fail(failure(number));
            handle // dropped when all have ended
        })
    });
    let taken = handle.entry().take_failure();
    let _handles = threads.map(|thread| thread.join().unwrap());
    let number = |failure: Option<Error>| match failure {
        Some(Error::OutOfBounds { call, .. }) => call,
        _ => 0,
    };
    // A failure that is kept keeps the guest from being called, and one that is not does not.
    let marked = handle.entry().has_failed();
    let found = [number(taken), number(handle.entry().take_failure())];
    assert_eq!(marked, found[1] > 0, "{found:?}");
    assert!(matches!(found, [0, 1 | 2] | [1, 0 | 2] | [2, 0 | 1]), "{found:?}");
    assert!(!handle.entry().has_failed());
}

fn failing_calls() {
    let failing = Callback::new(7, || Err(Box::new(failure(0))));
    let lease = failing.retain().unwrap();
    let pointer = lease.pointer();
    let caller = spawn(move || call(pointer));
    let taken = lease.take_failure();
    assert_eq!(caller.join().unwrap(), 7);
    assert_eq!((failing.calls(), failing.failures()), (1, 1));
    assert_eq!(call(pointer), 7);
    assert_eq!(failing.calls(), if taken.is_some() { 2 } else { 1 }, "called after a failure");
    assert!(lease.take_failure().is_some() && lease.take_failure().is_none());
    assert_eq!(lease.calls(), 2);
}

fn last_slots() {
    let lend = |number: i32| spawn(move || callback(number).retain().ok());
    let threads = [lend(1), lend(2)];
    let own = callback(3).retain().ok();
    let [first, second] = threads.map(|thread| thread.join().unwrap());
    let leases = [first, second, own];
    assert_eq!(leases.iter().flatten().count(), SLOTS);
    let mut slots: Vec<_> = leases.iter().flatten().map(|lease| lease.key().slot()).collect();
    slots.sort_unstable();
    assert_eq!(slots, [0, 1]);
    drop(leases);
    assert_free(SLOTS);
}

fn dump() {
    let lease = callback(7).retain().unwrap();
    let thread = spawn(move || {
        drop(lease);
        drop(other(9).retain().unwrap());
    });
    CallbackTable.dump(std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap()).unwrap();
    thread.join().unwrap();
    assert_free(SLOTS);
}

fn report() {
    let lease = callback(7).retain().unwrap();
    let key = lease.key();
    let thread = spawn(move || {
        drop(lease);
        drop(other(9).retain().unwrap());
    });
    let len = CallbackTable.len();
    assert!(len <= 1, "{len}");
    for registration in CallbackTable.iter() {
        assert!(registration.leases <= 1 && registration.calls == 0);
    }
    let found = CallbackTable.get(key);
    thread.join().unwrap();
    assert!(found.is_none_or(|found| found.key == key));
    assert!(CallbackTable.get(key).is_none());
    assert_free(SLOTS);
}

fn array_lease() {
    let mut array = [1, 2];
    let callback = callback(7);
    let mut lease = callback.lend(&mut array).unwrap();
    let pointer = lease.pointer();
    let base = lease.base().addr();
    let call = move |a: usize| {
        let [a, b] = [a, base].map(std::ptr::with_exposed_provenance);
        // SAFETY: both arguments point into the lease's copy.
        unsafe { pointer(a, b) }
    };
    lease.base().expose_provenance();
    let caller = spawn(move || call(base + 4));
    let own = [call(base), call(base + 4)];
    assert_eq!((own, caller.join().unwrap()), ([1, 1], 1));
    assert_eq!((lease.calls(), callback.calls()), (3, 3));
    lease.finish().unwrap();
    drop(callback);
    assert_free(SLOTS);
}

fn native_call() {
    let _lent = leave_one_slot();
    let old = callback(7).retain().unwrap();
    let late = old.pointer();
    drop(old);
    let caller = spawn(move || call(late));
    let elements = [1, 2];
    let bytes = elements.map(i32::to_ne_bytes).concat();
    let range = AddressRange::of(&bytes);
    let bounds = Bounds::Known { a: range, b: range, width: 4, ascending: false };
    let native = callback(0);
    let ask = Box::new(|_: &[u8], [a, b]: [&[u8]; 2]| native.ask(None, a, b));
    let mut answers = [0; 2];
    let calls = trampoline::call_native(&native, bounds, None, ask, |compare| {
        for answer in &mut answers {
            // SAFETY: both arguments point to elements of the array.
            *answer = unsafe { compare(bytes.as_ptr().cast(), bytes[4..].as_ptr().cast()) };
        }
    });
    assert_eq!((calls.unwrap(), answers, native.calls()), (2, [1, 1], 2));
    // A late call finds the slot lent to this thread alone, or finds it empty.
    let answer = caller.join().unwrap();
    assert!([0, 7].contains(&answer), "{answer}");
    assert_eq!(CallbackTable.late_calls(), 1);
    drop(native);
}

fn turns() {
    let callback = callback(7);
    let leases = [callback.retain().unwrap(), callback.retain().unwrap()];
    let pointers = leases.each_ref().map(|lease| lease.pointer());
    let caller = spawn(move || [call(pointers[0]), call(pointers[0])]);
    let own = [call(pointers[1]), call(pointers[1])];
    assert_eq!((own, caller.join().unwrap()), ([1, 1], [1, 1]), "no call is refused");
    assert_eq!(callback.calls(), 4);
    assert!(leases.iter().all(|lease| lease.take_failure().is_none()));
}

fn reentrant_turns() {
    let callback = callback(7);
    let callers = [0, 1].map(|_| {
        let callback = callback.clone();
        spawn(move || {
            let session = callback.compare_session(None).unwrap();
            let inner = callback.ask(None, &[0; 4], &[0; 4]).unwrap_err();
            assert!(matches!(*inner, Error::Reentrant { .. }), "{inner}");
            drop(session);
        })
    });
    assert!(callback.ask(None, &[0; 4], &[0; 4]).is_ok(), "a turn is waited for");
    for caller in callers {
        caller.join().unwrap();
    }
    assert_eq!((callback.calls(), callback.failures()), (3, 2));
}

fn guest_for_each_thread() {
    let callback = callback(7).per_thread(2);
    let lease = callback.retain().unwrap();
    let pointer = lease.pointer();
    let callers = [spawn(move || [call(pointer), call(pointer)]), spawn(move || [call(pointer), 1])];
    assert_eq!(call(pointer), 1);
    for caller in callers {
        assert_eq!(caller.join().unwrap(), [1, 1], "no call is refused");
    }
    assert_eq!((lease.calls(), callback.calls(), callback.failures()), (4, 4, 0));
    assert!((1..=2).contains(&callback.instances()));
}

fn reentrant_on_each_thread() {
    let callback = callback(7).per_thread(2);
    let refused = |callback: &Callback| {
        let session = callback.compare_session(None).unwrap();
        let inner = callback.ask(None, &[0; 4], &[0; 4]).unwrap_err();
        assert!(matches!(*inner, Error::Reentrant { .. }), "{inner}");
        drop(session);
    };
    let callers = [0, 1].map(|_| {
        let callback = callback.clone();
        spawn(move || refused(&callback))
    });
    refused(&callback);
    for caller in callers {
        caller.join().unwrap();
    }
    assert_eq!((callback.calls(), callback.failures()), (3, 3));
}

fn guests_while_the_lease_ends() {
    let callback = callback(7).per_thread(2);
    let lease = callback.retain().unwrap();
    let pointer = lease.pointer();
    let callers = [spawn(move || call(pointer)), spawn(move || call(pointer))];
    drop(lease);
    let answers = callers.map(|caller| caller.join().unwrap());
    let late = answers.iter().filter(|answer| **answer == 7).count() as u64;
    assert!(answers.iter().all(|answer| [1, 7].contains(answer)), "{answers:?}");
    assert_eq!((CallbackTable.late_calls(), callback.calls()), (late, 2 - late));
    assert_eq!(CallbackTable.len(), 0);
}

/// Forks: the child would find what this thread finds now.
fn fork(child: impl FnOnce()) {
    fork::before();
    child();
    fork::after_in_parent();
}

/// A mutex, and whether a thread is between its lock and its unlock.
#[derive(Clone)]
struct Watched {
    mutex: loom::sync::Arc<Mutex<()>>,
    inside: loom::sync::Arc<AtomicUsize>,
}

impl Watched {
    fn new() -> Watched {
        Watched { mutex: loom::sync::Arc::new(Mutex::new(())), inside: Default::default() }
    }

    fn visit(&self) {
        let _guard = lock(&self.mutex);
        self.inside.store(1, Relaxed);
        self.inside.store(0, Relaxed);
    }

    fn assert_free(&self) {
        assert_eq!(self.inside.load(Relaxed), 0, "the child would find half of a change");
        assert!(self.mutex.try_lock().is_ok(), "the child would wait for ever");
    }
}

fn fork_one() {
    let watched = Watched::new();
    let visited = watched.clone();
    let thread = spawn(move || {
        visited.visit();
        visited.visit();
    });
    fork(|| watched.assert_free());
    thread.join().unwrap();
    fork(|| watched.assert_free());
}

fn fork_twice() {
    let watched = Watched::new();
    let visited = watched.clone();
    let thread = spawn(move || visited.visit());
    // The second time, it does not wait for this thread itself.
    fork::before();
    fork::before();
    watched.assert_free();
    fork::after_in_parent();
    fork::after_in_parent();
    thread.join().unwrap();
    drop(Section::enter());
}

fn fork_nested() {
    let mutexes = loom::sync::Arc::new([Mutex::new(0), Mutex::new(0)]);
    let others = mutexes.clone();
    let thread = spawn(move || {
        let mut outer = lock(&others[0]);
        *lock(&others[1]) += 1;
        *outer += 1;
    });
    fork(|| {
        let both = mutexes.each_ref().map(|mutex| *mutex.try_lock().expect("the child would wait for ever"));
        assert_eq!(both[0], both[1], "the child would find half of a change");
    });
    thread.join().unwrap();
}

fn fork_two() {
    let watched = Watched::new();
    let visited = watched.clone();
    let locking = spawn(move || visited.visit());
    let forking = spawn(|| fork(|| ()));
    fork(|| {
        watched.assert_free();
        // A function that runs before a fork may lock, too.
        drop(Section::enter());
    });
    forking.join().unwrap();
    locking.join().unwrap();
}
