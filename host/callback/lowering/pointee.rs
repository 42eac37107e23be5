//! Pointees: the objects that pointers lead to.

use crate::ctype::CType;

/// Maximum number of pointers, and of padding gaps, in one object.
const MAX_POINTERS_PER_OBJECT: usize = 4096;

/// The pointee of a pointer, as far as it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pointee {
    /// A pointer that is not followed: the guest gets a number that stands for it.
    Token,
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
}

impl Pointee {
    pub(super) fn of(pointer: &CType) -> Result<Pointee, &'static str> {
        let CType::Pointer { pointee, readonly } = pointer else {
            return Err("only an argument can have a length that another one tells");
        };
        Ok(match &**pointee {
            CType::Void => Pointee::Token,
            CType::Char if *readonly => Pointee::Text,
            pointee => Pointee::Object { object: Object::of(pointee)?, readonly: *readonly },
        })
    }

    /// Returns the type of each element; characters for a text.
    #[cfg(feature = "libffi")]
    pub(crate) fn element(&self) -> Option<&CType> {
        match self {
            Pointee::Token => None,
            Pointee::Text => Some(&CType::Char),
            Pointee::Object { object, .. } | Pointee::Counted { element: object, .. } => {
                Some(&object.element)
            }
        }
    }
}

impl Object {
    pub(super) const BYTE: Object =
        Object { size: 1, element: CType::Char, pointer_fields: Vec::new(), gaps: Vec::new() };

    pub(super) fn of(ctype: &CType) -> Result<Object, &'static str> {
        let Some(size) = ctype.size() else { return Err("a pointee has no size") };
        let mut element = ctype;
        while let CType::Array { element: inner, .. } = element {
            element = inner;
        }
        let mut object =
            Object { size, element: element.clone(), pointer_fields: Vec::new(), gaps: Vec::new() };
        object.collect_fields(ctype, 0)?;
        Ok(object)
    }

    /// Records the pointers and the padding of a part of the object, at offset `at`.
    fn collect_fields(&mut self, ctype: &CType, at: usize) -> Result<(), &'static str> {
        match ctype {
            CType::Array { element, len } if element.has_pointers() || element.has_padding() => {
                let size = element.size().unwrap_or(0);
                for n in 0..*len {
                    self.collect_fields(element, at + n * size)?;
                }
            }
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
            _ => self.gap(at + ctype.value_size(), ctype.size().unwrap_or(0) - ctype.value_size()),
        }
        if self.pointer_fields.len().max(self.gaps.len()) > MAX_POINTERS_PER_OBJECT {
            Err("an object holds more than 4,096 pointers or gaps")
        } else {
            Ok(())
        }
    }

    fn gap(&mut self, at: usize, len: usize) {
        if len > 0 {
            self.gaps.push((at, len));
        }
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
    fn an_object_with_too_many_pointers_is_refused() {
        let many = CType::Int.pointer().array(5000).unwrap().pointer();
        assert!(Pointee::of(&many).unwrap_err().contains("4,096"));
        assert!(Pointee::of(&CType::Char.array(1 << 20).unwrap().pointer()).is_ok());
    }
}
