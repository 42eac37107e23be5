//! The stack that a call of a guest needs.

use super::module::Module;
use crate::error::Error;

/// Stack that a call takes on the host's side: for this crate, for wasmtime, and for its work after a trap.
const HOST_STACK_BYTES: usize = 64 << 10;

impl Module {
    /// `Err` where this thread cannot run a guest.
    #[inline]
    pub(super) fn check_stack(&self) -> Result<(), Box<Error>> {
        let needed = self.inner.sandbox.limits().stack.saturating_add(HOST_STACK_BYTES);
        match stacker::remaining_stack() {
            Some(left) if left < needed => Err(self.too_little_stack(needed, left)),
            _ => Ok(()),
        }
    }

    #[cold]
    fn too_little_stack(&self, needed: usize, left: usize) -> Box<Error> {
        Box::new(Error::Stack { module: self.inner.name.clone(), needed, left })
    }
}
