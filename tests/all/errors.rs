//! Every failure has a message that names its subject, what was expected, and what to do.

use std::error::Error as _;
use std::fs::File;

use callbox::{
    Blame, CType, CallConv, Config, Error, Limit, LimitUnit, Limits, Module, Prototype, Sandbox, native,
};

use crate::support::{callbox, callbox_ok, comparator, comparing, good, guest, path, run, sandbox};

/// Checks an error's message and blame.
fn says<T>(outcome: callbox::Result<T>, blame: Blame, text: &str) -> Error {
    let Err(error) = outcome else { panic!("no error, instead of: {text}") };
    assert_eq!(error.to_string(), text);
    assert_eq!(error.blame(), blame, "{text}");
    error
}

#[test]
fn a_file_that_is_not_there() {
    let error = says(
        sandbox().load("/no/such.wasm"),
        Blame::Caller,
        &format!("/no/such.wasm: cannot read the module: {}", File::open("/no/such.wasm").unwrap_err()),
    );
    assert!(error.source().is_some());
}

#[test]
fn a_text_that_is_no_prototype() {
    says(
        "int (const quux *)".parse::<Prototype>(),
        Blame::Caller,
        "\"int (const quux *)\" is not a C function type: \"quux\" is not a known C type at column \
         12; write it like \"int (const void *, const void *)\"",
    );
}

#[test]
fn prototypes_that_no_trampoline_serves() {
    let guest = guest(
        "(module (memory (export \"memory\") 1) \
         (func (export \"f\") (param i32 i32) (result i32) (i32.const 0)))",
    );
    let int = CType::Int.const_pointer();
    for (prototype, reason) in [
        (
            Prototype::new(CType::Int, [int.clone(), int.clone()]).with_conv(CallConv::Fastcall),
            "\"int __fastcall (const int *, const int *)\": this target has no such calling convention",
        ),
        (
            Prototype::new(CType::LongDouble, [int.clone(), int.clone()]),
            "\"long double (const int *, const int *)\": a long double does not cross; \
             WebAssembly has no such number",
        ),
        (
            Prototype::new(CType::Int, [CType::Int.array(3).unwrap(), CType::Int]),
            "\"int (int [3], int)\": an array is passed by a pointer, not by value",
        ),
        (
            Prototype::new(CType::Int, [CType::Int.counted(true, 1), CType::Double]),
            "\"int (const int [n2], double n2)\": the length of a pointer's elements is told \
             by an argument that is no integer",
        ),
    ] {
        says(guest.callback("f", prototype), Blame::Caller, &format!("unsupported prototype {reason}"));
    }
    let comparators_only = "unsupported prototype \"int (int, int)\": \
         only a comparator sorts and searches, as in \"int (const T *, const T *)\"";
    let plain: Prototype = "int (int, int)".parse().unwrap();
    says(
        guest.callback_as(callbox::CompareShape::Scalars, "f", plain.clone()),
        Blame::Caller,
        comparators_only,
    );
    let callback = guest.callback("f", plain).unwrap();
    says(native::qsort(&mut [2, 1], &callback), Blame::Caller, comparators_only);
    says(callback.retain(), Blame::Caller, comparators_only);
    says(callback.compare(&[0; 4], &[0; 4]), Blame::Caller, comparators_only);
    says(callback.lend(&mut [2, 1]).map(|_| ()), Blame::Caller, comparators_only);
}

