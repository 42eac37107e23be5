//! Puts an isolation into force: Landlock, resource limits, descriptors, then seccomp.
#![allow(unsafe_code, reason = "closes descriptors by number")]

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, Scope};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Isolation, calls};

/// Stack of the thread that `main` runs on; it counts neither as data nor, until used, as address space.
const MAIN_STACK_BYTES: u64 = 64 << 20;

impl Isolation {
    pub(super) fn lock_down(self) -> Result<(), String> {
        let system = |error: rustix::io::Errno| error.to_string();
        // Read before files are out of reach.
        let (space, data) = (memory_used("VmSize:").unwrap_or(0), memory_used("VmData:").unwrap_or(0));
        let spent = processor_time().unwrap_or(0);
        landlock().map_err(|error| error.to_string())?;
        let seconds = self.time.as_secs().saturating_add(spent + 1);
        lower(Resource::Core, 0, 0).map_err(system)?;
        // Memory that is made read-only after it has been filled is no longer data, but it is address space.
        lower(Resource::As, self.memory.saturating_add(space), 0).map_err(system)?;
        lower(Resource::Data, self.memory.saturating_add(data), 0).map_err(system)?;
        lower(Resource::Stack, MAIN_STACK_BYTES, 0).map_err(system)?;
        // A second between the signal that tells the reason, SIGXCPU, and SIGKILL.
        lower(Resource::Cpu, seconds, 1).map_err(system)?;
        lower(Resource::Nofile, 3, 0).map_err(system)?;
        // SAFETY: a file that the caller still holds has a number that is no file's from here on: none can be
        // opened, because at most three may be.
        let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
        if closed != 0 {
            return Err(format!("cannot close files: {}", std::io::Error::last_os_error()));
        }
        calls::restrict()
    }
}

/// Denies this thread, and those that it will start, files, TCP, abstract sockets and signals to others, as
/// far as the kernel can. seccomp denies all of it already; this holds where a rule there has a hole.
fn landlock() -> Result<(), landlock::RulesetError> {
    let abi = ABI::V6; // the crate leaves out what an older kernel lacks
    Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()
        .map(drop)
}

/// Lowers a limit to `most`, and its ceiling to `spare` more; a lower one stays.
fn lower(resource: Resource, most: u64, spare: u64) -> rustix::io::Result<()> {
    let present = getrlimit(resource);
    let below = |limit: Option<u64>, most: u64| Some(limit.map_or(most, |limit| limit.min(most)));
    let maximum = below(present.maximum, most.saturating_add(spare));
    setrlimit(resource, Rlimit { current: below(present.current, most), maximum })
}

/// Returns an amount of memory of this process in bytes, as the kernel counts it.
fn memory_used(row: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(row))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// Returns the CPU time used so far in seconds.
fn processor_time() -> Option<u64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec).ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::TcpListener;
    use std::thread;

    use crate::skip::skip;

    #[test]
    fn landlock_alone_denies_files_and_tcp() {
        let outcome = thread::spawn(|| {
            super::landlock().unwrap();
            let file = File::open("/proc/self/status").map(drop);
            let tcp = TcpListener::bind("127.0.0.1:0").map(drop);
            [file, tcp].map(|outcome| outcome.err().and_then(|error| error.raw_os_error()))
        });
        let [file, tcp] = outcome.join().unwrap();
        if file.is_none() {
            return skip("landlock", "Landlock, which this kernel does not have");
        }
        assert_eq!(file, Some(libc::EACCES));
        assert!(tcp.is_none_or(|error| error == libc::EACCES), "{tcp:?}");
    }
}
