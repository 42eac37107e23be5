//! Modules that are broken, or too much for a compiler, generated because they are too many or too
//! large to commit: rows 22 to 25 of `docs/reliability.md`.

use std::fs;
use std::process::Output;

use callbox::{Blame, Config, Error, Limit, Limits, Module, ModuleSource, Sandbox, native};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, Encode, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, Instruction, MemorySection, MemoryType, RefType, TableSection, TableType,
    TypeSection, ValType,
};

use crate::support::{bounded, comparator, good, path, run, sandbox};

/// Returns the binary form of a text.
fn binary(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

/// Runs a whole job with an arbitrary module. It may fail with a Callbox error; it may do nothing else.
fn job(bytes: &[u8]) -> Result<(), Error> {
    let limits = Limits::default().fuel(100_000).memory(1 << 20);
    let numbers = [5, 1, 7, 33, 99];
    let mut ia = numbers;
    let outcome = Sandbox::new(limits).and_then(|sandbox| {
        let guest = Module::new(&sandbox, "module", bytes)?.instantiate()?;
        native::qsort(&mut ia, &guest.callback("compare", comparator())?)
    });
    if outcome.is_err() {
        assert_eq!(ia, numbers);
    }
    ia.sort();
    assert_eq!(ia, [1, 5, 7, 33, 99]);
    outcome
}

#[test]
fn a_module_cut_off_anywhere_is_an_error() {
    // Without the name section, because a module that is cut off before it is still valid.
    let whole = binary(
        r#"(module (memory (export "memory") 1) (func (export "compare") (param i32 i32) (result i32)
            (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1)))))"#,
    );
    job(&whole).unwrap();
    for len in 0..whole.len() {
        let error = job(&whole[..len]).expect_err("a part of a module");
        assert_eq!(error.blame(), Blame::Guest, "{len}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn a_module_with_any_byte_changed_is_an_error_or_works() {
    let whole = binary(&fs::read_to_string(path("wat/good/ascending.wat")).unwrap());
    let mut worked = 0;
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= flip;
            match job(&changed) {
                Ok(()) => worked += 1,
                Err(error) => assert_eq!(error.blame(), Blame::Guest, "{at}: {error}"),
            }
        }
    }
    assert!(worked > 0, "not one change was harmless");
}

#[test]
fn files_that_are_no_modules_are_refused_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let zeros = dir.path().join("zeros.wasm");
    fs::File::create(&zeros).unwrap().set_len(1 << 30).unwrap();
    let elf = dir.path().join("compiled.cwasm");
    fs::copy(env!("CARGO_BIN_EXE_callbox"), &elf).unwrap();
    fs::File::options().write(true).open(&elf).unwrap().set_len(100_000).unwrap();
    let empty = dir.path().join("empty.wasm");
    fs::write(&empty, b"").unwrap();
    for (file, text) in [
        (&zeros, "the module has more than the 8M that it may have; allow more with --max-module"),
        (&elf, "not a usable WebAssembly module: it does not begin with \\0asm"),
        (&empty, "not a usable WebAssembly module: the file is empty"),
    ] {
        let output = run(bounded(10, 100_000).arg("sort").arg(file), b"b\na\n");
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, format!("callbox: {}: {text}\n", file.display()));
    }
}

#[test]
fn simd_can_be_allowed_and_nothing_else_with_it() {
    let allowed = Sandbox::new(Config::new(Limits::default()).simd(true)).unwrap();
    allowed.load(path("wat/hostile/simd.wat")).unwrap();
    let error = allowed.load(path("wat/hostile/relaxed-simd.wat")).unwrap_err();
    assert!(error.to_string().ends_with("it uses relaxed SIMD, which is not allowed"), "{error}");
    let output = run(bounded(10, 300_000).args(["sort", "wat/hostile/simd.wat", "--records", "i32"]), b"");
    assert!(
        String::from_utf8_lossy(&output.stderr).ends_with("; allow it with --allow simd\n"),
        "{output:?}"
    );
    let simd = ["sort", "wat/hostile/simd.wat", "--records", "i32", "--allow", "simd"];
    assert_eq!(run(bounded(10, 300_000).args(simd), &[0; 8]).status.code(), Some(0));
}

