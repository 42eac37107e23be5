//! `callbox sort --progress`, in a pseudo-terminal.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Terminal, callbox, path, screen};

/// Returns a sort that reads a pipe, and whose terminal obeys.
fn sort(guest: &str) -> Command {
    let mut command = callbox();
    command.args(["sort", guest]).env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn start(command: Command) -> Terminal {
    Terminal::start(command, |_, _| ())
}

/// Writes a guest that compares the first bytes of lines. Each comparison takes `turns` turns of a loop, and
/// one of a line that begins with z never ends.
fn slow_guest(dir: &Path, turns: u32) -> PathBuf {
    let file = dir.join("slow.wat");
    let text = format!(
        "(module (memory (export \"memory\") 1)
            (func (export \"compare_bytes\") (param i32 i32 i32 i32) (result i32) (local $turns i32)
                (local.set $turns (i32.const {turns}))
                (loop $loop
                    (br_if $loop (i32.eq (i32.load8_u (local.get 0)) (i32.const 122)))
                    (br_if $loop (i32.eq (i32.load8_u (local.get 2)) (i32.const 122)))
                    (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
                    (br_if $loop (i32.gt_s (local.get $turns) (i32.const 0))))
                (i32.sub (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))))"
    );
    fs::write(&file, text).unwrap();
    file
}

/// Limits that a slow guest does not come to.
const PATIENT: [&str; 4] = ["--fuel", "1000000000000000", "--timeout", "1h"];

/// Sorts that show nothing meanwhile are silent for as long as it takes one that does.
#[test]
fn a_line_is_shown_after_a_second_and_only_where_it_is_of_use() {
    let dir = tempfile::tempdir().unwrap();
    let option = |option: &str| {
        let mut command = sort("bytes");
        command.arg(option);
        start(command)
    };
    let terminal_of = |term: &str| {
        let mut command = sort("bytes");
        command.env("TERM", term);
        start(command)
    };
    let mut silent = vec![option("--progress=never"), terminal_of("dumb"), terminal_of("")];
    if cfg!(target_os = "linux") {
        silent.push(option("--isolate"));
    }
    // Someone types.
    let mut typing = Terminal::start(sort("bytes"), |command, terminal| {
        command.stdin(terminal.try_clone().unwrap());
    });
    let log = dir.path().join("log");
    let mut to_file = sort("bytes").stderr(File::create(&log).unwrap()).spawn().unwrap();
    let started = Instant::now();
    let mut colourless = sort("bytes");
    colourless.env("NO_COLOR", "1");
    let mut shown = start(colourless);
    shown.child.stdin.as_mut().unwrap().write_all(b"b\na\n").unwrap();
    shown.wait_for("\rreading: 4 B");
    assert!(started.elapsed() >= Duration::from_secs(1));
    let (status, written) = shown.end();
    assert!(status.success() && screen(&written).is_empty(), "{written:?}");
    for silent in silent {
        let (status, written) = silent.end();
        assert!(status.success() && written.is_empty(), "{written:?}");
    }
    typing.type_in(b"b\n\x04");
    let (status, written) = typing.end();
    assert!(status.success() && screen(&written) == ["b"], "{written:?}");
    drop(to_file.stdin.take());
    assert!(to_file.wait().unwrap().success());
    assert_eq!(fs::read(&log).unwrap(), b"");
}

#[test]
fn comparisons_are_counted_beside_an_estimate() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = sort(slow_guest(dir.path(), 700_000).to_str().unwrap());
    command.args(PATIENT).args(["--verify", "off"]);
    let mut terminal = start(command);
    let lines: Vec<u8> = (0..400u32).flat_map(|n| [b'a' + (n * 7 % 25) as u8, b'\n']).collect();
    terminal.child.stdin.take().unwrap().write_all(&lines).unwrap();
    terminal.wait_for(" of about 3,057 comparisons, ");
    terminal.wait_for(" left\x1b[K");
    let mut sorted = Vec::new();
    terminal.child.stdout.take().unwrap().read_to_end(&mut sorted).unwrap();
    assert!(sorted.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).is_sorted());
    let (status, written) = terminal.end();
    assert!(status.success() && screen(&written).is_empty(), "{written:?}");
}

