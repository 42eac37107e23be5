//! Keys: fields of lines and columns of CSV, each with a guest of its own.

use std::process::Output;

use crate::support::{Random, callbox, callbox_ok, path, run};

fn sorted(args: &[&str], input: &str) -> String {
    let args = [&["sort"], args].concat();
    String::from_utf8(callbox_ok(&args, input.as_bytes())).unwrap()
}

fn refused(args: &[&str], input: &str) -> String {
    let output = run(callbox().arg("sort").args(args), input.as_bytes());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{args:?}");
    stderr
}

#[test]
fn each_key_has_its_own_guest_and_direction() {
    let hosts = "b 10.0.0.2 v1.10\na 10.0.0.10 v1.9\nb 10.0.0.2 v1.9\na 9.0.0.1 v2.0\n";
    assert_eq!(
        sorted(&["-k1,1r", "-k2,2=ipv4", "-k3=natural"], hosts),
        "b 10.0.0.2 v1.9\nb 10.0.0.2 v1.10\na 9.0.0.1 v2.0\na 10.0.0.10 v1.9\n"
    );
    assert_eq!(
        sorted(&["-k2,2r=ipv4", "-k3,3V"], hosts),
        "a 10.0.0.10 v1.9\nb 10.0.0.2 v1.9\nb 10.0.0.2 v1.10\na 9.0.0.1 v2.0\n"
    );
}

#[test]
fn the_guest_of_the_first_operand_compares_keys_that_name_none() {
    assert_eq!(sorted(&["semver", "-t,", "-k2,2"], "a,1.10.0\nb,1.9.0\n"), "b,1.9.0\na,1.10.0\n");
    assert_eq!(sorted(&["semver", "-r", "-t,", "-k2,2"], "a,1.10.0\nb,1.9.0\n"), "a,1.10.0\nb,1.9.0\n");
}

/// A comparator that traps unless both of its items are the letter x.
const ONLY_X: &str = r#"(module (memory (export "memory") 1)
    (func $check (param $at i32) (param $len i32)
        (if (i32.ne (local.get $len) (i32.const 1)) (then unreachable))
        (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 120)) (then unreachable)))
    (func (export "only_x") (param $a i32) (param $m i32) (param $b i32) (param $n i32) (result i32)
        (call $check (local.get $a) (local.get $m))
        (call $check (local.get $b) (local.get $n))
        (i32.const 0)))"#;

#[test]
fn a_guest_sees_the_bytes_of_its_key_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let guest = folder.path().join("only-x.wat");
    std::fs::write(&guest, ONLY_X).unwrap();
    let key = format!("-k2,2={}#only_x", guest.display());
    for sorter in ["auto", "qsort", "sandboxed", "msvcrt"] {
        for more in [&[][..], &["-S1b"], &["-c"], &["-u"]] {
            let args = [&["-t:", &key, "--sorter", sorter], more].concat();
            let lines = "secret:x:secret\n".repeat(3000);
            sorted(&args, if more == ["-u"] { "a:x\n" } else { &lines });
        }
    }
    let output = run(callbox().args(["sort", "-t:", &key]), b"a:x\nb:y\n");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn key_after_key_in_the_sandbox_is_as_all_keys_at_once() {
    let text = Random(11).lines(6000, 7, &["0", "1", "7", "a", "B", " ", ":", ":", "1.2", "K"]);
    for keys in [
        &["-k1,1", "-k2,2n", "-k3,3r"][..],
        &["-k2,2n", "-k1,1fr"],
        &["-k2,2h", "-k1.2,1.3d", "-s"],
        &["-k3,3V", "-k1,1n", "-u"],
        &["-k2n", "-r"],
        &["-k9,9", "-k2,2n"],
    ] {
        let by = |sorter| {
            let args = [&["sort", "-t:", "--sorter", sorter][..], keys].concat();
            callbox_ok(&args, &text)
        };
        let expected = by("qsort");
        assert!(by("sandboxed") == expected, "{keys:?}");
        assert!(by("auto") == expected, "{keys:?}");
        let two = [&["sort", "-t:", "--sorter", "sandboxed", "--parallel", "2"][..], keys].concat();
        assert!(callbox_ok(&two, &text) == expected, "{keys:?}");
    }
}

#[test]
fn csv_is_sorted_by_columns_and_written_as_it_was() {
    let table = "name,\"born, where\",n\r\n\"Lovelace, Ada\",London,2\r\nTuring,\"Maida\nVale\",10\r\n\
                 \"Hopper \"\"Amazing\"\"\",New York,1\n";
    assert_eq!(
        sorted(&["--csv", "-k", "n=numeric"], table),
        "name,\"born, where\",n\r\n\"Hopper \"\"Amazing\"\"\",New York,1\n\"Lovelace, Ada\",London,2\r\n\
         Turring,\"Maida\nVale\",10\r\n"
            .replace("Turring", "Turing")
    );
    for key in ["born, where,d", "2=bytes", "born, where=bytes", "born, where,f"] {
        let sorted = sorted(&["--csv", "-k", key], table);
        assert!(sorted.starts_with("name,\"born, where\",n\r\n\"Lovelace"), "{key}: {sorted}");
    }
    for key in ["nr=numeric", "n=numericr", "n,nr", "3,nr"] {
        let args = ["--csv", "-k", key];
        assert!(sorted(&args, table).contains(",n\r\nTuring"), "{key}");
    }
    assert_eq!(sorted(&["--csv=;", "-k", "b,n"], "a;b\nx;10\ny;9\n"), "a;b\ny;9\nx;10\n");
    assert_eq!(sorted(&["--csv=tab", "-k", "b,n"], "a\tb\nx\t10\ny\t9\n"), "a\tb\ny\t9\nx\t10\n");
}

