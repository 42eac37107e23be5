//! Checks that an export has a core type that a prototype accepts.

use super::{Lowering, Param, Ret};
use crate::ctype::CoreType;
use crate::error::{Error, ModuleError, Result};
use crate::prototype::Prototype;
use crate::sandbox::{Function, Guest};

const ADDRESS: &[CoreType] = &[CoreType::I32];
const TOKEN: &[CoreType] = &[CoreType::I32, CoreType::I64];

impl Guest {
    /// Returns the export and its lowering, if it takes the values that this prototype passes.
    pub(in crate::callback) fn lowered_export(
        &self,
        export: &str,
        prototype: &Prototype,
    ) -> Result<(Function, Lowering)> {
        let unserved = |reason| Error::PrototypeUnserved { prototype: prototype.to_string(), reason };
        let function = self.function(export)?;
        if !prototype.conv().is_native() {
            return Err(unserved("this target has no such calling convention"));
        }
        let lowering = Lowering::of(prototype).map_err(unserved)?;
        let stages = lowering.needs_staging();
        let lowering = lowering.fit(&function.params, &function.results).map_err(|expected| {
            let found = &function.signature;
            let advice = match export.rsplit_once('_') {
                Some((_, "bytes")) => "; register it as \"int (const void *, const void *)\"",
                _ => "",
            };
            let reason =
                format!("\"{export}\" has the type {found}, but \"{prototype}\" takes {expected}{advice}");
            ModuleError::Export { module: self.module().name().to_owned(), reason }
        })?;
        if stages {
            self.module().element_room()?;
        }
        Ok((function, lowering))
    }
}

impl Lowering {
    /// Fixes the core types as those of an export; the error lists the accepted ones.
    pub(crate) fn fit(mut self, params: &[CoreType], results: &[CoreType]) -> Result<Lowering, String> {
        let (wanted_params, wanted_results) = self.wanted();
        let fits = |wanted: &[&[CoreType]], found: &[CoreType]| {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| wanted.contains(found))
        };
        if !fits(&wanted_params, params) || !fits(&wanted_results, results) {
            let list = |wanted: &[&[CoreType]]| {
                let each = |cores: &&[CoreType]| {
                    cores.iter().map(|core| core.name()).collect::<Vec<_>>().join(" or ")
                };
                wanted.iter().map(each).collect::<Vec<_>>().join(", ")
            };
            let answer = if wanted_results.is_empty() {
                String::new()
            } else {
                format!(" -> {}", list(&wanted_results))
            };
            return Err(format!("({}){answer}", list(&wanted_params)));
        }
        let skip = usize::from(matches!(self.result, Ret::Struct(_)));
        for (param, found) in self.params.iter_mut().zip(&params[skip..]) {
            if let Param::Number(_, core) = param {
                *core = *found;
            }
        }
        if let (Ret::Number(_, core), [found]) = (&mut self.result, results) {
            *core = *found;
        }
        Ok(self)
    }

    fn wanted(&self) -> (Vec<&'static [CoreType]>, Vec<&'static [CoreType]>) {
        let types = |param: &Param| match param {
            Param::Number(num, _) => num.param_types(),
            Param::Pointer(super::Pointee::Token { .. }) => TOKEN,
            Param::Pointer(_) | Param::Struct(_) => ADDRESS,
        };
        let place = matches!(self.result, Ret::Struct(_)).then_some(ADDRESS);
        let params = place.into_iter().chain(self.params.iter().map(types)).collect();
        let results = match &self.result {
            Ret::Nothing | Ret::Struct(_) => vec![],
            Ret::Number(num, _) => vec![num.result_types()],
            Ret::Pointer(super::Pointee::Token { .. }) => vec![TOKEN],
            Ret::Pointer(_) => vec![ADDRESS],
        };
        (params, results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CoreType::{F32, F64, I32, I64};

    fn fit(prototype: &str, params: &[CoreType], results: &[CoreType]) -> Result<(), String> {
        Lowering::of(&prototype.parse().unwrap()).unwrap().fit(params, results).map(|_| ())
    }

    #[test]
    fn an_export_takes_what_the_prototype_passes() {
        assert_eq!(fit("int (const char *, size_t)", &[I32, I64], &[I32]), Ok(()));
        assert_eq!(fit("int (const char *, size_t)", &[I32, I32], &[I32]), Ok(()));
        assert_eq!(fit("double (float, void *)", &[F64, I64], &[F32]), Ok(()));
        assert_eq!(fit("struct { int x; int y; } (int)", &[I32, I32], &[]), Ok(()));
    }

    #[test]
    fn a_misfit_says_what_would_fit() {
        let expected = |prototype, params: &[CoreType], results: &[CoreType]| {
            fit(prototype, params, results).unwrap_err()
        };
        assert_eq!(expected("int (const char *, size_t)", &[I32], &[I32]), "(i32, i64 or i32) -> i32");
        assert_eq!(expected("void (float)", &[F32], &[I32]), "(f32 or f64)");
        assert_eq!(expected("float (double)", &[F64], &[F64]), "(f64) -> f32");
        assert_eq!(expected("struct { int x; int y; } (void)", &[], &[I32]), "(i32)");
    }
}
