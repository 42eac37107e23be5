//! Messages of the command line say what to do, and never what cannot help; numbers are read as people write
//! them.

use std::fs;

use crate::support::{callbox, callbox_ok, run};

/// A comparator of lines that calls all of them equal, after other fields of its module.
fn lines(fields: &str) -> String {
    format!(
        r#"(module {fields} (memory (export "memory") 1)
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) (i32.const 0)))"#
    )
}

/// A module with a comparator of `i32` by an export of this name, after other fields.
fn numbers(fields: &str, export: &str) -> String {
    format!(r#"(module {fields} (func (export "{export}") (param i32 i32) (result i32) (i32.const 0)))"#)
}

/// Runs the command, and returns its exit status and what it says. `GUEST` stands for the guest's path, in
/// the arguments and in what it says.
fn said_of(guest: &str, args: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("guest.wat");
    fs::write(&file, guest).unwrap();
    let file = file.to_str().unwrap();
    let args = args.iter().map(|arg| if *arg == "GUEST" { file } else { arg });
    let output = run(callbox().args(args), input);
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stderr.replace(file, "GUEST"))
}

/// Checks that the command refuses the guest with this message, and nothing else.
fn refuses(guest: &str, args: &[&str], message: &str) {
    let said = said_of(guest, args, &[0; 8]);
    assert_eq!(said, (Some(3), format!("callbox: GUEST: {message}\n")), "{args:?}");
}

