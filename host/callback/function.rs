//! Exports that are called with whatever their prototype passes.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::Callback;
use crate::abi::Abi;
use crate::error::{Error, Result};
use crate::prototype::Prototype;
use crate::sandbox::{Budget, Function, Guest, Turn};

impl Guest {
    /// The export, if it takes what this prototype passes.
    pub(super) fn takes(&self, export: &str, prototype: &Prototype) -> Result<(Function, Abi)> {
        let unserved = |reason| Error::PrototypeUnserved { prototype: prototype.to_string(), reason };
        let function = self.function(export)?;
        if !prototype.conv().is_native() {
            return Err(unserved("this target has no such calling convention"));
        }
        let abi = Abi::of(prototype).map_err(unserved)?;
        let stages = abi.stages();
        let abi = abi.fit(&function.params, &function.results).map_err(|expected| {
            let found = &function.signature;
            let reason = format!("\"{export}\" has the type {found}, but \"{prototype}\" takes {expected}");
            Error::Export { module: self.module().name().to_owned(), reason }
        })?;
        if stages {
            self.check_staging(export)?;
        }
        Ok((function, abi))
    }
}

impl Callback {
    /// Takes this thread's turn with the guest, which counts as a call where it fails.
    pub(super) fn turn(&self, budget: Option<&Arc<Budget>>) -> Result<Turn<'_>> {
        self.inner.guest.turn(&self.inner.export, budget).inspect_err(|_| self.count(true))
    }

    /// Takes the turn for one call, on this budget or a new one.
    pub(crate) fn call(&self, budget: Option<&Arc<Budget>>) -> Result<Calling<'_>> {
        Ok(Calling { callback: self, turn: self.turn(budget)?, failed: true })
    }

    fn count(&self, failed: bool) {
        self.inner.calls.fetch_add(1, Relaxed);
        self.inner.failures.fetch_add(failed.into(), Relaxed);
    }
}

/// One call of a guest, which counts as failed unless it is said to have succeeded.
pub(crate) struct Calling<'a> {
    callback: &'a Callback,
    turn: Turn<'a>,
    failed: bool,
}

impl Calling<'_> {
    /// All has been done that could fail; the guest is another's.
    pub(crate) fn succeeded(mut self) {
        self.failed = false;
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.callback.count(self.failed);
    }
}

impl<'a> Deref for Calling<'a> {
    type Target = Turn<'a>;

    fn deref(&self) -> &Turn<'a> {
        &self.turn
    }
}

impl<'a> DerefMut for Calling<'a> {
    fn deref_mut(&mut self) -> &mut Turn<'a> {
        &mut self.turn
    }
}
