/* Plays a guest that has escaped: a "sort function" that makes hostile system calls.
 *
 *     cc -shared -fPIC -O1 -o escaped.so tests/shims/escaped.c
 *     printf 'b\na\n' | CALLBOX_ESCAPE="VICTIM N..." callbox sort bytes --isolate --sorter ./escaped.so:escape
 *
 * VICTIM is the number of a process that is to come to no harm, N numbers of attempts. Each attempt is announced
 * on standard error, "try N NAME", and told if the process lives on: "back N RESULT". The first SYSTEM_CALLS
 * attempts are the system calls by number, with arguments of zero; then as many with arguments of one bits; then
 * those of the table below. `count` tells how many there are. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SYSTEM_CALLS = 600 };

static char buffer[65536] __attribute__((aligned(4096)));
static long victim;
static const char path[] = "/tmp/callbox-escaped";

struct attempt {
    const char *name;
    long number;
    long arguments[6];
};

/* Stands for the number of the process that is to come to no harm, and for a buffer. */
#define VICTIM 0x7e57000000000001
#define BUFFER 0x7e57000000000002
#define PATH 0x7e57000000000003
#define SELF 0x7e57000000000004
#define VICTIM_CLOCK 0x7e57000000000005

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

#define FCNTL(command, argument) {"fcntl " #command, SYS_fcntl, {1, command, argument}}
#define PRCTL(option, argument) {"prctl " #option, SYS_prctl, {option, argument}}
#define MADVISE(advice) {"madvise " #advice, SYS_madvise, {BUFFER, 4096, advice}}
#define MMAP(name, protection, flags, file) {"mmap " name, SYS_mmap, {0, 4096, protection, flags, file, 0}}
#define MPROTECT(protection) {"mprotect " #protection, SYS_mprotect, {BUFFER, 4096, protection}}
#define FUTEX(operation) {"futex " #operation, SYS_futex, {BUFFER, operation, 1, 0, BUFFER, 0}}
#define CLONE(flags) {"clone " #flags, SYS_clone, {flags, 0, 0, 0, 0}}
#define SIGACTION(signal) {"rt_sigaction " #signal, SYS_rt_sigaction, {signal, BUFFER, 0, 8}}
#define PLAIN(call, ...) {#call " " #__VA_ARGS__, SYS_##call, {__VA_ARGS__}}
/* The 32-bit entry of the kernel, whose numbers are others: 20 is getpid, 37 kill, 5 open. */
#define ENTRY_32(name, number, ...) {"int 0x80 " name, -1000 - number, {__VA_ARGS__}}

