//! `docs/guests.md`, followed word for word: its files are written, and its commands run as they stand there.
//!
//! A block of code is a file whose name the paragraph before it has in backticks; a block of `sh` is
//! commands; a block of `text` is output. Nothing is downloaded: a chapter whose toolchain is not installed
//! is skipped. AssemblyScript is found as npx finds it, by `npm install -g assemblyscript`; a prefix other
//! than npm's own goes into the variable `npm_config_prefix`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use callbox::Prototype;
use tempfile::TempDir;

use crate::support::{Random, clang, clang_command, path, sandbox, skip};

/// Returns the text of a chapter.
fn chapter(title: &str) -> String {
    let guide = fs::read_to_string(path("docs/guests.md")).unwrap();
    let mut chapters = guide.strip_prefix("# ").unwrap().split("\n## ");
    let chapter = chapters.find_map(|chapter| chapter.strip_prefix(title)?.strip_prefix('\n'));
    chapter.unwrap_or_else(|| panic!("the guide has no chapter {title}")).to_owned()
}

/// The title of the chapter that comes before all others.
const INTRODUCTION: &str = "How to write a guest";

/// Fails if the guide has no code that begins with this.
fn assert_quoted(code: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let guide = words(&fs::read_to_string(path("docs/guests.md")).unwrap());
    assert!(guide.contains(&format!("`{code}")), "the guide does not quote {code}");
}

#[derive(Debug, PartialEq)]
enum Block {
    File(String, String),
    /// One line for each, however many lines it has in the guide.
    Commands(Vec<String>),
    Text(String),
}

fn blocks(chapter: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    // Prose and code take turns.
    let mut parts = chapter.split("```");
    while let (Some(prose), Some(code)) = (parts.next(), parts.next()) {
        let (language, code) = code.split_once('\n').unwrap();
        let language = language.split(',').next().unwrap();
        let ending = if language == "rust" { "rs" } else { language };
        let paragraph = prose.trim_end().rsplit("\n\n").next().unwrap();
        let words = paragraph.split('`').skip(1).step_by(2);
        blocks.push(match language {
            "sh" => Block::Commands(code.replace("\\\n", "").lines().map(str::to_owned).collect()),
            "text" => Block::Text(code.to_owned()),
            _ => {
                let name =
                    words.filter(|word| Path::new(word).extension().is_some_and(|e| e == ending)).last();
                Block::File(name.unwrap_or_else(|| panic!("no file name: {paragraph}")).into(), code.into())
            }
        });
    }
    blocks
}

/// A place to follow a chapter in: a folder beside a checkout, and a `PATH` with the binary under test.
pub(crate) struct Desk {
    root: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        let desk = Desk { root: tempfile::tempdir().unwrap() };
        fs::create_dir(desk.path("bin")).unwrap();
        fs::create_dir(desk.path("guest")).unwrap();
        symlink(path(""), desk.path("callbox")).unwrap();
        desk.uses("callbox", env!("CARGO_BIN_EXE_callbox"));
        desk
    }

    /// Has the commands run this program under its name in the guide.
    fn uses(&self, name: &str, program: &str) {
        let found = self.run(&format!("command -v {program}"));
        let found = String::from_utf8(found.stdout).unwrap();
        symlink(found.trim_end(), self.path("bin").join(name)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn run(&self, line: &str) -> Output {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let bins = std::iter::once(self.path("bin")).chain(std::env::split_paths(&path));
        let mut shell = Command::new("sh");
        shell.args(["-euc", line]).current_dir(self.path("guest"));
        shell.env("PATH", std::env::join_paths(bins).unwrap());
        // What the tests themselves are built with is nothing to the guests; and nothing is downloaded.
        for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            shell.env_remove(name);
        }
        shell.env("CARGO_NET_OFFLINE", "true").env("npm_config_offline", "true");
        shell.env("npm_config_yes", "false").env_remove("RUST_BACKTRACE").output().unwrap()
    }

    fn has(&self, line: &str) -> bool {
        self.run(line).status.success()
    }

    /// Follows the blocks up to the first command that fails, and returns each command that sorts or checks,
    /// or fails, with its output.
    fn follow(&self, blocks: &[Block]) -> Vec<(String, Output)> {
        let mut ran = Vec::new();
        for block in blocks {
            match block {
                Block::File(name, text) => {
                    let file = self.path("guest").join(name);
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    fs::write(file, text).unwrap();
                }
                Block::Commands(lines) => {
                    for line in lines {
                        let output = self.run(line);
                        let failed = !output.status.success();
                        if failed || line.starts_with("callbox ") {
                            ran.push((line.clone(), output));
                        }
                        if failed {
                            return ran;
                        }
                    }
                }
                Block::Text(_) => {}
            }
        }
        ran
    }
}

