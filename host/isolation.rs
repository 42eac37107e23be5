//! Isolation of the whole process, in case a guest escapes from its sandbox.
//!
//! WebAssembly contains a guest; this contains one that escapes all the same. A process that has
//! read its input locks itself down, and only then inspects an untrusted module.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::limits::Limits;

/// Memory for the host's own work in bytes, mostly the compiler's.
const HOST_MEMORY_BYTES: u64 = 512 << 20;

/// CPU time that the host needs besides the guest's, mostly for compiling.
const HOST_TIME: Duration = Duration::from_secs(10);

/// A lockdown of the process, put into force by [`Isolation::enter`]. Linux only.
///
/// The process keeps its memory, its clock, threads of its own, and the descriptors 0, 1 and 2. It
/// cannot open a file, a socket or another process, nor start one; an attempt is an error, or kills it.
/// Linux limits its memory and its CPU time.
///
/// ```no_run
/// use callbox::{Limits, Sandbox, isolation::Isolation, native};
/// # fn main() -> callbox::Result<()> {
/// // In a worker process that has been handed its input and its module's bytes:
/// let (wasm, mut numbers) = (std::fs::read("order.wasm").expect("a module"), [3, 1, 2]);
/// let limits = Limits::default();
/// Isolation::new(&limits).input(12).enter()?; // for good
/// let guest = callbox::Module::new(&Sandbox::new(limits)?, "order", &wasm)?.instantiate()?;
/// native::qsort(&mut numbers, &guest.callback("compare_i32", "int (const int *, const int *)".parse()?)?)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is locked down until it is entered"]
pub struct Isolation {
    /// Bytes of memory that the process may take from now on.
    memory: u64,
    /// CPU time that it may use from now on.
    time: Duration,
}

impl Isolation {
    /// Creates an isolation with room for one guest with these limits, and for the host's own work on it.
    pub fn new(limits: &Limits) -> Isolation {
        Isolation {
            memory: HOST_MEMORY_BYTES.saturating_add(limits.memory as u64),
            time: HOST_TIME.saturating_add(limits.deadline),
        }
    }

    /// Adds memory for work on `bytes` bytes of input: eight times as many.
    pub fn input(self, bytes: usize) -> Isolation {
        Isolation { memory: self.memory.saturating_add(8 * bytes as u64), ..self }
    }

    /// Locks this process down for the rest of its life, all its threads included. Descriptors above 2
    /// are closed.
    ///
    /// # Errors
    ///
    /// [`Error::Isolation`] where the system lacks a facility that it takes; the process may be locked
    /// down in part then, and should end.
    pub fn enter(self) -> Result<()> {
        self.lock_down().map_err(|reason| Error::Isolation { reason })
    }

    #[cfg(not(target_os = "linux"))]
    fn lock_down(self) -> Result<(), String> {
        Err("it needs Linux".to_owned())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    #![allow(unsafe_code, reason = "closes descriptors by number")]

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
        SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
    };

    use super::Isolation;

    type SeccompRules = Vec<(i64, Vec<SeccompRule>)>;

    impl Isolation {
        pub(super) fn lock_down(self) -> Result<(), String> {
            let system = |error: rustix::io::Errno| error.to_string();
            // Read before files are out of reach.
            let (used, spent) = (private_memory().unwrap_or(0), processor_time().unwrap_or(0));
            lower(Resource::Core, 0).map_err(system)?;
            lower(Resource::Data, self.memory.saturating_add(used)).map_err(system)?;
            lower(Resource::Cpu, self.time.as_secs().saturating_add(spent + 1)).map_err(system)?;
            lower(Resource::Nofile, 3).map_err(system)?;
            // SAFETY: nothing in this process uses a descriptor above 2 from here on: `enter`
            // documents to its caller that they are closed.
            unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
            for filter in filters().map_err(|error| error.to_string())? {
                apply_filter_all_threads(&filter).map_err(|error| error.to_string())?;
            }
            Ok(())
        }
    }

