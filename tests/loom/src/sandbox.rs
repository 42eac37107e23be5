//! A guest is a closure, which threads call in turns.

use loom::cell::UnsafeCell;

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::sync::{self, Arc, Refusal, Turns};

pub(crate) struct Budget;

/// Behaviour of a guest that is called.
pub(crate) type Behaviour = fn() -> Result<i32, Box<Error>>;

/// A guest, whose state loom watches: a call that another one, or the guest's end, does not wait for is a
/// data race.
#[derive(Clone)]
pub(crate) struct Guest {
    inner: Arc<GuestInner>,
}

struct GuestInner {
    turns: Turns<UnsafeCell<u32>>,
    alive: UnsafeCell<bool>,
    limits: Limits,
    behaviour: Behaviour,
}

// SAFETY: threads may share it as they share a guest: loom watches each access to its cells.
unsafe impl Send for GuestInner {}
// SAFETY: as above.
unsafe impl Sync for GuestInner {}

impl Drop for GuestInner {
    fn drop(&mut self) {
        self.alive.with_mut(|_| ());
    }
}

pub(crate) struct Module;

impl Module {
    pub(crate) fn name(&self) -> &str {
        "model"
    }
}

impl Guest {
    pub(crate) fn new(behaviour: Behaviour) -> Guest {
        let (turns, alive) = (Turns::new(UnsafeCell::new(0)), UnsafeCell::new(true));
        Guest { inner: Arc::new(GuestInner { turns, alive, limits: Limits::default(), behaviour }) }
    }

    pub(crate) fn module(&self) -> Module {
        self.inner.alive.with(|_| ());
        Module
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(crate) fn new_budget(&self) -> Arc<Budget> {
        Arc::new(Budget)
    }

    pub(crate) fn another(&self) -> Guest {
        Guest::new(self.inner.behaviour)
    }

    pub(crate) fn try_turn(&self, name: &str) -> Result<Option<Turn<'_>>, Box<Error>> {
        let entered = self.inner.turns.try_enter().map_err(|refusal| self.refused(refusal, name))?;
        Ok(entered.map(|turn| Turn { guest: &self.inner, turn }))
    }

    pub(crate) fn reentrant(&self, name: &str) -> Box<Error> {
        self.refused(Refusal::Reentrant, name)
    }

    fn refused(&self, refusal: Refusal, name: &str) -> Box<Error> {
        let (module, export) = (self.module().name().to_owned(), name.to_owned());
        Box::new(match refusal {
            Refusal::Forked => Error::Forked { module },
            Refusal::Reentrant => Error::Reentrant { module, export },
        })
    }

    pub(crate) fn turn(&self, name: &str, _: Option<&Arc<Budget>>) -> Result<Turn<'_>, Box<Error>> {
        let turn = self.inner.turns.enter().map_err(|refusal| self.refused(refusal, name))?;
        Ok(Turn { guest: &self.inner, turn })
    }
}

pub(crate) struct Turn<'a> {
    guest: &'a GuestInner,
    turn: sync::Turn<'a, UnsafeCell<u32>>,
}

pub(crate) struct PairCaller;

impl Turn<'_> {
    pub(crate) fn compare(&mut self, _: &str, _: &PairCaller, _: &[u8], _: &[u8]) -> Result<i32, Box<Error>> {
        self.guest.alive.with(|_| ());
        // SAFETY: the turn is this thread's, which loom checks.
        self.turn.with_mut(|calls| unsafe { *calls += 1 });
        (self.guest.behaviour)()
    }
}
