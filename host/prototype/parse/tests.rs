//! Tests of the parser.

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
        (
            "enum colour {RED, BLUE=3, GREEN=BLUE, X, } (enum colour)",
            "enum colour { RED = 0, BLUE = 3, GREEN = 3, X = 4 } (enum colour)",
        ),
        ("enum {A = -0x10, B = 010}; int (enum e *)", "int (int *)"),
        ("int (enum colour, const enum colour *)", "int (int, const int *)"),
        ("int (struct unknown *, const struct unknown *)", "int (struct unknown *, const struct unknown *)"),
        ("int (__const char *__s, size_t __n)", "int (const char *, size_t)"),
        (
            "struct s { int x, *p; char t[4]; } (struct s)",
            "struct s { int x; int *p; char t[4]; } (struct s)",
        ),
        (
            "struct s {int x;}; struct t {struct s a[2]; struct t *next;}; \
             void (const struct t *, struct s)",
            "void (const struct t { struct s { int x; } a[2]; struct t *next; } *, struct s)",
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
        ("struct s f(void)", 17, "struct s, which is not defined"),
        ("int (int a, int a)", 13, "two arguments are called \"a\""),
        ("int (enum {A, A})", 11, "two enumerators \"A\""),
        ("int (enum {A = 3000000000})", 16, "fits an int"),
        ("int (enum {A = 2147483647, B})", 29, "has to be an int"),
        ("int (enum {A = B})", 16, "another enumerator"),
        ("int (enum {A = 1 + 1})", 18, "expected \",\" or"),
        ("int (struct { int x __stdcall; })", 30, "belongs to the function"),
        ("int (int __stdcall x)", 22, "belongs to the function"),
        ("int __stdcall (__cdecl *)(int)", 16, "one calling convention"),
        ("int (int [08])", 11, "after an array's length"),
    ] {
        let reason = reason(text);
        assert!(reason.contains(why), "{text}: {reason}");
        assert!(reason.contains(&format!("at column {column};")), "{text}: {reason}");
    }
}

/// C reads each of these as a part of the type; as a name, it would be another type.
#[test]
fn a_word_that_is_not_known_is_not_taken_for_a_name() {
    let types = ["float", "double", "unsigned", "struct s { int x; }", "enum e", "long", "char *", "void *"];
    let words = [
        "_Complex",
        "_Imaginary",
        "_Atomic",
        "_Sat",
        "_Accum",
        "_Float16",
        "_BitInt",
        "_Nonnull",
        "_Noreturn",
        "inline",
        "register",
        "static",
        "extern",
        "typedef",
        "__int128",
        "__float128",
        "__complex__",
        "__inline",
        "__ptr32",
        "__unaligned",
        "__m128",
        "__vector__",
        "constexpr",
        "restrict x",
        "size_t",
        "double",
        "bool",
        "struct t",
        "enum f",
        "const double",
        "union u",
        "asm",
        "thread_local",
    ];
    for word in words {
        for ctype in types {
            // `volatile`, `long double` and `unsigned long` apart, nothing may follow a type.
            if ctype == "long" && word.ends_with("double") || ctype.ends_with('*') && word == "restrict x" {
                continue;
            }
            for text in [format!("int f({ctype} {word})"), format!("{ctype} {word} f(int)")] {
                assert!(prototype(&text).is_err(), "{text} is {}", prototype(&text).unwrap());
            }
        }
    }
    for text in [
        "int f(int double)",
        "int f(signed double)",
        "int f(short float)",
        "int f(long int double)",
        "int f(int size_t)",
        "int f(long long long)",
        "int f(signed unsigned)",
        "int f(unsigned uint8_t)",
        "int f(short char)",
        "int f(char char)",
        "int f(void int)",
        "int f(short long)",
        "int f(signed bool)",
    ] {
        assert!(prototype(text).is_err(), "{text} is {}", prototype(text).unwrap());
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
