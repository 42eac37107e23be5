//! How the values of a C call reach a guest, and come back: what of the C ABI for WebAssembly suits a
//! prototype that was laid out for the host.
//!
//! A number is a core value. What a pointer leads to is copied, and the guest gets its address. A struct
//! crosses as in the [C ABI for WebAssembly][abi]: one that holds a single scalar as that scalar, any
//! other by address; a result of that kind is written where the first argument says.
//!
//! [abi]: https://github.com/WebAssembly/tool-conventions/blob/main/BasicCABI.md

mod fit;
mod number;
mod target;

use crate::ctype::CType;
use crate::kernel::Core;
use crate::prototype::Prototype;

pub(crate) use number::Num;
pub(crate) use target::{Object, Target};

/// How each value of a call crosses.
#[derive(Debug)]
pub(crate) struct Abi {
    pub(crate) params: Vec<Way>,
    pub(crate) result: Back,
}

/// How an argument gets in.
#[derive(Debug)]
pub(crate) enum Way {
    Number(Num, Core),
    /// The address of a copy, or the number of a token.
    Pointer(Target),
    /// A struct, by the address of a copy.
    Struct(Object),
}

/// How a result gets out.
#[derive(Debug)]
pub(crate) enum Back {
    Nothing,
    Number(Num, Core),
    /// A token, or an address of something that a pointer of this call led to.
    Pointer(Target),
    /// Written to a place whose address is passed before the arguments.
    Struct(Object),
}

impl Abi {
    /// The ways of a prototype, with the widest core types; an error says what does not cross.
    pub(crate) fn of(prototype: &Prototype) -> Result<Abi, &'static str> {
        let params = prototype.params().iter().map(|param| Abi::way(param, prototype.params()));
        let params = params.collect::<Result<_, _>>()?;
        let result = match bare(not_array(prototype.result())?) {
            CType::Void => Back::Nothing,
            pointer @ CType::Pointer { .. } => Back::Pointer(Target::of(pointer)?),
            CType::Struct(_) => Back::Struct(by_value(prototype.result())?),
            number => {
                let num = Num::of(number)?;
                Back::Number(num, num.cores()[0])
            }
        };
        Ok(Abi { params, result })
    }

    fn way(param: &CType, all: &[CType]) -> Result<Way, &'static str> {
        Ok(match bare(not_array(param)?) {
            CType::Counted { element, readonly, count } => {
                let teller = all.get(*count).map(bare).map(Num::of);
                if !teller.is_some_and(|num| num.is_ok_and(Num::is_integer)) {
                    return Err(
                        "the length of a pointer's elements is told by an argument that is no integer",
                    );
                }
                let element = if **element == CType::Void { Object::BYTE } else { Object::of(element)? };
                Way::Pointer(Target::Counted { element, readonly: *readonly, count: *count })
            }
            pointer @ CType::Pointer { .. } => Way::Pointer(Target::of(pointer)?),
            CType::Struct(_) => Way::Struct(by_value(param)?),
            number => {
                let num = Num::of(number)?;
                Way::Number(num, num.cores()[0])
            }
        })
    }

    /// Whether a call needs room in the guest's memory.
    pub(crate) fn stages(&self) -> bool {
        let follows = |target: &Target| !matches!(target, Target::Token);
        matches!(self.result, Back::Struct(_))
            || self.params.iter().any(|way| match way {
                Way::Number(..) => false,
                Way::Pointer(target) => follows(target),
                Way::Struct(_) => true,
            })
    }
}

/// Larger ones are passed by pointers.
const LARGEST_BY_VALUE: usize = 64 << 10;

fn by_value(ctype: &CType) -> Result<Object, &'static str> {
    match ctype.size() {
        Some(..=LARGEST_BY_VALUE) => Object::of(ctype),
        _ => Err("a struct of more than 64 KiB is passed by a pointer, not by value"),
    }
}

/// C passes arrays by pointers; here that is written so.
fn not_array(ctype: &CType) -> Result<&CType, &'static str> {
    match ctype {
        CType::Array { .. } => Err("an array is passed by a pointer, not by value"),
        _ => Ok(ctype),
    }
}

/// What a struct that holds nothing but one scalar is, for the C ABI: that scalar.
fn bare(ctype: &CType) -> &CType {
    match ctype {
        CType::Struct(plain) => match plain.fields() {
            [only] => match bare(&only.ctype) {
                CType::Struct(_) | CType::Array { .. } => ctype,
                scalar => scalar,
            },
            _ => ctype,
        },
        CType::Array { element, len: 1 } => bare(element),
        _ => ctype,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abi(text: &str) -> Result<Abi, &'static str> {
        Abi::of(&text.parse().unwrap())
    }

    #[test]
    fn each_kind_of_argument_has_its_way() {
        let abi = abi(
            "int (short, const int *, const char *, void *, int n, double a[n], struct { int x; int y; }, \
             struct { struct { float f[1]; } s; })",
        )
        .unwrap();
        let ways: Vec<_> = abi.params.iter().map(|way| format!("{way:?}")).collect();
        let begins = [
            "Number(Num { size: 2",
            "Pointer(Object",
            "Pointer(Text",
            "Pointer(Token",
            "Number",
            "Pointer(Counted",
            "Struct(Object { size: 8",
            "Number(Num { size: 4, kind: Float",
        ];
        for (way, begin) in ways.iter().zip(begins) {
            assert!(way.starts_with(begin), "{way} {begin}");
        }
        assert!(abi.stages());
    }

    #[test]
    fn what_stays_in_registers_needs_no_room() {
        assert!(!abi("int (void *, int, struct { long x; })").unwrap().stages());
        assert!(abi("struct { int x; int y; } (void)").unwrap().stages());
    }

    #[test]
    fn what_does_not_cross_is_refused() {
        assert!(abi("long double (void)").unwrap_err().contains("long double"));
        assert!(abi("int (int n, struct { long double x; })").is_err());
        assert!(abi("int (double n, const void a[n])").unwrap_err().contains("no integer"));
        for len in [1, 2] {
            let array = CType::Int.array(len).unwrap();
            assert!(Abi::of(&Prototype::new(CType::Int, [array.clone()])).unwrap_err().contains("array"));
            assert!(Abi::of(&Prototype::new(array, [])).unwrap_err().contains("array"));
        }
        let counted = Prototype::new(CType::Int.counted(true, 0), [CType::Int]);
        assert!(Abi::of(&counted).is_err());
        assert!(abi("int (struct { char c[70000]; })").unwrap_err().contains("64 KiB"));
    }
}
