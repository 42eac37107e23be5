//! `callbox sort` on awkward files and outputs: it does as GNU sort does, or better.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Stdio;

use crate::support::{callbox, callbox_ok, gnu_sort, run, skip};

/// Sorts by bytes and, where GNU sort is installed, compares with it.
fn like_gnu(options: &[&str], input: &[u8], expected: &[u8]) {
    let args: Vec<_> = ["sort", "bytes"].iter().chain(options).copied().collect();
    assert_eq!(callbox_ok(&args, input), expected, "{options:?}");
    if let Some(gnu) = gnu_sort(options, input) {
        assert_eq!(gnu, expected, "GNU sort {options:?}");
    }
}

#[test]
fn a_missing_last_newline_is_added() {
    like_gnu(&[], b"b\na", b"a\nb\n");
    like_gnu(&["-z"], b"b\0a", b"a\0b\0");
}

#[test]
fn empty_input_gives_empty_output() {
    like_gnu(&[], b"", b"");
    like_gnu(&["-z"], b"", b"");
    like_gnu(&["-u"], b"", b"");
    like_gnu(&["-c"], b"", b"");
}

#[test]
fn empty_lines_are_lines() {
    like_gnu(&[], b"\n\nb\n\na\n", b"\n\n\na\nb\n");
    like_gnu(&["-u"], b"\n\nb\n\na\n", b"\na\nb\n");
}

#[test]
fn nul_bytes_and_invalid_utf_8_are_bytes_like_any_other() {
    like_gnu(&[], b"b\0\xff\nb\0\xfe\n\xc3\n\0\n", b"\0\nb\0\xfe\nb\0\xff\n\xc3\n");
}

#[test]
fn lines_of_ten_megabytes_are_sorted() {
    let long = |byte: u8, last: u8| {
        let mut line = vec![byte; 10_000_000];
        line.extend([last, b'\n']);
        line
    };
    let input = [long(b'x', b'2'), b"y\n".to_vec(), long(b'x', b'1'), b"a\n".to_vec()].concat();
    let expected = [b"a\n".to_vec(), long(b'x', b'1'), long(b'x', b'2'), b"y\n".to_vec()].concat();
    assert!(callbox_ok(&["sort", "bytes"], &input) == expected);
}

#[test]
fn a_line_that_the_guest_has_no_room_for_is_an_error_that_names_the_option() {
    let input = [vec![b'x'; 40_000_000], b"\n".to_vec(), vec![b'x'; 40_000_000]].concat();
    let output = run(callbox().args(["sort", "bytes"]), &input);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("allow more with --max-memory"), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(callbox_ok(&["sort", "bytes", "--max-memory", "300M"], &input).len(), input.len() + 1);
}

#[test]
fn several_files_are_sorted_together_and_a_dash_is_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    fs::write(&a, "3\n1").unwrap();
    fs::write(&b, "2\n").unwrap();
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    like_gnu(&[a, "-", b], b"0", b"0\n1\n2\n3\n");
}

#[test]
fn of_equals_the_first_is_kept() {
    let output = callbox_ok(&["sort", "fold", "-u"], b"b\nA\na\nB\n");
    assert_eq!(output, b"A\nb\n");
    let output = callbox_ok(&["sort", "fold", "-u", "--sorter", "msvcrt"], b"b\nA\na\nB\n");
    assert_eq!(output, b"A\nb\n");
}

#[test]
fn reversing_keeps_the_order_of_stable_ties() {
    let fold = |options: &[&str]| {
        let args: Vec<_> = ["sort", "fold"].iter().chain(options).copied().collect();
        String::from_utf8(callbox_ok(&args, b"a\nB\nA\nb\n")).unwrap()
    };
    assert_eq!(fold(&[]), "A\na\nB\nb\n");
    assert_eq!(fold(&["-r"]), "b\nB\na\nA\n");
    assert_eq!(fold(&["-s"]), "a\nA\nB\nb\n");
    assert_eq!(fold(&["-r", "-s"]), "B\nb\na\nA\n");
}