/// Builds a module of these function types, with a function of the last type for each body. Before them
/// come a function of type 0 and one of type 1, to be called.
fn module(types: &[(usize, usize)], locals: u32, bodies: &[Vec<u8>]) -> Vec<u8> {
    let mut type_section = TypeSection::new();
    for &(params, results) in types {
        type_section.ty().function(vec![ValType::I32; params], vec![ValType::I32; results]);
    }
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for (ty, &(_, results)) in types.iter().enumerate().take(2) {
        functions.function(ty as u32);
        let mut function = Function::new([]);
        (0..results).for_each(|_| {
            function.instruction(&Instruction::I32Const(0));
        });
        function.instruction(&Instruction::End);
        code.function(&function);
    }
    for body in bodies {
        functions.function(types.len() as u32 - 1);
        let mut function = Function::new([(locals, ValType::I32), (1, ValType::F64)]);
        function.raw(body.iter().copied());
        function.instruction(&Instruction::End);
        code.function(&function);
    }
    let mut tables = TableSection::new();
    let table = TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 10,
        maximum: None,
        shared: false,
    };
    tables.table(table);
    let memories = one_memory();
    let mut module = wasm_encoder::Module::new();
    module.section(&type_section).section(&functions).section(&tables).section(&memories).section(&code);
    module.finish()
}

fn one_memory() -> MemorySection {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    memories
}

fn leb(number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    (number as u32).encode(&mut bytes);
    bytes
}

/// Runs `callbox inspect`, which compiles, on a module.
fn inspect(module: &[u8], seconds: u32, kib: u32) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bomb.wasm");
    fs::write(&file, module).unwrap();
    run(bounded(seconds, kib).arg("inspect").arg(&file), b"")
}

