//! Large pages for memory that is filled at once and read all over.
#![allow(unsafe_code, reason = "advises the system about a memory")]

/// From this size on it is worth asking: a large page is 2 MiB or more.
#[cfg(target_os = "linux")]
const MIN_HUGE_PAGE_BYTES: usize = 4 << 20;

/// Where pages begin, of whatever size they are.
#[cfg(target_os = "linux")]
const SYSTEM_PAGE: usize = 4 << 10;

/// Lets the system have the pages of memory whose content nobody needs any more. What it is afterwards is
/// not said.
pub(crate) fn discard(memory: &mut [u8]) {
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
    #[cfg(target_os = "linux")]
    if let Some(pages) = memory.get_mut(memory.as_ptr().align_offset(SYSTEM_PAGE)..) {
        let size = pages.len() / SYSTEM_PAGE * SYSTEM_PAGE;
        // SAFETY: whole pages of a slice that is the caller's, and whose content may change. Anonymous
        // pages are zero from now on; where the system refuses, all is as before.
        let _ = unsafe {
            rustix::mm::madvise(pages.as_mut_ptr().cast(), size, rustix::mm::Advice::LinuxDontNeed)
        };
    }
}

/// Asks the system to back memory with large pages from now on, where it has them and waits to be
/// asked: faults and misses of the TLB then cost a fraction.
pub(crate) fn huge_pages(memory: *const u8, size: usize) {
    #[cfg(not(target_os = "linux"))]
    let _ = (memory, size);
    #[cfg(target_os = "linux")]
    if size >= MIN_HUGE_PAGE_BYTES {
        let skipped = memory.align_offset(SYSTEM_PAGE);
        let at = memory.wrapping_add(skipped).cast_mut().cast();
        // SAFETY: the advice changes how a range is backed and nothing that is in it, whoever it
        // belongs to. Where the system refuses, all is as before.
        let _ = unsafe { rustix::mm::madvise(at, size - skipped, rustix::mm::Advice::LinuxHugepage) };
    }
}
