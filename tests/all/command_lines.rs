//! Random command lines of sort(1), against GNU sort.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Random, callbox, gnu_sort, run};

/// What lines are made of: something for each order to read, and to fail at. No point is before a letter:
/// such names are hidden files, whose suffixes versions of GNU sort read differently.
const PIECES: &[&str] = &[
    "0", "1", "9", "10", "007", "-", "+", ",", "1e3", "0x1p4", "inf", "2K", "1G", "3.5M", "jan", "FEB",
    "Mar", "a", "B", "b", "ab", "~", "_", "1.10", "1.9", " ", "  ", "\t", ":", "::", "x:y", "\u{e9}",
    "\u{1}",
];

/// Options that name orders, and with which others they go.
const ORDERS: &[&str] =
    &["", "n", "g", "h", "M", "V", "f", "d", "i", "df", "fi", "b", "bn", "fV", "dV", "r", "nr", "bdf"];

struct Case {
    random: Random,
    words: Vec<String>,
}

impl Case {
    fn one_in(&mut self, n: usize) -> bool {
        self.random.below(n) == 0
    }

    fn any<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.random.below(of.len())]
    }

    fn add(&mut self, word: impl Into<String>) {
        self.words.push(word.into());
    }

    fn position(&mut self, least: usize) -> String {
        let field = 1 + self.random.below(4);
        if self.one_in(3) { format!("{field}.{}", least + self.random.below(4)) } else { field.to_string() }
    }

    fn key(&mut self) -> String {
        let (start, letters) = (self.position(1), self.any(ORDERS));
        if self.one_in(3) {
            return format!("{start}{letters}");
        }
        let blanks = if self.one_in(4) { "b" } else { "" };
        format!("{start}{letters},{}{blanks}", self.position(0))
    }

    /// Makes the options of a command line.
    fn options(&mut self) {
        if self.one_in(2) {
            let order = self.any(ORDERS);
            if !order.is_empty() {
                self.add(format!("-{order}"));
            }
        }
        if self.one_in(3) {
            let separator = self.any(&[":", " ", "\t", "x", "\\0"]);
            self.add("-t");
            self.add(separator);
        }
        for _ in 0..self.random.below(4) {
            let key = self.key();
            if self.one_in(2) {
                self.add(format!("-k{key}"));
            } else {
                self.add("--key");
                self.add(key);
            }
        }
        for (option, chance) in
            [("-r", 4), ("-u", 4), ("-s", 4), ("-z", 8), ("--rev", 12), ("--stab", 12), ("-S1b", 3)]
        {
            if self.one_in(chance) {
                self.add(option);
            }
        }
        if self.one_in(6) {
            let option =
                self.any(&["--batch-size=2", "--batch-size=3", "-S10K", "--parallel=2", "--buffer=1M"]);
            self.add(option);
        }
    }

    fn file(&mut self) -> Vec<u8> {
        let count = [0, 1, 7, 40, 900][self.random.below(5)];
        let mut text = self.random.lines(count, 6, PIECES);
        if self.one_in(3) {
            text.pop(); // the last line lacks its end
        }
        if self.one_in(4) {
            text.iter_mut().filter(|byte| **byte == b'\n').step_by(3).for_each(|byte| *byte = 0);
        }
        text
    }
}

/// Runs GNU sort, and this one with the same words; where those name no order, with that of bytes.
fn both(folder: &Path, words: &[String]) -> [Output; 2] {
    let named = |word: &String| word.starts_with("-k") || word.starts_with("--key");
    let letters = |word: &str| word.contains(['n', 'g', 'h', 'M', 'V', 'f', 'd', 'i', 'b']);
    let mut after_key = false;
    let has_order = words.iter().any(|word| {
        let is_key = std::mem::replace(&mut after_key, word == "--key");
        let order = word.starts_with('-') && !word.starts_with("--") && letters(&word[1..]);
        let no_order = ["-t", "-S", "-T", "-o"].iter().any(|option| word.starts_with(option));
        (order && !no_order) || ((is_key || named(word)) && letters(word.trim_start_matches("--key")))
    });
    let mut ours = vec![OsString::from("sort")];
    ours.extend((!has_order).then(|| "bytes".into()));
    ours.extend(words.iter().map(OsString::from));
    let gnu = run(Command::new("sort").args(words).env("LC_ALL", "C").current_dir(folder), b"");
    let this = run(callbox().args(ours).current_dir(folder), b"");
    [gnu, this]
}

fn compare(folder: &Path, words: &[String], seed: u64) {
    let [gnu, this] = both(folder, words);
    let shown = || format!("seed {seed}: sort {words:?}: {}", String::from_utf8_lossy(&this.stderr));
    assert_eq!(this.status.code(), gnu.status.code(), "{}", shown());
    assert!(this.stdout == gnu.stdout, "{}", shown());
}

fn cases(count: u64, each: impl Fn(&Path, &mut Case, Vec<String>)) {
    if gnu_sort(&[], b"").is_none() {
        return;
    }
    for seed in 1..=count {
        let folder = tempfile::tempdir().unwrap();
        let mut case = Case { random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), words: Vec::new() };
        case.options();
        let files: Vec<_> = (0..1 + case.random.below(3)).map(|at| format!("f{at}")).collect();
        for file in &files {
            std::fs::write(folder.path().join(file), case.file()).unwrap();
        }
        each(folder.path(), &mut case, files);
    }
}

#[test]
fn random_command_lines_sort_as_gnu_sort_does() {
    cases(150, |folder, case, files| {
        let words = [&case.words[..], &files].concat();
        compare(folder, &words, case.random.0);
    });
}

#[test]
fn random_command_lines_check_as_gnu_sort_does() {
    cases(60, |folder, case, files| {
        let how = case.any(&["-c", "-C", "--check", "--check=quiet", "--check=d"]).to_owned();
        compare(folder, &[&case.words[..], std::slice::from_ref(&how), &files[..1]].concat(), case.random.0);
        // And of what is in order.
        let sorted = run(
            Command::new("sort")
                .args([&case.words[..], &files].concat())
                .env("LC_ALL", "C")
                .current_dir(folder),
            b"",
        );
        std::fs::write(folder.join("sorted"), sorted.stdout).unwrap();
        compare(folder, &[&[how], &case.words[..], &["sorted".to_owned()]].concat(), case.random.0);
    });
}

#[test]
fn random_command_lines_merge_as_gnu_sort_does() {
    cases(60, |folder, case, files| {
        for file in &files {
            let sort = [&case.words[..], &["-o".to_owned(), file.clone(), file.clone()]].concat();
            run(Command::new("sort").args(sort).env("LC_ALL", "C").current_dir(folder), b"");
        }
        compare(folder, &[&["-m".to_owned()], &case.words[..], &files].concat(), case.random.0);
    });
}