#[test]
fn modules_that_would_keep_the_compiler_busy_are_refused_unread() {
    let empty = vec![(0, 0)];
    let nothing = Vec::new();
    let live = [b"\x20\x00".repeat(20_000), b"\x6a".repeat(19_999), b"\x1a".to_vec()].concat();
    let blocks = b"\x02\x40\x0b".repeat(80_000);
    // Calls that produce or consume a thousand values, for two bytes of code each.
    let values = b"\x10\x00\x10\x01".repeat(8_000);
    // After each of these loops, each of these locals may have a new value.
    let changes: Vec<u8> = (0..100).flat_map(|n| [b"\x20\x00\x21".to_vec(), leb(n)].concat()).collect();
    let nest = [b"\x03\x40".repeat(900), changes, b"\x20\x00\x0d\x00\x0b".repeat(900)].concat();
    let grow = [b"\x41\x00".to_vec(), b"\x40\x00".repeat(16_000), b"\x1a".to_vec()].concat();
    for (name, bytes, limit, text) in [
        (
            "a million functions",
            module(&empty, 0, &vec![nothing.clone(); 1_000_000]),
            Limit::Functions,
            "1000001 functions, but it may have 5000; allow more with --max-functions",
        ),
        (
            "20,000 live values",
            module(&empty, 1, &[live]),
            Limit::FunctionSize,
            "60006 bytes in function 1, but it may have 32K; allow more with --max-function",
        ),
        (
            "80,000 blocks",
            module(&empty, 0, &[blocks]),
            Limit::FunctionSize,
            "240006 bytes in function 1, but it may have 32K; allow more with --max-function",
        ),
        (
            "50,000 locals",
            module(&empty, 50_000, std::slice::from_ref(&nothing)),
            Limit::Locals,
            "50000 locals in function 1, but it may have 1000; allow more with --max-locals",
        ),
        (
            "100,000 segments",
            many_segments(),
            Limit::Declarations,
            "100000 data segments, but it may have 256; allow more with --max-declarations",
        ),
        (
            "100,000 globals",
            many_globals(),
            Limit::Declarations,
            "100000 globals, but it may have 256; allow more with --max-declarations",
        ),
        (
            "100,000 exports",
            many_exports(),
            Limit::Declarations,
            "100000 exports, but it may have 256; allow more with --max-declarations",
        ),
        (
            "a lot of code",
            module(&empty, 0, &vec![b"\x01".repeat(30_000); 10]),
            Limit::CodeSize,
            "bytes of code, but it may have 256K; allow more with --max-code",
        ),
        (
            "calls that return a thousand values",
            module(&[(0, 1000), (1000, 0), (0, 0)], 0, &[values]),
            Limit::Results,
            "1000 results of a type, but it may have 8; allow more with --max-results",
        ),
        (
            "hundreds of nested loops",
            module(&empty, 100, &[nest]),
            Limit::Complexity,
            "units of complexity, but it may have 10^6; allow more with --max-complexity",
        ),
        (
            "memory.grow by the thousand",
            module(&empty, 0, &[grow]),
            Limit::Complexity,
            "units of complexity, but it may have 10^6; allow more with --max-complexity",
        ),
    ] {
        // In a debug build the scan of the largest takes most of a second.
        let output = inspect(&bytes, 2, 100_000);
        assert_eq!(output.status.code(), Some(3), "{name}: {output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("the module is too complex: "), "{name}: {stderr}");
        assert!(stderr.trim_end().ends_with(text), "{name}: {stderr}");
        // In this process only now, because here nothing would stop the compiler.
        let error = Module::new(&sandbox(), "bomb", &bytes).expect_err(name);
        assert_eq!(error.limit(), Some(limit), "{name}: {error}");
    }
    job(&binary(&fs::read_to_string(path("wat/good/ascending.wat")).unwrap())).unwrap();
    good("ascending", "compare").compare(&[0; 4], &[1; 4]).unwrap();
}

fn many_segments() -> Vec<u8> {
    let memories = one_memory();
    let mut data = DataSection::new();
    (0..100_000).for_each(|_| {
        data.active(0, &ConstExpr::i32_const(0), []);
    });
    wasm_encoder::Module::new().section(&memories).section(&data).clone().finish()
}

fn many_globals() -> Vec<u8> {
    let mut globals = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    (0..100_000).for_each(|_| {
        globals.global(ty, &ConstExpr::i32_const(0));
    });
    wasm_encoder::Module::new().section(&globals).clone().finish()
}

fn many_exports() -> Vec<u8> {
    let mut globals = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    globals.global(ty, &ConstExpr::i32_const(0));
    let mut exports = ExportSection::new();
    (0..100_000).for_each(|n| {
        exports.export(&n.to_string(), ExportKind::Global, 0);
    });
    wasm_encoder::Module::new().section(&globals).section(&exports).clone().finish()
}

/// Runs `callbox inspect` on modules that are small and would take the compiler long, each by another part
/// of it. A text is a module that the text format can write down.
#[test]
fn a_small_module_that_would_take_the_compiler_long_is_refused() {
    let repeat = |piece: &str, times: usize| piece.repeat(times);
    let wide = format!("(param {}) (result {})", repeat("i32 ", 32), repeat("i64 ", 8));
    let eight = repeat("i64 ", 8);
    let carry = format!("{}{}", repeat("i64.const 1 ", 8), repeat("local.get 0 br_if 0 ", 7000));
    let deep = format!("{}{}", repeat("block ", 2000), repeat("end ", 2000));
    let bodies =
        |body: &str, count: usize| format!("(module (memory 1) (table 9 funcref) {})", repeat(body, count));
    let function = |body: &str| bodies(&format!("(func (param i32) {body})"), 1);
    for (name, text, limit) in [
        ("many results", format!("(module (func (result {})))", repeat("i32 ", 9)), Limit::Results),
        ("many parameters", format!("(module (type (func (param {}))))", repeat("i32 ", 33)), Limit::Params),
        (
            "branches that carry results out of the function",
            bodies(&format!("(func (param i32) (result {eight}) {carry})"), 2),
            Limit::Complexity,
        ),
        (
            "functions without code that are named in a segment",
            format!(
                "(module (type $t (func {wide})) {} (elem declare func {}))",
                repeat("(func (type $t) unreachable)", 3900),
                (0..3900).map(|at| format!("{at} ")).collect::<String>()
            ),
            Limit::Complexity,
        ),
        (
            "types without functions",
            format!(
                "(module {})",
                (0..101)
                    .map(|at| format!(
                        "(type (func (param {}) (result {})))",
                        repeat("i32 ", at % 32),
                        repeat("i64 ", at / 32 + 1)
                    ))
                    .collect::<String>()
            ),
            Limit::Types,
        ),
        (
            "a passive segment whose entries are stored by code",
            format!("(module (func) (elem func {}))", repeat("0 ", 3990)),
            Limit::Complexity,
        ),
        (
            "a segment whose place is not known",
            format!(
                "(module (import \"a\" \"b\" (global $i i32)) (table 5000 funcref) (func)
                    (elem (global.get $i) func {}))",
                repeat("0 ", 3990)
            ),
            Limit::Complexity,
        ),
        (
            "a segment with more entries than a table has elements",
            format!("(module (func) (elem func {}))", repeat("0 ", 4001)),
            Limit::Entries,
        ),
        (
            "a long constant expression",
            format!(
                "(module (import \"a\" \"b\" (global i32)) (global i32 {}))",
                format_args!("(global.get 0) {}", repeat("(global.get 0) i32.mul ", 40_000))
            ),
            Limit::Complexity,
        ),
        (
            "table.copy",
            function(&repeat("(table.copy (local.get 0) (local.get 0) (local.get 0))", 2000)),
            Limit::Complexity,
        ),
        (
            "memory.copy",
            bodies(
                &format!(
                    "(func (param i32) {})",
                    repeat("(memory.copy (local.get 0) (local.get 0) (local.get 0))", 2500)
                ),
                4,
            ),
            Limit::Complexity,
        ),
        ("blocks in blocks", function(&deep), Limit::Nesting),
        ("a large text", repeat(";", 2 << 20), Limit::ModuleText),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bomb.wat");
        fs::write(&file, &text).unwrap();
        // The text may need 1 MiB, and its parser a hundred times as much.
        let output = run(bounded(3, 300_000).arg("inspect").arg(&file), b"");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{name}: {output:?}");
        assert!(stderr.contains(limit.option()), "{name}: {stderr}");
        let error = Module::from_text(&sandbox(), "bomb", &text).expect_err(name);
        assert_eq!(error.limit(), Some(limit), "{name}: {error}");
    }
}