/// An order of the guide, done naively. The bytes of items decide where it does not.
#[derive(Clone, Copy, Debug)]
enum Order {
    FromTheEnd,
    IgnoringCase,
    Numbers,
    Points,
}

impl Order {
    fn sort(self, lines: &str, numbers: &[i32]) -> String {
        let mut lines: Vec<_> = lines.lines().collect();
        let mut numbers = numbers.to_vec();
        match self {
            Order::FromTheEnd => lines.sort_by_key(|line| line.bytes().rev().collect::<Vec<_>>()),
            Order::IgnoringCase => lines.sort_by_key(|line| (line.to_lowercase(), *line)),
            Order::Numbers => numbers.sort(),
            Order::Points => {
                let (points, rest) = numbers.as_chunks_mut::<2>();
                assert!(rest.is_empty());
                points.sort_by_key(|[x, y]| (*y, *x));
            }
        }
        match self {
            Order::FromTheEnd | Order::IgnoringCase => lines.iter().map(|line| format!("{line}\n")).collect(),
            Order::Numbers | Order::Points => spaced(&numbers),
        }
    }

    /// Returns what a command printed in the same form: `od` makes columns of numbers.
    fn read(self, stdout: &str) -> String {
        match self {
            Order::FromTheEnd | Order::IgnoringCase => stdout.to_owned(),
            Order::Numbers | Order::Points => {
                spaced(&stdout.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<_>>())
            }
        }
    }
}

fn spaced(numbers: &[i32]) -> String {
    numbers.iter().map(|n| format!("{n} ")).collect()
}

/// A chapter, with a desk where the introduction has been followed.
struct Walk {
    text: String,
    desk: Desk,
    lines: String,
    numbers: Vec<i32>,
}

impl Walk {
    fn new(text: String, desk: Desk) -> Walk {
        desk.follow(&blocks(&chapter(INTRODUCTION)));
        let [lines, numbers] = ["lines.txt", "numbers.bin"].map(|name| desk.path("guest").join(name));
        // More lines and numbers than the reader's, among them the awkward ones.
        let mut random = Random(13);
        let mut more = fs::read_to_string(&lines).unwrap();
        more += &String::from_utf8(random.lines(150, 4, &["a", "B", "b", ".rs", "É", "é", "~"])).unwrap();
        more += &format!("{0}\n{0}b\n\n", "long ".repeat(600));
        let mut bytes = fs::read(&numbers).unwrap();
        bytes.extend([i32::MAX, i32::MIN, 0, -256].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend((0..100).flat_map(|_| (random.next() as i32).to_le_bytes()));
        fs::write(&lines, &more).unwrap();
        fs::write(&numbers, &bytes).unwrap();
        let (numbers, rest) = bytes.as_chunks::<4>();
        assert!(rest.is_empty());
        let numbers = numbers.iter().map(|n| i32::from_le_bytes(*n)).collect();
        Walk { text, desk, lines: more, numbers }
    }

    /// Follows the chapter with these changes, each of which finds something to change.
    fn follow(&self, changes: &[(&str, &str)]) -> Vec<(String, Output)> {
        let mut text = self.text.clone();
        for (from, to) in changes {
            assert!(text.contains(from), "the chapter has no {from}");
            text = text.replace(from, to);
        }
        self.desk.follow(&blocks(&text))
    }

    /// Follows the chapter, whose sorts are in these orders, and returns what they wrote to standard error.
    fn sorts(&self, orders: &[Order], changes: &[(&str, &str)]) -> String {
        let ran = self.follow(changes);
        for ((line, output), order) in ran.iter().zip(orders) {
            let [stdout, stderr] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
            assert!(output.status.success(), "{line}: {}\n{stderr}", output.status);
            let sorted = order.sort(&self.lines, &self.numbers);
            assert!(order.read(&stdout) == sorted, "{line}: not in order {order:?}:\n{stdout}\n{stderr}");
        }
        assert_eq!(ran.len(), orders.len(), "{ran:?}");
        ran.iter().map(|(_, output)| String::from_utf8_lossy(&output.stderr)).collect()
    }

    /// Follows the chapter with changes after which a command fails, and says what the guide quotes.
    fn fails(&self, quoted: &str, changes: &[(&str, &str)]) {
        assert_quoted(quoted);
        let ran = self.follow(changes);
        let (line, output) = ran.last().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(quoted), "{line}: no {quoted}:\n{stderr}");
    }

