//! Names: of functions, arguments, fields, tags and enumerators.

use super::{Parsed, Parser};

/// The words of C23 and of its compilers that no type is spelled with here, and that are no names either.
const KEYWORDS: &[&str] = &[
    "alignas",
    "alignof",
    "asm",
    "auto",
    "break",
    "case",
    "constexpr",
    "continue",
    "default",
    "do",
    "else",
    "extern",
    "false",
    "for",
    "goto",
    "if",
    "inline",
    "nullptr",
    "register",
    "restrict",
    "return",
    "sizeof",
    "static",
    "static_assert",
    "switch",
    "thread_local",
    "true",
    "typedef",
    "typeof",
    "typeof_unqual",
    "union",
    "void",
    "volatile",
    "while",
    "const",
    "struct",
    "enum",
    "complex",
    "imaginary",
    "noreturn",
];

/// Words between two underscores and a letter that headers use as names; the others are keywords.
const RESERVED: &[&str] = &[
    "__alignof",
    "__asm",
    "__attribute",
    "__auto_type",
    "__based",
    "__bf16",
    "__block",
    "__builtin_va_list",
    "__complex",
    "__const",
    "__constant",
    "__declspec",
    "__extension__",
    "__far",
    "__float128",
    "__float80",
    "__fp16",
    "__generic",
    "__global",
    "__half",
    "__huge",
    "__ibm128",
    "__imag",
    "__inline",
    "__int128",
    "__int128_t",
    "__int16",
    "__int32",
    "__int64",
    "__int8",
    "__kernel",
    "__kindof",
    "__local",
    "__near",
    "__noinline",
    "__null",
    "__private",
    "__ptr32",
    "__ptr64",
    "__real",
    "__regcall",
    "__restrict",
    "__seg_fs",
    "__seg_gs",
    "__signed",
    "__sptr",
    "__strong",
    "__thread",
    "__typeof",
    "__typeof_unqual",
    "__uint128_t",
    "__unaligned",
    "__unsafe_unretained",
    "__uptr",
    "__vectorcall",
    "__volatile",
    "__w64",
    "__weak",
    "__wchar_t",
    "__pascal",
    "__forceinline",
];

impl<'a> Parser<'a> {
    /// Parses a name, if the next token is a word; the error is a word that cannot be one, because C would
    /// read it as a part of the type.
    pub(super) fn name(&mut self) -> Parsed<Option<&'a str>> {
        match self.peek() {
            Some(word) if !is_name(word) => {
                self.skip_space();
                Err(format!("\"{word}\" is not supported here, and cannot be a name"))
            }
            _ => Ok(self.word()),
        }
    }
}

/// Returns whether a word can be a name. A word that begins with an underscore and a capital letter, or ends
/// with two underscores, belongs to the compiler; one that begins with two underscores may be a name in a
/// system header.
fn is_name(word: &str) -> bool {
    let capital =
        word.strip_prefix('_').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    let vector = ["__m64", "__m128", "__m256", "__m512", "__mmask", "__SV", "__clang_", "__nvoc"];
    !(capital
        || word.ends_with("__")
        || vector.iter().any(|prefix| word.starts_with(prefix))
        || KEYWORDS.contains(&word)
        || RESERVED.contains(&word)
        || super::specifier::is_specifier(word))
}