#[test]
fn random_csv_of_every_quoting_keeps_its_records_and_is_in_order() {
    let mut random = Random(5);
    for _ in 0..40 {
        let mut records = Vec::new();
        for number in 0..random.below(60) {
            let mut text = String::new();
            for _ in 0..random.below(5) {
                text.push_str(["a", "b", ",", "\"\"", "\n", "\r\n", " ", ";"][random.below(8)]);
            }
            let quoted = format!("\"{text}\"");
            let key = random.below(1000);
            let key = if random.below(2) == 0 { format!("\"{key}\"") } else { key.to_string() };
            records.push(format!("{number},{quoted},{key}"));
        }
        let table = format!(
            "id,text,key\n{}",
            records.iter().map(|record| format!("{record}\n")).collect::<String>()
        );
        for more in [&[][..], &["-S1b"], &["--sorter", "qsort"]] {
            let sorted = sorted(&[&["--csv", "-s", "-k", "key,n"], more].concat(), &table);
            let mut expected = records.clone();
            let key = |record: &String| {
                record.rsplit(',').next().unwrap().trim_matches('"').parse::<u32>().unwrap()
            };
            expected.sort_by_key(key);
            let expected: String = expected.iter().map(|record| format!("{record}\n")).collect();
            assert_eq!(sorted, format!("id,text,key\n{expected}"));
        }
    }
}

#[test]
fn files_of_csv_share_their_header() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let (a, b) = (file("a", "id,n\nx,2\n"), file("b", "id,n\ny,1\n"));
    assert_eq!(sorted(&["--csv", "-k", "n,n", &a, &b], ""), "id,n\ny,1\nx,2\n");
    assert_eq!(sorted(&["--csv", "--isolate", "-k", "n,n", &a, &b], ""), "id,n\ny,1\nx,2\n");
    let other = file("other", "n,id\n1,z\n");
    let said = refused(&["--csv", "-k", "n,n", &a, &other], "");
    assert!(
        said.ends_with("its header is not that of the first file; sort files with the same columns\n"),
        "{said}"
    );
    let plain = sorted(&["--header", "-n", "-r"], "numbers\n1\n10\n9\n");
    assert_eq!(plain, "numbers\n10\n9\n1\n");
}

#[test]
fn what_a_sort_user_types_first_is_answered_with_what_to_type_here() {
    let names = path("tests/cli/sort.in/names.txt");
    let names = names.to_str().unwrap();
    for (args, said) in [
        (&[names][..], ": callbox sort bytes "),
        (&[names, "numeric"], ": callbox sort numeric "),
        (&["-n", "numeric", names], "the order is named already"),
        (&[], "name an order: `callbox sort bytes FILE`"),
        (&["-R", names], "-R: no order at random"),
        (&["+1", "-2", names], "write -k 2,2, or ./+1 for a file"),
        (&["+1.2n", names], "write -k 2.3n"),
        (&["-nh", names], "options '-hn' are incompatible"),
        (&["-k0", names], "field number is zero"),
        (&["-k1.0", names], "character offset is zero"),
        (&["-kx", names], "invalid number at field start"),
        (&["-k1,", names], "invalid number after ','"),
        (&["-k1q", names], "stray character in field spec"),
        (&["-k1n=bytes", names], "letters and a guest name two orders"),
        (&["-t", "i32", "-n", names], "types of records are named by --records"),
        (&["-t", "", "-n", names], "empty tab"),
        (&["-t:", "-t,", "-n", names], "incompatible tabs"),
        (&["-n", "-o", "a", "-o", "b", names], "there can be one output only"),
        (&["-n", "-cC", names], "options '-cC' are incompatible"),
        (&["-n", "-c", "-o", "x", names], "options '-co' are incompatible"),
        (&["-n", "--debug", "-o", "x", names], "options '-o --debug' are incompatible"),
        (&["-n", "--batch-size=1", names], "it is less than 2"),
        (&["-n", "-S", "1x", names], "its unit is unknown"),
        (&["-n", "-e", "compare", names], "options name the order here"),
        (&["--records", "i32", "-n", names], "compared by a guest that is the first operand"),
        (&["i32", "--records", "i32", "-k1", names], "records have no lines"),
        (&["--csv", "-k", "nothing,n", names], "there is no column \"nothing\""),
        (&["--files0-from", names, "-n", names], "--files0-from names the files"),
        (&["-n", ""], "cannot read"),
    ] {
        let stderr = refused(args, "");
        assert!(stderr.contains(said), "{args:?}: {stderr}");
        assert!(stderr.starts_with("callbox: ") && stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
}

#[test]
fn words_are_read_as_getopt_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let sort = |args: &[&str]| -> Output {
        run(callbox().arg("sort").args(args).current_dir(folder.path()), b"b\na\n")
    };
    for args in [
        &["bytes", "-o", "-x"][..],
        &["-o-x", "bytes"],
        &["bytes", "--outp=-x"],
        &["bytes", "--output", "-x"],
        &["bytes", "-so", "-x", "-o-x"],
        &["-", "-fo", "-x"],
    ] {
        let done = sort(args);
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        let file = folder.path().join("-x");
        assert_eq!(std::fs::read(&file).unwrap(), b"a\nb\n", "{args:?}");
        std::fs::remove_file(file).unwrap();
    }
    let done = sort(&["bytes", "-o", "--"]);
    assert!(done.status.success());
    assert_eq!(std::fs::read(folder.path().join("--")).unwrap(), b"a\nb\n");
    let done = sort(&["-z", "-c", "bytes"]);
    assert!(done.status.success());
    let done = run(callbox().args(["sort", "-z", "-c", "bytes"]), b"b\0a\0");
    assert_eq!(done.stderr, b"callbox: -:2: disorder: a\0");
}
