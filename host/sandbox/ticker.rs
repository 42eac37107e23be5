//! One thread per process that advances the epoch of every live engine, so that guests notice their
//! deadline, and are sampled where somebody asks for it.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime::Engine;

use crate::sync::{barrier, fork};
use crate::threads;

/// Interval between epoch ticks, and so the delay with which a guest may notice its deadline.
const TICK: Duration = Duration::from_millis(10);

/// Number of times that the epoch of engines whose guests are sampled advances in a tick.
const SAMPLES_PER_TICK: u32 = 10;

/// Maximum number of generations of forked processes that can run guests.
const MAX_FORK_GENERATIONS: usize = 64;

struct Ticker {
    state: Mutex<TickerState>,
    changed: Condvar,
}

struct TickerState {
    engines: Vec<Ticking>,
    next: u64,
    running: bool,
}

struct Ticking {
    id: u64,
    engine: Engine,
    sampled: bool,
}

/// One ticker for each process in a line of forks: the one that a child inherits has no thread, and
/// may be locked for ever.
static TICKERS: [Ticker; MAX_FORK_GENERATIONS] = [const {
    let state = TickerState { engines: Vec::new(), next: 0, running: false };
    Ticker { state: Mutex::new(state), changed: Condvar::new() }
}; MAX_FORK_GENERATIONS];

/// A registration of an engine, whose epoch advances while it lives.
pub(super) struct Subscription {
    id: u64,
    process: usize,
}

impl Subscription {
    /// Adds `engine` to this process's ticker, and starts the thread for the first one. The epoch of an
    /// engine that is `sampled` advances ten times as often.
    pub(super) fn new(engine: Engine, sampled: bool) -> io::Result<Subscription> {
        let process = fork::process();
        let ticker = TICKERS.get(process).ok_or_else(|| io::Error::other("too many generations of forks"))?;
        let mut state = ticker.lock();
        if !state.running {
            threads::spawn("callbox-ticker", || ticker.tick())?;
            state.running = true;
        }
        let id = state.next;
        state.next += 1;
        state.engines.push(Ticking { id, engine, sampled });
        if sampled {
            ticker.changed.notify_all(); // it may be waiting for a whole tick
        }
        Ok(Subscription { id, process })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if !fork::is_same_process(self.process) {
            return; // its thread runs in the parent only
        }
        let ticker = &TICKERS[self.process];
        ticker.lock().engines.retain(|ticking| ticking.id != self.id);
        ticker.changed.notify_all();
    }
}

impl Ticker {
    fn tick(&self) {
        let mut state = self.lock();
        let mut samples = 0;
        while !state.engines.is_empty() {
            let (sampling, is_tick) = (state.engines.iter().any(|ticking| ticking.sampled), samples == 0);
            for ticking in state.engines.iter().filter(|ticking| ticking.sampled || is_tick) {
                ticking.engine.increment_epoch();
            }
            if barrier::is_wanted() {
                drop(state);
                barrier::register(); // by this thread, since the others have something to do
                state = self.lock();
            }
            let wait = if sampling { TICK / SAMPLES_PER_TICK } else { TICK };
            samples = if sampling { (samples + 1) % SAMPLES_PER_TICK } else { 0 };
            (state, _) = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
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
        drop(Subscription::new(Engine::default(), false).unwrap());
        let started = Instant::now();
        let ticker = &TICKERS[fork::process()];
        // Other tests of this process may hold subscriptions of their own for a while.
        while ticker.lock().running && started.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        let state = ticker.lock();
        assert!(!state.running || !state.engines.is_empty());
    }
}
