//! Calls of an export of any core type.
#![allow(unsafe_code, reason = "calls wasm with values whose types have been checked before")]

use wasmtime::ValRaw;

use super::function::Function;
use super::guest::Turn;
use crate::ctype::CoreType;
use crate::error::Error;

/// Maximum number of arguments that need no allocation.
const INLINE_ARGS: usize = 8;

impl Turn<'_> {
    /// Returns the first `size` bytes of the last [`Turn::stage`], as the guest has left them.
    pub(crate) fn staged(&mut self, size: usize) -> &[u8] {
        let (store, _, staging) = self.parts();
        staging.staged(store, size)
    }

    /// Calls an export with core values as bits, one for each of its parameters.
    #[inline]
    pub(crate) fn invoke(
        &mut self,
        export: &str,
        function: &Function,
        args: impl Iterator<Item = u64>,
    ) -> Result<u64, Box<Error>> {
        let len = function.params.len();
        let (mut few, mut many) = ([ValRaw::i64(0); INLINE_ARGS], Vec::new());
        let values = match len {
            0..=INLINE_ARGS => &mut few[..len.max(1)], // room for the result
            _ => {
                many.resize(len, ValRaw::i64(0));
                &mut many[..]
            }
        };
        let mut passed = 0;
        for ((value, bits), core) in values.iter_mut().zip(args).zip(&function.params) {
            *value = raw(bits, *core);
            passed += 1;
        }
        assert_eq!(passed, len, "arguments of \"{export}\"");
        let (store, ..) = self.parts();
        // SAFETY: wasmtime checks that the function belongs to this store. There is a value for each of its
        // parameters, of the type that wasmtime reported, none of them a reference, and room for its one
        // result.
        let called = unsafe { function.func.call_unchecked(store, &raw mut *values) };
        if let Err(error) = called {
            return Err(self.failure(error, export));
        }
        Ok(match function.results.first() {
            None => 0,
            Some(CoreType::I32) => values[0].get_u32().into(),
            Some(CoreType::I64) => values[0].get_u64(),
            Some(CoreType::F32) => values[0].get_f32().into(),
            Some(CoreType::F64) => values[0].get_f64(),
        })
    }
}

fn raw(bits: u64, core: CoreType) -> ValRaw {
    match core {
        CoreType::I32 => ValRaw::u32(bits as u32),
        CoreType::I64 => ValRaw::u64(bits),
        CoreType::F32 => ValRaw::f32(bits as u32),
        CoreType::F64 => ValRaw::f64(bits),
    }
}