#[test]
fn an_export_of_another_type_than_the_prototype_asks_for() {
    let guest = guest(r#"(module (func (export "f") (param f32)))"#);
    says(
        guest.callback("f", "size_t (const char *, size_t)".parse().unwrap()),
        Blame::Guest,
        "guest.wat: \"f\" has the type (f32), but \"size_t (const char *, size_t)\" takes \
         (i32, i64 or i32) -> i64 or i32",
    );
    says(
        guest.callback("g", "void (float)".parse().unwrap()),
        Blame::Guest,
        "guest.wat: no export \"g\"; the functions it exports are: f",
    );
    let nowhere = r#"(module (func (export "f") (param i32)))"#;
    says(
        self::guest(nowhere).callback("f", "void (const char *)".parse().unwrap()),
        Blame::Guest,
        "guest.wat: the host has nowhere to put elements: it exports no memory; export it as \"memory\"",
    );
}

#[test]
fn types_that_c_would_not_lay_out() {
    says(
        callbox::Struct::new("s", [("v", CType::Void)]).map_err(Error::from),
        Blame::Caller,
        "struct s is not a usable C type: its field \"v\" has no size",
    );
    says(
        CType::Int.array(0).map_err(Error::from),
        Blame::Caller,
        "int[0] is not a usable C type: an array has at least one element and at most 1 GiB",
    );
}

#[test]
fn arrays_of_other_elements() {
    let mut longs = [2i64, 1];
    says(
        native::qsort(&mut longs, &good("ascending", "compare")),
        Blame::Caller,
        "the array holds elements of int64_t, but \"compare\" compares int",
    );
    assert_eq!(longs, [2, 1]);
    let mut unsigned = [2u32, 1];
    assert!(native::qsort(&mut unsigned, &good("ascending", "compare")).is_err());
    says(
        native::qsort_records(&mut [0; 9], 3, &good("ascending", "compare")),
        Blame::Caller,
        "the array holds elements of 3 bytes, but \"compare\" compares int",
    );
    let wide = guest("(module (func (export \"compare_i32\") (param i32 i32) (result i32) (i32.const 0)))");
    let long = Prototype::comparator(CType::LongLong);
    says(
        wide.callback("compare_i32", long),
        Blame::Caller,
        "the array holds elements of long long, but \"compare_i32\" compares int32_t",
    );
    assert!(good("ascending", "compare").compare(&[0; 4], &[0; 3]).is_err());
}

#[test]
fn runs_of_bytes_that_are_no_whole_number_of_elements() {
    let ascending = good("ascending", "compare");
    for (bytes, width) in [(9, 4), (8, 0)] {
        says(
            native::qsort_records(&mut vec![0; bytes], width, &ascending),
            Blame::Caller,
            &format!(
                "{bytes} bytes cannot be divided into elements of {width}; \
                 the width must be at least 1 and divide the length"
            ),
        );
    }
}

#[test]
fn files_that_are_no_modules() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes, reason) in [
        ("empty", &b""[..], "the file is empty"),
        ("text", b"(module)", "it looks like text; name text files .wat"),
        ("elf", b"\x7fELF", "it does not begin with \\0asm"),
        ("cut", b"\0asm\x01\0\0\0\x01", "unexpected end-of-file (at offset 0x9)"),
    ] {
        let file = dir.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let file = file.display().to_string();
        says(
            sandbox().load(&file),
            Blame::Guest,
            &format!("{file}: not a usable WebAssembly module: {reason}"),
        );
    }
    let error = Module::from_text(&sandbox(), "broken.wat", "(module (func)").err().unwrap();
    let text = "broken.wat: not a usable WebAssembly module: expected `)` at line 1, column 15";
    assert_eq!(error.to_string(), text);
}

#[test]
fn files_that_are_larger_than_a_module_may_be() {
    let sandbox = Sandbox::new(Limits::default().module_size(100).module_text(100)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("long.wat");
    std::fs::write(&text, format!(";; {}\n(module)", "x".repeat(100))).unwrap();
    for (file, what) in [(text.to_str().unwrap(), "text"), ("/dev/zero", "module")] {
        if std::path::Path::new(file).exists() {
            let text = format!("{file}: the {what} has more than the 100 bytes that it may have");
            says(sandbox.load(file), Blame::Guest, &text);
        }
    }
}

#[test]
fn limits_that_are_run_into() {
    let hit = |limits: Limits, body: &str| {
        let module = Sandbox::new(limits).and_then(|sandbox| {
            let wat = format!(
                "(module (memory (export \"memory\") 1)
                    (func (export \"compare\") (param i32 i32) (result i32) {body}))"
            );
            let compare =
                Module::from_text(&sandbox, "g", wat)?.instantiate()?.callback("compare", comparator())?;
            compare.compare(&2i32.to_ne_bytes(), &1i32.to_ne_bytes())
        });
        module.unwrap_err()
    };
    let forever = "(loop $l (br $l)) (unreachable)";
    for (limits, body, limit, text) in [
        (
            Limits::default().fuel(100),
            forever,
            Limit::Fuel,
            "g: \"compare\" spent all its fuel, 100 units, comparing 2 with 1",
        ),
        (
            Limits::default().deadline(std::time::Duration::from_millis(30)),
            forever,
            Limit::Deadline,
            "g: \"compare\" was still running at its deadline of 30ms, comparing 2 with 1",
        ),
        (
            Limits::default().memory(65536),
            "(i32.const 0)",
            Limit::Memory,
            "g: the guest with the elements in it needs 128K of memory, but may have 64K",
        ),
        (
            Limits::default().module_size(20),
            "(i32.const 0)",
            Limit::ModuleSize,
            "g: the module has more than the 20 bytes that it may have",
        ),
        (
            Limits::default().module_text(20),
            "(i32.const 0)",
            Limit::ModuleText,
            "g: the text has more than the 20 bytes that it may have",
        ),
    ] {
        let error = hit(limits, body);
        assert_eq!(error.to_string(), text);
        assert_eq!((error.blame(), error.limit()), (Blame::Guest, Some(limit)));
    }
    let sandbox = Sandbox::new(Config::new(Limits::default().print(10)).grant_print(|_| {})).unwrap();
    let guest = sandbox.load(path("wat/good/tutorial.wat")).unwrap();
    let mut ia = [5, 1, 7, 33, 99];
    let error = native::qsort(&mut ia, &guest.callback("ascending", comparator()).unwrap()).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Print));
    assert_eq!(ia, [5, 1, 7, 33, 99]);
}

#[test]
fn an_array_that_no_limit_would_allow_names_no_limit() {
    let refused = |most: usize| Error::ArrayTooLarge { bytes: 5 << 30, most };
    assert_eq!(refused(1 << 30).limit(), Some(Limit::Array));
    assert_eq!(refused(8 << 30).limit(), Some(Limit::Array));
    let counted = refused(u32::MAX as usize);
    assert_eq!(counted.limit(), None);
    let text = "an array of 5G is too large; at most 4294967295 bytes can be sorted or searched at once";
    assert_eq!(counted.to_string(), text);
}

#[test]
fn every_limit_has_an_option_that_sets_it_and_an_error_that_names_it() {
    let path = path("wat/good/tutorial.wat").display().to_string();
    let inspect = String::from_utf8(callbox_ok(&["inspect", &path], b"")).unwrap();
    for limit in Limit::ALL {
        let (option, value) = match limit.unit() {
            LimitUnit::Nanoseconds => (format!("{}=77m", limit.option()), "77m".to_owned()),
            _ => (format!("{}=777777", limit.option()), "777777".to_owned()),
        };
        let set = String::from_utf8(callbox_ok(&["inspect", &path, &option], b"")).unwrap();
        let changed: Vec<_> = set.lines().zip(inspect.lines()).filter(|(now, then)| now != then).collect();
        assert!(matches!(changed[..], [(now, _)] if now.contains(&value)), "{option}: {changed:?}");
    }
    let sort = ["sort", &path, "--records", "i32", "-e", "ascending", "--grant", "print"];
    let output = run(callbox().args(sort).args(["--max-print", "2"]), &[0; 8]);
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("the guest printed more than 2 bytes; allow more with --max-print"), "{stderr}");
    callbox_ok(&[&sort[..], &["--max-print", "40"]].concat(), &[0; 8]);
}

