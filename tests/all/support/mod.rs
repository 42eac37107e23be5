//! Helpers of several tests.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) mod agreement;
mod cc;
mod cli;
pub(crate) mod comparators;
#[cfg(unix)]
mod fork;
mod guests;
mod random;
mod skip;
#[cfg(unix)]
mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) use cc::{clang, clang_command, shared_library};
pub(crate) use cli::{ISOLATIONS, bounded, callbox, callbox_ok, gnu_sort, run};
#[cfg(unix)]
pub(crate) use fork::forked;
pub(crate) use guests::{
    bundled, bundled_for, by_low_bits, comparator, comparing, comparing_in, good, granting_print, guest,
    liar, liars, lies_in_order, promise, sandbox, stopping,
};
pub(crate) use random::Random;
pub(crate) use skip::skip;
#[cfg(unix)]
pub(crate) use terminal::{Terminal, screen};

/// Returns a path in the repository.
pub(crate) fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Returns the files of a folder with this extension, sorted.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(path(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|file| file.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no .{ending}");
    files
}

/// Runs a test's body in a process of its own, because it looks at something that the whole process
/// shares. `test` is the test's full name.
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    const MARK: &str = "CALLBOX_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this).args(["--exact", test]).env(MARK, "1").output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}

/// Runs an ignored test in a process of its own, which the test may end. `test` is its full name.
pub(crate) fn again(test: &str, set: &[(&str, &str)]) -> Output {
    let mut this = Command::new(std::env::current_exe().unwrap());
    this.args(["--exact", "--ignored", "--nocapture", "--test-threads=1", test]);
    let output = this.envs(set.iter().copied()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("running 1 test"), "{output:?}");
    output
}