    /// Follows the chapter with a trap at `begin`, the beginning of the comparator: the trap shows names only
    /// after a change that has to do with this option.
    fn names(&self, begin: &str, trap: &str, option: &str, change: (&str, &str)) {
        assert_quoted(&format!("{option}`"));
        assert!(change.0.contains(option) != change.1.contains(option));
        let trapping = (begin, &*format!("{begin}{trap}"));
        let ran = self.follow(&[trapping]);
        let stderr = String::from_utf8_lossy(&ran.last().unwrap().1.stderr);
        assert!(stderr.contains(": function "), "{stderr}");
        let ran = self.follow(&[trapping, change]);
        let stderr = String::from_utf8_lossy(&ran.last().unwrap().1.stderr);
        assert!(stderr.contains("compare_bytes at 0x") && !stderr.contains(": function "), "{stderr}");
    }

    /// Follows the chapter with the declaration of `print` for `language` after `head`, and a call of it at
    /// `begin`, the beginning of the comparator.
    fn prints(&self, language: &str, orders: &[Order], head: &str, begin: &str, call: &str) {
        let table = chapter("Looking into a guest");
        let row = table.lines().find_map(|line| line.strip_prefix(&format!("| {language} | `")));
        let declaration = row.and_then(|row| row.strip_suffix("` |")).unwrap();
        let declared = (head, &*format!("{head}\n{declaration}\n"));
        let called = (begin, &*format!("{begin}\n{call}\n"));
        self.printed(orders, &[declared, called]);
    }

    /// Follows the chapter with changes after which its guests print lines that they compare.
    fn printed(&self, orders: &[Order], changes: &[(&str, &str)]) {
        let grant = ("callbox sort", "callbox sort --grant print --max-print 1M");
        let stderr = self.sorts(orders, &[changes, &[grant]].concat());
        let printed: Vec<_> = stderr.lines().filter_map(|line| line.strip_prefix("guest: ")).collect();
        let is_line = |text: &&str| self.lines.lines().any(|line| callbox::escape(line) == *text);
        assert!(printed.len() > 100 && printed.iter().all(is_line), "{stderr}");
    }
}

#[test]
fn the_guides_lines_are_sorted_as_it_shows() {
    let desk = Desk::new();
    let introduction = blocks(&chapter(INTRODUCTION));
    desk.follow(&introduction);
    let lines = fs::read_to_string(desk.path("guest/lines.txt")).unwrap();
    assert_eq!(introduction.last(), Some(&Block::Text(Order::FromTheEnd.sort(&lines, &[]))));
    let numbers = fs::read(desk.path("guest/numbers.bin")).unwrap();
    assert_eq!(numbers, [5, -1, i32::MIN, 7].map(i32::to_le_bytes).concat());
}