    fn lower(resource: Resource, most: u64) -> rustix::io::Result<()> {
        let current = getrlimit(resource);
        let below = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
        setrlimit(resource, Rlimit { current: below(current.current), maximum: below(current.maximum) })
    }

    /// Returns the bytes of private writable memory, as RLIMIT_DATA counts them.
    fn private_memory() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
    }

    /// Returns the CPU time used so far in seconds.
    fn processor_time() -> Option<u64> {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        u64::try_from(time.tv_sec).ok()
    }

    /// Returns the seccomp filters; Linux applies the strictest verdict of them all.
    fn filters() -> Result<[BpfProgram; 3], seccompiler::BackendError> {
        let refuse = |rules, errno: libc::c_int| {
            program(rules, SeccompAction::Errno(errno as u32), SeccompAction::Allow)
        };
        Ok([
            refuse(any(OPENING), libc::EACCES)?,
            // Its flags are behind a pointer, so a filter cannot distinguish it from a fork; the C
            // library then uses `clone`.
            refuse(any(&[libc::SYS_clone3]), libc::ENOSYS)?,
            program(allowed()?, SeccompAction::Allow, SeccompAction::KillProcess)?,
        ])
    }

    fn program(
        rules: SeccompRules,
        found: SeccompAction,
        other: SeccompAction,
    ) -> Result<BpfProgram, seccompiler::BackendError> {
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        SeccompFilter::new(rules.into_iter().collect(), other, found, arch)?.try_into()
    }

    fn any(calls: &[i64]) -> SeccompRules {
        calls.iter().map(|&call| (call, Vec::new())).collect()
    }

    /// Calls that a program may attempt, and do without; a backtrace, for one, looks for its symbols.
    const OPENING: &[i64] = &[
        libc::SYS_openat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_access,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_readlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_stat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lstat,
        libc::SYS_faccessat,
        libc::SYS_getcwd,
        libc::SYS_readlinkat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
    ];

    /// Calls for memory, threads, clocks, and open descriptors.
    const ALLOWED: &[i64] = &[
        libc::SYS_brk,
        libc::SYS_clock_getres,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_clone3,
        libc::SYS_close,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_fcntl,
        libc::SYS_fstat,
        libc::SYS_futex,
        libc::SYS_getpid,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_lseek,
        libc::SYS_madvise,
        libc::SYS_membarrier,
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_nanosleep,
        libc::SYS_ppoll,
        libc::SYS_read,
        libc::SYS_restart_syscall,
        libc::SYS_rseq,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_set_robust_list,
        libc::SYS_sigaltstack,
        libc::SYS_sysinfo,
        libc::SYS_write,
        libc::SYS_writev,
    ];

    /// Returns the rules for [`ALLOWED`] and [`OPENING`], and for calls whose arguments matter.
    fn allowed() -> Result<SeccompRules, seccompiler::BackendError> {
        let one = |at, len, op, value| SeccompRule::new(vec![SeccompCondition::new(at, len, op, value)?]);
        let thread = libc::CLONE_THREAD as u64;
        let itself = u64::from(std::process::id());
        let mut rules = any(ALLOWED);
        rules.extend(any(OPENING));
        rules.extend([
            // Threads, but no processes.
            (libc::SYS_clone, vec![one(0, Len::Qword, Op::MaskedEq(thread), thread)?]),
            // Ending this process, as `abort` does, and no other.
            (libc::SYS_tgkill, vec![one(0, Len::Dword, Op::Eq, itself)?]),
            // Naming threads and memory.
            (
                libc::SYS_prctl,
                vec![
                    one(0, Len::Dword, Op::Eq, libc::PR_SET_NAME as u64)?,
                    one(0, Len::Dword, Op::Eq, libc::PR_SET_VMA as u64)?,
                ],
            ),
            // Reading limits, not changing them.
            (libc::SYS_prlimit64, vec![one(2, Len::Qword, Op::Eq, 0)?]),
        ]);
        Ok(rules)
    }
}
