//! The words of a command line of sort(1), spelled out for clap.
//!
//! GNU's getopt takes the word after an option that needs a value whatever it is, knows long options by any
//! beginning that is unique, and options may follow operands. What it reads is written again in full:
//! `--output=-x` for `-o -x`.

use std::ffi::{OsStr, OsString};

use clap_lex::RawArgs;

use super::spec::modern_spelling;
use crate::cli::fault::{Fault, Result};

/// Long options of sort(1), and the letters of those that have one. `true`: with a value.
const OPTIONS: [(&str, Option<u8>, bool); 30] = [
    ("batch-size", None, true),
    ("buffer-size", Some(b'S'), true),
    ("check", None, false),
    ("compress-program", None, true),
    ("debug", None, false),
    ("dictionary-order", Some(b'd'), false),
    ("field-separator", Some(b't'), true),
    ("files0-from", None, true),
    ("general-numeric-sort", Some(b'g'), false),
    ("help", None, false),
    ("human-numeric-sort", Some(b'h'), false),
    ("ignore-case", Some(b'f'), false),
    ("ignore-leading-blanks", Some(b'b'), false),
    ("ignore-nonprinting", Some(b'i'), false),
    ("key", Some(b'k'), true),
    ("merge", Some(b'm'), false),
    ("month-sort", Some(b'M'), false),
    ("numeric-sort", Some(b'n'), false),
    ("output", Some(b'o'), true),
    ("parallel", None, true),
    ("random-sort", Some(b'R'), false),
    ("random-source", None, true),
    ("reverse", Some(b'r'), false),
    ("sort", None, true),
    ("stable", Some(b's'), false),
    ("temporary-directory", Some(b'T'), true),
    ("unique", Some(b'u'), false),
    ("version", None, false),
    ("version-sort", Some(b'V'), false),
    ("zero-terminated", Some(b'z'), false),
];

/// The letter of `--export`, which is not sort(1)'s and has a value.
const EXPORT: char = 'e';

/// Long options of this program that have a value in the next word, beside limits.
const OWN_WITH_VALUE: [&str; 7] = ["export", "record", "records", "sorter", "verify", "progress", "shape"];

/// Spells out the words after `callbox sort`; `own_options` are this program's long ones.
pub(in crate::cli) fn spell_out(words: Vec<OsString>, own_options: &[String]) -> Result<Vec<OsString>> {
    let mut spelled = Vec::new();
    let words = RawArgs::new(words);
    let mut next = words.cursor();
    while let Some(word) = words.next(&mut next) {
        let text = word.to_value_os();
        if let Some(modern) = modern_spelling(text, words.peek_os(&next)) {
            let text = callbox::escape(text.as_encoded_bytes());
            return Err(Fault::trouble(format!(
                "{text}: this form of a key is obsolescent; write {modern}, or ./{text} for a file"
            )));
        }
        let mut value = || words.next_os(&mut next);
        if word.is_escape() {
            spelled.push(text.to_owned());
            spelled.extend(words.remaining(&mut next).map(OsStr::to_owned));
        } else if let Some((name, given)) = word.to_long() {
            let name = name.unwrap_or_default();
            let (name, valued) = expand(name, own_options).unwrap_or((name, OWN_WITH_VALUE.contains(&name)));
            match given {
                // Bytes that are no text are no option, and quoted as they are.
                _ if name.is_empty() => spelled.push(text.to_owned()),
                Some(given) => spelled.push(long(name, Some(given))),
                None => spelled.push(long(name, if valued { value() } else { None })),
            }
        } else if let Some(mut letters) = word.to_short() {
            while let Some(letter) = letters.next_flag() {
                let with_value = letter.ok().and_then(long_with_value);
                match (letter, with_value) {
                    (_, Some(name)) => {
                        let value =
                            letters.next_value_os().filter(|value| !value.is_empty()).or_else(&mut value);
                        spelled.push(long(name, value));
                    }
                    (Ok(letter), None) => spelled.push(format!("-{letter}").into()),
                    (Err(rest), None) => spelled.push(rest.to_owned()),
                }
            }
        } else {
            spelled.push(text.to_owned());
        }
    }
    Ok(spelled)
}

/// Returns the full name of a long option of sort(1), and whether it has a value. A name of this program's
/// own options is no abbreviation.
fn expand(name: &str, own_options: &[String]) -> Option<(&'static str, bool)> {
    let exact = OPTIONS.iter().find(|(long, ..)| *long == name);
    let mut found = OPTIONS.iter().filter(|(long, ..)| !name.is_empty() && long.starts_with(name));
    let (long, _, valued) = match exact {
        Some(exact) => exact,
        None if own_options.iter().any(|own| own == name) => return None,
        None => found.next().filter(|_| found.next().is_none())?,
    };
    Some((long, *valued))
}

/// Returns the long name of a short option that has a value.
fn long_with_value(letter: char) -> Option<&'static str> {
    let is =
        |(_, short, valued): &&(&str, Option<u8>, bool)| *valued && short.map(char::from) == Some(letter);
    OPTIONS.iter().find(is).map(|(long, ..)| *long).or((letter == EXPORT).then_some("export"))
}

/// Returns a long option, with its value if there is one.
fn long(name: &str, value: Option<&OsStr>) -> OsString {
    let mut word = OsString::from(format!("--{name}"));
    if let Some(value) = value {
        word.push("=");
        word.push(value);
    }
    word
}