#[test]
fn checking_tells_by_its_status_and_names_the_first_line_out_of_order() {
    let check = |options: &[&str], input: &[u8]| {
        let output = run(callbox().args(["sort", "bytes"]).args(options), input);
        assert!(output.stdout.is_empty());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(check(&["-c"], b"a\nb\nb\n"), (Some(0), String::new()));
    assert_eq!(check(&["-c"], b"a\nc\nb\n"), (Some(1), "callbox: -:3: disorder: b\n".into()));
    assert_eq!(check(&["-C"], b"a\nc\nb\n"), (Some(1), String::new()));
    assert_eq!(check(&["--check=quiet"], b"a\nc\nb\n"), (Some(1), String::new()));
    assert_eq!(check(&["-c", "-u"], b"a\nb\nb\n"), (Some(1), "callbox: -:3: disorder: b\n".into()));
    assert_eq!(check(&["-c", "-r"], b"c\nb\na\n"), (Some(0), String::new()));
    assert_eq!(check(&["-C", "-r", "-u"], b"c\nb\nb\n"), (Some(1), String::new()));
}

#[test]
fn an_output_file_may_be_an_input_and_keeps_its_permissions() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    fs::write(&file, "b\na\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let name = file.to_str().unwrap();
    assert!(callbox_ok(&["sort", "bytes", "-o", name, name], b"").is_empty());
    assert_eq!(fs::read(&file).unwrap(), b"a\nb\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(names(dir.path()), ["f"], "nothing else is left behind");
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_output_file_keeps_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    fs::write(&file, "b\na\n").unwrap();
    if chown(&file, Some(1), Some(1)).is_err() {
        return skip("root", "whether an output file keeps its owner, which only root can try");
    }
    let name = file.to_str().unwrap();
    callbox_ok(&["sort", "bytes", "-o", name, name], b"");
    let found = fs::metadata(&file).unwrap();
    assert_eq!((found.uid(), found.gid()), (1, 1));
    assert_eq!(fs::read(&file).unwrap(), b"a\nb\n");
}

#[test]
fn an_output_behind_a_link_is_replaced_there_and_the_link_stays() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f"), "old").unwrap();
    for (link, target) in [("l", "f"), ("dangling", "new")] {
        let link = dir.path().join(link);
        symlink(target, &link).unwrap();
        callbox_ok(&["sort", "bytes", "-o", link.to_str().unwrap()], b"b\na\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(dir.path().join(target)).unwrap(), b"a\nb\n");
    }
}

#[test]
fn a_new_output_file_has_the_permissions_of_any_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    callbox_ok(&["sort", "bytes", "-o", file.to_str().unwrap()], b"a\n");
    fs::write(dir.path().join("other"), "").unwrap();
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("f"), mode("other"));
}

#[test]
fn whatever_fails_the_output_file_is_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    fs::write(&file, "b\na\n").unwrap();
    let name = file.to_str().unwrap();
    for (args, status) in [
        (vec!["sort", "bytes", "-o", name, name, "/no/such/file"], 2),
        (vec!["sort", "bytes", "--fuel", "10", "-o", name, name], 3),
        (vec!["sort", "wat/hostile/unreachable.wat", "--records", "bytes:2", "-o", name, name], 3),
        (vec!["sort", "wat/hostile/imports.wat", "-o", name, name], 3),
        (vec!["sort", "i32", "--records", "bytes:3", "-o", name, name], 3),
        (vec!["sort", "bytes", "--records", "bytes:3", "-o", name, name], 2),
        (vec!["sort", "no-such-guest", "-o", name, name], 2),
    ] {
        let output = run(callbox().args(&args), b"");
        assert_eq!(output.status.code(), Some(status), "{args:?}");
        assert_eq!(fs::read(&file).unwrap(), b"b\na\n", "{args:?}");
        assert_eq!(names(dir.path()), ["f"], "{args:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    if !Path::new("/dev/full").exists() {
        return skip("dev-full", "a full disk, for want of /dev/full");
    }
    let output = run(callbox().args(["sort", "bytes", "-o", "/dev/full"]), b"b\na\n");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.starts_with("callbox: /dev/full: cannot write: No space left on device"), "{stderr}");

    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = callbox().args(["sort", "bytes", "Cargo.toml"]).stdout(full).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.starts_with("callbox: standard output: cannot write: No space left"), "{stderr}");
}

