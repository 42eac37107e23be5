//! Work on several threads, each with a share of one budget.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::callback::Callback;
use crate::error::{Error, Result, bug, panics};
use crate::sandbox::{Budget, prepare_thread};
use crate::threads;

/// Does all pieces of the work at once, each on a thread of its own and on a share of `budget`, which is
/// charged for them. The threads are called `name`, and started for a `purpose` as in [`Error::Thread`].
pub(crate) fn at_once<W: Send, T: Send>(
    callback: &Callback,
    (name, purpose): (&str, &'static str),
    budget: &Budget,
    work: Vec<W>,
    each: impl Fn(W, &Arc<Budget>) -> Result<T> + Sync,
) -> Vec<Result<T>> {
    let shares = budget.shares(work.len());
    // Held until every thread is prepared: what the first ones allocate may leave too little for others.
    let gate = Mutex::new(());
    let closed = gate.lock();
    let outcomes = thread::scope(|scope| {
        let threads: Vec<_> = (work.into_iter().zip(&shares))
            .map(|(work, share)| {
                let (ready, is_ready) = channel::<()>();
                let (gate, each) = (&gate, &each);
                let run = move || {
                    panics::catch(|| {
                        let prepared = prepare_thread();
                        drop(ready);
                        drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
                        prepared?;
                        each(work, share)
                    })
                    .unwrap_or_else(|message| Err(Error::panicked(callback.export(), message)))
                };
                let thread = threads::spawn_scoped(scope, name, run)
                    .map_err(|source| Error::Thread { purpose, source });
                let _ = is_ready.recv(); // nothing comes: the sender is dropped
                thread
            })
            .collect();
        drop(closed);
        let ended = threads.into_iter().map(|thread| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|payload| Err(bug!("{}", panics::message(payload)))),
            Err(error) => Err(error),
        });
        ended.collect()
    });
    shares.iter().for_each(|share| budget.spend(share.fuel_used()));
    outcomes
}
