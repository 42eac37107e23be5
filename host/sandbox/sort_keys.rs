//! Modules without the code that only makes sort keys, which takes time to compile.

use std::ops::Range;

use wasmparser::{
    BinaryReaderError, ConstExpr, ElementItems, ExternalKind, Operator, Parser, Payload, TypeRef,
};

use super::module::Module;

/// The export that makes sort keys.
pub(crate) const SORT_KEY: &str = "sort_key";

// Instructions.
const UNREACHABLE: u8 = 0x00;
const NOP: u8 = 0x01;
const END: u8 = 0x0b;

impl Module {
    /// Returns whether guests make sort keys: there is an export for them, and it is compiled.
    pub(crate) fn has_sort_keys(&self) -> bool {
        self.inner.sandbox.config.sort_keys && self.inner.look(|wasm| wasm.get_export(SORT_KEY).is_some())
    }
}

/// Functions of a module, and which of them lead to which.
#[derive(Default)]
struct Functions {
    imported: usize,
    /// For each function that is not imported the place of its body, and the functions that it names.
    bodies: Vec<(Range<usize>, Vec<u32>)>,
    /// Functions that somebody may call.
    roots: Vec<u32>,
    /// The export that is left out.
    left_out: Vec<u32>,
}

/// Returns a valid module with other bodies of the functions to which only the export `name` leads: they
/// trap. They are as long, so that all else stays at its place. `None` if there are none.
pub(super) fn without(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let functions = Functions::of(bytes, name).ok()?;
    let (makes_keys, is_needed) =
        (functions.reached_from(&functions.left_out), functions.reached_from(&functions.roots));
    let mut rest = None::<Vec<u8>>;
    for (at, (body, _)) in functions.bodies.iter().enumerate() {
        let function = functions.imported + at;
        if is_needed[function] || !makes_keys[function] {
            continue;
        }
        // A body begins with the number of groups of locals, and has at least that and an end.
        if let [locals, code @ .., end] = &mut rest.get_or_insert_with(|| bytes.to_vec())[body.clone()] {
            (*locals, *end) = (0, END);
            code.fill(NOP);
            // A body without instructions has no result.
            if let [first, ..] = code {
                *first = UNREACHABLE;
            }
        }
    }
    rest
}

impl Functions {
    fn of(bytes: &[u8], left_out: &str) -> Result<Functions, BinaryReaderError> {
        let mut functions = Functions::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        functions.imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            let to = if export.name == left_out {
                                &mut functions.left_out
                            } else {
                                &mut functions.roots
                            };
                            to.push(export.index);
                        }
                    }
                }
                Payload::StartSection { func, .. } => functions.roots.push(func),
                Payload::GlobalSection(section) => {
                    for global in section {
                        functions.named_by(&global?.init_expr)?;
                    }
                }
                Payload::TableSection(section) => {
                    for table in section {
                        if let wasmparser::TableInit::Expr(init) = &table?.init {
                            functions.named_by(init)?;
                        }
                    }
                }
                Payload::ElementSection(section) => {
                    for segment in section {
                        match segment?.items {
                            ElementItems::Functions(items) => {
                                for item in items {
                                    functions.roots.push(item?);
                                }
                            }
                            ElementItems::Expressions(_, items) => {
                                for item in items {
                                    functions.named_by(&item?)?;
                                }
                            }
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let mut named = Vec::new();
                    for operator in body.get_operators_reader()? {
                        named.extend(named_in(&operator?));
                    }
                    functions.bodies.push((body.range(), named));
                }
                _ => {}
            }
        }
        Ok(functions)
    }

    /// Returns for each function whether these lead to it.
    fn reached_from(&self, roots: &[u32]) -> Vec<bool> {
        let mut reached = vec![false; self.imported + self.bodies.len()];
        let mut next = roots.to_vec();
        while let Some(function) = next.pop() {
            let function = function as usize;
            if let Some(is_reached @ false) = reached.get_mut(function) {
                *is_reached = true;
                let body = function.checked_sub(self.imported).and_then(|at| self.bodies.get(at));
                next.extend(body.into_iter().flat_map(|(_, named)| named));
            }
        }
        reached
    }

    /// Adds the functions to which a constant refers.
    fn named_by(&mut self, constant: &ConstExpr<'_>) -> Result<(), BinaryReaderError> {
        for operator in constant.get_operators_reader() {
            self.roots.extend(named_in(&operator?));
        }
        Ok(())
    }
}

/// Returns the function that an instruction names.
fn named_in(operator: &Operator<'_>) -> Option<u32> {
    match operator {
        Operator::Call { function_index }
        | Operator::ReturnCall { function_index }
        | Operator::RefFunc { function_index } => Some(*function_index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_export_leads_to_is_left_out_and_all_else_stays_at_its_place() {
        let text = r#"(module
            (table 1 funcref) (elem (i32.const 0) $by_table)
            (global funcref (ref.func $by_global))
            (func $by_table (result i32) (i32.const 1))
            (func $by_global (result i32) (i32.const 2))
            (func $both (result i32) (i32.const 3))
            (func $only (param i32) (result i32) (local i32 i64) (call $deeper))
            (func $deeper (result i32) (call $only (i32.const 4)))
            (func $nothing)
            (func $unused (call $only (i32.const 5)) drop)
            (func (export "compare") (result i32) (call $both))
            (func (export "sort_key") (result i32) (drop (call $both)) (call $nothing) (call $deeper)))"#;
        let bytes = wat::parse_str(text).unwrap();
        let rest = without(&bytes, SORT_KEY).unwrap();
        wasmparser::validate(&rest).unwrap();
        assert_eq!(rest.len(), bytes.len());
        let bodies = |bytes: &[u8]| -> Vec<_> {
            let functions = Functions::of(bytes, "").unwrap();
            functions.bodies.into_iter().map(|(body, _)| bytes[body].to_vec()).collect()
        };
        let (before, after) = (bodies(&bytes), bodies(&rest));
        let changed: Vec<_> = (0..9).filter(|at| before[*at] != after[*at]).collect();
        assert_eq!(changed, [3, 4, 8]); // `$nothing` has nothing to leave out
        for at in changed {
            assert_eq!(after[at][..2], [0, UNREACHABLE]);
        }
        assert_eq!(without(&rest, SORT_KEY).as_deref(), Some(&rest[..]));
    }

    #[test]
    fn a_module_without_such_an_export_stays_as_it_is() {
        let bytes = wat::parse_str(r#"(module (func (export "compare") (call 1)) (func))"#).unwrap();
        assert_eq!(without(&bytes, SORT_KEY), None);
    }

    #[test]
    fn an_orders_module_is_valid_without_its_keys_and_has_less_code() {
        let bytes = include_bytes!("../bundled/version.wasm");
        let rest = without(bytes, SORT_KEY).unwrap();
        wasmparser::validate(&rest).unwrap();
        let nops = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == NOP).count();
        assert!(nops(&rest) > nops(bytes) + 500, "{} and {}", nops(&rest), nops(bytes));
    }
}
