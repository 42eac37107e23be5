//! P10: text of strangers drives no terminal, and what a guest prints cannot pass for a message.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::{callbox, run};

#[test]
fn names_lines_and_printed_text_are_escaped_and_marked() {
    let dir = tempfile::tempdir().unwrap();
    let attacks: [&[u8]; 6] = [
        b"\x1b[31mred\x1b]0;title\x07",
        b"two\ncallbox: lines",
        b"\x9b31m\xc2\x9b31m",
        "over\u{202e}ride\u{2066}".as_bytes(),
        b"back\x08\x08\x7f\r",
        "line\u{2028}separator\u{feff}".as_bytes(),
    ];
    let print = dir.path().join("print.wat");
    for attack in attacks {
        let escaped: String = attack.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let text = format!(
            "(module (import \"callbox\" \"print\" (func $print (param i32 i32)))
                (memory (export \"memory\") 1) (data (i32.const 0) \"{escaped}\\0acallbox: forged\")
                (func (export \"compare_i32\") (param i32 i32) (result i32)
                    (call $print (i32.const 0) (i32.const {}))
                    (i32.sub (i32.gt_s (local.get 0) (local.get 1))
                        (i32.lt_s (local.get 0) (local.get 1)))))",
            attack.len() + 16
        );
        fs::write(&print, text).unwrap();
        let name = OsStr::from_bytes(attack);
        let lines = [b"b".as_slice(), attack, b"\n", attack, b"a\n"].concat();
        let mut commands = Vec::new();
        for args in [
            &["sort", "bytes"][..],
            &["sort", "-c", "bytes"],
            &["check", "bytes"],
            &["sort", "bytes", "--sorter"],
            &["sort", "bytes", "-o", "/dev/null/x"],
            &["inspect"],
            &["sort", "--timeout"],
            &["sort"],
            &["--max"],
            &[],
        ] {
            let mut command = callbox();
            command.args(args).arg(name);
            commands.push(command);
        }
        let mut disorder = callbox();
        disorder.args(["sort", "-c", "bytes"]);
        commands.push(disorder);
        let mut printing = callbox();
        printing.arg("sort").arg(&print).args(["--records", "i32", "--grant", "print"]);
        commands.push(printing);
        for mut command in commands {
            let output = run(&mut command, &lines[..lines.len() / 4 * 4]);
            let stderr = String::from_utf8_lossy(&output.stderr);
            let controls = |c: char| c != '\n' && c.is_control();
            let hidden = ['\u{202e}', '\u{2066}', '\u{2028}', '\u{feff}', '\u{fffd}'];
            assert!(!stderr.contains(controls) && !stderr.contains(hidden), "{command:?}: {stderr:?}");
            assert!(!stderr.lines().any(|line| line.starts_with("callbox: forged")), "{stderr}");
            assert!(!stderr.lines().any(|line| line.starts_with("callbox: lines")), "{stderr}");
        }
    }
}

/// Long lines are passed on in pieces from an isolated process; no piece passes for a message.
#[test]
#[cfg(target_os = "linux")]
fn the_rest_of_a_long_line_is_no_message_of_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("long.wat");
    // With its prefix and escaped, the text before the message fills 64 KiB.
    let text = "(module (import \"callbox\" \"print\" (func $print (param i32 i32)))
            (memory (export \"memory\") 1) (data (i32.const 40000) \"callbox: all is well\")
            (func $start
                (memory.fill (i32.const 0) (i32.const 0x9b) (i32.const 11843))
                (memory.fill (i32.const 11843) (i32.const 65) (i32.const 18157))
                (memory.copy (i32.const 30000) (i32.const 40000) (i32.const 20))
                (call $print (i32.const 0) (i32.const 30020)))
            (start $start)
            (func (export \"compare_i32\") (param i32 i32) (result i32) (i32.const 0)))";
    fs::write(&file, text).unwrap();
    let mut command = callbox();
    command.arg("sort").arg(&file).args(["--records", "i32", "--grant", "print", "--isolate"]);
    let output = run(&mut command, &[1, 0, 0, 0, 2, 0, 0, 0]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("callbox: all is well") && stderr.starts_with("guest: "), "{}", stderr.len());
    assert!(!stderr.lines().any(|line| line.starts_with("callbox: ")), "{}", stderr.len());
}
