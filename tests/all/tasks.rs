//! `docs/sort.md` and `docs/seeing.md`: their files are written, their commands run, and what they print is
//! what stands below them.
//!
//! A block of `text` or `wat` is a file, whose name is the last in backticks before it; a block of `console`
//! has commands after `$ `, and below each what it prints. Rust code is tested as documentation is.

use std::fs;

use crate::guides::Desk;
use crate::support::path;

fn page(name: &str) -> String {
    fs::read_to_string(path(&format!("docs/{name}.md"))).unwrap()
}

/// The blocks of code of a page: the text before each, its language and its lines.
fn blocks(page: &str) -> Vec<(&str, &str, &str)> {
    // Prose and code take turns.
    let mut parts = page.split("```");
    let mut blocks = Vec::new();
    while let (Some(before), Some(block)) = (parts.next(), parts.next()) {
        let (language, code) = block.split_once('\n').unwrap();
        blocks.push((before, language, code));
    }
    blocks
}

#[test]
fn every_command_of_the_page_on_sort_prints_what_stands_below_it() {
    let (files, commands) = follow(&page("sort"));
    assert!(files > 5 && commands > 20, "{files} files, {commands} commands");
}

#[test]
fn every_command_of_the_page_on_seeing_prints_what_stands_below_it() {
    let (files, commands) = follow(&page("seeing"));
    assert!(files >= 3 && commands >= 4, "{files} files, {commands} commands");
}

/// Does what a page says; returns the numbers of its files and commands.
fn follow(page: &str) -> (usize, usize) {
    let desk = Desk::new();
    let (mut files, mut commands) = (0, 0);
    for (before, language, code) in blocks(page) {
        match language {
            "text" | "wat" => {
                let name = before.rsplit('`').nth(1).unwrap();
                fs::write(desk.path("guest").join(name), code).unwrap();
                files += 1;
            }
            "console" => {
                let mut shown = String::new();
                for line in code.lines().filter_map(|line| line.strip_prefix("$ ")) {
                    let output = desk.run(&format!("set +e; exec 2>&1\n{line}"));
                    shown += &format!("$ {line}\n{}", String::from_utf8(output.stdout).unwrap());
                    commands += 1;
                }
                assert_eq!(shown, code);
            }
            _ => assert!(language == "sh" || language == "text,ignore" || language.starts_with("rust")),
        }
    }
    (files, commands)
}

/// The one command that no test can wait for, with a small file in place of its own: what large files need,
/// folders and a program, is not looked for then.
#[test]
fn the_command_for_100_gb_sorts_a_small_file_too() {
    let (desk, page) = (Desk::new(), page("sort"));
    let large: Vec<_> = blocks(&page).into_iter().filter(|(_, language, _)| *language == "sh").collect();
    let [(_, _, command)] = &*large else { panic!("{large:?}") };
    fs::write(desk.path("guest/big.txt"), "a10\na9\na1\n").unwrap();
    let output = desk.run(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(desk.path("guest/sorted.txt")).unwrap(), "a1\na9\na10\n");
}
