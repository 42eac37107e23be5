//! A comparator export with its core type settled, ready to be called.

use std::marker::PhantomData;

use wasmtime::{Store, TypedFunc, WasmTy};

use super::staging::Staging;
use super::store::StoreData;
use crate::ctype::{CType, CoreType, NumberKind, StoredNumber};

type Two<T> = TypedFunc<(T, T), i32>;

/// A comparator export; one variant for each shape and core type.
pub(crate) enum CompareExport {
    Pointers(Two<i32>),
    Slices(TypedFunc<(i32, i32, i32, i32), i32>),
    I32(Two<i32>, NumberKind),
    I64(Two<i64>, NumberKind),
    F32(Two<f32>),
    F64(Two<f64>),
}

/// The call of a comparator with two elements, specialized for their type.
pub(crate) struct PairCaller(Box<dyn CallPair>);

impl PairCaller {
    #[inline]
    pub(super) fn call(
        &self,
        store: &mut Store<StoreData>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32> {
        self.0.call(store, staging, a, b)
    }

    /// Copies two elements into the guest's memory, if it takes them from there. Returns their addresses.
    pub(super) fn stage(
        &self,
        store: &mut Store<StoreData>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<(u32, u32)> {
        self.0.stage(store, staging, a, b)
    }

    /// Compares two elements that have been [staged](PairCaller::stage).
    pub(super) fn call_staged(
        &self,
        store: &mut Store<StoreData>,
        places: (u32, u32),
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32> {
        self.0.call_staged(store, places, a, b)
    }
}

trait CallPair: Send + Sync {
    fn stage(
        &self,
        store: &mut Store<StoreData>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<(u32, u32)> {
        staging.stage_pair(store, a, b)
    }

    fn call_staged(
        &self,
        store: &mut Store<StoreData>,
        places: (u32, u32),
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32>;

    fn call(
        &self,
        store: &mut Store<StoreData>,
        staging: &mut Staging,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32> {
        let places = self.stage(store, staging, a, b)?;
        self.call_staged(store, places, a, b)
    }
}

impl CompareExport {
    /// Returns whether scalars of this type can be passed without losing anything but, for `u32` and
    /// `u64`, the sign.
    pub(crate) fn takes(&self, element: &CType) -> bool {
        let (size, kind) = (element.size().unwrap_or(0), element.kind());
        match self {
            CompareExport::Pointers(_) | CompareExport::Slices(_) => true,
            CompareExport::I32(..) => {
                size <= 4 && matches!(kind, Some(NumberKind::Signed | NumberKind::Unsigned))
            }
            CompareExport::I64(..) => {
                size <= 8 && matches!(kind, Some(NumberKind::Signed | NumberKind::Unsigned))
            }
            CompareExport::F32(_) => size == 4 && kind == Some(NumberKind::Float),
            CompareExport::F64(_) => size <= 8 && kind == Some(NumberKind::Float),
        }
    }

    /// Returns the type of the elements as the core type alone states it.
    pub(crate) fn scalar(&self) -> Option<CType> {
        match self {
            CompareExport::Pointers(_) | CompareExport::Slices(_) => None,
            CompareExport::I32(_, NumberKind::Unsigned) => Some(CType::UInt32),
            CompareExport::I32(..) => Some(CType::Int32),
            CompareExport::I64(_, NumberKind::Unsigned) => Some(CType::UInt64),
            CompareExport::I64(..) => Some(CType::Int64),
            CompareExport::F32(_) => Some(CType::Float),
            CompareExport::F64(_) => Some(CType::Double),
        }
    }

    /// Returns the representation of such elements, for a comparator that takes numbers.
    pub(crate) fn number(&self, element: Option<&CType>) -> Option<StoredNumber> {
        let core = match self {
            CompareExport::Pointers(_) | CompareExport::Slices(_) => return None,
            CompareExport::I32(..) => CoreType::I32,
            CompareExport::I64(..) => CoreType::I64,
            CompareExport::F32(_) => CoreType::F32,
            CompareExport::F64(_) => CoreType::F64,
        };
        let width = u8::try_from(element?.size()?).ok()?;
        Some(StoredNumber { core, width, signed: element?.kind() == Some(NumberKind::Signed) })
    }

    /// Returns the call for elements of this type, which it [takes](CompareExport::takes). Narrow integers
    /// are extended as C extends them.
    pub(crate) fn caller(&self, element: Option<&CType>) -> PairCaller {
        let size = element.and_then(CType::size);
        // Monomorphized for each width: a branch on the width in each call would take as long as the rest.
        PairCaller(match self {
            CompareExport::Pointers(f) => Box::new(Pointers(f.clone())),
            CompareExport::Slices(f) => Box::new(Slices(f.clone())),
            CompareExport::I32(f, _) => match (element.and_then(CType::kind), size) {
                (Some(NumberKind::Signed), Some(1)) => scalars::<i32, i8>(f),
                (_, Some(1)) => scalars::<i32, u8>(f),
                (Some(NumberKind::Signed), Some(2)) => scalars::<i32, i16>(f),
                (_, Some(2)) => scalars::<i32, u16>(f),
                _ => scalars::<i32, i32>(f),
            },
            CompareExport::I64(f, _) => match (element.and_then(CType::kind), size) {
                (Some(NumberKind::Signed), Some(1)) => scalars::<i64, i8>(f),
                (_, Some(1)) => scalars::<i64, u8>(f),
                (Some(NumberKind::Signed), Some(2)) => scalars::<i64, i16>(f),
                (_, Some(2)) => scalars::<i64, u16>(f),
                (Some(NumberKind::Signed), Some(4)) => scalars::<i64, i32>(f),
                (_, Some(4)) => scalars::<i64, u32>(f),
                _ => scalars::<i64, i64>(f),
            },
            CompareExport::F32(f) => scalars::<f32, f32>(f),
            CompareExport::F64(f) if size == Some(4) => scalars::<f64, f32>(f),
            CompareExport::F64(f) => scalars::<f64, f64>(f),
        })
    }
}

struct Pointers(Two<i32>);

impl CallPair for Pointers {
    fn call_staged(
        &self,
        store: &mut Store<StoreData>,
        at: (u32, u32),
        _: &[u8],
        _: &[u8],
    ) -> wasmtime::Result<i32> {
        self.0.call(store, (at.0 as i32, at.1 as i32))
    }
}

struct Slices(TypedFunc<(i32, i32, i32, i32), i32>);

impl CallPair for Slices {
    fn call_staged(
        &self,
        store: &mut Store<StoreData>,
        at: (u32, u32),
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32> {
        self.0.call(store, (at.0 as i32, a.len() as i32, at.1 as i32, b.len() as i32))
    }
}

/// Elements of type `T` as values of core type `W`.
struct Scalars<W, T>(Two<W>, PhantomData<fn(T)>);

fn scalars<W: WasmTy + Copy + Sync + 'static, T: Scalar<W> + 'static>(f: &Two<W>) -> Box<dyn CallPair> {
    Box::new(Scalars::<W, T>(f.clone(), PhantomData))
}

impl<W: WasmTy + Sync, T: Scalar<W>> CallPair for Scalars<W, T> {
    fn stage(
        &self,
        _: &mut Store<StoreData>,
        _: &mut Staging,
        _: &[u8],
        _: &[u8],
    ) -> wasmtime::Result<(u32, u32)> {
        Ok((0, 0))
    }

    fn call_staged(
        &self,
        store: &mut Store<StoreData>,
        _: (u32, u32),
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<i32> {
        self.0.call(store, (T::read(a), T::read(b)))
    }
}

/// A number in the host's memory that is passed as core type `W`.
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
