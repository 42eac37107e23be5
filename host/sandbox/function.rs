//! An export with whatever core type, ready to be called.
#![allow(unsafe_code, reason = "calls wasm with values whose types have been checked before")]

use wasmtime::{Func, FuncType, ValRaw, ValType};

use super::guest::{Guest, Turn};
use super::shape::func_type_text;
use crate::ctype::CoreType;
use crate::error::{Error, ModuleError, Result, bug};

/// So many arguments need no allocation.
const INLINE_ARGS: usize = 8;

/// An export, and what it takes and gives.
pub(crate) struct Function {
    func: Func,
    pub(crate) params: Vec<CoreType>,
    pub(crate) results: Vec<CoreType>,
    /// The type as wasm text spells it.
    pub(crate) signature: String,
}

impl Guest {
    /// The exported function of this name.
    pub(crate) fn function(&self, name: &str) -> Result<Function> {
        let ty = self.module().function(name)?;
        let cores = |types: Vec<ValType>| types.iter().map(core).collect::<Option<Vec<_>>>();
        let (Some(params), Some(results)) = (cores(ty.params().collect()), cores(ty.results().collect()))
        else {
            return Err(self.misfit(name, &ty, "numbers only"));
        };
        if results.len() > 1 {
            return Err(self.misfit(name, &ty, "one result at most"));
        }
        let mut turn = self.turn_unpaid(name)?;
        let (store, instance, _) = turn.parts();
        let Some(func) = instance.get_func(store, name) else {
            return Err(bug!("no export \"{name}\", which the module has"));
        };
        Ok(Function { func, params, results, signature: func_type_text(&ty) })
    }

    /// An error for an export of another type.
    fn misfit(&self, name: &str, ty: &FuncType, expected: &str) -> Error {
        let reason = format!("\"{name}\" has the type {}, expected {expected}", func_type_text(ty));
        ModuleError::Export { module: self.module().name().to_owned(), reason }.into()
    }

    /// Why nothing can be put into its memory, if that is so.
    pub(crate) fn check_staging(&self, name: &str) -> Result<()> {
        let mut turn = self.turn_unpaid(name)?;
        match turn.parts().2.refusal() {
            None => Ok(()),
            Some(reason) => {
                let (module, reason) = (self.module().name().to_owned(), reason.to_owned());
                Err(ModuleError::Staging { module, reason }.into())
            }
        }
    }
}

impl Turn<'_> {
    /// Finds room in the guest's memory, and lets `fill` write into it; the address of the room, which
    /// `fill` gets as well.
    pub(crate) fn stage(
        &mut self,
        export: &str,
        size: usize,
        fill: impl FnOnce(u32, &mut [u8]),
    ) -> Result<u32> {
        let (store, _, staging) = self.parts();
        staging.put_all(store, size, fill).map_err(|error| *self.failure(error, export))
    }

    /// What the guest has left of the last [`Turn::stage`].
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
        // SAFETY: wasmtime checks that the function is of this store. There is a value for each of its
        // parameters, of the type that wasmtime has told, none of them a reference, and room for its one result.
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

fn core(ty: &ValType) -> Option<CoreType> {
    match ty {
        ValType::I32 => Some(CoreType::I32),
        ValType::I64 => Some(CoreType::I64),
        ValType::F32 => Some(CoreType::F32),
        ValType::F64 => Some(CoreType::F64),
        _ => None,
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
