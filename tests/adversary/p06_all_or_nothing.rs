//! P6 and P7: a failure leaves files as they were, with one line that says whose fault it was; a comparator
//! that contradicts itself is told, and nothing is written.

use std::fs;
use std::path::Path;

use super::{ISOLATIONS, callbox, run};

/// A comparator of `i32` by value, with this body; `$calls` is the number of calls.
fn guest(dir: &Path, name: &str, body: &str) -> String {
    let text = format!(
        "(module (memory (export \"memory\") 1) (global $calls (mut i32) (i32.const 0))
            (func $order (param $a i32) (param $b i32) (result i32)
                (i32.sub (i32.gt_s (local.get $a) (local.get $b)) (i32.lt_s (local.get $a) (local.get $b))))
            (func (export \"compare_i32\") (param $a i32) (param $b i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1))) {body}))"
    );
    let file = dir.join(format!("{name}.wat"));
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn traps_loops_and_lies_leave_the_files_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let input: Vec<u8> =
        (0..600_i32).flat_map(|n| n.wrapping_mul(0x9e37_79b1_u32 as i32).to_ne_bytes()).collect();
    let order = "(call $order (local.get $a) (local.get $b))";
    let at = |call: u32, then: &str| {
        format!("(if (i32.eq (global.get $calls) (i32.const {call})) (then {then})) {order}")
    };
    let third = "(i32.rem_s (i32.shr_s (i32.mul (i32.xor (local.get $a) (local.get $b)) \
        (i32.const 0x9e3779b1)) (i32.const 8)) (i32.const 3))";
    let cases = [
        ("trap", at(300, "unreachable"), Some(3)),
        ("loop", at(300, "(loop $l (br $l))"), Some(3)),
        ("recursion", "(call $order (local.get $a) (local.get $b)) (drop) (unreachable)".to_owned(), Some(3)),
        ("random", third.to_owned(), Some(4)),
        ("overflow", "(i32.sub (local.get $a) (local.get $b))".to_owned(), Some(4)),
        ("less", "(i32.const -1)".to_owned(), Some(4)),
        ("state", "(i32.sub (i32.and (global.get $calls) (i32.const 2)) (i32.const 1))".to_owned(), Some(4)),
    ];
    for (name, body, status) in cases {
        let guest = guest(dir.path(), name, &body);
        for sorter in ["qsort", "msvcrt", "sandboxed"] {
            let (from, to) = (dir.path().join("in"), dir.path().join("out"));
            fs::write(&from, &input).unwrap();
            fs::write(&to, "old").unwrap();
            for isolate in ISOLATIONS {
                let mut command = callbox();
                command
                    .args([
                        "sort",
                        &guest,
                        "--records",
                        "i32",
                        "--timeout",
                        if name == "loop" { "1s" } else { "60s" },
                        "--sorter",
                        sorter,
                    ])
                    .args(*isolate);
                let output = run(command.arg(&from).arg("-o").arg(&to), b"");
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), status, "{name} {sorter} {isolate:?}: {stderr}");
                assert!(stderr.starts_with("callbox: "), "{stderr}");
                assert!(output.stdout.is_empty());
                assert_eq!(fs::read(&from).unwrap(), input);
                assert_eq!(fs::read(&to).unwrap(), b"old");
                let beside = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
                let beside: Vec<_> = beside.filter(|name| name.to_string_lossy().starts_with('.')).collect();
                assert!(beside.is_empty(), "{beside:?}");
            }
        }
    }
}
