//! The repository checks itself.

use std::fs;
use std::path::{MAIN_SEPARATOR, PathBuf};

use crate::support::{files, path, promise};

/// Folders with the sources of bindings.
const BINDINGS: [&str; 3] = ["bindings/c/src", "bindings/python/src", "bindings/sqlite/src"];

/// Files below a folder with this ending.
fn sources(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![path(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            if file.is_dir() {
                folders.push(file);
            } else if file.extension().is_some_and(|e| e == ending) {
                found.push(file);
            }
        }
    }
    found
}

#[test]
fn no_file_of_the_library_or_its_bindings_is_longer_than_300_lines() {
    for file in ["host", "guest/orders"].iter().chain(&BINDINGS).flat_map(|folder| sources(folder, "rs")) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 300, "{} has {lines} lines", file.display());
    }
}

/// The modules of `lib.rs` in order, each with the line that says what it is.
fn modules() -> Vec<(String, String)> {
    let lib = fs::read_to_string(path("host/lib.rs")).unwrap();
    let module = |line: &str| {
        let (name, about) = line.trim_start_matches("pub ").strip_prefix("mod ")?.split_once(';')?;
        let about =
            about.trim().strip_prefix("// ").unwrap_or_else(|| panic!("{name}: no line says what it is"));
        Some((name.to_owned(), about.to_owned()))
    };
    let modules: Vec<_> = lib.lines().filter_map(module).collect();
    assert!(modules.len() > 10, "{modules:?}");
    modules
}

/// The top modules that a line of code names, of a file that is `depth` modules below the root.
fn uses(line: &str, depth: usize) -> Vec<String> {
    let code = line.split("//").next().unwrap();
    let to_root = "super::".repeat(depth);
    let mut names = Vec::new();
    for root in ["crate::", &to_root] {
        for (at, _) in code.match_indices(root) {
            // `super::super::x` of a deeper file is no way to the root.
            let is_path =
                code[..at].ends_with(|before: char| before.is_alphanumeric() || ":_".contains(before));
            if root.is_empty() || is_path {
                continue;
            }
            let path = &code[at + root.len()..];
            let list = path.strip_prefix('{').map_or(path, |list| list.split('}').next().unwrap());
            let word = |text: &str| {
                text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
            };
            if path.starts_with('{') {
                names.extend(list.split(',').map(word))
            } else {
                names.push(word(path))
            }
        }
    }
    names
}

#[test]
fn uses_are_seen_in_every_way_to_write_them() {
    for (line, depth, names) in [
        ("use crate::memory::Array;", 1, &["memory"][..]),
        ("use crate::trampoline;", 1, &["trampoline"]),
        ("use crate::{error::Error, sandbox::Guest};", 1, &["error", "sandbox"]),
        ("    let x = crate::callback::Callback::placeholder();", 2, &["callback"]),
        ("use super::super::lease::ArrayLease;", 2, &["lease"]),
        ("use super::lease;", 1, &["lease"]),
        ("use super::slots; // crate::sort is only talked about", 2, &[]),
    ] {
        assert_eq!(uses(line, depth), names, "{line}");
    }
}

#[test]
fn each_module_uses_only_modules_above_it() {
    let modules = modules();
    let order: Vec<_> = modules.iter().map(|(name, _)| name.as_str()).collect();
    for (at, module) in order.iter().enumerate() {
        let mut files = vec![path(&format!("host/{module}.rs"))];
        if !files[0].exists() {
            files = sources(&format!("host/{module}"), "rs");
        }
        for file in files {
            // A file is a module below its folder's, and `mod.rs` is the folder's.
            let inside = file.strip_prefix(path("host")).unwrap();
            let depth = inside.components().count() - usize::from(file.ends_with("mod.rs"));
            for line in fs::read_to_string(&file).unwrap().lines() {
                for used in uses(line, depth) {
                    let below = order.iter().position(|other| **other == used);
                    let reaches = below.is_some_and(|below| below > at);
                    assert!(!reaches, "{} uses {used}, which is below {module}: {line}", file.display());
                }
            }
        }
    }
}

