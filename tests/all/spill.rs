//! Sorts of what does not fit in memory.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Random, callbox, callbox_ok, gnu_sort, path, run, skip};

/// Writes lines of random digits, `bytes` of them together.
fn random_file(file: &Path, bytes: usize) {
    let mut random = Random(7);
    let mut to = std::io::BufWriter::new(fs::File::create(file).unwrap());
    let mut written = 0;
    while written < bytes {
        let line = format!("{:020}{:>150}\n", random.next(), random.next());
        to.write_all(line.as_bytes()).unwrap();
        written += line.len();
    }
}

/// Returns the names of what is in a folder.
fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// Starts a sort with little memory, whose temporary files are in the folder.
fn start(file: &Path, folder: &Path, more: &[&str]) -> Child {
    let mut command = callbox();
    command.args(["sort", "-S", "1M", "bytes", "--stats=json"]).arg(file).arg("-T").arg(folder).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn three_hundred_megabytes_are_sorted_in_sixteen() {
    let folder = tempfile::tempdir().unwrap();
    let (file, output) = (folder.path().join("input"), folder.path().join("output"));
    random_file(&file, 300_000_000);
    let spills = tempfile::tempdir().unwrap();
    let mut command = callbox();
    command.args(["sort", "-S", "16M", "-s", "--stats=json", "bytes", "-o"]).arg(&output).arg(&file);
    let done = run(command.arg("-T").arg(spills.path()), b"");
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{stderr}");
    let stats: serde_json::Value = serde_json::from_str(&stderr).unwrap();
    // The process itself, with a compiler in it, takes more than 16 MiB; a debug build still more.
    if let Some(peak) = stats["peak_memory_bytes"].as_u64() {
        assert!(peak < 100_000_000, "{stderr}");
    }
    assert!(names(spills.path()).is_empty());
    let (mut before, mut bytes, mut lines) = (Vec::new(), 0, 0);
    for line in BufReader::new(fs::File::open(&output).unwrap()).split(b'\n') {
        let line = line.unwrap();
        assert!(before <= line);
        bytes += line.len() as u64 + 1;
        lines += 1;
        before = line;
    }
    assert_eq!(bytes, fs::metadata(&file).unwrap().len());
    assert_eq!(stats["items"], lines);
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_nothing_behind() {
    use rustix::process::{Pid, Signal, kill_process};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input");
    random_file(&file, 30_000_000);
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let (spills, results) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let output = results.path().join("output");
        fs::write(&output, "as it was").unwrap();
        let mut child = start(&file, spills.path(), &["-o", output.to_str().unwrap()]);
        wait_for_spill(&child);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(signal.as_raw()));
        assert!(names(spills.path()).is_empty(), "{signal:?}");
        assert_eq!(names(results.path()), ["output"], "{signal:?}");
        assert_eq!(fs::read(&output).unwrap(), b"as it was");
    }
}

/// Waits until a process has written what does not fit in memory: until a file that it has open has no name.
#[cfg(unix)]
fn wait_for_spill(child: &Child) {
    let files = format!("/proc/{}/fd", child.id());
    for _ in 0..60_000 {
        let Ok(open) = fs::read_dir(&files) else { return std::thread::yield_now() };
        let mut targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        if targets.any(|target| target.to_string_lossy().ends_with("(deleted)")) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("no temporary file was opened");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (file, output) = (folder.path().join("input"), folder.path().join("output"));
    random_file(&file, 10_000_000);
    fs::write(&output, "as it was").unwrap();
    let full = folder.path().join("full");
    fs::create_dir(&full).unwrap();
    // A file system of its own, which only this process and its children see: as root, as root of a changed
    // root, whose mounts are seen by nobody else already, or as a user.
    let script = "mount -t tmpfs -o size=2m tmpfs \"$1\" && shift && exec \"$@\"";
    let sort = |how: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(how).args(["sh", "-c", script, "sh"]).arg(&full).arg(env!("CARGO_BIN_EXE_callbox"));
        command.args(["sort", "-S", "1M", "bytes"]).arg(&file).arg("-T").arg(&full).arg("-o").arg(&output);
        let done = command.output().ok()?;
        let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
        let began = !stderr.contains("unshare") && !stderr.contains("mount:");
        began.then_some((done, stderr))
    };
    let ways = [&["-m"][..], &["-m", "--propagation", "unchanged"], &["-rm"]];
    let Some((done, stderr)) = ways.into_iter().find_map(sort) else {
        return skip("mount-namespaces", "a full disk, which takes a file system of its own");
    };
    assert_eq!(done.status.code(), Some(2), "{stderr}");
    let full = full.display();
    let expected = format!(
        "callbox: {full}: cannot keep there what does not fit in memory: No space left on device; \
         name another folder with -T, or allow more memory with -S\n"
    );
    assert_eq!(stderr, expected);
    assert_eq!(fs::read(&output).unwrap(), b"as it was");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let input = Random(1).lines(5000, 9, &["a", "b", "c"]);
    let done = run(callbox().args(["sort", "-S", "1b", "bytes", "-T", "does/not/exist"]), &input);
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("callbox: does/not/exist: cannot keep there"), "{stderr}");
    assert!(done.stdout.is_empty());
    // Where all fits in memory, nobody looks.
    callbox_ok(&["sort", "bytes", "-T", "does/not/exist"], b"b\na\n");
}