#[test]
fn messages_take_the_place_of_the_line() {
    let guest = path("wat/hostile/loop.wat");
    let mut command = sort(guest.to_str().unwrap());
    command.args(["--records", "i32", "--fuel", "1000000000000000", "--timeout", "2s"]);
    let mut terminal = start(command);
    terminal.child.stdin.take().unwrap().write_all(b"bbbbaaaa").unwrap();
    terminal.wait_for("\rsorting");
    let (status, written) = terminal.end();
    let [message] = &screen(&written)[..] else { panic!("{written:?}") };
    assert!(status.code() == Some(3) && message.starts_with("callbox: "), "{status} {written:?}");

    let dir = tempfile::tempdir().unwrap();
    let mut command = sort(slow_guest(dir.path(), 10_000_000).to_str().unwrap());
    command.args(PATIENT).args(["--trace", "-s", "--verify", "off"]);
    let mut terminal = start(command);
    terminal.child.stdin.take().unwrap().write_all("b\na\n".repeat(20).as_bytes()).unwrap();
    terminal.wait_for("\rsorting");
    let (status, written) = terminal.end();
    let ends = |line: &String| {
        matches!(&line[..], r#""a" < "b""# | r#""b" > "a""# | r#""a" = "a""# | r#""b" = "b""#)
    };
    assert!(status.success() && screen(&written).iter().all(ends), "{written:?}");
}

#[test]
fn a_result_on_the_terminal_has_it_for_itself() {
    let mut terminal = Terminal::start(sort("bytes"), |command, terminal| {
        command.stdout(terminal.try_clone().unwrap());
    });
    let lines: Vec<_> = (0..5000).map(|n| format!("line {n:04}")).collect();
    terminal.child.stdin.as_mut().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    terminal.wait_for("\rreading");
    let (status, written) = terminal.end();
    assert!(status.success() && screen(&written) == lines);
}

#[test]
fn keys_that_interrupt_end_it_at_once_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let guest = slow_guest(dir.path(), 1);
    let [runs, beside] = ["runs", "beside"].map(|name| dir.path().join(name));
    fs::create_dir(&runs).unwrap();
    fs::create_dir(&beside).unwrap();
    let mut lines = "b\na\n".repeat(100_000).into_bytes();
    lines.extend(b"z\nz\n");
    for progress in ["--progress=auto", "--progress=never"] {
        let mut command = sort(guest.to_str().unwrap());
        command.args(PATIENT).args(["-S", "1M", progress, "-T"]).arg(&runs).arg("-o").arg(beside.join("out"));
        let mut terminal = start(command);
        // The sort is over when it has read so much, but for the part with the lines that never end.
        terminal.child.stdin.take().unwrap().write_all(&lines).unwrap();
        if progress == "--progress=auto" {
            terminal.wait_for("\rsorting");
        }
        terminal.type_in(b"\x03");
        let (status, written) = terminal.end();
        assert_eq!(status.signal(), Some(libc::SIGINT), "{written:?}");
        let left = written.strip_suffix("^C").unwrap_or(&written); // the terminal's own
        assert!(screen(left).is_empty(), "{written:?}");
        for folder in [&runs, &beside] {
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
        }
    }
}

/// The result waits for a reader until its phase has been told.
#[test]
fn plain_lines_are_shown_where_there_is_no_terminal_and_progress_is_always_wanted() {
    let mut command = sort("bytes");
    let mut child = command.args(["--progress=always"]).stderr(Stdio::piped()).spawn().unwrap();
    let lines = format!("{}\n", "line".repeat(100)).repeat(5000);
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    let line = stderr.next().unwrap();
    assert!(line.starts_with("callbox: reading: 1.91 MiB"), "{line}");
    drop(stdin);
    let line = stderr.find(|line| line.starts_with("callbox: writing: ")).unwrap();
    assert!(line.contains(" of 5,000 items"), "{line}");
    let mut stdout = child.stdout.take().unwrap();
    let reading = thread::spawn(move || stdout.read_to_end(&mut Vec::new()).unwrap());
    assert!(stderr.all(|line| line.starts_with("callbox: ") && !line.contains(char::is_control)));
    assert!(child.wait().unwrap().success() && reading.join().unwrap() == lines.len());
}
