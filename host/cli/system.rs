//! Questions to the system about memory and about a terminal; some systems have no answer.

#![cfg_attr(all(target_os = "linux", target_env = "gnu"), allow(unsafe_code, reason = "asks the allocator"))]

use std::fs;

/// Has the allocator give large memory back to the system when it is freed. By default it keeps what is
/// smaller than the largest that was freed so far, and a process takes more and more.
pub(super) fn return_large_memory() {
    // SAFETY: it sets a number, and no other thread allocates meanwhile.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 256 << 10)
    };
}

/// Returns how much memory in bytes can be had without taking it from others: of the machine, and of the
/// control group.
pub(super) fn free_memory() -> Option<u64> {
    let of_machine = line("/proc/meminfo", "MemAvailable:");
    let number = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse().ok();
    let taken = || number("memory.current").unwrap_or(0);
    let of_group = number("memory.max").map(|most: u64| most.saturating_sub(taken()));
    of_machine.into_iter().chain(of_group).min()
}

/// Returns the machine's memory in bytes.
pub(super) fn total_memory() -> Option<u64> {
    line("/proc/meminfo", "MemTotal:")
}

/// Returns the memory in bytes that this process takes.
pub(super) fn resident_memory() -> Option<u64> {
    line("/proc/self/status", "VmRSS:")
}

/// Returns the most memory in bytes that this process has taken.
pub(super) fn peak_memory() -> Option<u64> {
    line("/proc/self/status", "VmHWM:")
}

/// Returns the number in a line of a file that begins with a name, in bytes; the file has it in KiB.
fn line(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix("kB")?;
    number.trim().parse().ok().map(|kib: u64| kib << 10)
}

/// Columns of a terminal that does not tell how many it has.
const COLUMNS: usize = 80;

/// Returns the number of columns of the terminal that is standard error.
#[cfg(unix)]
pub(super) fn columns() -> usize {
    match rustix::termios::tcgetwinsize(rustix::stdio::stderr()) {
        Ok(size) if size.ws_col > 0 => size.ws_col.into(),
        _ => COLUMNS,
    }
}

/// Returns whether this process may write to the terminal that is standard error: others are in front of one
/// that a shell has put in the background.
#[cfg(unix)]
pub(super) fn is_in_foreground() -> bool {
    let foreground = rustix::termios::tcgetpgrp(rustix::stdio::stderr());
    // Nobody else is in front unless it is the terminal of this session.
    foreground.map_or(true, |group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
pub(super) fn columns() -> usize {
    COLUMNS
}

#[cfg(not(unix))]
pub(super) fn is_in_foreground() -> bool {
    true
}