#[test]
fn the_architecture_page_has_the_modules_of_the_library_and_files_that_exist() {
    let page = fs::read_to_string(path("ARCHITECTURE.md")).unwrap();
    let listed = |line: &str| {
        let (name, about) = line.strip_prefix("- `")?.split_once("`: ")?;
        Some((name.to_owned(), about.trim_end_matches('.').to_owned()))
    };
    let listed: Vec<_> = page.lines().filter_map(listed).filter(|(name, _)| !name.ends_with('/')).collect();
    assert_eq!(listed[..modules().len()], modules());
    let folder = |module: &str| path(&format!("host/{module}"));
    let mut module = String::new();
    for line in page.lines().skip_while(|line| *line != "## Modules") {
        if let Some((name, _)) = line.strip_prefix("- `").and_then(|line| line.split_once("`: ")) {
            module = name.to_owned();
        }
        for name in line.split('`').skip(1).step_by(2) {
            // Below a module, names are files of its folder; a path is of the repository, or of host/.
            let inside = [folder(&module).join(format!("{name}.rs")), folder(&module).join(name)];
            let anywhere = [path(name), path("host").join(name), path("host").join(format!("{name}.rs"))];
            let is_file = line.starts_with("  `") || name.contains('/');
            let exists = inside.iter().chain(&anywhere).any(|file| file.exists());
            assert!(exists || !is_file, "ARCHITECTURE.md names {name}, which is not there");
        }
    }
}

#[test]
fn no_line_is_wider_than_110_columns() {
    let rust = ["host", "guest", "tests/all", "tests/adversary", "benches", "examples", "fuzz/fuzz_targets"];
    for file in rust.iter().chain(&BINDINGS).flat_map(|folder| sources(folder, "rs")) {
        for (at, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let width = line.chars().count();
            assert!(width <= 110, "{}:{}: {width} columns", file.display(), at + 1);
        }
    }
}

/// Every filter of the sanitizers' runs matches a test, so that a test that is renamed is not lost to them.
#[test]
fn the_sanitizers_run_tests_that_exist() {
    let script = fs::read_to_string(path("tests/sanitize")).unwrap();
    let mut tests = String::new();
    for file in [sources("host", "rs"), sources("tests/all", "rs")].concat() {
        let root = if file.starts_with(path("host")) { "host" } else { "tests/all" };
        let module = file.strip_prefix(path(root)).unwrap().with_extension("");
        let module = module.display().to_string().replace(MAIN_SEPARATOR, "::");
        let module = module.trim_end_matches("::mod").trim_end_matches("::tests");
        for line in fs::read_to_string(&file).unwrap().lines() {
            if let Some((name, _)) =
                line.trim_start().strip_prefix("fn ").and_then(|line| line.split_once('('))
            {
                tests += &format!("{module}::{name}\n{module}::tests::{name}\n");
            }
        }
    }
    let filters: Vec<_> = script.split_whitespace().filter(|word| word.contains("::")).collect();
    assert!(filters.len() > 15, "{filters:?}");
    let skipped = script.split("--skip ").skip(1).map(|rest| rest.split_whitespace().next().unwrap());
    for filter in filters.into_iter().chain(skipped) {
        assert!(tests.contains(filter), "tests/sanitize selects {filter}, which no test's name contains");
    }
}

#[test]
fn unsafe_code_is_where_a_reason_allows_it_and_each_block_says_who_upholds_its_claim() {
    for file in sources("host", "rs") {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap();
            if code.contains("unsafe {") {
                assert!(text.contains("allow(unsafe_code, reason"), "{}", file.display());
                let above = lines[at.saturating_sub(8)..at].iter().any(|line| line.contains("// SAFETY:"));
                assert!(above, "{}:{}: no SAFETY comment", file.display(), at + 1);
            }
        }
    }
}

#[test]
fn threads_are_spawned_where_there_is_room_for_them() {
    for file in sources("host", "rs") {
        if file.ends_with("host/threads.rs") || file.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let code = line.replace("threads::spawn", "");
            let spawns =
                ["thread::spawn(", "scope.spawn(", "spawn_scoped("].iter().any(|spawn| code.contains(spawn))
                    || code.contains("thread::") && code.contains("Builder");
            assert!(!spawns, "{}: {line}", file.display());
        }
    }
}

