//! A recursive-descent parser for the function types of C's scalars and pointers to them.

use super::{CallConv, Prototype};
use crate::ctype::{CType, SCALARS};
use crate::error::Error;

/// Pointers to pointers may be this deep, so that a hostile text cannot exhaust the stack.
const MAX_STARS: usize = 16;

pub(super) fn prototype(text: &str) -> Result<Prototype, Error> {
    let mut parser = Parser { text, at: 0 };
    parser.function().map_err(|reason| Error::PrototypeSyntax {
        text: text.to_owned(),
        column: parser.at + 1,
        reason,
    })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    fn function(&mut self) -> Parsed<Prototype> {
        let result = self.type_name("a result type")?;
        let conv = self.declarator()?;
        self.expect("(", "the argument types in parentheses")?;
        let params = self.params()?;
        let _ = self.eat(";");
        if !self.rest().is_empty() {
            return Err("there is more text after the function type".into());
        }
        Ok(Prototype { conv, result, params })
    }

    /// Calling convention, name, and the parentheses of a pointer to a function, all optional.
    fn declarator(&mut self) -> Parsed<CallConv> {
        let mut conv = self.conv();
        let mark = self.at;
        if self.eat("(") {
            conv = conv.or(self.conv());
            if self.eat("*") {
                let _ = self.word();
                self.expect(")", "\")\" after \"(*\"")?;
            } else if conv.is_some() && self.eat(")") {
                // `int (__stdcall)(…)`: nothing but the convention stood there.
            } else {
                self.at = mark; // the argument list itself
            }
        } else {
            let _ = self.word(); // a name is allowed and means nothing
        }
        Ok(conv.unwrap_or_default())
    }

    fn conv(&mut self) -> Option<CallConv> {
        let mark = self.at;
        match self.word() {
            Some("__cdecl") => Some(CallConv::C),
            Some("__stdcall") => Some(CallConv::Stdcall),
            _ => {
                self.at = mark;
                None
            }
        }
    }

    fn params(&mut self) -> Parsed<Vec<CType>> {
        let mut params = Vec::new();
        if self.eat(")") {
            return Ok(params);
        }
        loop {
            if self.rest().starts_with("...") {
                return Err("a variable argument list cannot be called back".into());
            }
            let start = self.at;
            let param = self.type_name("an argument type")?;
            let named = self.word().is_some();
            if self.rest().starts_with(['[', '(']) {
                return Err("array and function arguments are not supported; write a pointer".into());
            }
            if param == CType::Void {
                if params.is_empty() && !named && self.eat(")") {
                    return Ok(params);
                }
                self.at = start;
                return Err("an argument cannot be void".into());
            }
            params.push(param);
            if self.eat(")") {
                return Ok(params);
            }
            self.expect(",", "\",\" or \")\" after an argument")?;
        }
    }

    /// Specifiers in any order (`unsigned long int`, `int const`), then stars.
    fn type_name(&mut self, expected: &str) -> Parsed<CType> {
        let start = self.at;
        let (mut words, mut readonly) = (Vec::new(), false);
        loop {
            let mark = self.at;
            match self.word() {
                Some("const") => readonly = true,
                Some(word) if is_specifier(word) => words.push(word),
                Some(word @ ("struct" | "union" | "enum")) => {
                    self.at = mark;
                    return Err(format!("{word} types are not supported"));
                }
                // Where a type stands already, a further word is a name.
                _ => {
                    self.at = mark;
                    break;
                }
            }
        }
        if words.is_empty() {
            self.skip_space();
            let found = self.word().unwrap_or("").to_owned();
            self.at -= found.len();
            return Err(match found.as_str() {
                "" => format!("expected {expected}"),
                word => format!("\"{word}\" is not a known C type"),
            });
        }
        let Some(mut ctype) = scalar(&words) else {
            self.at = start;
            self.skip_space();
            return Err(format!("\"{}\" is not a known C type", words.join(" ")));
        };
        let mut stars = 0;
        while self.eat("*") {
            stars += 1;
            if stars > MAX_STARS {
                return Err(format!("more than {MAX_STARS} levels of pointers"));
            }
            ctype = CType::Pointer { pointee: Box::new(ctype), readonly };
            readonly = false;
            loop {
                let mark = self.at;
                match self.word() {
                    Some("const") => readonly = true,
                    Some("restrict" | "__restrict" | "volatile") => {}
                    _ => {
                        self.at = mark;
                        break;
                    }
                }
            }
        }
        Ok(ctype)
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
}

fn is_specifier(word: &str) -> bool {
    matches!(word, "signed" | "unsigned" | "bool")
        || SCALARS.iter().any(|(_, name)| name.split(' ').any(|part| part == word))
}

/// The scalar that these specifiers name together, in whatever order they stand.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(text: &str) -> String {
        prototype(text).unwrap_err().to_string()
    }

    #[test]
    fn one_type_has_many_spellings() {
        for (text, canonical) in [
            ("int (const void *, const void *)", "int (const void *, const void *)"),
            ("int (*)(const void *, const void *)", "int (const void *, const void *)"),
            ("int (*compar)(void const *a, void const *b)", "int (const void *, const void *)"),
            ("int cmp(const int *a, const int *b);", "int (const int *, const int *)"),
            ("unsigned long int (int long long unsigned)", "unsigned long (unsigned long long)"),
            ("signed (signed char, short int signed)", "int (signed char, short)"),
            ("int __stdcall (void)", "int __stdcall (void)"),
            ("int (__stdcall *)()", "int __stdcall (void)"),
            ("void(bool,_Bool)", "void (_Bool, _Bool)"),
            ("char *f(char *restrict p, size_t n)", "char *(char *, size_t)"),
            ("int (const char *const *argv)", "int (const char *const *)"),
        ] {
            assert_eq!(prototype(text).expect(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn an_error_says_where_and_why() {
        for (text, column, why) in [
            ("", 1, "expected a result type"),
            ("int", 4, "expected the argument types"),
            ("foo (int)", 1, "\"foo\" is not a known C type"),
            ("int (const quux *)", 12, "\"quux\" is not a known C type"),
            ("int (int, ...)", 11, "variable argument list"),
            ("int (struct s *)", 6, "struct types are not supported"),
            ("int (int", 9, "expected \",\" or \")\""),
            ("int (int) int", 11, "more text"),
            ("int (long float)", 6, "\"long float\" is not a known C type"),
            ("int (void, int)", 6, "cannot be void"),
            ("int (int a[5])", 11, "write a pointer"),
        ] {
            let reason = reason(text);
            assert!(reason.contains(why), "{text}: {reason}");
            assert!(reason.contains(&format!("at column {column};")), "{text}: {reason}");
        }
    }

    fn any_type() -> impl Strategy<Value = CType> {
        let scalar = (1..SCALARS.len()).prop_map(|i| SCALARS[i].0.clone());
        scalar.prop_recursive(3, 4, 1, |inner| {
            (inner, any::<bool>())
                .prop_map(|(to, readonly)| CType::Pointer { pointee: Box::new(to), readonly })
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same_value(
            result in any_type(),
            params in proptest::collection::vec(any_type(), 0..5),
            stdcall in any::<bool>(),
        ) {
            let conv = if stdcall { CallConv::Stdcall } else { CallConv::C };
            let value = Prototype::new(result, params).with_conv(conv);
            prop_assert_eq!(value.to_string().parse::<Prototype>().unwrap(), value);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z_ *(),.;\\[\\]é]{0,40}") {
            let _ = prototype(&text);
        }
    }
}
