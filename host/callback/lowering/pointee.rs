//! Pointees: the objects that pointers lead to.

use std::ops::Range;
use std::sync::Arc;

use crate::ctype::{CType, Values};

/// Maximum number of pointers, of padding gaps, and of runs of restricted scalars, in one object.
const MAX_PARTS_PER_OBJECT: usize = 4096;

/// The pointee of a pointer, as far as it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pointee {
    /// A pointer that is not followed: the guest gets a number that stands for it.
    Token {
        /// Tag of the struct; `None` for `void`.
        tag: Option<Arc<str>>,
        readonly: bool,
    },
    /// Characters up to a NUL.
    Text,
    Object {
        object: Object,
        readonly: bool,
    },
    /// Elements whose number is the value of the argument at index `count`.
    Counted {
        element: Object,
        readonly: bool,
        count: usize,
    },
}

/// An object in memory, some bytes of which are pointers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) size: usize,
    /// Type of the elements, if the object is an array; otherwise of the object.
    pub(crate) element: CType,
    /// Offsets of the pointers, and their pointees.
    pub(crate) pointer_fields: Vec<(usize, Pointee)>,
    /// Offsets and lengths of the padding. Its content is unspecified, and may be an address.
    pub(crate) gaps: Vec<(usize, usize)>,
    /// The scalars some of whose bit patterns are no values.
    pub(crate) restricted: Vec<RestrictedRun>,
}

/// Adjacent scalars of one type, some of whose bit patterns are no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RestrictedRun {
    pub(crate) at: usize,
    pub(crate) len: usize,
    pub(crate) ctype: CType,
    pub(crate) values: Values,
}

impl Pointee {
    pub(super) fn of(pointer: &CType) -> Result<Pointee, &'static str> {
        let CType::Pointer { pointee, readonly } = pointer else {
            return Err("only an argument can have a length that another one tells");
        };
        Ok(match &**pointee {
            CType::Void => Pointee::Token { tag: None, readonly: *readonly },
            CType::Opaque(tag) => Pointee::Token { tag: Some(tag.clone()), readonly: *readonly },
            CType::Char if *readonly => Pointee::Text,
            pointee => Pointee::Object { object: Object::of(pointee)?, readonly: *readonly },
        })
    }

    /// Returns the type of each element; characters for a text.
    pub(crate) fn element(&self) -> Option<&CType> {
        match self {
            Pointee::Token { .. } => None,
            Pointee::Text => Some(&CType::Char),
            Pointee::Object { object, .. } | Pointee::Counted { element: object, .. } => {
                Some(&object.element)
            }
        }
    }
}

impl Object {
    /// A byte of `void a[n]`.
    pub(super) const BYTE: Object = Object {
        size: 1,
        element: CType::Void,
        pointer_fields: Vec::new(),
        gaps: Vec::new(),
        restricted: Vec::new(),
    };

