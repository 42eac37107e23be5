//! A recursive-descent parser for C function types.

mod declaration;
mod declarator;
mod specifier;

use std::sync::Arc;

use super::{CallConv, Prototype};
use crate::ctype::Struct;
use crate::error::Error;
use declaration::{Declared, Place, Tag};

/// Maximum nesting depth of types, so that a hostile text cannot exhaust the stack.
const MAX_DEPTH: usize = 16;

pub(super) fn prototype(text: &str) -> Result<Prototype, Error> {
    let mut parser = Parser { text, at: 0, depth: 0, conv: None, structs: Vec::new() };
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
}

type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    fn function(&mut self) -> Parsed<Prototype> {
        loop {
            let base = self.specifiers("a result type")?;
            if base.tag == Tag::Defined && self.eat(";") {
                continue; // a struct for later use
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

    fn number(&mut self) -> Option<usize> {
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = rest[..len].parse().ok()?;
        self.at += len;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctype::{CType, SCALARS};
    use crate::prototype::CallConv;
    use proptest::prelude::*;

    fn reason(text: &str) -> String {
        prototype(text).expect_err(text).to_string()
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
            ("int (const int a[5], int (*)[5], int[static 5])", "int (const int [5], int [5], int [5])"),
            ("int f(size_t n, double a[n])", "int (size_t n1, double [n1])"),
            (
                "int (int n, const void a[n], long m, void b[m])",
                "int (int n1, const void [n1], long n3, void [n3])",
            ),
            ("int (int m[2][3], int n, int (*const p)[4])", "int (int [2][3], int, int [4])"),
            ("enum colour {RED, BLUE=3} (enum colour)", "int (int)"),
            ("int (struct unknown *, const struct unknown *)", "int (void *, const void *)"),
            (
                "struct s { int x, *p; char t[4]; } (struct s)",
                "struct s { int x; int *p; char t[4]; } (struct s)",
            ),
            (
                "struct s {int x;}; struct t {struct s a[2]; struct t *next;}; \
                 void (const struct t *, struct s)",
                "void (const struct t { struct s { int x; } a[2]; void *next; } *, struct s)",
            ),
            ("int (struct { short a; } s)", "int (struct { short a; })"),
            ("int __attribute__((ms_abi)) (int)", "int __attribute__((ms_abi)) (int)"),
            ("int (__attribute__((sysv_abi)) *f)(int)", "int __attribute__((sysv_abi)) (int)"),
            ("int f(int) __attribute__((ms_abi))", "int __attribute__((ms_abi)) (int)"),
            ("int (*f(int))[5]", "int (*(int))[5]"),
            ("char *__fastcall(void)", "char *__fastcall (void)"),
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
            ("int (union u *)", 6, "union types are not supported"),
            ("int (struct s)", 6, "nor a struct that is not defined"),
            ("int (struct s { int x; }, struct s { int x; })", 35, "struct s is defined twice"),
            ("int (struct s { })", 14, "it has no fields"),
            ("int (struct s { int x : 3; })", 23, "bit-fields"),
            ("int (struct { void v; })", 20, "a field cannot be void"),
            ("int (void (*f)(int))", 20, "write \"void *\""),
            ("int (int a[])", 13, "an array needs a length"),
            ("int (int a[m], int n)", 14, "no argument is called \"m\""),
            ("int (int (*a)[n], int n)", 17, "only an argument can have a length"),
            ("int f(int)[5]", 14, "cannot return an array"),
            ("int (int [0])", 13, "at least one element"),
            ("int __attribute__((noreturn)) (int)", 20, "not a known calling convention"),
            ("int (int", 9, "expected \",\" or \")\""),
            ("int (int) int", 11, "more text"),
            ("int (long float)", 6, "\"long float\" is not a known C type"),
            ("int (void, int)", 6, "cannot be void"),
        ] {
            let reason = reason(text);
            assert!(reason.contains(why), "{text}: {reason}");
            assert!(reason.contains(&format!("at column {column};")), "{text}: {reason}");
        }
    }

    fn any_object() -> impl Strategy<Value = CType> {
        let scalar = (1..SCALARS.len()).prop_map(|i| SCALARS[i].0.clone());
        scalar.prop_recursive(3, 8, 3, |inner| {
            let of = inner.clone();
            let fields = proptest::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                (inner, any::<bool>())
                    .prop_map(|(to, readonly)| CType::Pointer { pointee: Box::new(to), readonly }),
                (of, 1usize..9).prop_map(|(of, len)| of.array(len).unwrap()),
                fields.prop_map(|fields| {
                    let named = fields.into_iter().enumerate().map(|(n, ctype)| (format!("f{n}"), ctype));
                    Struct::new("", named).unwrap().into()
                }),
            ]
        })
    }

    fn any_value() -> impl Strategy<Value = CType> {
        any_object().prop_map(|ctype| if let CType::Array { .. } = ctype { ctype.pointer() } else { ctype })
    }

    const CONVENTIONS: &[CallConv] = &[CallConv::C, CallConv::Win64, CallConv::SysV64, CallConv::Stdcall];

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same_value(
            result in any_value(),
            params in proptest::collection::vec(any_value(), 0..5),
            counted in proptest::option::of((any_object(), any::<bool>())),
            conv in proptest::sample::select(CONVENTIONS),
        ) {
            let mut params = params;
            if let Some((element, readonly)) = counted {
                params.push(element.counted(readonly, params.len() + 1));
                params.push(CType::Size);
            }
            let value = Prototype::new(result, params).with_conv(conv);
            let text = value.to_string();
            prop_assert_eq!(text.parse::<Prototype>().expect(&text), value);
        }

        #[test]
        fn no_text_makes_the_parser_panic(
            text in "([a-z_ *(),.;{}\\[\\]é]|int|struct|const|void|\\[3\\]){0,40}",
        ) {
            let _ = prototype(&text);
        }
    }
}
