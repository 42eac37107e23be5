//! An export with whatever core type, ready to be called.

use wasmtime::{Func, FuncType, Val, ValType};

use super::guest::{Guest, Turn};
use super::shape::signature;
use crate::error::{Error, Result};
use crate::kernel::Core;

/// An export, and what it takes and gives.
pub(crate) struct Function {
    func: Func,
    pub(crate) params: Vec<Core>,
    pub(crate) results: Vec<Core>,
    /// The type as wasm text spells it.
    pub(crate) signature: String,
}

impl Guest {
    /// The exported function of this name. `stages`: whether a call needs room in the guest's memory.
    pub(crate) fn function(&self, name: &str) -> Result<Function> {
        let ty = self.module().function(name)?;
        let cores = |types: Vec<ValType>| types.iter().map(core).collect::<Option<Vec<_>>>();
        let (Some(params), Some(results)) = (cores(ty.params().collect()), cores(ty.results().collect()))
        else {
            return Err(self.misfit(name, &ty, "numbers only"));
        };
        let mut turn = self.turn_unpaid(name)?;
        let (store, instance, _) = turn.parts();
        let Some(func) = instance.get_func(store, name) else {
            return Err(Error::Engine { reason: format!("no {name}") });
        };
        Ok(Function { func, params, results, signature: signature(&ty) })
    }

    /// An error for an export of another type.
    fn misfit(&self, name: &str, ty: &FuncType, expected: &str) -> Error {
        let reason = format!("\"{name}\" has the type {}, expected {expected}", signature(ty));
        Error::Export { module: self.module().name().to_owned(), reason }
    }

    /// Why nothing can be put into its memory, if that is so.
    pub(crate) fn check_staging(&self, name: &str) -> Result<()> {
        let mut turn = self.turn_unpaid(name)?;
        match turn.parts().2.refusal() {
            None => Ok(()),
            Some(reason) => {
                Err(Error::Staging { module: self.module().name().to_owned(), reason: reason.to_owned() })
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

    /// Calls an export with core values as bits, of which there are as many as it has parameters.
    pub(crate) fn invoke(&mut self, export: &str, function: &Function, args: &[u64]) -> Result<u64> {
        let (store, ..) = self.parts();
        let args: Vec<Val> =
            args.iter().zip(&function.params).map(|(bits, core)| val(*bits, *core)).collect();
        let mut result = [Val::I32(0)];
        match function.func.call(store, &args, &mut result[..function.results.len()]) {
            Ok(()) => Ok(bits(&result[0])),
            Err(error) => Err(*self.failure(error, export)),
        }
    }
}

fn core(ty: &ValType) -> Option<Core> {
    match ty {
        ValType::I32 => Some(Core::I32),
        ValType::I64 => Some(Core::I64),
        ValType::F32 => Some(Core::F32),
        ValType::F64 => Some(Core::F64),
        _ => None,
    }
}

fn val(bits: u64, core: Core) -> Val {
    match core {
        Core::I32 => Val::I32(bits as i32),
        Core::I64 => Val::I64(bits as i64),
        Core::F32 => Val::F32(bits as u32),
        Core::F64 => Val::F64(bits),
    }
}

fn bits(val: &Val) -> u64 {
    match *val {
        Val::I32(value) => u64::from(value as u32),
        Val::I64(value) => value as u64,
        Val::F32(bits) => bits.into(),
        Val::F64(bits) => bits,
        _ => 0,
    }
}