    pub(super) fn of(ctype: &CType) -> Result<Object, &'static str> {
        let Some(size) = ctype.size() else { return Err("a pointee has no size") };
        let mut element = ctype;
        while let CType::Array { element: inner, .. } = element {
            element = inner;
        }
        let mut object = Object { size, element: element.clone(), ..Object::BYTE };
        object.collect_fields(ctype, 0)?;
        Ok(object)
    }

    /// Records the pointers, the padding and the restricted scalars of a part of the object, at offset `at`.
    fn collect_fields(&mut self, ctype: &CType, at: usize) -> Result<(), &'static str> {
        match ctype {
            CType::Array { element, len } => match &**element {
                // Rows of an array are adjacent.
                CType::Array { element, len: columns } => {
                    let flat = CType::Array { element: element.clone(), len: len * columns };
                    self.collect_fields(&flat, at)?;
                }
                scalar if scalar.kind().is_some() && !scalar.has_padding() => {
                    self.restrict(scalar, at, *len);
                }
                element => {
                    let size = element.size().unwrap_or(0);
                    let whole = Object::of(element)?;
                    let plain = whole.pointer_fields.is_empty()
                        && whole.gaps.is_empty()
                        && whole.restricted.is_empty();
                    for n in 0..if plain { 0 } else { *len } {
                        self.collect_fields(element, at + n * size)?;
                    }
                }
            },
            CType::Struct(plain) => {
                let mut end = 0;
                for field in plain.fields() {
                    self.gap(at + end, field.offset - end);
                    self.collect_fields(&field.ctype, at + field.offset)?;
                    end = field.offset + field.ctype.size().unwrap_or(0);
                }
                self.gap(at + end, ctype.size().unwrap_or(end) - end);
            }
            CType::Pointer { .. } | CType::Counted { .. } => {
                self.pointer_fields.push((at, Pointee::of(ctype)?))
            }
            _ => {
                self.restrict(ctype, at, 1);
                self.gap(at + ctype.value_size(), ctype.size().unwrap_or(0) - ctype.value_size());
            }
        }
        if self.pointer_fields.len().max(self.gaps.len()).max(self.restricted.len()) > MAX_PARTS_PER_OBJECT {
            Err("an object holds more than 4,096 pointers, gaps or runs of _Bool or enumerations")
        } else {
            Ok(())
        }
    }

    /// Records adjacent scalars, if some bit patterns are no values of theirs.
    fn restrict(&mut self, ctype: &CType, at: usize, len: usize) {
        let values = Values::of(ctype);
        if values.is_all() {
            return;
        }
        match self.restricted.last_mut() {
            Some(last) if last.ctype == *ctype && last.at + last.len * last.size() == at => last.len += len,
            _ => self.restricted.push(RestrictedRun { at, len, ctype: ctype.clone(), values }),
        }
    }

    fn gap(&mut self, at: usize, len: usize) {
        if len > 0 {
            self.gaps.push((at, len));
        }
    }
}

impl Object {
    /// Makes values of the scalars in these elements, except of those that are as they were in `old`; the
    /// error is an integer that is no value of the type.
    pub(crate) fn admit(&self, new: &mut [u8], old: Option<&[u8]>) -> Result<(), (&CType, i128)> {
        if self.restricted.is_empty() {
            return Ok(());
        }
        for (n, element) in new.chunks_exact_mut(self.size).enumerate() {
            for run in &self.restricted {
                for place in run.places() {
                    let new = &mut element[place.clone()];
                    let unchanged = old.is_some_and(|old| old[n * self.size..][place] == *new);
                    if !unchanged {
                        run.values.admit(new).map_err(|value| (&run.ctype, value))?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl RestrictedRun {
    /// Returns the size of each scalar in bytes.
    fn size(&self) -> usize {
        self.ctype.size().unwrap_or(1)
    }

    /// Returns the offsets of the bytes of each scalar that carry its value.
    pub(crate) fn places(&self) -> impl Iterator<Item = Range<usize>> {
        let value = self.ctype.value_size();
        (0..self.len).map(move |n| self.at + n * self.size()).map(move |at| at..at + value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prototype::Prototype;

    #[test]
    fn pointers_and_padding_are_found_wherever_they_are() {
        let text = "void (struct { struct { char c; short s; int *p; } a[2]; char d; } *)";
        let prototype: Prototype = text.parse().unwrap();
        let Ok(Pointee::Object { object, .. }) = Pointee::of(&prototype.params()[0]) else { panic!() };
        let pointer_fields: Vec<_> = object.pointer_fields.iter().map(|(at, _)| *at).collect();
        assert_eq!(pointer_fields, [8, 24]);
        assert_eq!(object.gaps, [(1, 1), (4, 4), (17, 1), (20, 4), (33, 7)]);
    }

    #[test]
    fn restricted_scalars_are_found_wherever_they_are() {
        let text =
            "void (struct { _Bool a[2][3]; _Bool b; enum { A } e; struct { char c; _Bool d; } f[2]; } *)";
        let prototype: Prototype = text.parse().unwrap();
        let Ok(Pointee::Object { object, .. }) = Pointee::of(&prototype.params()[0]) else { panic!() };
        let places: Vec<_> = object.restricted.iter().map(|run| (run.at, run.len)).collect();
        assert_eq!(places, [(0, 7), (8, 1), (13, 1), (15, 1)]);
    }

    #[test]
    fn an_object_with_too_many_pointers_is_refused() {
        let many = CType::Int.pointer().array(5000).unwrap().pointer();
        assert!(Pointee::of(&many).unwrap_err().contains("4,096"));
        assert!(Pointee::of(&CType::Char.array(1 << 20).unwrap().pointer()).is_ok());
    }
}
