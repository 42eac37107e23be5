//! The repository checks itself.

use std::fs;
use std::path::PathBuf;

use crate::support::{files, path, promise};

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
fn no_file_of_the_library_is_longer_than_300_lines() {
    for folder in ["host", "guest/orders"] {
        for file in sources(folder, "rs") {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 300, "{} has {lines} lines", file.display());
        }
    }
}

#[test]
fn each_module_uses_only_modules_above_it() {
    let lib = fs::read_to_string(path("host/lib.rs")).unwrap();
    let order: Vec<_> = lib
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    assert!(order.len() > 10, "{order:?}");
    for (at, module) in order.iter().enumerate() {
        let mut files = vec![path(&format!("host/{module}.rs"))];
        if !files[0].exists() {
            files = sources(&format!("host/{module}"), "rs");
        }
        for file in files {
            for line in
                fs::read_to_string(&file).unwrap().lines().filter(|line| !line.trim().starts_with("//"))
            {
                for (below, other) in order.iter().enumerate().skip(at + 1) {
                    let reaches = line.contains(&format!("crate::{other}::"));
                    assert!(!reaches, "{} (at {at}) uses {other} (at {below}): {line}", file.display());
                }
            }
        }
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
fn every_bundled_guest_is_in_the_readme() {
    let readme = fs::read_to_string(path("README.md")).unwrap();
    for guest in callbox::bundled::BUNDLED {
        assert!(readme.contains(&format!("`{}`", guest.name)), "{}", guest.name);
    }
}

/// Every row names what shows it: test functions, and exactly the guests whose promise names the row.
#[test]
fn every_row_of_the_reliability_table_is_shown_by_tests_that_exist() {
    let tests: String = [sources("host", "rs"), sources("tests/all", "rs")]
        .concat()
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let mut guests: Vec<(String, String)> = files("wat/hostile", "wat")
        .iter()
        .map(|file| {
            let row = promise(file).strip_prefix("row ").unwrap().split(':').next().unwrap().to_owned();
            (row, file.file_name().unwrap().to_str().unwrap().to_owned())
        })
        .collect();
    let table = fs::read_to_string(path("docs/reliability.md")).unwrap();
    let mut rows = Vec::new();
    for line in table.lines() {
        let Some((row, rest)) = line.strip_prefix("| ").and_then(|line| line.split_once(" | ")) else {
            continue;
        };
        let Ok(number) = row.parse::<usize>() else { continue };
        rows.push(number);
        let shown = rest.rsplit(" | ").next().unwrap();
        let names: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "row {row} is shown by nothing");
        for name in names {
            if name.ends_with(".wat") {
                let at = guests.iter().position(|guest| (&*guest.0, &*guest.1) == (row, name));
                guests.remove(at.unwrap_or_else(|| panic!("row {row}: {name} promises something else")));
            } else {
                assert!(tests.contains(&format!("fn {name}(")), "row {row}: there is no test {name}");
            }
        }
    }
    assert_eq!(rows, (1..=43).collect::<Vec<_>>());
    assert_eq!(guests, [], "guests that no row names");
}
