//! A recursive-descent parser for C function types.

mod declaration;
mod declarator;
mod name;
mod specifier;

use std::sync::Arc;

use super::{CallConv, Prototype};
use crate::ctype::{Enum, Struct};
use crate::error::Error;
use declaration::{Declared, Place, Tag};

/// Maximum nesting depth of types, so that a hostile text cannot exhaust the stack.
const MAX_DEPTH: usize = 16;

pub(super) fn prototype(text: &str) -> Result<Prototype, Error> {
    let mut parser = Parser { text, at: 0, depth: 0, conv: None, structs: Vec::new(), enums: Vec::new() };
    parser.function().map_err(|reason| Error::PrototypeSyntax {
        text: text.to_owned(),
        column: parser.at + 1,
        reason,
    })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Calling convention, once it has been parsed.
    conv: Option<CallConv>,
    /// Structs defined so far.
    structs: Vec<Arc<Struct>>,
    /// Enumerations defined so far.
    enums: Vec<Arc<Enum>>,
}

type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    fn function(&mut self) -> Parsed<Prototype> {
        loop {
            let base = self.specifiers("a result type")?;
            if base.tag == Tag::Defined && self.eat(";") {
                continue; // a type for later use
            }
            let (_, declared) = self.declarator(base, Place::Top)?;
            let _ = self.eat(";");
            if !self.rest().is_empty() {
                return Err("there is more text after the function type".into());
            }
            return match declared {
                Declared::Function(prototype) => Ok(prototype),
                Declared::Object(_) => Err("expected the argument types in parentheses".into()),
            };
        }
    }

    /// Parses any keywords for a calling convention. Returns whether there was one.
    fn convs(&mut self) -> Parsed<bool> {
        let mut found = false;
        loop {
            let mark = self.at;
            let conv = match self.word() {
                Some("__attribute__") => {
                    self.expect("(", "\"((ms_abi))\" after \"__attribute__\"")?;
                    self.expect("(", "\"((ms_abi))\" after \"__attribute__\"")?;
                    let start = self.at;
                    let word = self.word().unwrap_or("");
                    let Some(conv) = CallConv::of(word) else {
                        self.at = start;
                        return Err(format!("\"{word}\" is not a known calling convention"));
                    };
                    self.expect(")", "\"))\" after the attribute")?;
                    self.expect(")", "\"))\" after the attribute")?;
                    conv
                }
                Some(word) if word.starts_with("__") => match CallConv::of(word) {
                    Some(conv) => conv,
                    None => {
                        self.at = mark;
                        return Ok(found);
                    }
                },
                _ => {
                    self.at = mark;
                    return Ok(found);
                }
            };
            if self.conv.is_some_and(|other| other != conv) {
                self.at = mark;
                return Err("a function has one calling convention".into());
            }
            self.conv = Some(conv);
            found = true;
        }
    }

    /// Parses one level deeper; `Err` beyond [`MAX_DEPTH`].
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return Err(format!("types are nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn rest(&mut self) -> &'a str {
        self.skip_space();
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str, expected: &str) -> Parsed<()> {
        if self.eat(token) { Ok(()) } else { Err(format!("expected {expected}")) }
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if len == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += len;
        Some(&rest[..len])
    }

    /// Returns the next word without consuming it.
    fn peek(&mut self) -> Option<&'a str> {
        let mark = self.at;
        let word = self.word();
        self.at = mark;
        word
    }

    /// Parses an integer as C writes it: decimal, octal or hexadecimal, without a suffix.
    fn integer(&mut self) -> Option<i64> {
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let digits = &rest[..len];
        let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(digits) => i64::from_str_radix(digits, 16),
            None if digits.starts_with('0') => i64::from_str_radix(digits, 8),
            None => digits.parse(),
        };
        let number = number.ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_digit()))?;
        self.at += len;
        Some(number)
    }
}

#[cfg(test)]
mod tests;