/// The orders of the sorts in the chapter on Rust.
const IN_RUST: &[Order] = &[Order::FromTheEnd, Order::Numbers, Order::Points, Order::IgnoringCase];

#[test]
fn the_chapter_on_rust_works_word_for_word() {
    let desk = Desk::new();
    if !desk.has("test -d \"$(rustc --print target-libdir --target wasm32-unknown-unknown)\"") {
        return skip("rust-wasm", "the guide to guests in Rust, which needs rustup's wasm32-unknown-unknown");
    }
    let rust = Walk::new(chapter("Rust"), desk);
    rust.sorts(IN_RUST, &[]);
    // The second guest is not built, and the first is left.
    rust.fails("duplicate lang item", &[(" --features std", "")]);
    let size = fs::metadata(rust.desk.path("guest/guest.wasm")).unwrap().len();
    assert!((250..400).contains(&size), "some 300 bytes: {size}");
    let inspected = String::from_utf8(rust.desk.run("callbox inspect guest.wasm").stdout).unwrap();
    for export in ["compare_bytes", "compare_i32", "compare"] {
        assert!(inspected.contains(&format!(" {export}: ")), "{export}: {inspected}");
    }
    let begin = "fn from_the_end(a: &[u8], b: &[u8]) -> Ordering {";
    let option = "--config profile.release.strip=false";
    let unstripped =
        (" --target wasm32-unknown-unknown\n", &*format!(" --target wasm32-unknown-unknown {option}\n"));
    rust.names(begin, "if a.len() > 1 { panic!() }", option, unstripped);
    let begin = "fn ignoring_case(a: &[u8], b: &[u8]) -> Ordering {";
    let print = "callbox_guest::print(core::str::from_utf8(a).unwrap());";
    let called = (begin, &*format!("{begin}\n{print}\n"));
    assert_quoted("callbox_guest::print(");
    rust.printed(IN_RUST, &[called]);
}

#[test]
fn the_chapter_on_rust_works_with_debians_compiler_too() {
    let installed = ["cargo", "rustc", "wasm-ld-14"].map(|name| Path::new("/usr/bin").join(name).exists());
    if installed != [true; 3] || !Path::new("/usr/lib/rustlib/wasm32-unknown-unknown").exists() {
        return skip("debian-12", "the guide to guests in Rust, by Debian 12's compiler");
    }
    assert_quoted("apt-get install rustc cargo libstd-rust-dev-wasm32 lld-14`");
    let desk = Desk::new();
    desk.uses("cargo", "/usr/bin/cargo");
    desk.uses("rustc", "/usr/bin/rustc");
    Walk::new(chapter("Rust"), desk).sorts(IN_RUST, &[]);
}

/// The beginning of the comparator of lines in C.
const IN_C: &str = "const unsigned char *b, size_t b_len) {";
const NUMBERS_TOO: &[Order] = &[Order::FromTheEnd, Order::Numbers];

#[test]
fn the_chapter_on_c_works_word_for_word() {
    let Some(clang) = clang_command() else { return };
    let desk = Desk::new();
    desk.uses("clang", clang);
    let c = Walk::new(chapter("C"), desk);
    c.sorts(NUMBERS_TOO, &[]);
    c.prints("C", NUMBERS_TOO, "#include <stddef.h>\n", IN_C, "print(a, a_len);");
    c.names(IN_C, "__builtin_trap();", "--strip-all", (",--strip-all", ""));

    let memcmp = format!("{IN_C} if (a_len == b_len) return __builtin_memcmp(a, b, a_len);");
    c.fails("undefined symbol: memcmp", &[(IN_C, &memcmp)]);
    c.fails("'string.h' file not found", &[("stddef.h>\n", "string.h>\n")]);
    ["-mbulk-memory", "__builtin_memcpy", "__builtin_memset"].into_iter().for_each(assert_quoted);
    c.sorts(NUMBERS_TOO, &[("stddef.h>\n", "stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\n")]);
    let large = ("stddef.h>\n", "stddef.h>\nstruct large { char bytes[999]; } from, to;\n");
    let copies = "to = from; __builtin_memcpy(&to, a, a_len % 9); __builtin_memset(&from, 0, a_len % 9);";
    let copied = (IN_C, &*format!("{IN_C} {copies}"));
    c.sorts(NUMBERS_TOO, &[large, copied, ("-Os", "-Os -mbulk-memory")]);
    // Elsewhere the stack would run into the data.
    let array =
        "volatile char array[20000]; array[a_len] = 1; static volatile char data[9999]; data[a_len] = 1;";
    let overflow = (IN_C, &*format!("{IN_C} {array}"));
    c.fails("out of bounds memory access", &[overflow]);
    c.sorts(NUMBERS_TOO, &[overflow, ("stack-size=16384", "stack-size=65536")]);
}

