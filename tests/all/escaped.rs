//! A guest that has escaped from WebAssembly, played by `tests/shims/escaped.c`: what it reaches from inside
//! `callbox sort --isolate`, and what its parent believes.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::thread;

use crate::support::{callbox, shared_library};

/// Numbers of system calls that are tried.
const SYSTEM_CALLS: i32 = 600;

/// Calls that are made whatever their arguments; they reach this process only.
const MADE: [i64; 15] = [
    libc::SYS_brk,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sysinfo,
];

/// Calls that are made with arguments of zero: of this process, its standard input, and the clock.
const MADE_WITH_ZEROS: [i64; 7] = [
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_futex,
    libc::SYS_mprotect,
    libc::SYS_prlimit64,
    libc::SYS_read,
    libc::SYS_sigaltstack,
];

/// Calls that fail and do nothing, with their error.
const FAILING: [(i64, c_int); 17] = [
    (libc::SYS_access, libc::EACCES),
    (libc::SYS_clone3, libc::ENOSYS),
    (libc::SYS_faccessat, libc::EACCES),
    (libc::SYS_fstat, libc::EACCES),
    (libc::SYS_getcwd, libc::EACCES),
    (libc::SYS_ioctl, libc::ENOTTY),
    (libc::SYS_lseek, libc::ESPIPE),
    (libc::SYS_lstat, libc::EACCES),
    (libc::SYS_memfd_create, libc::ENOSYS),
    (libc::SYS_newfstatat, libc::EACCES),
    (libc::SYS_open, libc::EACCES),
    (libc::SYS_openat, libc::EACCES),
    (libc::SYS_readlink, libc::EACCES),
    (libc::SYS_readlinkat, libc::EACCES),
    (libc::SYS_sched_getaffinity, libc::ENOSYS),
    (libc::SYS_stat, libc::EACCES),
    (libc::SYS_statx, libc::EACCES),
];

/// uretprobe and uprobe: no filter is asked; outside of the kernel's own trampolines they fail.
const NEVER_FILTERED: [i64; 2] = [335, 336];

/// Outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Killed,
    Failed(c_int),
    Made,
}

/// Compiles the library of hostile "sort functions".
fn library() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(|| shared_library(include_str!("../shims/escaped.c"), &["-O1"]));
    built.as_ref().map(|(_, library)| library.as_path())
}

fn isolated(symbol: &str, input: &Path, options: &[&str]) -> Command {
    let mut command = callbox();
    command.args(["sort", "bytes", "--isolate", "--sorter"]);
    command.arg(format!("{}:{symbol}", library().unwrap().display())).args(options);
    // It could be written to, as a terminal could.
    command.stdin(File::options().read(true).write(true).open(input).unwrap());
    command
}

/// Makes one attempt, and returns its name and its fate.
fn attempt(number: i32, victim: u32, input: &Path, out: &Path) -> (String, Fate) {
    let mut command = isolated("escape", input, &["-o", out.to_str().unwrap()]);
    let output = command.env("CALLBOX_ESCAPE", format!("{victim} {number}")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let said = |word: &str| stderr.lines().find_map(|line| line.strip_prefix(&format!("{word} {number} ")));
    let name = said("try").unwrap_or_else(|| panic!("{number}: {stderr}")).to_owned();
    let fate = match said("back").map(|result| result.parse::<i64>().unwrap()) {
        None if stderr.contains("a system call that is not allowed") => Fate::Killed,
        Some(error @ -4095..0) => Fate::Failed(-error as c_int),
        _ => Fate::Made,
    };
    (name, fate)
}

/// Returns the fates of all attempts by their numbers.
fn attempts(victim: u32, input: &Path, out: &Path) -> BTreeMap<i32, (String, Fate)> {
    let counted = isolated("count", input, &["-o", out.to_str().unwrap()]).output().unwrap();
    let counted = String::from_utf8(counted.stderr).unwrap();
    let count = counted.lines().find_map(|line| line.strip_prefix("back 0 "));
    let count: i32 = count.expect(&counted).parse().unwrap();
    let (next, fates) = (AtomicI32::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(number) = Some(next.fetch_add(1, Relaxed)).filter(|number| *number < count) {
                    let found = attempt(number, victim, input, out);
                    fates.lock().unwrap().insert(number, found);
                }
            });
        }
    });
    fates.into_inner().unwrap()
}

