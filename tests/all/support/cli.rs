//! The binary under test, and GNU sort.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

use super::skip;

/// Options that isolate and those that do not, as far as this system can.
pub(crate) const ISOLATIONS: &[&[&str]] =
    if cfg!(target_os = "linux") { &[&[], &["--isolate"]] } else { &[&[]] };

/// Returns a command that runs the binary under test.
pub(crate) fn callbox() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callbox"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_BACKTRACE");
    command
}

/// As [`callbox`], under limits of the operating system: no core file, `seconds` of CPU time, `kib` KiB of
/// writable memory, and files of at most 64 MiB. Windows has no such limits.
pub(crate) fn bounded(seconds: u32, kib: u32) -> Command {
    if cfg!(windows) {
        return callbox();
    }
    let mut command = Command::new("sh");
    let limits =
        format!("ulimit -c 0; ulimit -t {seconds}; ulimit -d {kib}; ulimit -f 131072; exec \"$0\" \"$@\"");
    command.args(["-c", &limits, env!("CARGO_BIN_EXE_callbox")]);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_BACKTRACE");
    command
}

/// Runs a command with this standard input.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // A child may end without reading all of its input.
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().unwrap()
    })
}

/// Runs `callbox` with these arguments and returns its standard output; anything but success fails.
pub(crate) fn callbox_ok(args: &[&str], input: &[u8]) -> Vec<u8> {
    let output = run(callbox().args(args), input);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "callbox {args:?}: {}\n{stderr}", output.status);
    output.stdout
}

/// Returns the output of GNU sort in the C locale, or `None` if there is no GNU sort.
pub(crate) fn gnu_sort(args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let version = Command::new("sort").arg("--version").output();
    if !version.is_ok_and(|version| version.stdout.starts_with(b"sort (GNU coreutils)")) {
        skip("gnu-sort", "whether GNU sort does the same, which is not installed");
        return None;
    }
    let output = run(Command::new("sort").args(args).env("LC_ALL", "C"), input);
    assert!(output.status.success(), "sort {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}
