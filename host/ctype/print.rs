//! C types in C syntax, written from the inside out.

use std::fmt;

use super::{CType, Enum, NumberKind, SCALARS, Struct};

/// Maximum length of a number without an exponent; that of no whole number below 2^63 is longer.
const MAX_DIGITS: usize = 24;

impl CType {
    /// Formats a value, given as its bytes in memory, in decimal; `None` for types that are not numbers, for
    /// `long double`, and where the bytes are not as many as the type has.
    pub fn show(&self, value: &[u8]) -> Option<String> {
        if self.size() != Some(value.len()) {
            return None;
        }
        let mut wide = [0; size_of::<i128>()];
        match self.kind()? {
            NumberKind::Float => match value.len() {
                4 => Some(number(f32::from_ne_bytes(value.try_into().ok()?))),
                8 => Some(number(f64::from_ne_bytes(value.try_into().ok()?))),
                _ => None,
            },
            kind => {
                // Extended to the left, in the order of little-endian bytes.
                let negative = kind == NumberKind::Signed && value.last().is_some_and(|last| *last >= 0x80);
                wide.fill(if negative { 0xff } else { 0 });
                wide[..value.len()].copy_from_slice(value);
                Some(i128::from_le_bytes(wide).to_string())
            }
        }
    }
}

/// Formats a number with a point, or with an exponent where that would take many digits.
fn number(number: impl fmt::Display + fmt::LowerExp) -> String {
    let text = number.to_string();
    if text.len() > MAX_DIGITS { format!("{number:e}") } else { text }
}

/// The printer of the types of one text. A type with a tag is defined where it occurs first.
#[derive(Default)]
pub(crate) struct Printer<'a> {
    structs: Vec<&'a Struct>,
    enums: Vec<&'a Enum>,
}

impl<'a> Printer<'a> {
    /// Returns a declaration of `inner`, which may be a name, a part of a declarator, or empty.
    pub(crate) fn declare(&mut self, ctype: &'a CType, inner: String) -> String {
        self.qualified(ctype, false, inner)
    }

    /// Returns the declaration of an argument called `own`; `name` returns the name of the argument that is
    /// its length. A pointer to an array is written as the array, as C allows for arguments.
    pub(crate) fn param(&mut self, ctype: &'a CType, name: impl Fn(usize) -> String, own: String) -> String {
        match ctype {
            CType::Counted { element, readonly, count } => {
                self.qualified(element, *readonly, format!("{own}[{}]", name(*count)))
            }
            CType::Pointer { pointee, readonly } if matches!(**pointee, CType::Array { .. }) => {
                self.qualified(pointee, *readonly, own)
            }
            _ => self.declare(ctype, own),
        }
    }

    fn qualified(&mut self, ctype: &'a CType, readonly: bool, inner: String) -> String {
        match ctype {
            CType::Pointer { pointee, readonly: pointee_readonly } => {
                let star = match (readonly, inner.is_empty()) {
                    (false, _) => "*",
                    (true, true) => "*const",
                    (true, false) => "*const ",
                };
                self.qualified(pointee, *pointee_readonly, format!("{star}{inner}"))
            }
            CType::Array { element, len } => {
                let inner = if inner.starts_with('*') { format!("({inner})") } else { inner };
                self.qualified(element, readonly, format!("{inner}[{len}]"))
            }
            // The count has a name in a list of arguments only.
            CType::Counted { element, readonly, count } => {
                self.qualified(element, *readonly, format!("{inner}[argument {count}]"))
            }
            CType::Struct(plain) => {
                let fields = self.fields(plain);
                base(&tagged("struct", plain.name()), fields, readonly, &inner)
            }
            CType::Enum(listed) => {
                let enumerators = self.enumerators(listed);
                base(&tagged("enum", listed.name()), enumerators, readonly, &inner)
            }
            CType::Opaque(tag) => base(&tagged("struct", tag), None, readonly, &inner),
            scalar => {
                let name = SCALARS.iter().find(|(ctype, _)| ctype == scalar).map(|(_, name)| *name);
                base(name.unwrap_or("?"), None, readonly, &inner)
            }
        }
    }

    /// Returns the fields of a struct, unless it has been defined.
    fn fields(&mut self, plain: &'a Struct) -> Option<String> {
        if !plain.name().is_empty() && self.structs.contains(&plain) {
            return None;
        }
        self.structs.push(plain);
        let fields = plain.fields().iter();
        Some(fields.map(|field| self.declare(&field.ctype, field.name.clone()) + "; ").collect())
    }

    /// Returns the enumerators of an enumeration, unless it has been defined.
    fn enumerators(&mut self, listed: &'a Enum) -> Option<String> {
        if !listed.name().is_empty() && self.enums.contains(&listed) {
            return None;
        }
        self.enums.push(listed);
        let enumerators = listed.enumerators().iter().map(|(name, value)| format!("{name} = {value}"));
        Some(enumerators.collect::<Vec<_>>().join(", ") + " ")
    }
}

fn tagged(keyword: &str, tag: &str) -> String {
    if tag.is_empty() { keyword.to_owned() } else { format!("{keyword} {tag}") }
}

/// Returns a declaration of `inner` with these specifiers.
fn base(name: &str, definition: Option<String>, readonly: bool, inner: &str) -> String {
    let mut text = format!("{}{name}", if readonly { "const " } else { "" });
    if let Some(definition) = definition {
        text.push_str(&format!(" {{ {definition}}}"));
    }
    if !inner.is_empty() {
        text.push(' ');
    }
    text + inner
}

impl fmt::Display for CType {
    /// Writes C syntax: `const int *`, `struct point { int x; int y; }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Printer::default().declare(self, String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_decimal() {
        assert_eq!(CType::Int.show(&i32::MIN.to_ne_bytes()).unwrap(), "-2147483648");
        assert_eq!(CType::UInt8.show(&[200]).unwrap(), "200");
        assert_eq!(CType::Int8.show(&[200]).unwrap(), "-56");
        assert_eq!(CType::UInt64.show(&[0xff; 8]).unwrap(), u64::MAX.to_string());
        assert_eq!(CType::Double.show(&(-0.5f64).to_ne_bytes()).unwrap(), "-0.5");
        assert_eq!(CType::Float.show(&[0xff; 4]).unwrap(), "NaN");
        for (ctype, value) in [(CType::Int, &[0; 3][..]), (CType::Void, &[]), (CType::Int.pointer(), &[0; 8])]
        {
            assert_eq!(ctype.show(value), None);
        }
    }

    #[test]
    fn types_print_as_c_writes_them() {
        let int = CType::Int;
        let five = CType::Int.array(5).unwrap();
        for (ctype, text) in [
            (int.clone().const_pointer(), "const int *"),
            (int.clone().pointer().pointer(), "int **"),
            (int.clone().const_pointer().const_pointer(), "const int *const *"),
            (five.clone(), "int [5]"),
            (five.clone().pointer(), "int (*)[5]"),
            (five.array(2).unwrap(), "int [2][5]"),
            (int.pointer().array(3).unwrap(), "int *[3]"),
        ] {
            assert_eq!(ctype.to_string(), text);
        }
    }

    #[test]
    fn a_struct_is_written_out_once() {
        let point = CType::from(Struct::new("point", [("x", CType::Int), ("y", CType::Int)]).unwrap());
        let line = Struct::new("line", [("from", point.clone()), ("to", point)]).unwrap();
        let text = "struct line { struct point { int x; int y; } from; struct point to; }";
        assert_eq!(CType::from(line).to_string(), text);
    }
}
