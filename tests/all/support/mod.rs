//! What several tests need.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use callbox::{Callback, Guest, Limits, Module, Prototype, Sandbox};

/// A path in the repository.
pub(crate) fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Says, even where tests are captured, that something was not tested, and why.
pub(crate) fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// The files of a folder with this ending, in order.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(path(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|file| file.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no .{ending}");
    files
}

/// What the first line of a guest in text form promises.
pub(crate) fn promise(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let first = text.lines().next().unwrap();
    first.strip_prefix(";; promise: ").unwrap_or_else(|| panic!("{}: {first}", file.display())).to_owned()
}

pub(crate) fn comparator() -> Prototype {
    "int (const int *, const int *)".parse().unwrap()
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(Limits::default()).unwrap()
}

/// A guest of this text.
pub(crate) fn guest(wat: &str) -> Guest {
    Module::from_text(&sandbox(), "guest.wat", wat).unwrap().instantiate().unwrap()
}

/// A callback of a file in `wat/good`.
pub(crate) fn good(name: &str, export: &str) -> Callback {
    sandbox().load(path(&format!("wat/good/{name}.wat"))).unwrap().callback(export, comparator()).unwrap()
}

/// A comparator of `i32` by pointers, whose body may use `$a` and `$b`, the addresses, and `$calls`.
pub(crate) fn comparing(body: &str) -> Guest {
    comparing_in(&sandbox(), body)
}

/// The same in a sandbox of one's own.
pub(crate) fn comparing_in(sandbox: &Sandbox, body: &str) -> Guest {
    let wat = format!(
        r#"(module
            (memory (export "memory") 1)
            (global $calls (mut i32) (i32.const 0))
            (func $order (param $a i32) (param $b i32) (result i32)
                (i32.sub
                    (i32.gt_s (i32.load (local.get $a)) (i32.load (local.get $b)))
                    (i32.lt_s (i32.load (local.get $a)) (i32.load (local.get $b)))))
            (func (export "compare") (param $a i32) (param $b i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                {body}))"#
    );
    Module::from_text(sandbox, "comparing", wat).unwrap().instantiate().unwrap()
}

/// The binary under test.
pub(crate) fn callbox() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callbox"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_BACKTRACE");
    command
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

/// The binary under test with bounds of the kernel's on what it may do: no core file, so many seconds
/// of processor, so many KiB of memory that it writes to, files of at most 64 MiB.
pub(crate) fn bounded(seconds: u32, kib: u32) -> Command {
    let mut command = Command::new("sh");
    let limits =
        format!("ulimit -c 0; ulimit -t {seconds}; ulimit -d {kib}; ulimit -f 131072; exec \"$0\" \"$@\"");
    command.args(["-c", &limits, env!("CARGO_BIN_EXE_callbox")]);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_BACKTRACE");
    command
}

/// Runs an ignored test in a process of its own, which it may well end. `test` is its full name.
pub(crate) fn again(test: &str, set: &[(&str, &str)]) -> Output {
    let mut this = Command::new(std::env::current_exe().unwrap());
    this.args(["--exact", "--ignored", "--nocapture", "--test-threads=1", test]);
    let output = this.envs(set.iter().copied()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("running 1 test"), "{output:?}");
    output
}

/// Runs a command with this standard input.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // A child that ends without reading everything is no failure of the test's.
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

/// A guest that clang makes of this text, where it is at hand.
pub(crate) fn clang(c: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    let found =
        ["clang-14", "clang"].iter().find(|tool| Command::new(tool).arg("--version").output().is_ok());
    let Some(found) = found else {
        skip("a guest compiled from C by this test, which needs clang and wasm-ld");
        return None;
    };
    let out = tempfile::tempdir().unwrap();
    let wasm = out.path().join("g.wasm");
    let mut command = Command::new(found);
    command.args(["--target=wasm32-unknown-unknown", "-Os", "-ffreestanding", "-nostdlib", "-x", "c", "-"]);
    command.args(["-Wl,--no-entry,--strip-all,-z,stack-size=16384,--stack-first", "-o"]).arg(&wasm);
    let output = run(&mut command, c.as_bytes());
    if !output.status.success() {
        skip("a guest compiled from C by this test: this clang has no wasm-ld");
        return None;
    }
    Some((out, wasm))
}

/// What GNU sort makes of it in the C locale, or `None` where there is no GNU sort.
pub(crate) fn gnu_sort(args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let version = Command::new("sort").arg("--version").output().ok()?;
    if !version.stdout.starts_with(b"sort (GNU coreutils)") {
        return None;
    }
    let output = run(Command::new("sort").args(args).env("LC_ALL", "C"), input);
    assert!(output.status.success(), "sort {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// Numbers that look random and are the same each time (Marsaglia's xorshift).
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Lines put together from these pieces, up to `longest` of them each.
    pub(crate) fn lines(&mut self, count: usize, longest: usize, pieces: &[&str]) -> Vec<u8> {
        let mut text = Vec::new();
        for _ in 0..count {
            for _ in 0..self.below(longest + 1) {
                text.extend_from_slice(pieces[self.below(pieces.len())].as_bytes());
            }
            text.push(b'\n');
        }
        text
    }
}
