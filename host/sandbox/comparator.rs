//! A comparator export with its core type settled, ready to be called.

use wasmtime::{Store, TypedFunc};

use super::staging::Staging;
use super::store::{Failed, State};
use crate::ctype::{CType, Kind};
use crate::error::Result;

type Two<T> = TypedFunc<(T, T), i32>;

/// A comparator export; one variant for each core type that has a shape.
pub(crate) enum Comparator {
    Pointers(Two<i32>),
    Slices(TypedFunc<(i32, i32, i32, i32), i32>),
    I32(Two<i32>, Kind),
    I64(Two<i64>, Kind),
    F32(Two<f32>),
    F64(Two<f64>),
}

impl Comparator {
    /// Whether scalars of this type can be handed over without losing anything but, for `u32` and
    /// `u64`, the sign.
    pub(crate) fn takes(&self, element: &CType) -> bool {
        let (size, kind) = (element.size().unwrap_or(0), element.kind());
        match self {
            Comparator::Pointers(_) | Comparator::Slices(_) => true,
            Comparator::I32(..) => size <= 4 && matches!(kind, Some(Kind::Signed | Kind::Unsigned)),
            Comparator::I64(..) => size <= 8 && matches!(kind, Some(Kind::Signed | Kind::Unsigned)),
            Comparator::F32(_) => size == 4 && kind == Some(Kind::Float),
            Comparator::F64(_) => size <= 8 && kind == Some(Kind::Float),
        }
    }

    /// The type of the elements where only the core type tells it.
    pub(crate) fn scalar(&self) -> Option<CType> {
        match self {
            Comparator::Pointers(_) | Comparator::Slices(_) => None,
            Comparator::I32(_, Kind::Unsigned) => Some(CType::UInt32),
            Comparator::I32(..) => Some(CType::Int32),
            Comparator::I64(_, Kind::Unsigned) => Some(CType::UInt64),
            Comparator::I64(..) => Some(CType::Int64),
            Comparator::F32(_) => Some(CType::Float),
            Comparator::F64(_) => Some(CType::Double),
        }
    }

    /// The same, for elements of this kind: narrow ones are extended as C extends them.
    pub(crate) fn reading(self, kind: Option<Kind>) -> Comparator {
        match (self, kind) {
            (Comparator::I32(f, _), Some(kind)) => Comparator::I32(f, kind),
            (Comparator::I64(f, _), Some(kind)) => Comparator::I64(f, kind),
            (other, _) => other,
        }
    }

    /// Hands both elements over, as their shape wants it, and asks for their order.
    pub(super) fn call(
        &self,
        store: &mut Store<State>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> Result<i32, Failed> {
        let answer = match self {
            Comparator::Pointers(f) => {
                let at = staging.put(store, a, b)?;
                f.call(store, (at.0 as i32, at.1 as i32))
            }
            Comparator::Slices(f) => {
                let at = staging.put(store, a, b)?;
                f.call(store, (at.0 as i32, a.len() as i32, at.1 as i32, b.len() as i32))
            }
            Comparator::I32(f, kind) => f.call(store, (integer(a, *kind) as i32, integer(b, *kind) as i32)),
            Comparator::I64(f, kind) => f.call(store, (integer(a, *kind), integer(b, *kind))),
            Comparator::F32(f) => f.call(store, (single(a), single(b))),
            Comparator::F64(f) => f.call(store, (double(a), double(b))),
        };
        answer.map_err(Failed::Wasm)
    }
}

/// The integer in these bytes, extended as C extends its type.
fn integer(bytes: &[u8], kind: Kind) -> i64 {
    // The usual widths first: a jump by width would cost as much as the rest of it.
    if let Ok(four) = bytes.try_into() {
        let value = i32::from_ne_bytes(four);
        return if kind == Kind::Signed { value.into() } else { (value as u32).into() };
    }
    if let Ok(eight) = bytes.try_into() {
        return i64::from_ne_bytes(eight);
    }
    match (bytes, kind) {
        (&[a], Kind::Signed) => (a as i8).into(),
        (&[a], _) => a.into(),
        (&[a, b], Kind::Signed) => i16::from_ne_bytes([a, b]).into(),
        (&[a, b], _) => u16::from_ne_bytes([a, b]).into(),
        _ => unreachable!("the element's width was checked when the callback was made"),
    }
}

fn single(bytes: &[u8]) -> f32 {
    match *bytes {
        [a, b, c, d] => f32::from_ne_bytes([a, b, c, d]),
        _ => unreachable!("the element's width was checked when the callback was made"),
    }
}

fn double(bytes: &[u8]) -> f64 {
    match *bytes {
        [a, b, c, d, e, f, g, h] => f64::from_ne_bytes([a, b, c, d, e, f, g, h]),
        _ => f64::from(single(bytes)),
    }
}