#[test]
fn a_guest_without_room_for_elements_is_told_so_at_once_and_not_to_raise_a_limit() {
    let full = numbers(r#"(memory (export "memory") 65536)"#, "compare");
    let fixed = numbers(r#"(memory (export "memory") 2000 2000)"#, "compare");
    let nowhere = "the host has nowhere to put elements";
    for limit in ["64M", "4G", "5G"] {
        refuses(
            &full,
            &["sort", "GUEST", "--records", "i32", "--max-memory", limit],
            &format!(
                "{nowhere}: it needs 4G of memory at the start, all that there can be; declare less, or \
                 export callbox_alloc (size, align)"
            ),
        );
    }
    for command in ["sort", "check"] {
        refuses(
            &fixed,
            &[command, "GUEST", "--records", "i32"],
            &format!(
                "{nowhere}: its memory is declared with no room to grow; declare a larger maximum, or export \
                 callbox_alloc (size, align)"
            ),
        );
    }
    let inspected = said_by_inspect(&fixed);
    assert!(inspected.contains("elements  not put anywhere; its memory is declared with"), "{inspected}");
}

#[test]
fn a_guest_that_more_memory_helps_is_told_how_much_in_the_unit_that_the_option_takes() {
    let large = numbers(r#"(memory (export "memory") 2000 2000)"#, "compare_i32");
    let sort = ["sort", "GUEST", "--records", "i32"];
    let message = "the guest needs 125M of memory, but may have 64M; allow more with --max-memory";
    refuses(&large, &sort, message);
    let shaped = numbers(r#"(memory (export "memory") 2000 2000)"#, "order");
    refuses(&shaped, &[&sort[..], &["-e", "order", "--shape", "scalars"]].concat(), message);
    let allowed = said_of(&large, &[&sort[..], &["--max-memory", "125M"]].concat(), &[0; 8]);
    assert_eq!(allowed, (Some(0), String::new()));
}

#[test]
fn memory_for_the_items_is_told_apart_from_the_guests_own() {
    let input = "0123456789abcdef\n".repeat(10_000);
    let sort = ["sort", "bytes", "--sorter", "sandboxed", "--max-memory"];
    let output = run(callbox().args(sort).arg("128K"), input.as_bytes());
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let needs = "callbox: bytes: the guest with the elements in it needs ";
    let needed = stderr.strip_prefix(needs).and_then(|rest| rest.split_once(' ')).map(|(size, _)| size);
    let needed = needed.unwrap_or_else(|| panic!("{stderr}"));
    assert!(stderr.ends_with(" of memory, but may have 128K; allow more with --max-memory\n"), "{stderr}");
    // What it says it needs is typed as it is said, and is enough.
    callbox_ok(&[&sort[..], &[needed]].concat(), input.as_bytes());
}

#[test]
fn fresh_pages_are_advised_only_where_they_would_be_used() {
    let grows = "(func (drop (memory.grow (i32.const 1))))";
    let no_memory = numbers("", "compare");
    let memory = |pages: &str| numbers(&format!(r#"(memory (export "memory") {pages}) {grows}"#), "compare");
    let sort = ["sort", "GUEST", "--records", "i32"];
    let assuming = [&sort[..], &["--assume-fresh-pages"]].concat();
    let nowhere = "the host has nowhere to put elements";
    for args in [&sort[..], &assuming] {
        refuses(&no_memory, args, &format!("{nowhere}: it exports no memory; export it as \"memory\""));
        refuses(
            &memory("1 1"),
            args,
            &format!(
                "{nowhere}: its memory is declared with no room to grow; declare a larger maximum, or export \
                 callbox_alloc (size, align)"
            ),
        );
    }
    refuses(
        &memory("1"),
        &sort,
        &format!(
            "{nowhere}: it grows its memory itself and exports no allocator; export callbox_alloc \
             (size, align) or cabi_realloc; or try --assume-fresh-pages"
        ),
    );
    assert_eq!(said_of(&memory("1"), &assuming, &[0; 8]), (Some(0), String::new()));
}

/// Returns what inspect prints about a guest.
fn said_by_inspect(guest: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("guest.wat");
    fs::write(&file, guest).unwrap();
    String::from_utf8(callbox_ok(&["inspect", file.to_str().unwrap()], b"")).unwrap()
}

#[test]
fn imports_of_known_toolchains_are_refused_with_the_way_to_build_without_them() {
    for (module, name, advice) in [
        (
            "wasi_snapshot_preview1",
            "fd_write",
            "it is built for WASI: build it for wasm32-unknown-unknown, without standard input and output",
        ),
        (
            "wasi_unstable",
            "fd_write",
            "it is built for WASI: build it for wasm32-unknown-unknown, without standard input and output",
        ),
        ("env", "abort", "AssemblyScript's env.abort has to be left out: compile with --use abort="),
        (
            "env",
            "emscripten_resize_heap",
            "Emscripten's guests need JavaScript: \
             build it with clang --target=wasm32-unknown-unknown -nostdlib",
        ),
        (
            "gojs",
            "runtime.ticks",
            "Go's guests need JavaScript: build it with tinygo build -target=wasm-unknown",
        ),
        ("wbg", "__wbindgen_throw", "wasm-bindgen's guests need JavaScript: build it without wasm-bindgen"),
        (
            "env",
            "memcpy",
            "the linker found no definition of what it imports from env: define it in the guest",
        ),
        (
            "host",
            "log",
            "a guest may import only callbox.print (i32, i32), and only where the host grants it",
        ),
    ] {
        let guest = lines(&format!(r#"(import "{module}" "{name}" (func (param i32)))"#));
        for command in ["sort", "check"] {
            refuses(&guest, &[command, "GUEST"], &format!("import {module}.{name} is not granted; {advice}"));
        }
        let inspected = said_by_inspect(&guest);
        let verdict = if module == "host" { String::new() } else { format!("; {advice}") };
        let import = format!("import    {module}.{name}: func (i32); never granted{verdict}\n");
        assert!(inspected.contains(&import), "{inspected}");
    }
}

#[test]
fn a_component_is_refused_with_the_way_to_a_core_module() {
    let output = run(callbox().args(["sort", "wat/hostile/component.wat"]), b"");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "callbox: wat/hostile/component.wat: not a usable WebAssembly module: it is a component, and a core \
         module is needed; take one out of it with `wasm-tools component unbundle --threshold 0 \
         --module-dir DIR FILE`, or build without the component step, as \
         `cargo build --target wasm32-unknown-unknown` does\n"
    );
}

#[test]
fn a_guest_of_another_number_type_is_refused_with_the_type_that_fits() {
    for (args, message) in [
        ("i32", "it sorts i32, not lines; add --records i32"),
        ("f64", "it sorts f64, not lines; add --records f64"),
        ("i32 --records u32", "it sorts i32, not u32; say --records i32"),
        ("i64 --records u64", "it sorts i64, not u64; say --records i64"),
        ("u32 --records i32", "it sorts u32, not i32; say --records u32"),
        ("i32 --records u32 -e compare_i32", "it sorts i32, not u32; say --records i32"),
        ("u32 --records i16 -e compare_u32", "it sorts u32, not i16; say --records u32"),
        ("i32 --records f32", "it sorts i32, not f32; say --records i32"),
        ("version --records i32", "it sorts lines, not i32; leave --records out for lines"),
    ] {
        let name = args.split(' ').next().unwrap();
        for command in ["sort", "check"] {
            let output = run(callbox().arg(command).args(args.split(' ')), &[0; 8]);
            assert_eq!(output.status.code(), Some(3), "{args}");
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(stderr, format!("callbox: {name}: {message}\n"), "{args}");
        }
    }
    // Narrower numbers are extended as in C, so these are what they seem.
    for (args, input, output) in [
        ("i32 --records u16", &[0xff, 0xff, 1, 0][..], &[1, 0, 0xff, 0xff][..]),
        ("i32 --records i8", &[1, 0xff], &[0xff, 1]),
        (
            "i64 --records u32 -e compare_i64",
            &[255, 255, 255, 255, 1, 0, 0, 0],
            &[1, 0, 0, 0, 255, 255, 255, 255],
        ),
        ("bytes --records bytes:1", b"ba", b"ab"),
    ] {
        let args: Vec<_> = ["sort"].into_iter().chain(args.split(' ')).collect();
        assert_eq!(callbox_ok(&args, input), output, "{args:?}");
    }
}

#[test]
fn a_guest_of_ones_own_compares_unsigned_numbers_by_a_signed_export_only_where_it_is_named() {
    let signed =
        |export: &str| numbers("", export).replace("(i32.const 0)", "(i32.gt_s (local.get 0) (local.get 1))");
    for (guest, args, message) in [
        (
            signed("compare_i32"),
            &["--records", "u32"][..],
            "it exports no compare_u32 or compare, which items of type u32 need; say --records i32, or -e \
             compare_i32 if it compares its numbers as u32",
        ),
        (
            signed("compare_u32"),
            &["--records", "i32"],
            "it exports no compare_i32 or compare, which items of type i32 need; say --records u32, or -e \
             compare_u32 if it compares its numbers as i32",
        ),
        (signed("compare_i32"), &[], "it exports no compare_bytes, which lines need; add --records i32"),
        (
            signed("compare_i32"),
            &["--records", "f64"],
            "it exports no compare_f64 or compare, which items of type f64 need; say --records i32",
        ),
        (
            lines(""),
            &["--records", "u8"],
            "it exports no compare_u8 or compare_i32 or compare, which items of type u8 need; \
             leave --records out for lines",
        ),
        (
            numbers(r#"(memory (export "memory") 1)"#, "compare"),
            &[],
            "it exports no compare_bytes, which lines need; say with --records what the input is made of, or \
             with -e which of these compares: compare",
        ),
        (
            signed("my\\n_order"),
            &["--records", "i32"],
            "it exports no compare_i32 or compare, which items of type i32 need; say with --records what the \
             input is made of, or with -e which of these compares: my\\n_order",
        ),
        (
            "(module (func (export \"compare_bytes\")))".to_owned(),
            &[],
            "\"compare_bytes\" has the type (), but a comparator by slices has (i32, i32, i32, i32) -> i32",
        ),
        (
            "(module (func (export \"compare_byte\")))".to_owned(),
            &[],
            "it exports no compare_bytes, which lines need; \
             none of its functions has the type of a comparator",
        ),
        (
            lines(
                r#"(func (export "compare_i64") (param i64 i64) (result i32) (i32.const 0))
                (func (export "compare_i32") (param i32 i32) (result i32) (i32.const 0))"#,
            ),
            &["--records", "u64"],
            "it exports no compare_u64 or compare, which items of type u64 need; say --records i64 or \
             --records i32, or -e compare_i64 if it compares its numbers as u64, or leave --records out for \
             lines",
        ),
    ] {
        for command in ["sort", "check"] {
            refuses(&guest, &[&[command, "GUEST"], args].concat(), message);
        }
    }
    let named =
        said_of(&signed("compare_i32"), &["sort", "GUEST", "--records", "u32", "-e", "compare_i32"], &[0; 8]);
    assert_eq!(named, (Some(0), String::new()));
}

/// Returns the line of `callbox inspect` about a limit that these arguments set, or the first line that it
/// prints on standard error.
fn limit(name: &str, args: &[&str]) -> String {
    let output = run(callbox().args(["inspect", "i32"]).args(args), b"");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let found = stdout.lines().find_map(|line| line.strip_prefix("limit     ")?.strip_prefix(name));
    match found {
        Some(value) => value.trim_start().to_owned(),
        None => {
            assert_eq!(output.status.code(), Some(2), "{args:?}");
            String::from_utf8(output.stderr).unwrap().lines().next().unwrap_or_default().to_owned()
        }
    }
}

#[test]
fn counts_are_read_as_people_write_them() {
    for (text, fuel) in [
        ("0", "0"),
        ("007", "7"),
        ("1e9", "1000000000"),
        ("1E9", "1000000000"),
        ("1e+9", "1000000000"),
        ("1G", "1000000000"),
        ("1g", "1000000000"),
        ("10^9", "1000000000"),
        ("1_000_000_000", "1000000000"),
        ("1 000 000 000", "1000000000"),
        ("1000M", "1000000000"),
        ("2^10", "1024"),
        ("1.5K", "1500"),
        (".5K", "500"),
        ("1.5e3", "1500"),
        ("1.50e1", "15"),
        ("2.0", "2"),
        ("1e2K", "100000"),
        ("5E", "5000000000000000000"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551.615K", "18446744073709551615"),
    ] {
        let round = fuel
            .parse::<u64>()
            .ok()
            .filter(|n| *n >= 1_000_000 && n.to_string().trim_end_matches('0') == "1");
        let shown = round.map_or(fuel.to_owned(), |n| format!("10^{}", n.ilog10()));
        assert_eq!(limit("fuel", &["--fuel", text]), shown, "{text}");
    }
    // Every option of a count reads them alike, and options of bytes keep their binary units.
    for (option, name) in [
        ("--max-functions", "functions"),
        ("--max-locals", "locals"),
        ("--max-entries", "entries"),
        ("--max-complexity", "complexity"),
    ] {
        assert_eq!(limit(name, &[option, "1.5K"]), "1500", "{option}");
    }
    assert_eq!(limit("table", &["--max-table", "2e3"]), "2000 elements");
    for (text, bytes) in [
        ("1K", "1K"),
        ("1024", "1K"),
        ("1000", "1000 bytes"),
        ("1e3", "1000 bytes"),
        ("2^20", "1M"),
        ("1.5M", "1536K"),
        ("1.3K", "1331 bytes"),
        ("16MiB", "16M"),
        ("16 MB", "16M"),
        ("16mib", "16M"),
        ("4G", "4G"),
        ("0", "0 bytes"),
    ] {
        assert_eq!(limit("memory", &["--max-memory", text]), bytes, "{text}");
    }
}

#[test]
fn what_is_no_number_is_refused_with_the_reason() {
    let whole = "expected a whole number, like 1000000, 1e6, 10^6 or 1M";
    let large = "it is too large; the most that can be said is 18446744073709551615";
    for text in [
        "", " ", "_", "1e", "1e+", "1eK", "1EK", "e9", "K", "0x10", "1e-3", "1,000", "1.2.3", ".", "^9",
        "10^", "10^-1", "10^1K", "1.5^2", "ten", "1B", "1KB", "1Ki", "１", "+1", "1e9e9", "NaN", "inf",
    ] {
        assert_eq!(
            limit("fuel", &[&format!("--fuel={text}")]),
            format!("callbox: invalid value '{text}' for '--fuel <N>': {whole}")
        );
    }
    for text in
        ["1e99", "1e20", "10^20", "10^9999999999", "2^64", "18446744073709551616", "19E", "1e9999999999"]
    {
        assert_eq!(
            limit("fuel", &["--fuel", text]),
            format!("callbox: invalid value '{text}' for '--fuel <N>': {large}")
        );
    }
    for text in ["1.5", "1.5e0", "0.3", "1.0001K", "1.00000000000000000000000001"] {
        assert_eq!(
            limit("fuel", &["--fuel", text]),
            format!("callbox: invalid value '{text}' for '--fuel <N>': it is not whole; {whole}")
        );
    }
    for (args, message) in [
        (&["--fuel", "-1"][..], format!("'-1' for '--fuel <N>': it is less than 0; {whole}")),
        (&["--fuel=-1e3"], format!("'-1e3' for '--fuel <N>': it is less than 0; {whole}")),
        (
            &["--max-memory", "-1"],
            "'-1' for '--max-memory <SIZE>': it is less than 0; expected a size, like 16M, 1.5G or 1000000"
                .into(),
        ),
        (
            &["--max-memory", "1e"],
            "'1e' for '--max-memory <SIZE>': expected a size, like 16M, 1.5G or 1000000".into(),
        ),
        (&["--max-memory", "16E"], format!("'16E' for '--max-memory <SIZE>': {large}")),
    ] {
        assert_eq!(limit("fuel", args), format!("callbox: invalid value {message}"));
    }
}

/// What `--help` prints as a default can be typed, and is the default.
#[test]
fn every_default_in_the_help_is_typed_as_it_is_printed() {
    let help = String::from_utf8(callbox_ok(&["inspect", "--help"], b"")).unwrap();
    let plain = callbox_ok(&["inspect", "i32"], b"");
    let words: Vec<_> = help.split_whitespace().collect();
    let mut options = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if *word == "[default:" {
            let option = words[..at].iter().rfind(|word| word.starts_with("--")).unwrap();
            options.push(format!("{option}={}", words[at + 1].trim_end_matches(']')));
        }
    }
    assert_eq!(options.len(), callbox::Limit::ALL.len(), "{options:?}");
    assert!(options.contains(&"--fuel=10^12".to_owned()), "{options:?}");
    let args: Vec<_> = ["inspect", "i32"].into_iter().chain(options.iter().map(String::as_str)).collect();
    assert_eq!(callbox_ok(&args, b""), plain);
}

#[test]
fn other_numbers_of_the_command_line_are_read_alike_and_bounded() {
    for args in [
        &["sort", "bytes", "--parallel", "1e0"][..],
        &["sort", "bytes", "--records", "bytes:0.5K"],
        &["check", "bytes", "--sample", "4K", "--time", "1m", "--seed", "1e3"],
    ] {
        assert!(run(callbox().args(args), b"").status.success(), "{args:?}");
    }
    for (args, message) in [
        (&["sort", "bytes", "--parallel", "0"][..], "'0' for '--parallel <N>': expected a number from 1 on"),
        (
            &["sort", "bytes", "--parallel=-1"],
            "'-1' for '--parallel <N>': it is less than 0; expected a whole",
        ),
        (&["check", "bytes", "--sample", "0"], "'0' for '--sample <N>': expected a number from 1 on"),
        (
            &["sort", "bytes", "--records", "bytes:2G"],
            "'bytes:2G' for '--records <TYPE>': expected a width between 1 and 1G",
        ),
    ] {
        let output = run(callbox().args(args), b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(&format!("callbox: invalid value {message}")), "{stderr}");
    }
}

#[test]
fn limits_that_have_another_name_are_suggested() {
    for (typed, meant) in
        [("--max-fuel", "--fuel"), ("--max-timeout", "--timeout"), ("--max-deadline", "--timeout")]
    {
        for args in
            [&["sort", "bytes", typed, "3"][..], &["check", "bytes", typed, "3"], &["inspect", typed, "3"]]
        {
            let output = run(callbox().args(args), b"");
            assert_eq!(output.status.code(), Some(2), "{args:?}");
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(stderr.starts_with(&format!("callbox: unexpected argument '{typed}")), "{stderr}");
            assert!(stderr.contains(&format!("tip: a similar argument exists: '{meant}'\n")), "{stderr}");
        }
        let help = String::from_utf8(callbox_ok(&["sort", "--help"], b"")).unwrap();
        assert!(!help.contains(typed), "{typed} is in the help");
    }
}

/// A comparator of lines that fails as `body` does where one of them begins with `!`, and otherwise orders by
/// the first byte.
fn fails_at_mark(body: &str) -> String {
    format!(
        r#"(module (memory (export "memory") 1)
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
                (if (i32.or (i32.eq (i32.load8_u (local.get 0)) (i32.const 33))
                            (i32.eq (i32.load8_u (local.get 2)) (i32.const 33)))
                    (then {body}))
                (i32.sub (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))))"#
    )
}

#[test]
fn a_comparison_that_fails_is_shown_escaped_and_cut() {
    let long = "x".repeat(100);
    let input = format!("!\u{1b}[2J\t{long}\nb\n");
    let shown = format!("\"!\\u{{1b}}[2J\\t{}\"…, ", "x".repeat(74));
    let endless = "(loop $l (br $l))";
    for (body, options, failure) in [
        ("unreachable", &[][..], "trapped: wasm `unreachable` instruction executed"),
        (endless, &["--fuel", "1e4"], "spent all its fuel, 10000 units"),
        (endless, &["--timeout", "30ms"], "was still running at its deadline of 30ms"),
    ] {
        let args = [&["sort", "GUEST"], options].concat();
        let (status, said) = said_of(&fails_at_mark(body), &args, input.as_bytes());
        assert_eq!(status, Some(3));
        let first = said.lines().next().unwrap_or_default();
        let (message, items) = first.split_once(", comparing ").unwrap_or_else(|| panic!("{said}"));
        assert_eq!(message, format!("callbox: GUEST: \"compare_bytes\" {failure}"));
        let items = items.split("; allow more").next().unwrap();
        let (a, b) = items.split_once(" with ").unwrap();
        let marked = shown.trim_end_matches(", ");
        assert!([a, b].contains(&marked), "{items}");
        assert!([a, b].iter().all(|item| *item == marked || *item == "\"b\""), "{items}");
    }
    // Without a trap, nothing is said.
    let (status, said) = said_of(&fails_at_mark("unreachable"), &["sort", "GUEST"], b"c\nb\n");
    assert_eq!((status, &*said), (Some(0), ""));
}

#[test]
fn numbers_that_a_guest_fails_at_are_shown_as_numbers() {
    let traps = numbers("", "compare_u32").replace("(i32.const 0)", "unreachable");
    let input: Vec<u8> = [u32::MAX, 7].iter().flat_map(|n| n.to_le_bytes()).collect();
    let (status, said) =
        said_of(&traps, &["sort", "GUEST", "--records", "u32", "--sorter", "msvcrt"], &input);
    let message = "callbox: GUEST: \"compare_u32\" trapped: wasm `unreachable` instruction executed, \
                   comparing 7 with 4294967295";
    assert_eq!((status, said.lines().next()), (Some(3), Some(message)));
}

#[test]
fn a_trace_ends_with_the_comparison_that_failed() {
    for sorter in ["qsort", "msvcrt"] {
        let args = ["sort", "GUEST", "--trace", "--sorter", sorter];
        let (status, said) = said_of(&fails_at_mark("unreachable"), &args, b"b\nc\n!\na\n");
        assert_eq!(status, Some(3));
        let comparisons: Vec<_> = said.lines().take_while(|line| line.starts_with('"')).collect();
        let (failed, answered) = comparisons.split_last().unwrap_or_else(|| panic!("{said}"));
        assert!(failed.contains(" ? ") && failed.contains("\"!\""), "{said}");
        assert!(answered.iter().all(|line| line.contains(" < ") || line.contains(" > ")), "{said}");
        let shown = failed.replace(" ? ", " with ");
        assert!(said.lines().any(|line| line.ends_with(&format!(", comparing {shown}"))), "{said}");
    }
}

#[test]
fn the_option_that_an_error_of_a_size_names_takes_the_size_that_it_shows() {
    let sort = ["sort", "i32", "--records", "i32", "--max-array"];
    let output = run(callbox().args(sort).arg("1K"), &[0; 2048]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "callbox: i32: an array of 2K is too large; at most 1K can be sorted or searched at once; allow more \
         with --max-array\n"
    );
    assert_eq!(output.status.code(), Some(2));
    callbox_ok(&[&sort[..], &["2K"]].concat(), &[0; 2048]);
}