#[test]
fn a_trap_carries_the_guests_backtrace() {
    let guest = guest(
        "(module (memory (export \"memory\") 1)
            (func $inner (unreachable))
            (func $outer (export \"compare\") (param i32 i32) (result i32) (call $inner) (i32.const 0)))",
    );
    let error = native::qsort(&mut [2, 1], &guest.callback("compare", comparator()).unwrap()).unwrap_err();
    let trace = error.source().unwrap().to_string();
    let names: Vec<_> = trace.lines().skip(1).map(|line| line.split(' ').nth(3).unwrap()).collect();
    assert_eq!(names, ["inner", "outer"], "{trace}");
}

#[test]
fn the_first_failure_is_kept_and_not_its_echoes() {
    let guest = comparing(
        "(if (i32.eq (global.get $calls) (i32.const 2)) (then unreachable))
         (i32.div_s (i32.const 1) (i32.gt_s (i32.const 3) (global.get $calls)))",
    );
    let error = native::qsort(&mut [4, 3, 2, 1], &guest.callback("compare", comparator()).unwrap());
    assert!(error.unwrap_err().to_string().contains("unreachable"));
}

#[test]
fn errors_cross_threads_and_boxes() {
    fn portable<T: Send + Sync + std::error::Error + 'static>() {}
    portable::<Error>();
}

#[test]
fn names_that_a_guests_author_chose_do_nothing_to_a_terminal() {
    let module = |wat: &str| Module::from_text(&sandbox(), "module", wat);
    let long = "x".repeat(100_000);
    for (outcome, text) in [
        (
            module(r#"(module (import "env" "\1b[31m\0ared" (func)))"#).unwrap().instantiate().map(drop),
            r"import env.\u{1b}[31m\nred is not granted",
        ),
        (
            module(r#"(module (func (export "\1b]0;title\07")))"#)
                .unwrap()
                .instantiate()
                .unwrap()
                .callback("compare", comparator())
                .map(drop),
            r"the functions it exports are: \u{1b}]0;title\u{7}",
        ),
        (module(&format!(r#"(module (func (export "{long}")) (func (export "{long}")))"#)).map(drop), "x…"),
        (module("(module\n  (func bogus \u{1b}))").map(drop), "at line 2, column 15"),
    ] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
        assert!(!error.contains(char::is_control) && error.len() < 1000, "{error:?}");
    }
    let named = module(
        r#"(module (@custom "x" "") (memory (export "memory") 1)
            (func $"\1b[2J" (export "compare") (param i32 i32) (result i32) unreachable))"#,
    );
    let callback = named.unwrap().instantiate().unwrap().callback("compare", comparator()).unwrap();
    let trace = native::qsort(&mut [2, 1], &callback).unwrap_err().source().unwrap().to_string();
    assert!(trace.contains(r"\u{1b}[2J") && !trace.contains('\u{1b}'), "{trace:?}");
}
