//! One thread a process that advances the epoch of every live engine, so that guests notice their
//! deadline.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

/// How late a guest may notice its deadline.
const TICK: Duration = Duration::from_millis(10);

struct Ticker {
    engines: Vec<(u64, Engine)>,
    next: u64,
    running: bool,
}

static TICKER: Mutex<Ticker> = Mutex::new(Ticker { engines: Vec::new(), next: 0, running: false });
static LEFT: Condvar = Condvar::new();

/// While it lives, its engine's epoch advances.
pub(super) struct Subscription {
    id: u64,
}

impl Subscription {
    /// Joins `engine` to the ticker, and starts the thread for the first.
    pub(super) fn new(engine: Engine) -> Subscription {
        let mut ticker = lock();
        let id = ticker.next;
        ticker.next += 1;
        ticker.engines.push((id, engine));
        if !ticker.running {
            // Without a thread the deadline goes unnoticed; fuel still ends every guest.
            ticker.running = thread::Builder::new().name("callbox-ticker".into()).spawn(tick).is_ok();
        }
        Subscription { id }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut ticker = lock();
        ticker.engines.retain(|(id, _)| *id != self.id);
        LEFT.notify_all();
    }
}

fn tick() {
    let mut ticker = lock();
    while !ticker.engines.is_empty() {
        for (_, engine) in &ticker.engines {
            engine.increment_epoch();
        }
        (ticker, _) = LEFT.wait_timeout(ticker, TICK).unwrap_or_else(PoisonError::into_inner);
    }
    ticker.running = false;
}

fn lock() -> MutexGuard<'static, Ticker> {
    TICKER.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_thread_ends_with_its_last_user() {
        drop(Subscription::new(Engine::default()));
        let started = Instant::now();
        // Other tests of this process may hold subscriptions of their own for a while.
        while lock().running && started.elapsed() < Duration::from_secs(60) {
            thread::yield_now();
        }
        let ticker = lock();
        assert!(!ticker.running || !ticker.engines.is_empty());
    }
}
