//! `callbox sort --isolate`, and isolation itself: permitted and forbidden operations.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;

use callbox::isolation::Isolation;
use callbox::{Limits, native};

use crate::support::{again, callbox, callbox_ok, comparator, files, good, guest, path, promise, run};

#[test]
fn an_isolated_sort_does_what_a_plain_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("file"), dir.path().join("out"));
    let lines: Vec<u8> =
        (0..5000u32).flat_map(|n| format!("v1.{}\n", n * 7919 % 5003).into_bytes()).collect();
    fs::write(&file, &lines).unwrap();
    let plain = callbox_ok(&["sort", "version", file.to_str().unwrap()], b"");
    assert_eq!(callbox_ok(&["sort", "version", "--isolate", file.to_str().unwrap()], b""), plain);
    assert_eq!(callbox_ok(&["sort", "version", "--isolate"], &lines), plain);
    callbox_ok(&["sort", "version", "--isolate", file.to_str().unwrap(), "-o", out.to_str().unwrap()], b"");
    assert_eq!(fs::read(&out).unwrap(), plain);
    // The output replaces its own input.
    callbox_ok(&["sort", "version", "--isolate", file.to_str().unwrap(), "-o", file.to_str().unwrap()], b"");
    assert_eq!(fs::read(&file).unwrap(), plain);
    let checked = run(callbox().args(["sort", "version", "--isolate", "-r", "-c"]).arg(&file), b"");
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn an_isolated_sort_fails_as_a_plain_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    for file in files("wat/hostile", "wat") {
        if promise(&file).contains("lies: ") {
            continue;
        }
        let sort = |isolate: &[&str]| {
            let mut command = callbox();
            command.arg("sort").arg(&file).args([
                "--records",
                "i32",
                "-e",
                "compare",
                "--fuel",
                "1000000",
                "-o",
            ]);
            run(command.arg(&out).args(isolate), &[3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0])
        };
        let (plain, isolated) = (sort(&[]), sort(&["--isolate"]));
        assert_eq!(isolated, plain, "{}", file.display());
        assert!(!out.exists());
    }
}

#[test]
fn an_isolated_sort_that_cannot_write_says_so() {
    let output = run(callbox().args(["sort", "bytes", "--isolate", "-o", "/dev/full"]), b"b\na\n");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = "callbox: /dev/full: cannot write: No space left on device; the output is not complete\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), text);
}

#[test]
fn an_isolated_process_that_is_killed_is_told_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"b\na\n").unwrap();
    // The deadline and the fuel would take hours: the operating system's CPU limit ends the process.
    let script = "ulimit -t 1; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_callbox"), "sort"]).arg(path("wat/hostile/loop.wat"));
    command.args([
        "--records",
        "bytes:2",
        "--isolate",
        "--timeout",
        "1h",
        "--fuel",
        "1000000000000000",
        "-o",
    ]);
    let output = run(command.args([&file, &file]), b"");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("the isolated process did not finish: something killed it"), "{stderr}");
    assert!(stderr.trim_end().ends_with("no file was changed"), "{stderr}");
    assert_eq!(fs::read(&file).unwrap(), b"b\na\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn behind_the_wall_guests_run_and_nothing_else_can_be_reached() {
    let output = again("isolation::guests_run_and_files_do_not_open", &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    for test in ["it_connects", "it_starts_a_process", "it_kills", "it_raises_its_limits"] {
        let output = again(&format!("isolation::{test}"), &[]);
        assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{test}: {output:?}");
    }
    for backtrace in ["0", "1"] {
        let output = again("isolation::it_takes_all_memory", &[("RUST_BACKTRACE", backtrace)]);
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("memory allocation of"), "{output:?}");
    }
}

fn enter() {
    Isolation::new(&Limits::default()).input(1000).enter().unwrap();
}

#[test]
#[ignore = "locks its process down"]
fn guests_run_and_files_do_not_open() {
    let wild = fs::read_to_string(path("wat/hostile/out-of-bounds.wat")).unwrap();
    enter();
    assert_eq!(fs::read("/etc/hostname").unwrap_err().raw_os_error(), Some(libc::EACCES));
    let order = "(module (func (export \"compare_i32\") (param i32 i32) (result i32)
        (i32.sub (local.get 0) (local.get 1))))";
    let ascending = guest(order).callback("compare_i32", comparator()).unwrap();
    let mut ia = [5, 1, 7, 33, 99];
    native::qsort(&mut ia, &ascending).unwrap();
    assert_eq!(ia, [1, 5, 7, 33, 99]);
    // Traps by signals, and threads, still work.
    let wild = guest(&wild).callback("compare", comparator()).unwrap();
    assert!(native::qsort(&mut ia, &wild).is_err());
    thread::spawn(move || native::qsort(&mut [2, 1], &ascending).unwrap()).join().unwrap();
}

#[test]
#[ignore = "locks its process down, and is ended"]
fn it_connects() {
    enter();
    let _ = TcpListener::bind("127.0.0.1:0");
}

#[test]
#[ignore = "locks its process down, and is ended"]
fn it_starts_a_process() {
    enter();
    let _ = Command::new("/bin/true").status();
}

#[test]
#[ignore = "locks its process down, and is ended"]
fn it_kills() {
    enter();
    let parent = rustix::process::getppid().unwrap();
    let _ = rustix::process::test_kill_process(parent);
}

#[test]
#[ignore = "locks its process down, and is ended"]
fn it_raises_its_limits() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    enter();
    let _ = setrlimit(Resource::Data, getrlimit(Resource::Data));
}

#[test]
#[ignore = "locks its process down, and is ended"]
fn it_takes_all_memory() {
    good("ascending", "compare");
    enter();
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1u8; 64 << 20]);
    }
}
