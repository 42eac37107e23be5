//! Buffers that a thread reuses from call to call.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// Maximum capacity of a buffer in the pool; a larger one is returned to the system.
const MAX_POOLED_BYTES: usize = 64 << 10;

/// Maximum number of buffers in a thread's pool: a call has two, and another call may be inside it.
const MAX_POOLED_BUFFERS: usize = 4;

thread_local!(static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) });

/// A byte buffer that usually needs no allocation. It is empty at first, and takes a buffer from the pool
/// when it is written to.
#[derive(Default)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// Returns the bytes as a vector that can grow.
    pub(super) fn growing(&mut self) -> &mut Vec<u8> {
        if self.0.capacity() == 0 {
            // A thread that is ending has no pool, and needs none.
            self.0 = FREE.try_with(|free| free.borrow_mut().pop()).ok().flatten().unwrap_or_default();
            self.0.clear();
        }
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if (1..=MAX_POOLED_BYTES).contains(&self.0.capacity()) {
            let bytes = std::mem::take(&mut self.0);
            let _ = FREE.try_with(|free| {
                let mut free = free.borrow_mut();
                if free.len() < MAX_POOLED_BUFFERS {
                    free.push(bytes);
                }
            });
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
