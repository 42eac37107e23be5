//! The repository checks itself.

use std::fs;
use std::path::PathBuf;

use crate::support::path;

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
