//! Specifiers, which precede the declarators: scalars, structs, enumerations.

use std::sync::Arc;

use super::declaration::{Base, Declared, Place, Tag};
use super::{Parsed, Parser};
use crate::ctype::{CType, Enum, SCALARS, Struct};

impl<'a> Parser<'a> {
    /// Parses specifiers in any order: `unsigned long int`, `int const`, `const struct point`.
    pub(super) fn specifiers(&mut self, expected: &str) -> Parsed<Base> {
        self.skip_space();
        let start = self.at;
        let (mut words, mut readonly, mut tagged) = (Vec::new(), false, None);
        loop {
            let mark = self.at;
            match self.word() {
                Some("const" | "__const") => readonly = true,
                Some("volatile") => {}
                Some(keyword @ ("struct" | "enum")) => {
                    if !words.is_empty() || tagged.is_some() {
                        self.at = mark;
                        return Err(format!("\"{keyword}\" cannot follow another type"));
                    }
                    tagged = Some(if keyword == "enum" { self.enumeration()? } else { self.plain_struct()? });
                }
                Some("union") => {
                    self.at = mark;
                    return Err("union types are not supported".into());
                }
                Some(word) if is_specifier(word) => {
                    if tagged.is_some() {
                        self.at = mark;
                        return Err(format!("\"{word}\" cannot follow another type"));
                    }
                    words.push(word);
                }
                // After a complete type, any other word is a name, if it can be one.
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

    /// Parses the rest of a specifier after `struct`. An undefined tag is opaque behind a pointer, as in C.
    fn plain_struct(&mut self) -> Parsed<(CType, Tag)> {
        let name = self.name()?.unwrap_or("");
        let start = self.at;
        let known = self.structs.iter().find(|known| known.name() == name && !name.is_empty()).cloned();
        if !self.eat("{") {
            return match known {
                Some(known) => Ok((CType::Struct(known), Tag::Known)),
                None if name.is_empty() => Err("expected the struct's tag or its fields".into()),
                None => Ok((CType::opaque(name), Tag::Undefined)),
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
            if self.conv.is_some() {
                return Err("a calling convention belongs to the function, not to a field".into());
            }
            if self.rest().starts_with(':') {
                return Err("bit-fields are not supported".into());
            }
            match declared {
                Declared::Object(CType::Void | CType::Opaque(_)) => {
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

    /// Parses the rest of a specifier after `enum`. One whose enumerators are not given is an `int`.
    fn enumeration(&mut self) -> Parsed<(CType, Tag)> {
        let name = self.name()?.unwrap_or("");
        let start = self.at;
        let known = self.enums.iter().find(|known| known.name() == name && !name.is_empty()).cloned();
        if !self.eat("{") {
            return match known {
                Some(known) => Ok((CType::Enum(known), Tag::Known)),
                None if name.is_empty() => Err("expected the enumeration's tag or its enumerators".into()),
                None => Ok((CType::Int, Tag::Known)),
            };
        }
        if known.is_some() {
            self.at = start;
            return Err(format!("enum {name} is defined twice"));
        }
        let mut enumerators: Vec<(&str, i32)> = Vec::new();
        while !self.eat("}") {
            let Some(enumerator) = self.name()? else { return Err("expected an enumerator or \"}\"".into()) };
            let next = match enumerators.last() {
                None => Some(0),
                Some((_, last)) => last.checked_add(1),
            };
            let value = if self.eat("=") { Some(self.enumerator_value(&enumerators)?) } else { next };
            let Some(value) = value else { return Err("an enumerator has to be an int".into()) };
            enumerators.push((enumerator, value));
            if !self.eat(",") && !self.rest().starts_with('}') {
                return Err("expected \",\" or \"}\" after an enumerator".into());
            }
        }
        let listed = Enum::new(name, enumerators).map_err(|error| {
            self.at = start;
            error.to_string()
        })?;
        let listed = Arc::new(listed);
        self.enums.push(listed.clone());
        Ok((CType::Enum(listed), Tag::Defined))
    }

    /// Parses the value of an enumerator: a number, or an enumerator that is known already.
    fn enumerator_value(&mut self, before: &[(&str, i32)]) -> Parsed<i32> {
        self.skip_space();
        let start = self.at;
        let negative = self.eat("-");
        let value = match self.word() {
            Some(name) => {
                let known = self.enums.iter().flat_map(|known| known.enumerators());
                let known = known.map(|(name, value)| (name.as_str(), *value));
                let value = before.iter().copied().chain(known).find(|(its, _)| *its == name);
                value.map(|(_, value)| i64::from(value))
            }
            None => self.integer(),
        };
        let value = value.map(|value| if negative { -value } else { value });
        value.and_then(|value| i32::try_from(value).ok()).ok_or_else(|| {
            self.at = start;
            "the value of an enumerator has to be a number that fits an int, or another enumerator".into()
        })
    }
}

pub(super) fn is_specifier(word: &str) -> bool {
    matches!(word, "signed" | "unsigned" | "bool")
        || SCALARS.iter().any(|(_, name)| name.split(' ').any(|part| part == word))
}

/// Returns the scalar that the specifiers name together, in any order.
fn scalar(words: &[&str]) -> Option<CType> {
    let count = |word| words.iter().filter(|its| **its == word).count();
    let modifiers = ["signed", "unsigned", "short", "long"].map(count);
    let rest: Vec<_> =
        words.iter().filter(|word| !["signed", "unsigned", "short", "long"].contains(word)).collect();
    let base = match rest[..] {
        [] => "int",
        [base] => *base,
        _ => return None,
    };
    let canonical = match (base, modifiers) {
        ("bool", [0, 0, 0, 0]) => "_Bool",
        (base, [0, 0, 0, 0]) => base,
        ("char", [1, 0, 0, 0]) => "signed char",
        ("char", [0, 1, 0, 0]) => "unsigned char",
        ("int", [0 | 1, 0, 1, 0]) => "short",
        ("int", [0, 1, 1, 0]) => "unsigned short",
        ("int", [1, 0, 0, 0]) => "int",
        ("int", [0, 1, 0, 0]) => "unsigned int",
        ("int", [0 | 1, 0, 0, 1]) => "long",
        ("int", [0, 1, 0, 1]) => "unsigned long",
        ("int", [0 | 1, 0, 0, 2]) => "long long",
        ("int", [0, 1, 0, 2]) => "unsigned long long",
        ("double", [0, 0, 0, 1]) => "long double",
        _ => return None,
    };
    SCALARS.iter().find(|(_, name)| *name == canonical).map(|(ctype, _)| ctype.clone())
}
