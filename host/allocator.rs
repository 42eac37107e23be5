//! The end of a process that runs out of memory: a message and an exit status, not an abort.
//!
//! Rust aborts where an allocation fails that its caller cannot do without, and an allocator does not learn
//! which those are. No part of the command line does without the memory that it asks for, so the process ends
//! at the first failure. The library has errors of its own, and no allocator.
#![allow(unsafe_code, reason = "an allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use crate::cli::{self, Exit};

/// Descriptor of standard error, on every system.
const STDERR: i32 = 2;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

struct Allocator;

// SAFETY: the system's allocator upholds the contract, and gets each request as it came.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds the contract.
        had(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds the contract.
        had(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller upholds the contract.
        had(unsafe { System.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Returns the memory, if it was had.
fn had(memory: *mut u8, size: usize) -> *mut u8 {
    if memory.is_null() { end(size) } else { memory }
}

#[cold]
fn end(size: usize) -> ! {
    static ENDS: AtomicBool = AtomicBool::new(false);
    // One line says it, whichever other threads are told the same. Nothing below allocates.
    while ENDS.swap(true, Relaxed) {
        thread::yield_now();
    }
    let mut text = Cursor::new([0; 160]);
    // It fits, and formatting a number allocates nothing.
    let _ = writeln!(
        text,
        "callbox: out of memory: {size} bytes could not be had; sort less at once, or allow the process more"
    );
    let len = text.position() as usize;
    cli::clear_at_the_end();
    // SAFETY: the buffer is a local array, of which `len` bytes are written.
    unsafe { libc::write(STDERR, text.get_ref().as_ptr().cast(), len as _) };
    cli::remove_temporary();
    // SAFETY: no destructor runs and no handler at exit; none is needed, and either may allocate.
    unsafe { libc::_exit(Exit::Trouble as i32) }
}
