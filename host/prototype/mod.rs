//! C function types as values, and their parser and printer in C syntax.

mod abi_class;
mod conv;
#[cfg(feature = "libffi")]
mod fn_pointer;
mod parse;

use std::fmt;
use std::str::FromStr;

use crate::ctype::{CType, Printer};
use crate::error::Error;

pub use abi_class::{AbiClass, CValue};
pub use conv::CallConv;
#[cfg(feature = "libffi")]
pub use fn_pointer::{FnPointer, UntypedFn};
#[cfg(feature = "libffi")]
pub(crate) use fn_pointer::{check_fn_pointer, fn_pointer};

/// A C function type: calling convention, result type, argument types. ctypes' `CFUNCTYPE`.
///
/// A prototype is built in the order of `CFUNCTYPE`, result first, or parsed from C syntax:
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
///
/// # Syntax
///
/// | text | meaning |
/// |---|---|
/// | `int`, `unsigned long long`, `uint8_t`, `size_t`, `_Bool`, `double`, … | a number |
/// | `enum { RED, GREEN }`, `enum colour { RED = 3 }` | an `int` that is one of the enumerators |
/// | `enum colour`, if it is not defined | an `int` |
/// | `const T *`, `T *` | a pointer to one `T`, copied into the guest, and back where it is not const |
/// | `const T [5]`, `T (*)[5]` | a pointer to five `T` |
/// | `const T a[n]`, `T a[n]` | a pointer to as many `T` as the argument `n` is; bytes, where `T` is `void` |
/// | `const char *` | text that ends with a NUL |
/// | `struct point { int x; int y; }` | the struct itself; afterwards `struct point` means the same |
/// | `void *`, `struct unknown *` | an opaque token, which the guest can pass back as that type, not read |
///
/// All of this except `void a[n]` is valid C. Definitions of structs and enumerations may precede the
/// function type, each followed by a semicolon. Calling conventions are `__cdecl`, `__stdcall`, `__fastcall`,
/// `__thiscall`, `__attribute__((ms_abi))` and `__attribute__((sysv_abi))`.
///
/// ```
/// # fn main() -> callbox::Result<()> {
/// let collate: callbox::Prototype = "int (void *, int n, const void a[n], int m, const void b[m])".parse()?;
/// let text = "struct div { int quot; int rem; }; int f(const struct div *, struct div)";
/// let divided: callbox::Prototype = text.parse()?;
/// assert_eq!(divided.to_string(), "int (const struct div { int quot; int rem; } *, struct div)");
/// # let _ = collate;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prototype {
    conv: CallConv,
    result: CType,
    params: Vec<CType>,
}

impl Prototype {
    /// Creates a prototype of the C calling convention: result type, then argument types.
    pub fn new(result: CType, params: impl IntoIterator<Item = CType>) -> Prototype {
        Prototype { conv: CallConv::C, result, params: params.into_iter().collect() }
    }

    /// Returns the prototype of comparators for `qsort` and `bsearch`, for elements of one type:
    /// `int (const T *, const T *)`.
    pub fn comparator(element: CType) -> Prototype {
        let element = element.const_pointer();
        Prototype::new(CType::Int, [element.clone(), element])
    }

    /// Returns the prototype with another calling convention.
    pub fn with_conv(self, conv: CallConv) -> Prototype {
        Prototype { conv, ..self }
    }

    /// Returns the calling convention.
    pub fn conv(&self) -> CallConv {
        self.conv
    }

    /// Returns the type of the result.
    pub fn result(&self) -> &CType {
        &self.result
    }

    /// Returns the types of the arguments.
    pub fn params(&self) -> &[CType] {
        &self.params
    }
}

impl FromStr for Prototype {
    type Err = Error;

    /// Parses C syntax: `int (const void *, const void *)` or a pointer to such a function (`int (*)(…)`),
    /// with or without names, and everything else in the [table](Prototype#syntax).
    ///
    /// # Errors
    ///
    /// [`Error::PrototypeSyntax`], with the column and the reason.
    fn from_str(text: &str) -> Result<Prototype, Error> {
        parse::prototype(text)
    }
}

impl fmt::Display for Prototype {
    /// Writes C syntax, with names for lengths of other arguments only: `int (const void *, const void *)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer::default();
        // The result's type comes first in C, and so do the definitions of its structs.
        let result = printer.declare(&self.result, "\0".to_owned());
        let name = |at: usize| format!("n{}", at + 1);
        let counts = |at: usize| {
            let mut counts = self.params.iter();
            counts.any(|other| matches!(other, CType::Counted { count, .. } if *count == at))
        };
        let params: Vec<_> = (self.params.iter().enumerate())
            .map(|(at, param)| printer.param(param, name, if counts(at) { name(at) } else { String::new() }))
            .collect();
        let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
        f.write_str(&result.replace('\0', &format!("{}({params})", self.conv.keyword())))
    }
}
