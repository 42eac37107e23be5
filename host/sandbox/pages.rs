//! Large pages for memory that is filled at once and read all over.
#![allow(unsafe_code, reason = "advises the system about a memory")]

use wasmtime::{Memory, Store};

use super::store::State;

/// From this size on it is worth asking: a large page is 2 MiB or more.
const WORTH: usize = 4 << 20;

/// Asks the system to back a memory with large pages from now on, where it has them and waits to be
/// asked: faults and misses of the TLB then cost a fraction.
pub(super) fn advise(store: &Store<State>, memory: &Memory) {
    let size = memory.data_size(store);
    if size < WORTH {
        return;
    }
    #[cfg(target_os = "linux")]
    // SAFETY: the range is the memory, which the store keeps mapped; the advice changes how it is
    // backed and nothing that is in it. Where the system refuses, all is as before.
    let _ = unsafe {
        rustix::mm::madvise(memory.data_ptr(store).cast(), size, rustix::mm::Advice::LinuxHugepage)
    };
}
