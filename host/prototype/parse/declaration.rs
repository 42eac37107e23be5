//! The parts of a declaration.

use crate::ctype::CType;
use crate::prototype::Prototype;

/// The type that specifiers name.
#[derive(Clone)]
pub(super) struct Base {
    pub(super) ctype: CType,
    pub(super) readonly: bool,
    /// State of a struct's definition; `Known` for every other type.
    pub(super) tag: Tag,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Defined,
    Undefined,
    Known,
}

/// The entity that a declaration declares.
pub(super) enum Declared {
    Object(CType),
    Function(Prototype),
}

/// The context of a declaration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Top,
    Field,
    Param,
}
