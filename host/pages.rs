//! Large pages for memory that is filled at once and read all over.
#![allow(unsafe_code, reason = "advises the system about a memory")]

/// From this size on it is worth asking: a large page is 2 MiB or more.
const WORTH: usize = 4 << 20;

/// Where pages begin, of whatever size they are.
const PAGE: usize = 4 << 10;

/// Asks the system to back memory with large pages from now on, where it has them and waits to be
/// asked: faults and misses of the TLB then cost a fraction.
pub(crate) fn advise(memory: *const u8, size: usize) {
    if size < WORTH {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        let skipped = memory.align_offset(PAGE);
        let at = memory.wrapping_add(skipped).cast_mut().cast();
        // SAFETY: the advice changes how a range is backed and nothing that is in it, whoever it
        // belongs to. Where the system refuses, all is as before.
        let _ = unsafe { rustix::mm::madvise(at, size - skipped, rustix::mm::Advice::LinuxHugepage) };
    }
}
