//! A C function type as a value; parses and prints C syntax.

mod parse;

use std::fmt;
use std::str::FromStr;

use crate::ctype::CType;
use crate::error::Error;

/// How C passes the arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallConv {
    /// What the target's C compiler uses when nothing is said; ctypes' `CFUNCTYPE`.
    #[default]
    C,
    /// `__stdcall`, ctypes' `WINFUNCTYPE`. On x86-64 it is the Microsoft x64 convention.
    Stdcall,
}

/// A C function type: calling convention, result type, argument types. ctypes' `CFUNCTYPE`.
///
/// Build it in the order of `CFUNCTYPE`, result first, or write it as C does:
///
/// ```
/// use callbox::{CType, Prototype};
/// # fn main() -> callbox::Result<()> {
/// let cmp: Prototype = "int (const int *, const int *)".parse()?;
/// let int = CType::Int.const_pointer();
/// assert_eq!(cmp, Prototype::new(CType::Int, [int.clone(), int]));
/// assert_eq!(cmp.to_string(), "int (const int *, const int *)");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prototype {
    conv: CallConv,
    result: CType,
    params: Vec<CType>,
}

impl Prototype {
    /// A prototype of the C calling convention: result type, then argument types.
    pub fn new(result: CType, params: impl IntoIterator<Item = CType>) -> Prototype {
        Prototype { conv: CallConv::C, result, params: params.into_iter().collect() }
    }

    /// `int (const T *, const T *)`: what `qsort` and `bsearch` take, for elements of one type.
    pub fn comparator(element: CType) -> Prototype {
        let element = element.const_pointer();
        Prototype::new(CType::Int, [element.clone(), element])
    }

    /// The same with another calling convention.
    pub fn with_conv(self, conv: CallConv) -> Prototype {
        Prototype { conv, ..self }
    }

    /// How C passes the arguments.
    pub fn conv(&self) -> CallConv {
        self.conv
    }

    /// The type of the result.
    pub fn result(&self) -> &CType {
        &self.result
    }

    /// The types of the arguments.
    pub fn params(&self) -> &[CType] {
        &self.params
    }
}

impl FromStr for Prototype {
    type Err = Error;

    /// Parses C syntax: `int (const void *, const void *)`, and the same as a pointer
    /// (`int (*)(…)`), with names, and with `__cdecl` or `__stdcall`.
    ///
    /// # Errors
    ///
    /// [`Error::PrototypeSyntax`], which says where and why.
    fn from_str(text: &str) -> Result<Prototype, Error> {
        parse::prototype(text)
    }
}

impl fmt::Display for Prototype {
    /// C syntax without names: `int (const void *, const void *)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.result)?;
        if !matches!(self.result, CType::Pointer { .. }) {
            f.write_str(" ")?;
        }
        if self.conv == CallConv::Stdcall {
            f.write_str("__stdcall ")?;
        }
        f.write_str("(")?;
        for (i, param) in self.params.iter().enumerate() {
            write!(f, "{}{param}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str(if self.params.is_empty() { "void)" } else { ")" })
    }
}
