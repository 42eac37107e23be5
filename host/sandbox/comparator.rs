//! A comparator export with its core type settled, ready to be called.

use std::marker::PhantomData;

use wasmtime::{Store, TypedFunc, WasmTy};

use super::staging::Staging;
use super::store::State;
use crate::ctype::{CType, Kind};
use crate::kernel::{Core, Number};

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

/// A way to hand two elements over and ask for their order.
pub(crate) struct Caller(Box<dyn Call>);

impl Caller {
    #[inline]
    pub(super) fn call(
        &self,
        store: &mut Store<State>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32> {
        self.0.call(store, staging, a, b)
    }
}

trait Call: Send + Sync {
    fn call(
        &self,
        store: &mut Store<State>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32>;
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

    /// Such elements as numbers, for a comparator that takes numbers.
    pub(crate) fn number(&self, element: Option<&CType>) -> Option<Number> {
        let core = match self {
            Comparator::Pointers(_) | Comparator::Slices(_) => return None,
            Comparator::I32(..) => Core::I32,
            Comparator::I64(..) => Core::I64,
            Comparator::F32(_) => Core::F32,
            Comparator::F64(_) => Core::F64,
        };
        let width = u8::try_from(element?.size()?).ok()?;
        Some(Number { core, width, signed: element?.kind() == Some(Kind::Signed) })
    }

    /// The way to call it with such elements, which it takes. Narrow integers are extended as C
    /// extends them.
    pub(crate) fn caller(&self, element: Option<&CType>) -> Caller {
        let size = element.and_then(CType::size);
        // Compiled for each width: a jump by width in each call would cost as much as the rest.
        Caller(match self {
            Comparator::Pointers(f) => Box::new(Pointers(f.clone())),
            Comparator::Slices(f) => Box::new(Slices(f.clone())),
            Comparator::I32(f, _) => match (element.and_then(CType::kind), size) {
                (Some(Kind::Signed), Some(1)) => scalars::<i32, i8>(f),
                (_, Some(1)) => scalars::<i32, u8>(f),
                (Some(Kind::Signed), Some(2)) => scalars::<i32, i16>(f),
                (_, Some(2)) => scalars::<i32, u16>(f),
                _ => scalars::<i32, i32>(f),
            },
            Comparator::I64(f, _) => match (element.and_then(CType::kind), size) {
                (Some(Kind::Signed), Some(1)) => scalars::<i64, i8>(f),
                (_, Some(1)) => scalars::<i64, u8>(f),
                (Some(Kind::Signed), Some(2)) => scalars::<i64, i16>(f),
                (_, Some(2)) => scalars::<i64, u16>(f),
                (Some(Kind::Signed), Some(4)) => scalars::<i64, i32>(f),
                (_, Some(4)) => scalars::<i64, u32>(f),
                _ => scalars::<i64, i64>(f),
            },
            Comparator::F32(f) => scalars::<f32, f32>(f),
            Comparator::F64(f) if size == Some(4) => scalars::<f64, f32>(f),
            Comparator::F64(f) => scalars::<f64, f64>(f),
        })
    }
}

struct Pointers(Two<i32>);

impl Call for Pointers {
    fn call(
        &self,
        store: &mut Store<State>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32> {
        let at = staging.put(store, a, b)?;
        self.0.call(store, (at.0 as i32, at.1 as i32))
    }
}

struct Slices(TypedFunc<(i32, i32, i32, i32), i32>);

impl Call for Slices {
    fn call(
        &self,
        store: &mut Store<State>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32> {
        let at = staging.put(store, a, b)?;
        self.0.call(store, (at.0 as i32, a.len() as i32, at.1 as i32, b.len() as i32))
    }
}

/// Elements of type `T` as values of core type `W`.
struct Scalars<W, T>(Two<W>, PhantomData<fn(T)>);

fn scalars<W: WasmTy + Copy + Sync + 'static, T: Scalar<W> + 'static>(f: &Two<W>) -> Box<dyn Call> {
    Box::new(Scalars::<W, T>(f.clone(), PhantomData))
}

impl<W: WasmTy + Sync, T: Scalar<W>> Call for Scalars<W, T> {
    fn call(&self, store: &mut Store<State>, _: &mut Staging, a: &[u8], b: &[u8]) -> wasmtime::Result<i32> {
        self.0.call(store, (T::read(a), T::read(b)))
    }
}

/// A number in the host's memory, as core type `W`.
trait Scalar<W> {
    fn read(bytes: &[u8]) -> W;
}

macro_rules! scalars {
    ($($core:ident: $($number:ident)*;)*) => {
        $($(impl Scalar<$core> for $number {
            fn read(bytes: &[u8]) -> $core {
                let bytes = bytes.try_into().expect("the width was checked when the callback was made");
                $number::from_ne_bytes(bytes) as $core
            }
        })*)*
    };
}

scalars! {
    i32: i8 u8 i16 u16 i32;
    i64: i8 u8 i16 u16 i32 u32 i64;
    f32: f32;
    f64: f32 f64;
}
