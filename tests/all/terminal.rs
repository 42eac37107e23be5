//! Text of strangers in messages: whatever a name, a line or a guest contains, standard error has no control
//! character but newline, and a message has one line.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::Output;

use crate::support::{ISOLATIONS, Random, callbox, path, run};

/// Bytes that a terminal obeys, among others that it does not.
fn nasty(random: &mut Random) -> Vec<u8> {
    const PIECES: [&[u8]; 16] = [
        b"\x1b[31m",
        b"\x1b]0;title\x07",
        b"\n",
        b"\r",
        b"\t",
        b"\x7f",
        b"\x9b31m",
        b"\xc2\x9b2J",
        b"\xff",
        b"\xe2\x80",
        "\u{202e}".as_bytes(),
        "\u{2066}".as_bytes(),
        "\u{2028}".as_bytes(),
        "\u{200b}".as_bytes(),
        "\u{e0041}".as_bytes(),
        b"callbox: ok",
    ];
    let mut text = vec![b'x'];
    for _ in 0..1 + random.below(6) {
        text.extend(PIECES[random.below(PIECES.len())]);
        text.push(1 + random.below(255) as u8);
    }
    text.retain(|byte| *byte != b'/');
    text
}

/// Fails where standard error, or standard output that is no data, could control a terminal.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8(text.to_vec()).expect("UTF-8");
    let hidden = |char: char| {
        matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    let found = text.chars().find(|&char| (char.is_control() && char != '\n') || hidden(char));
    assert_eq!(found, None, "{text:?}");
    text
}

fn one_line(output: &Output) {
    let stderr = shown(&output.stderr);
    assert!(stderr.starts_with("callbox: ") && stderr.lines().count() == 1, "{stderr:?}");
}

#[test]
fn no_name_and_no_line_controls_a_terminal_in_any_subcommand() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(11);
    for round in 0..60 {
        let text = nasty(&mut random);
        let name = OsString::from_vec(text.clone());
        let file = dir.path().join(&name);
        let command = |args: &[&str]| {
            let mut command = callbox();
            command.args(args);
            command
        };
        for args in [&["sort", "bytes"][..], &["sort", "bytes", "--isolate"], &["check", "bytes"]] {
            one_line(&run(command(args).arg(&file), b""));
        }
        one_line(&run(command(&["sort", "bytes", "-o"]).arg(file.join("no/folder")), b""));
        one_line(&run(command(&["sort"]).arg(&file), b""));
        let mut sorter = file.clone().into_os_string();
        sorter.push(":sort");
        let output = run(command(&["sort", "bytes", "--sorter"]).arg(sorter), b"");
        one_line(&output);
        shown(&run(command(&["sort", "bytes", "-e"]).arg(&name), b"").stderr);
        // The parser of arguments repeats these.
        for args in [
            &["sort", "bytes", "--fuel"][..],
            &["sort", "bytes", "--shape"],
            &["sort", "bytes", "--records"],
            &[],
        ] {
            let output = run(command(args).arg(&name), b"");
            assert_eq!(output.status.code(), Some(2));
            shown(&output.stderr);
        }
        let mut option = OsString::from("--");
        option.push(&name);
        shown(&run(command(&["sort", "bytes"]).arg(&option), b"").stderr);
        // A line of data, and a module, of such a name.
        fs::write(&file, [b"zz\n", text.as_slice(), b"\n"].concat()).unwrap();
        let output = run(command(&["sort", "bytes", "-c"]).arg(&file), b"");
        assert_eq!(output.status.code(), Some(1));
        one_line(&output);
        shown(&run(command(&["sort", "bytes", "--trace", "-o", "/dev/null"]).arg(&file), b"").stderr);
        one_line(&run(command(&["inspect"]).arg(&file), b""));
        let mut module = file.clone().into_os_string();
        module.push(".wat");
        fs::copy(path("wat/good/ascending.wat"), &module).unwrap();
        if std::str::from_utf8(&text).is_err() {
            one_line(&run(command(&["inspect"]).arg(&module), b"")); // GUEST is text
            continue;
        }
        let output = run(command(&["inspect"]).arg(&module), b"");
        let stdout = shown(&output.stdout);
        assert!(output.status.success() && stdout.starts_with("module "), "{round}: {stdout}");
        let plain = run(&mut command(&["inspect", "wat/good/ascending.wat"]), b"").stdout;
        assert_eq!(stdout.lines().count(), shown(&plain).lines().count());
        one_line(&run(command(&["sort"]).arg(&module).args(["--records", "bytes:3"]), b"1234"));
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn every_line_that_a_guest_prints_is_marked_as_the_guests() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("prints.wat");
    let mut random = Random(12);
    for round in 0..40 {
        let text =
            if round == 0 { b"callbox: all is well\n\ncallbox: really".to_vec() } else { nasty(&mut random) };
        let data: String = text.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let module = format!(
            "(module (import \"callbox\" \"print\" (func $print (param i32 i32)))
                (memory (export \"memory\") 1) (data (i32.const 16) \"{data}\")
                (func (export \"compare_bytes\") (param i32 i32 i32 i32) (result i32)
                    (call $print (i32.const 16) (i32.const {})) (i32.const 0)))",
            text.len()
        );
        fs::write(&file, module).unwrap();
        for isolate in ISOLATIONS {
            let mut command = callbox();
            command.args(["sort", file.to_str().unwrap(), "--grant", "print", "-s"]).args(*isolate);
            let output = run(&mut command, b"b\na\n");
            assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"b\na\n"[..]), "{output:?}");
            let stderr = shown(&output.stderr);
            assert!(!stderr.is_empty() && stderr.lines().all(|line| line.starts_with("guest: ")), "{stderr}");
        }
    }
}
