//! The system calls of an isolated process.
//!
//! [`CALLS`] is the whole policy: a call, or an argument, that is not in it kills the process.

use libc::{
    MADV_DONTNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE,
    MAP_NORESERVE, MAP_PRIVATE, MAP_STACK, PROT_EXEC, PROT_READ, PROT_WRITE,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

/// A system call that does not kill the process.
struct Call {
    number: i64,
    verdict: Verdict,
}

enum Verdict {
    /// It is made.
    Allow,
    /// It is made if one of these lists of conditions holds in full.
    AllowIf(&'static [&'static [Argument]]),
    /// It fails with this error and is not made: a program may attempt it and do without.
    Fail(libc::c_int),
}
use Verdict::{Allow, AllowIf, Fail};

/// A condition on an argument, counted from 0.
#[derive(Clone, Copy)]
enum Argument {
    /// The kernel reads 32 bits of it, and they are this number.
    Is(u8, u32),
    /// All 64 bits of it, without the bits of a mask, are this number.
    IsBut(u8, u64, u64),
    /// The kernel reads 32 bits of it, and without the bits of a mask they are this number.
    IsBut32(u8, u32, u32),
    /// It is the number of this process.
    IsThisProcess(u8),
}
use Argument::{Is, IsBut, IsBut32, IsThisProcess};

const fn call(number: i64, verdict: Verdict) -> Call {
    Call { number, verdict }
}

/// Flags of a thread, as the C libraries start them; musl adds a flag that Linux ignores.
const THREAD: u64 = (libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID) as u64;
const MUSL_THREAD: u64 = libc::CLONE_DETACHED as u64;

/// Memory of its own: no file, nothing shared, no huge pages from the system's pool, and no stack that grows
/// past the limits.
const PRIVATE: u64 = (MAP_PRIVATE | MAP_ANONYMOUS) as u64;
const PRIVATE_TOO: u64 = (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_NORESERVE | MAP_STACK) as u64;
/// `MAP_DROPPABLE`: the state of getrandom(3), since glibc 2.41.
const DROPPABLE: u64 = 0x08 | MAP_ANONYMOUS as u64;

const READ_WRITE: u64 = (PROT_READ | PROT_WRITE) as u64;

/// Guard pages of a thread's stack, since glibc 2.42.
const GUARD_INSTALL: u32 = 102;
const GUARD_REMOVE: u32 = 103;

/// Bits of futex(2)'s operation that change how it waits, and not what it does.
const FUTEX_FLAGS: u32 = (libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME) as u32;

