//! One thread per process that advances the epoch of every live engine, so that guests notice their
//! deadline.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

use crate::sync::fork;

/// Interval between epoch ticks, and so the delay with which a guest may notice its deadline.
const TICK: Duration = Duration::from_millis(10);

/// Maximum number of generations of forked processes that can run guests.
const MAX_FORK_GENERATIONS: usize = 64;

struct Ticker {
    state: Mutex<TickerState>,
    left: Condvar,
}

struct TickerState {
    engines: Vec<(u64, Engine)>,
    next: u64,
    running: bool,
}

/// One ticker for each process in a line of forks: the one that a child inherits has no thread, and
/// may be locked for ever.
static TICKERS: [Ticker; MAX_FORK_GENERATIONS] = [const {
    let state = TickerState { engines: Vec::new(), next: 0, running: false };
    Ticker { state: Mutex::new(state), left: Condvar::new() }
}; MAX_FORK_GENERATIONS];

/// A registration of an engine, whose epoch advances while it lives.
pub(super) struct Subscription {
    id: u64,
    process: usize,
}

impl Subscription {
    /// Adds `engine` to this process's ticker, and starts the thread for the first one.
    pub(super) fn new(engine: Engine) -> io::Result<Subscription> {
        let process = fork::process();
        let ticker = TICKERS.get(process).ok_or_else(|| io::Error::other("too many generations of forks"))?;
        let mut state = ticker.lock();
        if !state.running {
            thread::Builder::new().name("callbox-ticker".into()).spawn(|| ticker.tick())?;
            state.running = true;
        }
        let id = state.next;
        state.next += 1;
        state.engines.push((id, engine));
        Ok(Subscription { id, process })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if !fork::is_same_process(self.process) {
            return; // its thread runs in the parent only
        }
        let ticker = &TICKERS[self.process];
        ticker.lock().engines.retain(|(id, _)| *id != self.id);
        ticker.left.notify_all();
    }
}

impl Ticker {
    fn tick(&self) {
        let mut state = self.lock();
        while !state.engines.is_empty() {
            for (_, engine) in &state.engines {
                engine.increment_epoch();
            }
            (state, _) = self.left.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner);
        }
        state.running = false;
    }

    fn lock(&self) -> MutexGuard<'_, TickerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_thread_ends_with_its_last_user() {
        drop(Subscription::new(Engine::default()).unwrap());
        let started = Instant::now();
        let ticker = &TICKERS[fork::process()];
        // Other tests of this process may hold subscriptions of their own for a while.
        while ticker.lock().running && started.elapsed() < Duration::from_secs(60) {
            thread::yield_now();
        }
        let state = ticker.lock();
        assert!(!state.running || !state.engines.is_empty());
    }
}