static const struct attempt attempts[] = {
    /* A signal to another process through a descriptor, and other effects beyond the process. */
    FCNTL(F_SETOWN, VICTIM), FCNTL(F_SETOWN_EX, BUFFER), FCNTL(F_SETSIG, SIGKILL), FCNTL(F_SETFL, O_ASYNC),
    FCNTL(F_SETFL, O_NONBLOCK), FCNTL(F_NOTIFY, DN_MODIFY), FCNTL(F_SETLEASE, F_WRLCK), FCNTL(F_DUPFD, 0),
    FCNTL(F_DUPFD_CLOEXEC, 0), FCNTL(F_SETFD, 0), FCNTL(F_SETLK, BUFFER), FCNTL(F_SETLKW, BUFFER),
    FCNTL(F_GETLK, BUFFER), FCNTL(F_SETPIPE_SZ, 4096), FCNTL(F_ADD_SEALS, 1), FCNTL(F_GETOWN, 0),
    FCNTL(F_GETOWN_EX, BUFFER), FCNTL(F_OFD_SETLK, BUFFER), FCNTL(F_SET_RW_HINT, BUFFER), FCNTL(0x10000001, 0),
    /* Attributes of the process. */
    PRCTL(PR_SET_PDEATHSIG, 0), PRCTL(PR_SET_DUMPABLE, 1), PRCTL(PR_SET_PTRACER, -1), PRCTL(PR_SET_SECCOMP, 1),
    PRCTL(PR_SET_MM, PR_SET_MM_EXE_FILE), PRCTL(PR_SET_CHILD_SUBREAPER, 1), PRCTL(PR_SET_SECUREBITS, 0),
    PRCTL(PR_SET_KEEPCAPS, 1), PRCTL(PR_CAP_AMBIENT, 2), PRCTL(PR_CAPBSET_DROP, 0), PRCTL(PR_SET_TIMERSLACK, 1),
    PRCTL(PR_SET_THP_DISABLE, 1), PRCTL(PR_SET_IO_FLUSHER, 1), PRCTL(PR_SET_SPECULATION_CTRL, 0),
    PRCTL(PR_SET_SYSCALL_USER_DISPATCH, 1), PRCTL(PR_SCHED_CORE, 1), PRCTL(PR_MCE_KILL, 1), PRCTL(PR_SET_TSC, 2),
    PRCTL(PR_SET_VMA, 1), PRCTL(PR_GET_DUMPABLE, 0), PRCTL(PR_TASK_PERF_EVENTS_DISABLE, 0), PRCTL(-1, 0),
    /* Memory that is executable from the start, shared, of files, or not counted by the limits. */
    MMAP("executable", RW | PROT_EXEC, ANON, -1), MMAP("read and execute", PROT_READ | PROT_EXEC, ANON, -1),
    MMAP("file 0", PROT_READ, MAP_PRIVATE, 0), MMAP("file 1 shared", RW, MAP_SHARED, 1),
    MMAP("file executable", PROT_READ | PROT_EXEC, MAP_PRIVATE, 0), MMAP("shared", RW, MAP_SHARED | MAP_ANONYMOUS, -1),
    MMAP("grows down", RW, ANON | MAP_GROWSDOWN, -1), MMAP("locked", RW, ANON | MAP_LOCKED, -1),
    MMAP("huge", RW, ANON | MAP_HUGETLB, -1), MMAP("populated", RW, ANON | MAP_POPULATE, -1),
    MMAP("low 32 bits", RW, 0x100000000 | MAP_SHARED, 1), MMAP("grows, by protection", RW | PROT_GROWSDOWN, ANON, -1),
    MPROTECT(RW | PROT_EXEC), MPROTECT(PROT_EXEC), MPROTECT(PROT_WRITE | PROT_EXEC), MPROTECT(RW | PROT_GROWSDOWN),
    {"mremap fixed", SYS_mremap, {BUFFER, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, BUFFER}},
    {"mremap keeping", SYS_mremap, {BUFFER, 4096, 4096, MREMAP_MAYMOVE | 4, 0}},
    MADVISE(MADV_HWPOISON), MADVISE(101 /* soft offline */), MADVISE(MADV_MERGEABLE), MADVISE(MADV_REMOVE),
    MADVISE(MADV_WIPEONFORK), MADVISE(MADV_DONTDUMP), MADVISE(MADV_COLD), MADVISE(MADV_PAGEOUT),
    MADVISE(MADV_POPULATE_WRITE), MADVISE(MADV_NORMAL), MADVISE(MADV_FREE), MADVISE(25 /* collapse */), MADVISE(-1),
    /* Processes. */
    CLONE(SIGCHLD), CLONE(0), CLONE(CLONE_VM | SIGCHLD), CLONE(CLONE_VM | CLONE_VFORK | SIGCHLD),
    CLONE(CLONE_NEWUSER | SIGCHLD), CLONE(THREAD), CLONE(THREAD | CLONE_NEWNS), CLONE(CLONE_PARENT | SIGCHLD),
    CLONE(THREAD | CLONE_PTRACE | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID),
    CLONE(CLONE_PIDFD | SIGCHLD), {"clone3", SYS_clone3, {BUFFER, 88}}, PLAIN(fork, 0), PLAIN(vfork, 0),
    {"execve", SYS_execve, {PATH, 0, 0}}, {"execveat", SYS_execveat, {0, BUFFER, 0, 0, 0x1000}},
    PLAIN(kill, VICTIM, SIGKILL), PLAIN(kill, -1, SIGTERM), PLAIN(kill, VICTIM, 0), PLAIN(tkill, VICTIM, SIGKILL),
    PLAIN(tgkill, VICTIM, VICTIM, SIGKILL), PLAIN(tgkill, VICTIM, VICTIM, SIGABRT), PLAIN(tgkill, SELF, SELF, SIGTERM),
    PLAIN(tgkill, SELF, SELF, 0), PLAIN(rt_sigqueueinfo, VICTIM, SIGKILL, BUFFER), PLAIN(pidfd_open, VICTIM, 0),
    PLAIN(rt_tgsigqueueinfo, VICTIM, VICTIM, SIGKILL, BUFFER), PLAIN(pidfd_send_signal, 0, SIGKILL, 0, 0),
    PLAIN(pidfd_getfd, 0, 0, 0), PLAIN(ptrace, 16, VICTIM, 0, 0), PLAIN(process_vm_readv, VICTIM, BUFFER, 1, BUFFER, 1),
    PLAIN(process_vm_writev, VICTIM, BUFFER, 1, BUFFER, 1), PLAIN(process_madvise, 0, BUFFER, 1, 4, 0),
    PLAIN(kcmp, SELF, VICTIM, 0, 0, 0), PLAIN(setpriority, 0, VICTIM, 19), PLAIN(sched_setaffinity, VICTIM, 8, BUFFER),
    PLAIN(sched_setscheduler, VICTIM, 1, BUFFER), PLAIN(sched_getaffinity, VICTIM, 128, BUFFER),
    PLAIN(migrate_pages, VICTIM, 8, BUFFER, BUFFER), PLAIN(setpgid, 0, 0), PLAIN(setsid, 0), PLAIN(wait4, -1, 0, 0, 0),
    PLAIN(prlimit64, VICTIM, RLIMIT_CPU, 0, BUFFER), PLAIN(prlimit64, VICTIM, RLIMIT_CPU, BUFFER, 0),
    PLAIN(prlimit64, 0, RLIMIT_NOFILE, BUFFER, 0), PLAIN(setrlimit, RLIMIT_NOFILE, BUFFER), PLAIN(getpgid, VICTIM),
    PLAIN(get_robust_list, VICTIM, BUFFER, BUFFER), PLAIN(setuid, 0), PLAIN(setgroups, 0, 0), PLAIN(capset, BUFFER, BUFFER),
    SIGACTION(SIGTERM), SIGACTION(SIGXCPU), SIGACTION(SIGSYS), SIGACTION(SIGPIPE), SIGACTION(SIGIO), SIGACTION(34),
    PLAIN(alarm, 1), PLAIN(setitimer, 0, BUFFER, 0), PLAIN(timer_create, 0, BUFFER, BUFFER), PLAIN(rt_sigpending, BUFFER, 8),
    FUTEX(FUTEX_LOCK_PI), FUTEX(FUTEX_LOCK_PI2), FUTEX(FUTEX_CMP_REQUEUE_PI), FUTEX(FUTEX_WAIT_REQUEUE_PI),
    FUTEX(FUTEX_REQUEUE), FUTEX(FUTEX_CMP_REQUEUE), FUTEX(FUTEX_WAKE_OP), FUTEX(FUTEX_FD), FUTEX(FUTEX_TRYLOCK_PI),
    FUTEX(FUTEX_UNLOCK_PI), FUTEX(FUTEX_WAKE_BITSET), FUTEX(FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG), FUTEX(-1),
    PLAIN(futex_waitv, BUFFER, 1, 0, 0, 0),
    PLAIN(clock_gettime, VICTIM_CLOCK, BUFFER), PLAIN(clock_gettime, -6, BUFFER), PLAIN(clock_gettime, 8, BUFFER),
    PLAIN(clock_settime, 0, BUFFER), PLAIN(clock_adjtime, 0, BUFFER), PLAIN(clock_nanosleep, -6, 0, BUFFER, 0),
    /* Descriptors: what others wrote before, and what others will read. */
    PLAIN(read, 1, BUFFER, 1), PLAIN(read, 2, BUFFER, 1), PLAIN(read, 3, BUFFER, 1), PLAIN(write, 0, BUFFER, 1),
    PLAIN(write, 3, BUFFER, 1), PLAIN(writev, 0, BUFFER, 1), PLAIN(pread64, 0, BUFFER, 1, 0), PLAIN(readv, 0, BUFFER, 1),
    PLAIN(pwrite64, 1, BUFFER, 1, 0), PLAIN(preadv2, 0, BUFFER, 1, 0, 0, 0), PLAIN(pwritev2, 1, BUFFER, 1, 0, 0, 0),
    PLAIN(lseek, 1, 0, 0), PLAIN(ftruncate, 1, 0), PLAIN(fallocate, 1, 0, 0, 4096), PLAIN(sendfile, 1, 0, 0, 4096),
    PLAIN(splice, 0, 0, 1, 0, 4096, 0), PLAIN(tee, 0, 1, 4096, 0), PLAIN(vmsplice, 1, BUFFER, 1, 0), PLAIN(dup, 1),
    PLAIN(dup2, 1, 0), PLAIN(dup3, 1, 5, 0), PLAIN(copy_file_range, 0, 0, 1, 0, 1, 0), PLAIN(fchmod, 1, 0777),
    PLAIN(fchown, 1, 0, 0), PLAIN(flock, 1, 2), PLAIN(ioctl, 1, 0x5412, BUFFER), PLAIN(ioctl, 0, 0x5401, BUFFER),
    PLAIN(ioctl, 1, 0x8901, BUFFER), PLAIN(fsetxattr, 1, PATH, BUFFER, 1, 0), PLAIN(fstat, 0, BUFFER), PLAIN(sync, 0),
    /* Ways to files. */
    PLAIN(open, PATH, O_RDWR | O_CREAT, 0666), PLAIN(openat, AT_FDCWD, PATH, O_RDWR | O_CREAT, 0666),
    PLAIN(openat2, AT_FDCWD, PATH, BUFFER, 24), PLAIN(creat, PATH, 0666), PLAIN(open_by_handle_at, 0, BUFFER, 0),
    PLAIN(name_to_handle_at, AT_FDCWD, PATH, BUFFER, BUFFER, 0), PLAIN(open_tree, AT_FDCWD, PATH, 0), PLAIN(unlink, PATH),
    PLAIN(unlinkat, AT_FDCWD, PATH, 0), PLAIN(rename, PATH, PATH), PLAIN(renameat2, AT_FDCWD, PATH, AT_FDCWD, PATH, 0),
    PLAIN(truncate, PATH, 0), PLAIN(chmod, PATH, 0777), PLAIN(fchmodat, AT_FDCWD, PATH, 0777), PLAIN(mkdir, PATH, 0777),
    {"fchmodat2", 452, {AT_FDCWD, PATH, 0777, 0}}, PLAIN(chown, PATH, 0, 0), PLAIN(link, PATH, PATH), PLAIN(symlink, PATH, PATH),
    PLAIN(mknod, PATH, 0010666, 0), PLAIN(setxattr, PATH, PATH, BUFFER, 1, 0), PLAIN(utimensat, AT_FDCWD, PATH, 0, 0),
    PLAIN(stat, PATH, BUFFER), PLAIN(access, PATH, 0), PLAIN(faccessat2, AT_FDCWD, PATH, 0, 0), PLAIN(chdir, PATH),
    PLAIN(statfs, PATH, BUFFER), PLAIN(statx, AT_FDCWD, PATH, 0, 0, BUFFER), PLAIN(chroot, PATH), PLAIN(getcwd, BUFFER, 4096),
    PLAIN(readlink, PATH, BUFFER, 4096), PLAIN(inotify_init1, 0), PLAIN(fanotify_init, 0, 0), PLAIN(mount, PATH, PATH, 0, 0, 0),
    PLAIN(memfd_create, PATH, 0), PLAIN(memfd_secret, 0), PLAIN(mq_open, PATH, O_RDWR | O_CREAT, 0666, 0), PLAIN(swapon, PATH, 0),
    PLAIN(uselib, PATH), PLAIN(acct, PATH), PLAIN(pivot_root, PATH, PATH), PLAIN(quotactl, 0, PATH, 0, 0),
    /* Ways to other processes and to the network. */
    PLAIN(socket, 1, 1, 0), PLAIN(socket, 2, 1, 0), PLAIN(socketpair, 1, 1, 0, BUFFER), PLAIN(pipe2, BUFFER, 0),
    PLAIN(connect, 0, BUFFER, 16), PLAIN(sendmsg, 1, BUFFER, 0), PLAIN(recvmsg, 0, BUFFER, 0), PLAIN(accept4, 0, 0, 0, 0),
    PLAIN(shmget, 1, 4096, 01666), PLAIN(semget, 1, 1, 01666), PLAIN(msgget, 1, 01666), PLAIN(shmat, 0, 0, 0),
    PLAIN(eventfd2, 0, 0), PLAIN(epoll_create1, 0), PLAIN(signalfd4, -1, BUFFER, 8, 0), PLAIN(timerfd_create, 0, 0),
    PLAIN(ppoll, BUFFER, 1, BUFFER, 0, 8), PLAIN(select, 1, BUFFER, 0, 0, 0),
    /* Doors into the kernel. */
    PLAIN(io_uring_setup, 8, BUFFER), PLAIN(io_uring_enter, 0, 1, 0, 0, 0), PLAIN(io_setup, 8, BUFFER),
    PLAIN(bpf, 0, BUFFER, 64), PLAIN(perf_event_open, BUFFER, VICTIM, -1, -1, 0), PLAIN(userfaultfd, 1),
    PLAIN(keyctl, 0, -3, 1), PLAIN(add_key, PATH, PATH, BUFFER, 1, -3), PLAIN(request_key, PATH, PATH, 0, -3),
    PLAIN(seccomp, 1, 0, BUFFER), PLAIN(seccomp, 2, 0, BUFFER), PLAIN(landlock_create_ruleset, BUFFER, 8, 0),
    PLAIN(unshare, CLONE_NEWUSER), PLAIN(setns, 0, 0), PLAIN(personality, 0x0040000), PLAIN(arch_prctl, 0x1002, 0),
    PLAIN(modify_ldt, 1, BUFFER, 16), PLAIN(ioperm, 0, 1, 1), PLAIN(iopl, 3), PLAIN(init_module, BUFFER, 1, PATH),
    PLAIN(kexec_load, 0, 0, 0, 0), PLAIN(reboot, 0, 0, 0, 0), PLAIN(syslog, 2, BUFFER, 1), PLAIN(mlock, BUFFER, 4096),
    PLAIN(mlockall, 7), PLAIN(pkey_alloc, 0, 0), PLAIN(membarrier, 1, 0, 0), PLAIN(set_tid_address, BUFFER), {"mseal", 462, {BUFFER, 4096, 0}},
    PLAIN(remap_file_pages, BUFFER, 4096, 0, 0, 0), PLAIN(mbind, BUFFER, 4096, 0, 0, 0, 0), PLAIN(uname, BUFFER),
    /* The other tables of system calls. */
    {"x32 open", 0x40000002, {PATH, O_RDWR | O_CREAT, 0666}}, {"x32 getpid", 0x40000027, {0}},
    {"x32 write", 0x40000001, {1, BUFFER, 1}}, {"x32 execve", 0x40000208, {PATH, 0, 0}}, {"negative", -1, {0}},
    {"high", 0x7fffffff, {0}}, {"sign", 0x80000001, {1, BUFFER, 1}}, {"beyond", 0x100000, {0}},
    ENTRY_32("getpid", 20, 0), ENTRY_32("kill", 37, VICTIM, SIGKILL), ENTRY_32("open", 5, 0, 0), ENTRY_32("write", 4, 1, 0, 0),
};

enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

static void say(const char *format, int number, const char *name, long result) {
    char line[200];
    int length = snprintf(line, sizeof line, format, number, name, result);
    (void)!write(2, line, length);
}

static long value(long argument) {
    switch (argument) {
    case VICTIM: return victim;
    case BUFFER: return (long)buffer;
    case PATH: return (long)path;
    case SELF: return getpid();
    case VICTIM_CLOCK: return ~victim * 8 + 2;
    default: return argument;
    }
}

static void attempt(int number) {
    struct attempt now = {"number", number % SYSTEM_CALLS, {0}};
    if (number >= 2 * SYSTEM_CALLS + ATTEMPTS || number < 0)
        return;
    if (number >= 2 * SYSTEM_CALLS)
        now = attempts[number - 2 * SYSTEM_CALLS];
    else if (number >= SYSTEM_CALLS)
        memset(now.arguments, 0xff, sizeof now.arguments);
    long a[6], result;
    for (int i = 0; i < 6; i++)
        a[i] = value(now.arguments[i]);
    say("try %d %s\n", number, now.name, 0);
    if (now.number == SYS_exit)
        result = 0; /* it ends this thread alone, and nobody would end the process */
    else if (now.number <= -1000) {
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(-1000 - now.number), "b"(a[0]), "c"(a[1]), "d"(a[2]) : "memory");
    } else {
        result = syscall(now.number, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (result == -1)
            result = -errno;
    }
    say("back %1$d %2$.0s%3$ld\n", number, now.name, result);
}

