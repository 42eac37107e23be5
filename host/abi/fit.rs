//! Whether an export has the core type that a prototype asks for.

use super::{Abi, Back, Num, Way};
use crate::kernel::Core;

const ADDRESS: &[Core] = &[Core::I32];
const TOKEN: &[Core] = &[Core::I32, Core::I64];

impl Abi {
    /// Settles on the core types of an export; an error says what they are to be.
    pub(crate) fn fit(mut self, params: &[Core], results: &[Core]) -> Result<Abi, String> {
        let (wanted_params, wanted_results) = self.wanted();
        let fits = |wanted: &[&[Core]], found: &[Core]| {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| wanted.contains(found))
        };
        if !fits(&wanted_params, params) || !fits(&wanted_results, results) {
            let list = |wanted: &[&[Core]]| {
                let each =
                    |cores: &&[Core]| cores.iter().map(|core| core.name()).collect::<Vec<_>>().join(" or ");
                wanted.iter().map(each).collect::<Vec<_>>().join(", ")
            };
            let answer = if wanted_results.is_empty() {
                String::new()
            } else {
                format!(" -> {}", list(&wanted_results))
            };
            return Err(format!("({}){answer}", list(&wanted_params)));
        }
        let skip = usize::from(matches!(self.result, Back::Struct(_)));
        for (way, found) in self.params.iter_mut().zip(&params[skip..]) {
            if let Way::Number(_, core) = way {
                *core = *found;
            }
        }
        if let (Back::Number(_, core), [found]) = (&mut self.result, results) {
            *core = *found;
        }
        Ok(self)
    }

    fn wanted(&self) -> (Vec<&'static [Core]>, Vec<&'static [Core]>) {
        let way = |way: &Way| match way {
            Way::Number(num, _) => num.cores(),
            Way::Pointer(super::Target::Token) => TOKEN,
            Way::Pointer(_) | Way::Struct(_) => ADDRESS,
        };
        let place = matches!(self.result, Back::Struct(_)).then_some(ADDRESS);
        let params = place.into_iter().chain(self.params.iter().map(way)).collect();
        let results = match &self.result {
            Back::Nothing | Back::Struct(_) => vec![],
            Back::Number(num, _) => vec![Num::answers(*num)],
            Back::Pointer(super::Target::Token) => vec![TOKEN],
            Back::Pointer(_) => vec![ADDRESS],
        };
        (params, results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Core::{F32, F64, I32, I64};

    fn fit(prototype: &str, params: &[Core], results: &[Core]) -> Result<(), String> {
        Abi::of(&prototype.parse().unwrap()).unwrap().fit(params, results).map(|_| ())
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
        let expected =
            |prototype, params: &[Core], results: &[Core]| fit(prototype, params, results).unwrap_err();
        assert_eq!(expected("int (const char *, size_t)", &[I32], &[I32]), "(i32, i64 or i32) -> i32");
        assert_eq!(expected("void (float)", &[F32], &[I32]), "(f32 or f64)");
        assert_eq!(expected("float (double)", &[F64], &[F64]), "(f64) -> f32");
        assert_eq!(expected("struct { int x; int y; } (void)", &[], &[I32]), "(i32)");
    }
}
