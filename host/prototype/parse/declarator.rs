//! Declarators, which follow the specifiers: stars, names, arrays, lists of arguments.

use super::declaration::{Base, Declared, Place, Tag};
use super::{MAX_DEPTH, Parsed, Parser};
use crate::ctype::CType;
use crate::prototype::Prototype;

/// One step from a declarator's name to its base type, in C's reading order.
enum Derivation<'a> {
    Pointer { readonly: bool },
    Array(Len<'a>),
    Function(Vec<CType>),
}

#[derive(Clone, Copy)]
enum Len<'a> {
    Number(usize),
    /// The name of the argument that is the length.
    Name(&'a str),
    None,
}

/// The name of the argument that is an array's length, and the parser's position for an error about it.
type Teller<'a> = Option<(&'a str, usize)>;

/// An argument whose length is not resolved yet.
struct ParsedParam<'a> {
    name: Option<&'a str>,
    ctype: CType,
    teller: Teller<'a>,
}

impl<'a> Parser<'a> {
    /// Parses a declarator for a base type. Returns the declared name and entity.
    pub(super) fn declarator(&mut self, base: Base, place: Place) -> Parsed<(Option<&'a str>, Declared)> {
        let (name, ctype, _) = self.counted_declarator(base, place)?;
        Ok((name, ctype))
    }

    fn counted_declarator(
        &mut self,
        base: Base,
        place: Place,
    ) -> Parsed<(Option<&'a str>, Declared, Teller<'a>)> {
        let mut steps = Vec::new();
        let name = self.steps(&mut steps)?;
        let (mut declared, mut readonly) = (Declared::Object(base.ctype), base.readonly);
        let (outermost, mut counted) = (steps.len().saturating_sub(1), None);
        for (at, step) in steps.into_iter().rev().enumerate() {
            declared = match (declared, step) {
                (Declared::Object(to), Derivation::Pointer { readonly: next }) => {
                    let pointer = CType::Pointer { pointee: Box::new(to), readonly };
                    readonly = next;
                    Declared::Object(pointer)
                }
                (Declared::Object(to), Derivation::Array(len)) => {
                    let as_argument = place == Place::Param && at == outermost;
                    if let (Len::Name(name), true) = (len, as_argument) {
                        counted = Some((name, self.at));
                        Declared::Object(to.counted(readonly, usize::MAX))
                    } else {
                        let array = self.array(to, len)?;
                        Declared::Object(if as_argument {
                            CType::Pointer { pointee: Box::new(array), readonly }
                        } else {
                            array
                        })
                    }
                }
                (Declared::Object(CType::Opaque(tag)), Derivation::Function(_)) => {
                    return Err(format!("a function cannot return struct {tag}, which is not defined"));
                }
                (Declared::Object(result), Derivation::Function(params)) => {
                    if matches!(result, CType::Array { .. }) {
                        return Err("a function cannot return an array".into());
                    }
                    let conv = self.conv.take().unwrap_or_default();
                    Declared::Function(Prototype { conv, result, params })
                }
                // A pointer to a function is accepted as the function.
                (Declared::Function(function), Derivation::Pointer { .. })
                    if at == outermost && place == Place::Top =>
                {
                    Declared::Function(function)
                }
                (Declared::Function(_), Derivation::Pointer { .. }) => {
                    return Err("pointers to functions are not followed; write \"void *\"".into());
                }
                (Declared::Function(_), _) => return Err("a function cannot return this".into()),
            };
        }
        Ok((name, declared, counted))
    }

    fn array(&self, element: CType, len: Len<'_>) -> Parsed<CType> {
        match len {
            Len::Number(len) => element.array(len).map_err(|error| error.to_string()),
            Len::Name(_) => Err("only an argument can have a length that another one tells".into()),
            Len::None => {
                Err("an array needs a length: a number, or the name of the argument that tells it".into())
            }
        }
    }

