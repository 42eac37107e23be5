//! An export of any core type, ready to be called.

use wasmtime::{Func, FuncType, ValType};

use super::guest::{Guest, Turn};
use super::shape::func_type_text;
use crate::ctype::CoreType;
use crate::error::{Error, ModuleError, Result, bug};
use crate::sync::fork::Section;

/// An export, with the types of its parameters and results.
pub(crate) struct Function {
    pub(super) func: Func,
    pub(crate) params: Vec<CoreType>,
    pub(crate) results: Vec<CoreType>,
    /// The type as wasm text spells it.
    pub(crate) signature: String,
}

impl Guest {
    /// Returns the exported function `name`.
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
        let mut turn = self.turn_without_budget(name)?;
        let (store, instance, _) = turn.parts();
        let _section = Section::enter();
        let Some(func) = instance.get_func(store, name) else {
            return Err(bug!("no export \"{name}\", which the module has"));
        };
        Ok(Function { func, params, results, signature: func_type_text(&ty) })
    }

    /// Returns the error for an export of another type.
    fn misfit(&self, name: &str, ty: &FuncType, expected: &str) -> Error {
        let reason = format!("\"{name}\" has the type {}, expected {expected}", func_type_text(ty));
        ModuleError::Export { module: self.module().name().to_owned(), reason }.into()
    }
}

impl Turn<'_> {
    /// Reserves `size` bytes of the guest's memory, and lets `fill` write to them. Returns their address,
    /// which `fill` gets as well.
    pub(crate) fn stage(
        &mut self,
        export: &str,
        size: usize,
        fill: impl FnOnce(u32, &mut [u8]),
    ) -> Result<u32> {
        let (store, _, staging) = self.parts();
        staging.stage(store, size, fill).map_err(|error| *self.failure(error, export))
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