#[test]
fn every_mode_works_beyond_memory_as_in_it() {
    let text = Random(3).lines(4000, 6, &["0", "1", "7", "a", "B", " ", "\t", "K", "jan"]);
    for options in [
        &["-n"][..],
        &["-k2,2n", "-k1,1r"],
        &["-u", "-f"],
        &["-s", "-M"],
        &["-r", "-h"],
        &["-z", "-V"],
        &["--compress-program", "gzip", "-n"],
        &["--sorter", "sandboxed", "-d"],
        &["--sorter", "sandboxed", "-k2,2n", "-k1"],
        &["--sorter", "msvcrt", "-g"],
        &["--batch-size", "2", "-n"],
        &["--parallel", "2", "-n", "-S1M"],
        &["--header", "-n"],
    ] {
        let small = [&["sort", "-S1b"][..], options].concat();
        let large = [&["sort", "-S1G"][..], options].concat();
        assert!(callbox_ok(&small, &text) == callbox_ok(&large, &text), "{options:?}");
    }
    let records: Vec<u8> =
        (0..40_000).flat_map(|at: u32| at.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect();
    for options in [&[][..], &["-r"], &["-u"], &["--sorter", "sandboxed"]] {
        let args = |size| [&["sort", size, "--records", "u32", "u32"][..], options].concat();
        assert!(callbox_ok(&args("-S1b"), &records) == callbox_ok(&args("-S1G"), &records), "{options:?}");
    }
}

#[test]
fn what_is_checked_need_not_fit_in_memory() {
    let sorted = callbox_ok(&["sort", "-n"], &Random(5).lines(20_000, 6, &["0", "1", "7", "a", " "]));
    callbox_ok(&["sort", "-S1b", "-n", "-c"], &sorted);
    let mut broken = sorted.clone();
    broken.extend_from_slice(b"-1\n");
    let done = run(callbox().args(["sort", "-S1b", "-n", "-c"]), &broken);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "callbox: -:20001: disorder: -1\n");
}

#[test]
fn an_endless_line_is_an_error() {
    // Zeros do not end: the sort has to.
    let Ok(zeros) = fs::File::open("/dev/zero") else { return skip("dev-zero", "input without an end") };
    let mut command = callbox();
    command.args(["sort", "-S", "4M", "bytes"]).stdin(zeros);
    let done = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("callbox: -: item 1 is larger than "), "{stderr}");
    assert!(stderr.ends_with("; allow more with -S\n"), "{stderr}");
}

#[test]
fn a_program_that_cannot_compress_is_named() {
    let input = Random(1).lines(5000, 9, &["a", "b", "c"]);
    for (program, reason) in
        [("no-such-program", "No such file or directory"), ("false", "it ended with exit status: 1")]
    {
        let done = run(callbox().args(["sort", "-S1b", "bytes", "--compress-program", program]), &input);
        let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{stderr}");
        assert!(stderr.starts_with(&format!("callbox: {program}: cannot compress with it: ")), "{stderr}");
        assert!(stderr.contains(reason) || stderr.contains("Broken pipe"), "{stderr}");
        assert!(done.stdout.is_empty());
    }
}

#[test]
fn a_liar_is_found_out_beyond_memory_too() {
    let records: Vec<u8> =
        (0..40_000).flat_map(|at: u32| at.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect();
    for liar in ["cyclic", "alternating", "random", "always-less", "moody"] {
        let guest = path(&format!("wat/hostile/{liar}.wat"));
        let done = run(callbox().args(["sort", "-S1b", "--records", "i32"]).arg(&guest), &records);
        assert!(done.stdout.is_empty(), "{liar}");
        assert_eq!(done.status.code(), Some(4), "{liar}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn many_files_are_sorted_though_few_can_be_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for at in 0..60 {
        let text = Random(at + 1).lines(200, 9, &["a", "b", "c"]);
        all.extend_from_slice(&text);
        fs::write(folder.path().join(format!("f{at}")), text).unwrap();
    }
    let script = "ulimit -n 24; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_callbox"), "sort", "-S1b", "bytes"]);
    let files = (0..60).map(|at| folder.path().join(format!("f{at}")));
    let done = command.args(files).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let Some(expected) = gnu_sort(&[], &all) else { return };
    assert!(done.stdout == expected);
}

#[test]
fn every_input_is_looked_at_before_the_first_is_read() {
    let mut command = callbox();
    command.args(["sort", "bytes", "-", "no-such-file"]);
    // Standard input never ends.
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "callbox: no-such-file: cannot read: No such file or directory; check the name\n");
}