#[test]
fn a_reader_that_goes_away_ends_it_in_silence() {
    let mut input = tempfile::NamedTempFile::new().unwrap();
    for line in 0..200_000 {
        use std::io::Write;
        writeln!(input, "{line}").unwrap();
    }
    let mut child = callbox()
        .args(["sort", "bytes"])
        .arg(input.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 2];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((first, output.status.code()), (*b"0\n", Some(141)));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn outputs_that_cannot_be_written_are_found_out_before_any_work() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("no/such/folder/f");
    for (output, says) in [
        (missing.to_str().unwrap(), "No such file or directory"),
        (dir.path().to_str().unwrap(), "is a directory"),
    ] {
        // The guest would never return.
        let args = ["sort", "wat/hostile/loop.wat", "--records", "bytes:1", "-o", output, "Cargo.toml"];
        let found = run(callbox().args(args), b"");
        let stderr = String::from_utf8_lossy(&found.stderr).into_owned();
        assert_eq!(found.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(&format!("{output}: cannot write: {says}")), "{stderr}");
    }
}

#[test]
fn inputs_that_cannot_be_read_are_named() {
    for (input, says) in [
        ("/no/such/file", "cannot read: No such file or directory; check the name"),
        ("/tmp", "cannot read: Is a directory; name the files in it"),
    ] {
        let output = run(callbox().args(["sort", "bytes", input]), b"");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(stderr, format!("callbox: {input}: {says}\n"));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn records_that_are_cut_off_are_refused() {
    let output = run(callbox().args(["sort", "i32", "--records", "i32"]), b"12345");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "callbox: -: 5 bytes are no whole number of records of 4; is --records right?\n"
    );
}

#[test]
fn records_of_bytes_are_sorted_by_either_shape() {
    let by_slices = callbox_ok(&["sort", "bytes", "--records", "bytes:3"], b"cccaaabbb");
    assert_eq!(by_slices, b"aaabbbccc");
    let numbers: Vec<u8> = [3i32, -1, 2].iter().flat_map(|n| n.to_le_bytes()).collect();
    let expected: Vec<u8> = [-1i32, 2, 3].iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(callbox_ok(&["sort", "wat/good/ascending.wat", "--records", "bytes:4"], &numbers), expected);
}

#[test]
fn a_trace_shows_each_comparison_and_leaves_the_data_alone() {
    let output = run(callbox().args(["sort", "bytes", "--trace"]), b"b\n\xff\na\n");
    assert_eq!(output.stdout, b"a\nb\n\xff\n");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.lines().any(|line| line == r#""\xff" > "a""#), "{stderr}");
    let numbers: Vec<u8> = [3i32, -1].iter().flat_map(|n| n.to_le_bytes()).collect();
    let output = run(callbox().args(["sort", "i32", "--records", "i32", "--trace"]), &numbers);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "3 > -1\n");
}

#[test]
fn figures_are_shown_as_text_and_as_json() {
    let output = run(callbox().args(["sort", "bytes", "-u", "--stats=json"]), b"b\na\nb\n");
    assert_eq!(output.stdout, b"a\nb\n");
    let json: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((json["items"].as_u64(), json["written"].as_u64()), (Some(3), Some(2)));
    assert!(json["comparisons"].as_u64() >= Some(4), "{json}");
    assert!(json["fuel"].as_u64() > Some(10), "{json}");
    let output = run(callbox().args(["sort", "bytes", "--stats"]), b"b\na\n");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("comparisons   1\n"), "{text}");
    assert!(text.contains("verified      3\n"), "{text}");
}
