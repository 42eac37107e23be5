//! A lender's failure policy for a callback: the fallback that C gets, and the hook that receives failures.

use std::fmt;
use std::sync::Arc;

use super::Callback;
use crate::callback::lowering::{Lowering, Ret};
use crate::error::{Error, Result, TypeError};

/// Consumes a failure and returns the error to record, if any.
pub(crate) type Hook = dyn Fn(Error) -> Option<Error> + Send + Sync;

/// A lender's failure policy for a callback.
#[derive(Clone, Default)]
pub(crate) struct FailurePolicy {
    /// Bytes of the fallback, numbers extended to eight; zeros if `None`.
    pub(crate) fallback: Option<Box<[u8]>>,
    pub(crate) on_failure: Option<Arc<Hook>>,
}

/// A fallback: a value of a callback's result type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FallbackValue {
    /// An integer of any type.
    Integer(i128),
    /// A `float` or a `double`.
    Float(f64),
    /// A struct, in the host's layout.
    Bytes(Vec<u8>),
}

macro_rules! values {
    ($($from:ty => $variant:ident $into:ty),* $(,)?) => {
        $(impl From<$from> for FallbackValue {
            fn from(value: $from) -> FallbackValue {
                FallbackValue::$variant(<$into>::from(value))
            }
        })*
    };
}

values! {
    bool => Integer i128, i8 => Integer i128, i16 => Integer i128, i32 => Integer i128, i64 => Integer i128,
    u8 => Integer i128, u16 => Integer i128, u32 => Integer i128, u64 => Integer i128,
    f32 => Float f64, f64 => Float f64, &[u8] => Bytes Vec<u8>, Vec<u8> => Bytes Vec<u8>,
}

impl fmt::Display for FallbackValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FallbackValue::Integer(value) => value.fmt(f),
            FallbackValue::Float(value) => value.fmt(f),
            FallbackValue::Bytes(bytes) => write!(f, "a run of {} bytes", bytes.len()),
        }
    }
}

impl Callback {
    /// Sets the fallback, the value that C gets instead of an answer after a failure and after the end of the
    /// lease; cffi's `error=`. By default it is 0, or all zeros. Leases made from the returned callback have
    /// the fallback; a sort or search of [`native`](crate::native) always continues with 0.
    ///
    /// # Errors
    ///
    /// [`TypeError::Fallback`] if the value is not of the result's type, or the result is or contains a
    /// pointer, whose fallback is always null.
    pub fn fallback(self, value: impl Into<FallbackValue>) -> Result<Callback> {
        let value = value.into();
        let lowering = Lowering::of(self.prototype()).ok();
        let bytes = match (lowering.as_ref().map(|lowering| &lowering.result), &value) {
            (Some(Ret::Number(num, _)), FallbackValue::Integer(value)) => num.of_integer(*value),
            (Some(Ret::Number(num, _)), FallbackValue::Float(value)) => num.of_float(*value),
            (Some(Ret::Struct(object)), FallbackValue::Bytes(bytes))
                if object.pointer_fields.is_empty() && object.size == bytes.len() =>
            {
                let mut bytes = bytes.clone();
                object.admit(&mut bytes, None).is_ok().then_some(bytes)
            }
            _ => None,
        };
        let Some(bytes) = bytes else {
            return Err(TypeError::Fallback {
                export: self.export().to_owned(),
                result: self.prototype().result().to_string(),
                fallback: value.to_string(),
            }
            .into());
        };
        Ok(self.with_policy(|policy| policy.fallback = Some(bytes.into())))
    }

    /// Sets a hook that receives each failure as it happens, for native code that never returns to the host.
    /// The hook runs on the calling thread, inside the call, and possibly on several threads at once; a panic
    /// in it is caught.
    ///
    /// The error that the hook returns is recorded, and C gets the fallback until the error is
    /// [taken](crate::RetainedLease::take_failure). If the hook returns `None`, the next call reaches the
    /// guest again. The failure that ends a call of [`native`](crate::native), which is a panic or a pointer
    /// outside of the array, is returned by it even if the hook returns `None`.
    pub fn on_failure(self, hook: impl Fn(Error) -> Option<Error> + Send + Sync + 'static) -> Callback {
        self.with_policy(|policy| policy.on_failure = Some(Arc::new(hook)))
    }

    fn with_policy(mut self, change: impl FnOnce(&mut FailurePolicy)) -> Callback {
        change(Arc::make_mut(&mut self.policy));
        self
    }
}