/// The policy. Behind each call stands who makes it.
#[rustfmt::skip]
const CALLS: &[Call] = &[
    // Memory: malloc, stacks of threads, the guests' memories and their code.
    call(libc::SYS_brk, Allow),
    call(libc::SYS_munmap, Allow),
    call(libc::SYS_mmap, AllowIf(&[
        &[IsBut(2, READ_WRITE, 0), IsBut(3, PRIVATE_TOO, PRIVATE)],
        &[IsBut(2, READ_WRITE, 0), IsBut(3, 0, DROPPABLE)],
    ])),
    // wasmtime makes compiled code executable, when nothing will write to it any more.
    call(libc::SYS_mprotect, AllowIf(&[
        &[IsBut(2, READ_WRITE, 0)],
        &[IsBut(2, 0, (PROT_READ | PROT_EXEC) as u64)],
    ])),
    // realloc moves large blocks.
    call(libc::SYS_mremap, AllowIf(&[&[IsBut(3, 0, libc::MREMAP_MAYMOVE as u64)]])),
    // free and the end of a thread, huge pages for large arrays, the guard of a stack. Not, for one, poison.
    call(libc::SYS_madvise, AllowIf(&[
        &[Is(2, MADV_DONTNEED as u32)],
        &[Is(2, MADV_HUGEPAGE as u32)],
        &[Is(2, MADV_NOHUGEPAGE as u32)],
        &[Is(2, GUARD_INSTALL)],
        &[Is(2, GUARD_REMOVE)],
    ])),

    // Threads: the ticker of deadlines, sorts on several, and the locks and condition variables between them.
    call(libc::SYS_clone, AllowIf(&[&[IsBut(0, MUSL_THREAD, THREAD)]])),
    // Its flags are behind a pointer, so a filter cannot distinguish a thread from a process. C libraries
    // then use `clone`.
    call(libc::SYS_clone3, Fail(libc::ENOSYS)),
    call(libc::SYS_set_robust_list, Allow), // the C library, for each new thread
    call(libc::SYS_rseq, Allow), // glibc, for each new thread
    call(libc::SYS_gettid, Allow), // abort; locks that know their owner
    call(libc::SYS_sched_yield, Allow), // locks that spin
    // std, which names threads; glibc, which names memory where a tunable asks for it.
    call(libc::SYS_prctl, AllowIf(&[
        &[Is(0, libc::PR_SET_NAME as u32)],
        &[Is(0, libc::PR_SET_VMA as u32), IsBut(1, 0, libc::PR_SET_VMA_ANON_NAME as u64)],
    ])),
    // Waiting and waking, and none of the operations on others' locks.
    call(libc::SYS_futex, AllowIf(&[
        &[IsBut32(1, FUTEX_FLAGS, libc::FUTEX_WAIT as u32)],
        &[IsBut32(1, FUTEX_FLAGS, libc::FUTEX_WAKE as u32)],
        &[IsBut32(1, FUTEX_FLAGS, libc::FUTEX_WAIT_BITSET as u32)],
    ])),
    // glibc, for a thread's attributes, in which the number of processors is optional; a number would tell
    // which processes there are.
    call(libc::SYS_sched_getaffinity, Fail(libc::ENOSYS)),
    // glibc, for the size of the stack. It reads this process's limits and sets none.
    call(libc::SYS_prlimit64, AllowIf(&[&[Is(0, 0), IsBut(2, 0, 0)]])),

    // Traps: wasmtime handles the faults of guests; std handles stack overflow on each thread.
    call(libc::SYS_rt_sigaction, AllowIf(&[
        &[Is(0, libc::SIGSEGV as u32)],
        &[Is(0, libc::SIGBUS as u32)],
        &[Is(0, libc::SIGILL as u32)],
        &[Is(0, libc::SIGFPE as u32)],
        &[Is(0, libc::SIGABRT as u32)], // abort
        &[IsBut32(0, 1, 32)], // the C library's own, 32 and 33, with the first thread
    ])),
    call(libc::SYS_rt_sigprocmask, Allow), // abort, and the start and end of a thread
    call(libc::SYS_rt_sigreturn, Allow), // the end of every handler
    call(libc::SYS_sigaltstack, Allow), // std and wasmtime, for each thread

    // Time: clocks of the system and of this process; a negative number would be another process's.
    call(libc::SYS_clock_gettime, AllowIf(&[&[IsBut32(0, 7, 0)]])),
    call(libc::SYS_clock_nanosleep, AllowIf(&[&[IsBut32(0, 1, 0)]])),
    call(libc::SYS_restart_syscall, Allow), // the kernel, after the process was stopped while it waited

    // Descriptors that were there before.
    call(libc::SYS_read, AllowIf(&[&[Is(0, 0)]])),
    call(libc::SYS_write, AllowIf(&[&[Is(0, 1)], &[Is(0, 2)]])),
    call(libc::SYS_writev, AllowIf(&[&[Is(0, 1)], &[Is(0, 2)]])), // glibc's last words too
    call(libc::SYS_close, Allow), // drop of a file whose descriptor `enter` has closed
    // Flags of a descriptor, which std's debug assertions look at. Not its owner, signal or lease.
    call(libc::SYS_fcntl, AllowIf(&[&[Is(1, libc::F_GETFD as u32)], &[Is(1, libc::F_GETFL as u32)]])),

    // The rest.
    call(libc::SYS_getrandom, Allow), // seeds of hash tables
    call(libc::SYS_sysinfo, Allow), // glibc's qsort asks how much memory the machine has
    call(libc::SYS_getpid, Allow), // abort
    // abort, which ends this process and nobody else.
    call(libc::SYS_tgkill, AllowIf(&[&[IsThisProcess(0), Is(2, libc::SIGABRT as u32)]])),
    call(libc::SYS_exit, Allow), // the end of a thread
    call(libc::SYS_exit_group, Allow),
    // A thread that waits for a guest, or ends a lease in use; wasmtime, before new code runs on other
    // processors, where they do not notice by themselves.
    call(libc::SYS_membarrier, AllowIf(&[
        &[Is(0, libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED as u32), Is(1, 0)],
        &[Is(0, libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED as u32), Is(1, 0)],
        &[Is(0, libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE as u32), Is(1, 0)],
        &[Is(0, libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE as u32), Is(1, 0)],
    ])),

    // wasmtime keeps the image of a memory in a file without a name, or else copies it.
    call(libc::SYS_memfd_create, Fail(libc::ENOSYS)),
    // Attempts that fail: a backtrace looks for its symbols, glibc for processors and the stack's size, std
    // for a terminal or the size of a file.
    call(libc::SYS_openat, Fail(libc::EACCES)),
    call(libc::SYS_faccessat, Fail(libc::EACCES)),
    call(libc::SYS_getcwd, Fail(libc::EACCES)),
    call(libc::SYS_readlinkat, Fail(libc::EACCES)),
    call(libc::SYS_newfstatat, Fail(libc::EACCES)),
    call(libc::SYS_fstat, Fail(libc::EACCES)),
    call(libc::SYS_statx, Fail(libc::EACCES)),
    call(libc::SYS_lseek, Fail(libc::ESPIPE)),
    call(libc::SYS_ioctl, Fail(libc::ENOTTY)),
    #[cfg(target_arch = "x86_64")]
    call(libc::SYS_open, Fail(libc::EACCES)),
    #[cfg(target_arch = "x86_64")]
    call(libc::SYS_access, Fail(libc::EACCES)),
    #[cfg(target_arch = "x86_64")]
    call(libc::SYS_readlink, Fail(libc::EACCES)),
    #[cfg(target_arch = "x86_64")]
    call(libc::SYS_stat, Fail(libc::EACCES)),
    #[cfg(target_arch = "x86_64")]
    call(libc::SYS_lstat, Fail(libc::EACCES)),
];