    /// Parses a declarator into the steps from its name outwards. Returns the name.
    fn steps(&mut self, steps: &mut Vec<Derivation<'a>>) -> Parsed<Option<&'a str>> {
        self.convs()?;
        let mut pointers = Vec::new();
        while self.eat("*") {
            if pointers.len() == MAX_DEPTH {
                return Err(format!("more than {MAX_DEPTH} levels of pointers"));
            }
            pointers.push(Derivation::Pointer { readonly: self.qualifiers() });
        }
        self.convs()?;
        let name = if self.groups() {
            self.expect("(", "\"(\"")?;
            let name = self.nested(|parser| parser.steps(steps))?;
            self.expect(")", "\")\" after \"(*\"")?;
            name
        } else {
            self.name()?
        };
        loop {
            if self.rest().starts_with('[') {
                let len = self.length()?;
                steps.push(Derivation::Array(len));
            } else if self.eat("(") {
                let conv = self.conv.take();
                let params = self.nested(Self::params)?;
                if self.conv.is_some() {
                    return Err("a calling convention belongs to the function, not to an argument".into());
                }
                self.conv = conv;
                steps.push(Derivation::Function(params));
            } else {
                break;
            }
            if steps.len() > 2 * MAX_DEPTH {
                return Err(format!("types are nested more than {MAX_DEPTH} deep"));
            }
        }
        self.convs()?;
        steps.extend(pointers.into_iter().rev());
        Ok(name)
    }

    /// Returns whether the next token is a parenthesis that groups a declarator.
    fn groups(&mut self) -> bool {
        let (mark, conv) = (self.at, self.conv);
        let groups = self.eat("(") && (self.rest().starts_with(['*', '(', '[']) || self.convs() != Ok(false));
        (self.at, self.conv) = (mark, conv); // nothing is consumed
        groups
    }

    /// Consumes the qualifiers behind a star. Returns whether `const` is one; the others have no effect.
    fn qualifiers(&mut self) -> bool {
        let mut readonly = false;
        while let Some("const" | "__const" | "restrict" | "__restrict" | "volatile") = self.peek() {
            readonly |= self.word().is_some_and(|word| word.ends_with("const"));
        }
        readonly
    }

    /// Parses `[5]`, `[n]`, `[]`, and C's `[static 5]`.
    fn length(&mut self) -> Parsed<Len<'a>> {
        self.expect("[", "\"[\"")?;
        while let Some("static" | "const" | "restrict") = self.peek() {
            let _ = self.word();
        }
        let len = match (self.integer(), self.name()?) {
            (Some(number), None) => {
                Len::Number(usize::try_from(number).map_err(|_| "the array is too large".to_owned())?)
            }
            (None, Some(name)) => Len::Name(name),
            (None, None) => Len::None,
            (Some(_), Some(_)) => return Err("expected \"]\" after an array's length".into()),
        };
        self.expect("]", "\"]\" after an array's length")?;
        Ok(len)
    }

    /// Parses a list of arguments behind its opening parenthesis.
    fn params(&mut self) -> Parsed<Vec<CType>> {
        let mut params: Vec<ParsedParam<'a>> = Vec::new();
        if self.eat(")") {
            return Ok(Vec::new());
        }
        loop {
            if self.rest().starts_with("...") {
                return Err("a variable argument list cannot be called back".into());
            }
            let start = self.at;
            let base = self.specifiers("an argument type")?;
            let named_void = base.tag == Tag::Known;
            let (name, declared, teller) = self.counted_declarator(base, Place::Param)?;
            let Declared::Object(ctype) = declared else {
                return Err("pointers to functions are not followed; write \"void *\"".into());
            };
            if matches!(ctype, CType::Void | CType::Opaque(_)) {
                if named_void && params.is_empty() && name.is_none() && self.eat(")") {
                    return Ok(Vec::new());
                }
                self.at = start;
                return Err("an argument cannot be void, nor a struct that is not defined".into());
            }
            if let Some(name) = name
                && params.iter().any(|other| other.name == Some(name))
            {
                self.at = start;
                return Err(format!("two arguments are called \"{name}\""));
            }
            params.push(ParsedParam { name, ctype, teller });
            if self.eat(")") {
                return self.resolve(params);
            }
            self.expect(",", "\",\" or \")\" after an argument")?;
        }
    }

    /// Resolves the names of lengths to arguments.
    fn resolve(&mut self, params: Vec<ParsedParam<'a>>) -> Parsed<Vec<CType>> {
        let mut resolved = Vec::new();
        for param in &params {
            let mut ctype = param.ctype.clone();
            if let (CType::Counted { count, .. }, Some((name, at))) = (&mut ctype, param.teller) {
                let teller = params.iter().position(|other| other.name == Some(name));
                let Some(teller) = teller else {
                    self.at = at;
                    return Err(format!("no argument is called \"{name}\""));
                };
                *count = teller;
            }
            resolved.push(ctype);
        }
        Ok(resolved)
    }
}