static const char *plan;

/* Before the process is locked down. */
__attribute__((constructor)) static void begin(void) {
    plan = getenv("CALLBOX_ESCAPE");
}

void escape(void *base, size_t count, size_t width, int compare(const void *, const void *)) {
    char *rest = (char *)plan;
    (void)base, (void)count, (void)width, (void)compare;
    victim = strtol(rest, &rest, 10);
    while (*rest)
        attempt(strtol(rest, &rest, 10));
}

/* Lies to the parent: each writes or says what it likes, and ends as it likes. */
void writes_too_much(void *base, size_t count, size_t width, int compare(const void *, const void *)) {
    (void)base, (void)count, (void)width, (void)compare;
    while (write(1, buffer, sizeof buffer) > 0)
        ;
    for (;;)
        sched_yield();
}

void says_too_much(void *base, size_t count, size_t width, int compare(const void *, const void *)) {
    (void)base, (void)count, (void)width, (void)compare;
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = i;
    while (write(2, buffer, sizeof buffer) > 0)
        ;
    _exit(3);
}

#define ENDS(status)                                                                                                   \
    void ends_##status(void *base, size_t count, size_t width, int compare(const void *, const void *)) {              \
        (void)base, (void)count, (void)width, (void)compare;                                                           \
        _exit(status);                                                                                                 \
    }
ENDS(0) ENDS(1) ENDS(2) ENDS(3) ENDS(4) ENDS(141) ENDS(77)

void count(void *base, size_t length, size_t width, int compare(const void *, const void *)) {
    (void)base, (void)length, (void)width, (void)compare;
    say("back %1$d %2$.0s%3$ld\n", 0, "", 2 * SYSTEM_CALLS + ATTEMPTS);
}