/// Restricts all threads of this process to [`CALLS`], for good.
pub(super) fn restrict() -> Result<(), String> {
    for filter in filters().map_err(|error| error.to_string())? {
        apply_filter_all_threads(&filter).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Returns the filters. Linux applies the strictest verdict of them all: one for each error that calls fail
/// with, then the one that kills.
fn filters() -> Result<Vec<BpfProgram>, BackendError> {
    let mut errors: Vec<libc::c_int> = CALLS.iter().filter_map(|call| call.verdict.error()).collect();
    errors.sort();
    errors.dedup();
    let mut filters = Vec::new();
    for error in errors {
        let failing = CALLS.iter().filter(|call| call.verdict.error() == Some(error));
        let rules = failing.map(|call| (call.number, Vec::new())).collect();
        filters.push(program(rules, SeccompAction::Errno(error as u32), SeccompAction::Allow)?);
    }
    let rules = CALLS.iter().map(|call| Ok((call.number, call.verdict.rules()?)));
    let rules = rules.collect::<Result<_, BackendError>>()?;
    filters.push(program(rules, SeccompAction::Allow, SeccompAction::KillProcess)?);
    Ok(filters)
}

fn program(
    rules: std::collections::BTreeMap<i64, Vec<SeccompRule>>,
    found: SeccompAction,
    other: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, other, found, arch)?.try_into()
}

impl Verdict {
    fn error(&self) -> Option<libc::c_int> {
        match self {
            Fail(error) => Some(*error),
            Allow | AllowIf(_) => None,
        }
    }

    /// Returns the rules under which a call is not killed; none for one that never is.
    fn rules(&self) -> Result<Vec<SeccompRule>, BackendError> {
        let AllowIf(any) = self else { return Ok(Vec::new()) };
        let rule = |all: &&[Argument]| {
            SeccompRule::new(all.iter().map(|argument| argument.condition()).collect::<Result<_, _>>()?)
        };
        any.iter().map(rule).collect()
    }
}

impl Argument {
    fn condition(self) -> Result<SeccompCondition, BackendError> {
        let (at, len, op, value) = match self {
            Is(at, value) => (at, Len::Dword, Op::Eq, value.into()),
            IsBut(at, free, value) => (at, Len::Qword, Op::MaskedEq(!free), value),
            IsBut32(at, free, value) => (at, Len::Dword, Op::MaskedEq(u64::from(!free)), value.into()),
            IsThisProcess(at) => (at, Len::Dword, Op::Eq, std::process::id().into()),
        };
        SeccompCondition::new(at, len, op, value)
    }
}
