//! Lowering of C values into a guest, and lifting of its results: the parts of the C ABI for WebAssembly that
//! suit a prototype laid out for the host.
//!
//! A number is a core value. A pointee is copied, and the guest gets the address of the copy. A struct
//! crosses as in the [C ABI for WebAssembly][abi]: one that holds a single scalar as that scalar, any other
//! by address; the first argument is the address of a result of that kind.
//!
//! [abi]: https://github.com/WebAssembly/tool-conventions/blob/main/BasicCABI.md

mod fit;
mod number;
mod pointee;

use crate::ctype::CType;
use crate::ctype::CoreType;
use crate::prototype::Prototype;

pub(crate) use number::CNumber;
pub(crate) use pointee::{Object, Pointee};

/// Lowering of each argument and lifting of the result of a call.
#[derive(Debug)]
pub(crate) struct Lowering {
    pub(crate) params: Vec<Param>,
    pub(crate) result: Ret,
    /// Whether the arguments are a few numbers and at most one token, and the result is a number or nothing:
    /// then a call copies nothing and remembers no pointer.
    pub(crate) plain: bool,
}

/// Lowering of an argument.
#[derive(Debug)]
pub(crate) enum Param {
    Number(CNumber, CoreType),
    /// The address of a copy, or the number of a token.
    Pointer(Pointee),
    /// A struct, by the address of a copy.
    Struct(Object),
}

/// Lifting of a result.
#[derive(Debug)]
pub(crate) enum Ret {
    Nothing,
    Number(CNumber, CoreType),
    /// A token, or an address inside a pointee of this call.
    Pointer(Pointee),
    /// A struct that the guest writes to an address, which is passed before the arguments.
    Struct(Object),
}

impl Lowering {
    /// Returns the lowering for a prototype, with the widest core types; the error says what cannot be
    /// lowered.
    pub(crate) fn of(prototype: &Prototype) -> Result<Lowering, &'static str> {
        let params = prototype.params().iter().map(|param| Lowering::lower_param(param, prototype.params()));
        let params = params.collect::<Result<Vec<_>, _>>()?;
        let result = match single_scalar(not_array(prototype.result())?) {
            CType::Void => Ret::Nothing,
            pointer @ CType::Pointer { .. } => Ret::Pointer(Pointee::of(pointer)?),
            CType::Struct(_) => Ret::Struct(by_value(prototype.result())?),
            number => {
                let num = CNumber::of(number)?;
                let core = num.param_types()[0];
                Ret::Number(num, core)
            }
        };
        let plain = matches!(result, Ret::Nothing | Ret::Number(..)) && are_plain(&params);
        Ok(Lowering { params, result, plain })
    }

    fn lower_param(param: &CType, all: &[CType]) -> Result<Param, &'static str> {
        Ok(match single_scalar(not_array(param)?) {
            CType::Counted { element, readonly, count } => {
                let teller = all.get(*count).map(single_scalar).map(CNumber::of);
                if !teller.is_some_and(|num| num.is_ok_and(|num| num.is_integer())) {
                    return Err(
                        "the length of a pointer's elements is told by an argument that is no integer",
                    );
                }
                let element = if **element == CType::Void { Object::BYTE } else { Object::of(element)? };
                Param::Pointer(Pointee::Counted { element, readonly: *readonly, count: *count })
            }
            pointer @ CType::Pointer { .. } => Param::Pointer(Pointee::of(pointer)?),
            CType::Struct(_) => Param::Struct(by_value(param)?),
            number => {
                let num = CNumber::of(number)?;
                let core = num.param_types()[0];
                Param::Number(num, core)
            }
        })
    }

    /// Returns `true` if a call needs staging in the guest's memory.
    pub(crate) fn needs_staging(&self) -> bool {
        let follows = |target: &Pointee| !matches!(target, Pointee::Token { .. });
        matches!(self.result, Ret::Struct(_))
            || self.params.iter().any(|param| match param {
                Param::Number(..) => false,
                Param::Pointer(target) => follows(target),
                Param::Struct(_) => true,
            })
    }
}

