//! Advice to the system about pages: huge pages for memory that is filled at once and read throughout, and
//! release of unneeded pages.
#![allow(unsafe_code, reason = "advises the system about a memory")]

/// Minimum size in bytes for which huge pages pay: a huge page is 2 MiB or more.
#[cfg(target_os = "linux")]
const MIN_HUGE_PAGE_BYTES: usize = 4 << 20;

/// Alignment in bytes that pages of every size have.
#[cfg(target_os = "linux")]
const SYSTEM_PAGE: usize = 4 << 10;

/// Minimum size in bytes for which releasing pays: the pages may soon be needed again.
#[cfg(target_os = "linux")]
const MIN_DISCARDED_BYTES: usize = 1 << 20;

/// Releases to the system the pages of memory whose content is no longer needed, if they are many. The
/// content is unspecified afterwards.
pub(crate) fn discard(memory: &mut [u8]) {
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
    #[cfg(target_os = "linux")]
    if memory.len() >= MIN_DISCARDED_BYTES
        && let Some(pages) = memory.get_mut(memory.as_ptr().align_offset(SYSTEM_PAGE)..)
    {
        let size = pages.len() / SYSTEM_PAGE * SYSTEM_PAGE;
        // SAFETY: the range is whole pages of a slice that the caller lends mutably, so its content may
        // change. Anonymous pages are zero from now on; where the system refuses, nothing changes.
        let _ = unsafe {
            rustix::mm::madvise(pages.as_mut_ptr().cast(), size, rustix::mm::Advice::LinuxDontNeed)
        };
    }
}

/// Advises the system to back memory with huge pages from now on, where it has them on request only: page
/// faults and TLB misses then take a fraction of the time.
pub(crate) fn huge_pages(memory: *const u8, size: usize) {
    #[cfg(not(target_os = "linux"))]
    let _ = (memory, size);
    #[cfg(target_os = "linux")]
    if size >= MIN_HUGE_PAGE_BYTES {
        let skipped = memory.align_offset(SYSTEM_PAGE);
        let at = memory.wrapping_add(skipped).cast_mut().cast();
        // SAFETY: the advice changes how a range is backed and none of its content, whoever owns it. Where
        // the system refuses, nothing changes.
        let _ = unsafe { rustix::mm::madvise(at, size - skipped, rustix::mm::Advice::LinuxHugepage) };
    }
}
