//! What a pointer leads to.

use super::bare;
use crate::ctype::CType;

/// So many pointers may an object hold.
const MOST_CELLS: usize = 4096;

/// What a pointer leads to, as far as it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Nobody follows it: the guest gets a number that stands for it.
    Token,
    /// Characters up to a NUL.
    Text,
    Object {
        object: Object,
        readonly: bool,
    },
    /// As many elements as this argument says.
    Counted {
        element: Object,
        readonly: bool,
        count: usize,
    },
}

/// A run of bytes, some of which are pointers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) size: usize,
    /// What an element is, where it is an array.
    pub(crate) element: CType,
    /// Where it holds pointers, and what they lead to.
    pub(crate) cells: Vec<(usize, Target)>,
}

impl Target {
    pub(super) fn of(pointer: &CType) -> Result<Target, &'static str> {
        let CType::Pointer { pointee, readonly } = pointer else {
            return Err("only an argument can have a length that another one tells");
        };
        Ok(match &**pointee {
            CType::Void => Target::Token,
            CType::Char if *readonly => Target::Text,
            pointee => Target::Object { object: Object::of(pointee)?, readonly: *readonly },
        })
    }

    /// What each element is; characters for a text.
    pub(crate) fn element(&self) -> Option<&CType> {
        match self {
            Target::Token => None,
            Target::Text => Some(&CType::Char),
            Target::Object { object, .. } | Target::Counted { element: object, .. } => Some(&object.element),
        }
    }
}

impl Object {
    pub(super) const BYTE: Object = Object { size: 1, element: CType::Char, cells: Vec::new() };

    pub(super) fn of(ctype: &CType) -> Result<Object, &'static str> {
        let Some(size) = ctype.size() else { return Err("a pointee has no size") };
        let mut element = ctype;
        while let CType::Array { element: inner, .. } = element {
            element = inner;
        }
        let mut object = Object { size, element: element.clone(), cells: Vec::new() };
        object.find_cells(ctype, 0)?;
        Ok(object)
    }

    fn find_cells(&mut self, ctype: &CType, at: usize) -> Result<(), &'static str> {
        if !ctype.has_pointers() {
            return Ok(());
        }
        match ctype {
            CType::Array { element, len } => {
                let size = element.size().unwrap_or(0);
                for n in 0..*len {
                    self.find_cells(element, at + n * size)?;
                }
            }
            CType::Struct(plain) => {
                for field in plain.fields() {
                    self.find_cells(&field.ctype, at + field.offset)?;
                }
            }
            pointer => {
                if self.cells.len() == MOST_CELLS {
                    return Err("an object holds more than 4,096 pointers");
                }
                self.cells.push((at, Target::of(bare(pointer))?));
            }
        }
        Ok(())
    }
}
