//! Specifiers, which precede the declarators: scalars, structs, enumerations.

use std::sync::Arc;

use super::declaration::{Base, Declared, Place, Tag};
use super::{Parsed, Parser};
use crate::ctype::{CType, SCALARS, Struct};

impl<'a> Parser<'a> {
    /// Parses specifiers in any order: `unsigned long int`, `int const`, `const struct point`.
    pub(super) fn specifiers(&mut self, expected: &str) -> Parsed<Base> {
        self.skip_space();
        let start = self.at;
        let (mut words, mut readonly, mut tagged) = (Vec::new(), false, None);
        loop {
            let mark = self.at;
            match self.word() {
                Some("const") => readonly = true,
                Some("volatile") => {}
                Some("struct") if words.is_empty() && tagged.is_none() => tagged = Some(self.plain_struct()?),
                Some("enum") if words.is_empty() && tagged.is_none() => {
                    self.enumeration()?;
                    tagged = Some((CType::Int, Tag::Known));
                }
                Some("union") => {
                    self.at = mark;
                    return Err("union types are not supported".into());
                }
                Some(word) if tagged.is_none() && is_specifier(word) => words.push(word),
                // After a complete type, any further word is a name.
                _ => {
                    self.at = mark;
                    break;
                }
            }
        }
        if let Some((ctype, tag)) = tagged {
            return Ok(Base { ctype, readonly, tag });
        }
        if words.is_empty() {
            return Err(match self.peek() {
                None => format!("expected {expected}"),
                Some(word) => {
                    self.skip_space();
                    format!("\"{word}\" is not a known C type")
                }
            });
        }
        let Some(ctype) = scalar(&words) else {
            self.at = start;
            return Err(format!("\"{}\" is not a known C type", words.join(" ")));
        };
        Ok(Base { ctype, readonly, tag: Tag::Known })
    }

    /// Parses the rest of a specifier after `struct`. An undefined tag is opaque behind a pointer, as in C;
    /// it is represented as `void`.
    fn plain_struct(&mut self) -> Parsed<(CType, Tag)> {
        let name = self.word().unwrap_or("");
        let start = self.at;
        let known = self.structs.iter().find(|known| known.name() == name && !name.is_empty()).cloned();
        if !self.eat("{") {
            return match known {
                Some(known) => Ok((CType::Struct(known), Tag::Known)),
                None if name.is_empty() => Err("expected the struct's tag or its fields".into()),
                None => Ok((CType::Void, Tag::Undefined)),
            };
        }
        if known.is_some() {
            self.at = start;
            return Err(format!("struct {name} is defined twice"));
        }
        let mut fields = Vec::new();
        while !self.eat("}") {
            self.nested(|parser| parser.field(&mut fields))?;
        }
        let plain = Struct::new(name, fields).map_err(|error| {
            self.at = start;
            error.to_string()
        })?;
        let plain = Arc::new(plain);
        if !name.is_empty() {
            self.structs.push(plain.clone());
        }
        Ok((CType::Struct(plain), Tag::Defined))
    }

    /// Parses fields of one declaration: `int x, *y[3];`.
    fn field(&mut self, fields: &mut Vec<(&'a str, CType)>) -> Parsed<()> {
        let base = self.specifiers("a field or \"}\"")?;
        loop {
            let start = self.at;
            let (name, declared) = self.declarator(base.clone(), Place::Field)?;
            let Some(name) = name else { return Err("expected the field's name".into()) };
            if self.rest().starts_with(':') {
                return Err("bit-fields are not supported".into());
            }
            match declared {
                Declared::Object(CType::Void) => {
                    self.at = start;
                    self.skip_space();
                    return Err("a field cannot be void, nor a struct that is not defined".into());
                }
                Declared::Object(ctype) => fields.push((name, ctype)),
                Declared::Function(_) => return Err("a field cannot be a function".into()),
            }
            if self.eat(";") {
                return Ok(());
            }
            self.expect(",", "\",\" or \";\" after a field")?;
        }
    }

    /// Parses the rest of a specifier after `enum`; the enumerators are ignored.
    fn enumeration(&mut self) -> Parsed<()> {
        let name = self.word();
        if self.eat("{") {
            let rest = self.rest();
            let Some(end) = rest.find('}') else { return Err("expected \"}\" after the enumerators".into()) };
            self.at += end + 1;
        } else if name.is_none() {
            return Err("expected the enumeration's tag or its enumerators".into());
        }
        Ok(())
    }
}

/// Returns whether a type can begin with this word.
pub(super) fn begins_type(word: &str) -> bool {
    matches!(word, "const" | "volatile" | "struct" | "union" | "enum") || is_specifier(word)
}

fn is_specifier(word: &str) -> bool {
    matches!(word, "signed" | "unsigned" | "bool")
        || SCALARS.iter().any(|(_, name)| name.split(' ').any(|part| part == word))
}

/// Returns the scalar that the specifiers name together, in any order.
fn scalar(words: &[&str]) -> Option<CType> {
    let mut words = words.to_vec();
    if words == ["bool"] {
        return Some(CType::Bool);
    }
    let plain_int = words.len() > 1 && !words.contains(&"char");
    if plain_int && let Some(at) = words.iter().position(|word| *word == "int") {
        words.remove(at); // "long int" is "long"
    }
    if words != ["signed"] && !words.contains(&"char") {
        words.retain(|word| *word != "signed");
    }
    match words[..] {
        ["signed"] | [] => return Some(CType::Int),
        ["unsigned"] => return Some(CType::UnsignedInt),
        _ => words.sort_unstable(),
    }
    SCALARS.iter().find_map(|(ctype, name)| {
        let mut parts: Vec<_> = name.split(' ').collect();
        parts.sort_unstable();
        (parts == words).then(|| ctype.clone())
    })
}