#[test]
fn every_bundled_guest_is_in_the_readme() {
    let readme = fs::read_to_string(path("README.md")).unwrap();
    for guest in callbox::bundled::BUNDLED {
        assert!(readme.contains(&format!("`{}`", guest.name)), "{}", guest.name);
    }
}

/// Every row is shown by test functions that exist, and by exactly the guests whose promise names the row.
#[test]
fn every_row_of_the_reliability_table_is_shown_by_tests_that_exist() {
    let tests: String = [sources("host", "rs"), sources("tests/all", "rs")]
        .concat()
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let mut guests: Vec<(usize, String)> = files("wat/hostile", "wat")
        .iter()
        .map(|file| {
            let row = promise(file).strip_prefix("row ").unwrap().split(':').next().unwrap().parse().unwrap();
            (row, file.file_name().unwrap().to_str().unwrap().to_owned())
        })
        .collect();
    let page = fs::read_to_string(path("docs/reliability.md")).unwrap();
    let (table, shown) = page.split_once("\n## Shown by\n").unwrap();
    let number = |line: &str| line.strip_prefix("| ")?.split_once(" | ")?.0.trim().parse::<usize>().ok();
    let rows: Vec<_> = table.lines().filter_map(number).collect();
    let all: Vec<_> = (1..=rows.len()).collect();
    assert!(rows == all && rows.len() > 40, "{rows:?}");
    for line in table.lines().filter(|line| line.starts_with('|')) {
        assert!(line.chars().count() <= 110, "{line}");
    }
    let shown = shown.split("\n## ").next().unwrap();
    let mut shown_rows = Vec::new();
    for line in shown.lines() {
        let item = line.split_once(". ").and_then(|(row, _)| row.parse::<usize>().ok());
        shown_rows.extend(item);
        let Some(row) = shown_rows.last().copied().filter(|_| item.is_some() || line.starts_with(' ')) else {
            continue;
        };
        let names: Vec<_> = line.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "row {row} is shown by nothing: {line}");
        for name in names {
            if name.ends_with(".wat") {
                let at = guests.iter().position(|guest| (guest.0, &*guest.1) == (row, name));
                guests.remove(at.unwrap_or_else(|| panic!("row {row}: {name} promises something else")));
            } else {
                assert!(tests.contains(&format!("fn {name}(")), "row {row}: there is no test {name}");
            }
        }
    }
    assert_eq!(shown_rows, rows);
    assert_eq!(guests, [], "guests that no row names");
}

/// Each line allows skips by their names, and says why.
#[test]
fn what_ci_may_skip_is_something_that_a_test_skips() {
    let allowing = [".ci/debian", ".ci/run", ".ci/tools"].map(path);
    let bindings = ["bindings/c/test", "bindings/python/test", "bindings/sqlite/test"].map(path);
    let skipping = [bindings.as_slice(), &["fuzz/run", "tests/sanitize"].map(path)].concat();
    let tests = [sources("host", "rs"), sources("tests/all", "rs")].concat();
    let read = |file: &PathBuf| fs::read_to_string(file).unwrap();
    let skips: String = tests.iter().chain(&allowing).chain(&skipping).map(read).collect();
    let skips: String = skips.split_whitespace().collect();
    let allowed: String = allowing.iter().map(read).collect();
    let allowed: Vec<_> =
        allowed.lines().filter_map(|line| line.split_once("may=")?.1.split_once('#')).collect();
    assert!(allowed.len() > 5, "{allowed:?}");
    for (names, why) in allowed {
        assert!(!why.trim().is_empty(), "{names}");
        for name in names.trim_start_matches("$may,").trim().split(',') {
            let calls = [format!("skip(\"{name}\""), format!("skip{name}\"")];
            assert!(calls.iter().any(|call| skips.contains(call)), "no test skips {name}");
        }
    }
}