#[test]
fn an_escaped_guest_reaches_nothing_by_any_system_call() {
    if library().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (input, out) = (dir.path().join("input"), dir.path().join("out"));
    fs::write(&input, b"b\na\n").unwrap();
    fs::write(&out, b"kept\n").unwrap();
    let mut victim = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let fates = attempts(victim.id(), &input, &out);
    for (number, (name, fate)) in &fates {
        let call = i64::from(number % SYSTEM_CALLS);
        if *fate != Fate::Killed {
            println!("{number:5} {name:50} {fate:?}"); // the table of what comes through
        }
        let failing = FAILING.iter().find(|(failing, _)| *failing == call).map(|(_, error)| *error);
        let by_number = match failing {
            Some(error) => *fate == Fate::Failed(error),
            None if NEVER_FILTERED.contains(&call) => true,
            None if MADE.contains(&call) => *fate != Fate::Killed,
            None if *number < SYSTEM_CALLS && MADE_WITH_ZEROS.contains(&call) => *fate != Fate::Killed,
            // An address of one bits is none.
            None if call == libc::SYS_sigaltstack => *fate == Fate::Failed(libc::EFAULT),
            None => *fate == Fate::Killed,
        };
        // Of the hostile attempts none is made.
        let hostile = match name.split(' ').next().unwrap() {
            "clone3" | "memfd_create" | "sched_getaffinity" => *fate == Fate::Failed(libc::ENOSYS),
            "ioctl" => *fate == Fate::Failed(libc::ENOTTY),
            "lseek" => *fate == Fate::Failed(libc::ESPIPE),
            "access" | "fstat" | "getcwd" | "open" | "openat" | "readlink" | "stat" | "statx" => {
                *fate == Fate::Failed(libc::EACCES)
            }
            _ => *fate == Fate::Killed,
        };
        let kept = if *number < 2 * SYSTEM_CALLS { by_number } else { hostile };
        assert!(kept, "{number} {name}: {fate:?}");
    }
    assert!(fates.len() > 2 * SYSTEM_CALLS as usize + 250, "{}", fates.len());
    assert_eq!(victim.try_wait().unwrap(), None, "the victim");
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(fs::read(&input).unwrap(), b"b\na\n");
    assert_eq!(fs::read(&out).unwrap(), b"kept\n");
    assert!(!fs::exists("/tmp/callbox-escaped").unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn the_parent_of_an_escaped_guest_believes_none_of_its_lies() {
    if library().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (input, out) = (dir.path().join("input"), dir.path().join("out"));
    fs::write(&input, b"b\na\n").unwrap();
    fs::write(&out, b"kept\n").unwrap();
    let told = |output: Output| {
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap(), output.stdout)
    };
    for (symbol, status, text) in [
        ("writes_too_much", 3, "wrote more than the 4 bytes of its input; do not trust this guest"),
        ("ends_0", 3, "wrote 0 bytes, and its input has 4; do not trust this guest"),
        ("ends_1", 2, "ended with status 1, and no reason"),
        ("ends_2", 2, "ended with status 2, and no reason"),
        ("ends_3", 2, "ended with status 3, and no reason"),
        ("ends_4", 2, "ended with status 4, and no reason"),
        ("ends_141", 2, "ended with status 141, and no reason"),
        ("ends_77", 2, "ended with status 77, and no reason"),
    ] {
        let (found, stderr, _) =
            told(isolated(symbol, &input, &["-o", out.to_str().unwrap()]).output().unwrap());
        assert_eq!((found, &*stderr), (status, &*format!("callbox: bytes: the isolated process {text}\n")));
        let (found, stderr, stdout) = told(isolated(symbol, &input, &[]).output().unwrap());
        assert_eq!(found, status, "{stderr}");
        assert!(stdout.len() <= 5, "{stdout:?}");
    }
    let (found, stderr, _) =
        told(isolated("says_too_much", &input, &["-o", out.to_str().unwrap()]).output().unwrap());
    assert_eq!(found, 3);
    assert!(!stderr.chars().any(|char| char.is_control() && char != '\n'));
    assert!(stderr.ends_with("the isolated process says too much; no more of it is shown\n"));
    assert!(stderr.len() < 16 << 20, "{}", stderr.len());
    assert_eq!(fs::read(&out).unwrap(), b"kept\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn nothing_in_the_environment_makes_a_process_the_isolated_one() {
    let dir = tempfile::tempdir().unwrap();
    let (input, out) = (dir.path().join("input"), dir.path().join("out"));
    fs::write(&input, b"b\na\n").unwrap();
    for name in ["CALLBOX_ISOLATED", "CALLBOX_INSIDE", "CALLBOX_TEST_ALONE"] {
        let mut command = callbox();
        command.args(["sort", "bytes", "--isolate", "-o"]).args([&out, &input]).env(name, "1");
        let output = command.env("PATH", "/nowhere").output().unwrap();
        assert_eq!((output.status.code(), &*output.stdout, &*output.stderr), (Some(0), &b""[..], &b""[..]));
        assert_eq!(fs::read(&out).unwrap(), b"a\nb\n");
        fs::remove_file(&out).unwrap();
    }
}