/// Both chapters on Zig begin as this one does.
fn zig(desk: &Desk) -> bool {
    let has = desk.has("python3 -m ziglang version");
    if !has {
        skip(
            "ziglang",
            "the guide to guests in Zig, or by its C compiler, which needs `pip install ziglang`",
        );
    }
    has
}

#[test]
fn the_chapter_on_sort_keys_works_word_for_word() {
    let Some(clang) = clang_command() else { return };
    let desk = Desk::new();
    desk.uses("clang", clang);
    // The first file is that of another chapter.
    let c = chapter("C");
    let file = c.split_inclusive("```\n").next().unwrap().to_owned();
    let whole = chapter("Sort keys");
    let (in_c, _) = whole.split_at(whole.find("In Rust,").unwrap());
    desk.follow(&blocks(&chapter(INTRODUCTION)));
    let ran = desk.follow(&blocks(&(file.clone() + in_c)));
    let [(_, checked)] = &ran[..] else { panic!("{ran:?}") };
    let Some(Block::Text(shown)) = blocks(in_c).pop() else { panic!("the chapter shows no output") };
    assert_eq!(String::from_utf8_lossy(&checked.stdout), shown);
    // Keys in another order than that of the lines.
    let wrong = in_c.replace("out[i] = line[len - 1 - i]", "out[i] = line[i]");
    assert_ne!(wrong, in_c);
    let (_, checked) = desk.follow(&blocks(&(file + &wrong))).pop().unwrap();
    assert!(String::from_utf8_lossy(&checked.stdout).starts_with("sort keys must be in the order"));
}

#[test]
fn the_chapter_on_zig_as_a_c_compiler_works_word_for_word() {
    let desk = Desk::new();
    if !zig(&desk) {
        return;
    }
    // The file is that of another chapter.
    let c = chapter("C");
    let file = c.split_inclusive("```\n").next().unwrap().to_owned();
    let c = Walk::new(file + &chapter("Zig as a C compiler"), desk);
    c.sorts(NUMBERS_TOO, &[]);
    c.prints("C", NUMBERS_TOO, "#include <stddef.h>\n", IN_C, "print(a, a_len);");
    assert_quoted("-s`");
    c.names(IN_C, "__builtin_trap();", "-g", (" -s ", " -g "));
    c.fails("string.h", &[("stddef.h>\n", "string.h>\n")]);
    let declarations = "int memcmp(const void *, const void *, size_t); char copy[9];
        void *memcpy(void *, const void *, size_t); void *memset(void *, int, size_t);";
    let declared = ("stddef.h>\n", &*format!("stddef.h>\n{declarations}\n"));
    let calls = "memcpy(copy, a, a_len % 9); memset(copy, 0, b_len % 9); if (memcmp(a, b, 0) != 0) return 1;
        if (a_len == b_len && memcmp(a, b, a_len) == 0) return 0;";
    let called = (IN_C, &*format!("{IN_C} {calls}"));
    c.sorts(NUMBERS_TOO, &[declared, called]);
    c.fails("undefined symbol: memcmp", &[declared, called, ("-Os", "-Os -nostdlib")]);
}