/// The line of defence that knows nothing of weights: with the limits lifted, the system ends the compiler.
#[cfg(target_os = "linux")]
#[test]
fn an_isolated_compiler_that_works_too_long_is_ended_by_the_system() {
    let copies = "(table.copy (local.get 0) (local.get 0) (local.get 0))".repeat(6000);
    let text = format!("(module (table 9 funcref) (func (param i32) {copies}))");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bomb.wat");
    fs::write(&file, text).unwrap();
    let mut command = bounded(60, 4 << 20);
    command.arg("sort").arg(&file).args(["--isolate", "--timeout", "1ms"]);
    command.args(["--max-complexity", "1000000000", "--max-function", "1M"]);
    let output = run(&mut command, b"b\na\n");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(2 | 3)), "{output:?}");
    let ended = ["the isolated process did not finish", "out of memory"];
    assert!(ended.iter().any(|ended| stderr.contains(ended)), "{stderr}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

/// A group of types that claims to have a million members, which the parser would make room for.
#[test]
fn a_group_of_types_is_counted_before_it_is_read() {
    let mut types = vec![1, 0x4e];
    1_000_000_u32.encode(&mut types);
    types.extend([0x60, 0, 0].repeat(1_000_000));
    let mut bytes = b"\0asm\x01\0\0\0\x01".to_vec();
    types.encode(&mut bytes);
    let output = inspect(&bytes, 2, 60_000);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("1000000 types, but it may have 100; allow more with --max-types"), "{stderr}");
}