/// Maximum number of arguments of a plain call.
pub(crate) const MAX_PLAIN_ARGS: usize = 6;

fn are_plain(params: &[Param]) -> bool {
    let is_token = |param: &Param| matches!(param, Param::Pointer(Pointee::Token { .. }));
    let is_number = |param: &Param| matches!(param, Param::Number(..));
    params.len() <= MAX_PLAIN_ARGS
        && params.iter().all(|param| is_token(param) || is_number(param))
        && params.iter().filter(|param| is_token(param)).count() <= 1
}

/// Maximum size of a struct passed by value; larger ones are passed by pointer.
const MAX_BY_VALUE_BYTES: usize = 64 << 10;

fn by_value(ctype: &CType) -> Result<Object, &'static str> {
    match ctype.size() {
        Some(..=MAX_BY_VALUE_BYTES) => Object::of(ctype),
        _ => Err("a struct of more than 64 KiB is passed by a pointer, not by value"),
    }
}

/// Rejects arrays, which C passes by pointer: a prototype has to say so.
fn not_array(ctype: &CType) -> Result<&CType, &'static str> {
    match ctype {
        CType::Array { .. } => Err("an array is passed by a pointer, not by value"),
        _ => Ok(ctype),
    }
}

/// Returns the scalar of a struct that holds nothing else, which is that scalar for the C ABI; any other type
/// is returned unchanged.
fn single_scalar(ctype: &CType) -> &CType {
    match ctype {
        CType::Struct(plain) => match plain.fields() {
            [only] => match single_scalar(&only.ctype) {
                CType::Struct(_) | CType::Array { .. } => ctype,
                scalar => scalar,
            },
            _ => ctype,
        },
        CType::Array { element, len: 1 } => single_scalar(element),
        _ => ctype,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowering(text: &str) -> Result<Lowering, &'static str> {
        Lowering::of(&text.parse().unwrap())
    }

    #[test]
    fn each_kind_of_argument_has_its_way() {
        let lowering = lowering(
            "int (short, const int *, const char *, void *, int n, double a[n], struct { int x; int y; }, \
             struct { struct { float f[1]; } s; })",
        )
        .unwrap();
        let params: Vec<_> = lowering.params.iter().map(|param| format!("{param:?}")).collect();
        let begins = [
            "Number(CNumber { size: 2",
            "Pointer(Object",
            "Pointer(Text",
            "Pointer(Token",
            "Number",
            "Pointer(Counted",
            "Struct(Object { size: 8",
            "Number(CNumber { size: 4, kind: Float",
        ];
        for (param, begin) in params.iter().zip(begins) {
            assert!(param.starts_with(begin), "{param} {begin}");
        }
        assert!(lowering.needs_staging());
    }

    #[test]
    fn what_stays_in_registers_needs_no_room() {
        assert!(!lowering("int (void *, int, struct { long x; })").unwrap().needs_staging());
        assert!(lowering("struct { int x; int y; } (void)").unwrap().needs_staging());
    }

    #[test]
    fn what_does_not_cross_is_refused() {
        assert!(lowering("long double (void)").unwrap_err().contains("long double"));
        assert!(lowering("int (int n, struct { long double x; })").is_err());
        assert!(lowering("int (double n, const void a[n])").unwrap_err().contains("no integer"));
        for len in [1, 2] {
            let array = CType::Int.array(len).unwrap();
            assert!(
                Lowering::of(&Prototype::new(CType::Int, [array.clone()])).unwrap_err().contains("array")
            );
            assert!(Lowering::of(&Prototype::new(array, [])).unwrap_err().contains("array"));
        }
        let counted = Prototype::new(CType::Int.counted(true, 0), [CType::Int]);
        assert!(Lowering::of(&counted).is_err());
        assert!(lowering("int (struct { char c[70000]; })").unwrap_err().contains("64 KiB"));
    }
}