#[test]
fn the_chapter_on_zig_works_word_for_word() {
    let desk = Desk::new();
    if !zig(&desk) {
        return;
    }
    let zig = Walk::new(chapter("Zig"), desk);
    zig.sorts(NUMBERS_TOO, &[]);
    let begin = "b_len: usize) i32 {";
    zig.prints("Zig", NUMBERS_TOO, "```zig", begin, "print(a, a_len);");
    zig.names(begin, "if (a_len > 1) @trap();", "-fno-strip", ("-rdynamic", "-rdynamic -fno-strip"));
}

#[test]
fn the_chapter_on_assemblyscript_works_word_for_word() {
    let desk = Desk::new();
    let version = desk.run("npx -- asc --version");
    if !version.stdout.starts_with(b"Version 0.") {
        return skip(
            "assemblyscript",
            "the guide to guests in it, which needs `npm install -g assemblyscript`",
        );
    }
    let whole = chapter("AssemblyScript");
    let (bytes, strings) = whole.split_at(whole.find("Strings allocate").unwrap());
    let mut bytes = Walk::new(bytes.to_owned(), desk);
    bytes.sorts(NUMBERS_TOO, &[]);
    // All else is as it is with optimizations, which take the compiler most of its time.
    bytes.text = bytes.text.replace(" -O3", "");
    let begin = "bLen: i32): i32 {\n";
    bytes.names(begin, "if (aLen > 1) unreachable();", "--debug", (" --runtime", " --debug --runtime"));

    let mut strings = Walk::new(strings.to_owned(), bytes.desk);
    strings.sorts(&[Order::IgnoringCase], &[]);
    assert!(strings.desk.has("callbox sort --max-memory 128K strings.wasm lines.txt"));
    strings.text = strings.text.replace(" -O3", "");
    let in_little_memory = ("callbox sort", "callbox sort --max-memory 128K");
    strings.fails("--max-memory", &[in_little_memory, ("incremental", "stub")]);
    strings.fails("env.abort", &[(" --use abort=", "")]);
    strings.fails("callbox_alloc", &[("function callbox_alloc", "function other")]);
    let looking = chapter("Looking into a guest");
    let code = |begin| looking.split('`').find(|code| code.starts_with(begin)).unwrap();
    let encoded = code("const text = ").replace("string)", "String.UTF8.decodeUnsafe(a, aLen))");
    let print = format!("print(b, bLen);\n{encoded};\n{};", code("print(changetype"));
    strings.prints("AssemblyScript", &[Order::IgnoringCase], "```ts", begin, &print);
}

#[test]
fn the_chapter_on_plain_text_works_word_for_word() {
    let text = Walk::new(chapter("Plain text"), Desk::new());
    text.sorts(NUMBERS_TOO, &[]);
    let call = "(call $print (local.get $a) (local.get $a_len))";
    assert_quoted(call);
    text.prints("Plain text", NUMBERS_TOO, "(module", "(local $order i32)", call);
    let import = "(module (import \"callbox\" \"print\" (func (param i32 i32)))";
    text.fails("--grant print", &[("(module", import)]);
}

#[test]
fn the_counterexample_of_the_guide_is_what_check_prints() {
    let desk = Desk::new();
    desk.follow(&blocks(&chapter(INTRODUCTION)));
    let blocks = blocks(&chapter("Looking into a guest"));
    let ran = desk.follow(&blocks);
    let [(_, output)] = &*ran else { panic!("{ran:?}") };
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(blocks.last(), Some(&Block::Text(printed)));
}

#[test]
fn the_export_of_the_guide_serves_the_prototype_that_it_names() {
    let chapter = chapter("Callbacks of any prototype");
    let (c, after) = chapter.split_once("```c\n").unwrap().1.split_once("```").unwrap();
    let prototype: Prototype = after.split('`').nth(1).unwrap().parse().unwrap();
    let Some((_dir, wasm)) = clang(c) else { return };
    sandbox().load(&wasm).unwrap().callback("mirror", prototype).unwrap();
}