#[test]
fn text_is_bounded_before_it_is_read_and_before_it_is_parsed() {
    let dir = tempfile::tempdir().unwrap();
    let endless = dir.path().join("endless.wat");
    std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
    let output = run(bounded(2, 60_000).arg("inspect").arg(&endless), b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("the text has more than the 1M that it may have"), "{stderr}");
    assert!(stderr.contains("; allow more with --max-module-text"), "{stderr}");
    // The library judges a text that is in memory as well.
    let text = format!("(module {})", "(func)".repeat(200_000));
    let error = Module::from_text(&sandbox(), "text", &text).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::ModuleText), "{error}");
    let source = ModuleSource::read(&endless, &Limits::default()).unwrap_err();
    assert_eq!(source.limit(), Some(Limit::ModuleText), "{source}");
    // The most that is parsed, by the text that takes most memory for its length.
    for piece in ["(func)", "(rec)", "(data)", "(type (func))", "(func nop)", "(elem func)", "(global i32)"] {
        let file = dir.path().join("full.wat");
        fs::write(&file, format!("(module {})", piece.repeat(((1 << 20) - 20) / piece.len()))).unwrap();
        let output = run(bounded(3, 300_000).arg("inspect").arg(&file), b"");
        assert_eq!(output.status.code(), Some(3), "{piece}: {output:?}");
    }
}

/// Compiles the shapes that cost most for their complexity, each as large as the limits admit.
#[test]
fn the_worst_modules_inside_the_limits_compile_within_bounds() {
    let i32s = |count: usize| (0, count);
    // Name, types, and the code before, in and after the unit that is repeated.
    type CodeShape<'a> = (&'a str, Vec<(usize, usize)>, &'a [u8], &'a [u8], &'a [u8]);
    let shapes: [CodeShape<'_>; 9] = [
        ("memory.grow", vec![(0, 0)], b"\x41\x00", b"\x40\x00", b"\x1a"),
        ("table.get", vec![(0, 0)], b"\x41\x00", b"\x25\x00\xd1", b"\x1a"),
        ("call_indirect", vec![(0, 0)], b"", b"\x20\x00\x11\x00\x00", b""),
        ("loops", vec![(0, 0)], b"", b"\x03\x40\x0b", b""),
        ("ifs", vec![(0, 0)], b"", b"\x20\x00\x04\x40\x0b", b""),
        ("conversions", vec![(0, 0)], b"\x42\x00", b"\xba\xb1", b"\x1a"),
        ("rounding", vec![(0, 0)], b"\x44\x00\x00\x00\x00\x00\x00\x00\x00", b"\x9b", b"\x1a"),
        ("calls", vec![(0, 0)], b"", b"\x10\x00", b""),
        ("values", vec![i32s(8), (8, 0), (0, 0)], b"", b"\x10\x00\x10\x01", b""),
    ];
    let sandbox = sandbox();
    for (name, types, before, unit, after) in shapes {
        let mut size = 31_900 * 8;
        let module = loop {
            let functions = size / 31_900 + 1;
            let body = [before, &unit.repeat(size / functions / unit.len()), after].concat();
            let module = module(&types, 1, &vec![body; functions]);
            match ModuleSource::new("large", &*module).complexity(&sandbox) {
                Ok(complexity) if complexity > 50_000 => break module,
                Ok(complexity) => panic!("{name}: {complexity}"),
                Err(error) => assert_eq!(error.limit(), Some(Limit::Complexity), "{name}: {error}"),
            }
            size = size * 9 / 10;
        };
        let output = inspect(&module, 30, 350_000);
        assert_eq!(output.status.code(), Some(0), "{name}, {size} bytes: {output:?}");
    }
}
