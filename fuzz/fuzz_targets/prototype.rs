//! Arbitrary texts, parsed as prototypes, with C's words among the characters.
#![no_main]

use arbitrary::Arbitrary;
use callbox::Prototype;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Token {
    Word(u8),
    Name(u8),
    Mark(u8),
    Number(u16),
    Any(char),
}

const WORDS: &[&str] = &[
    "void", "_Bool", "char", "int", "long", "unsigned", "signed", "short", "float", "double", "size_t",
    "uint8_t",
    "const", "volatile", "restrict", "static", "struct", "enum", "union", "__stdcall",
    "__attribute__((ms_abi))", "_Complex", "inline", "_Atomic",
];
const MARKS: &[&str] = &["(", ")", "[", "]", "{", "}", "*", ",", ";", ":", "=", "...", "(void)"];

fuzz_target!(|tokens: Vec<Token>| {
    let pick = |list: &[&str], at: u8| list[usize::from(at) % list.len()].to_owned();
    let text = |token: &Token| match token {
        Token::Word(at) => pick(WORDS, *at),
        Token::Name(at) => pick(&["a", "b", "n", "s", "t"], *at),
        Token::Mark(at) => pick(MARKS, *at),
        Token::Number(number) => number.to_string(),
        Token::Any(any) => any.to_string(),
    };
    let text = tokens.iter().map(text).collect::<Vec<_>>().join(" ");
    // A rejected text is an error with a position; an accepted one prints as a text of the same prototype.
    let Ok(prototype) = text.parse::<Prototype>() else { return };
    let printed = prototype.to_string();
    assert_eq!(printed.parse::<Prototype>().expect(&printed), prototype, "{text}");
});
