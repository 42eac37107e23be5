//! P3: what would take the compiler long is refused before it is compiled.

use std::time::Instant;

use callbox::{Limits, Module, Sandbox};

#[test]
fn modules_that_take_the_compiler_long_are_refused_before_it_sees_them() {
    let many = |count: usize, text: &str| text.repeat(count);
    let wide = |count: usize| format!("(func (param {}))", many(count, "i32 "));
    let branches = {
        let push = many(1000, "(i32.const 1)");
        let results = many(1000, "i32 ");
        let body = format!("{push}{}", many(3000, "(br_if 0 (local.get 0))"));
        format!("(func (param i32) (result {results}) {body})")
    };
    let trampolines = format!(
        "(type $t (func (param {wide}) (result {wide}))) {} (elem declare func {})",
        many(400, "(func (type $t) unreachable)"),
        (0..400).map(|n| format!("{n} ")).collect::<String>(),
        wide = many(1000, "i32 "),
    );
    let types =
        (1..200).map(|n| format!("(type {})", wide(n).replace("(func", "(func "))).collect::<String>();
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    for (text, name) in [
        (branches, "branches that carry a thousand values"),
        (trampolines, "trampolines of a thousand parameters"),
        (types, "two hundred wide types"),
        (many(1_400_000, "(func)"), "a text of eight megabytes"),
        (many(700_000, "(rec)"), "empty groups of types"),
        (many(100_000, "(export \"\" (func 0))"), "exports"),
        (many(5_000, "(func (local i64 f64 i32))"), "functions with locals"),
        (
            format!(
                "(table 1 funcref) (func {})",
                many(9_000, "(table.copy (i32.const 0) (i32.const 0) (i32.const 0))")
            ),
            "calls of the runtime",
        ),
    ] {
        let text = format!("(module {text})");
        let start = Instant::now();
        let refused = Module::from_text(&sandbox, "bomb", &text);
        // Functions that are few and small are compiled, and that is quick.
        let taken = start.elapsed();
        assert!(refused.is_err() || name == "functions with locals", "{name}");
        assert!(taken.as_secs() < 60, "{name}: {taken:?}");
        if let Err(error) = refused {
            let shown = error.to_string();
            assert!(shown.len() < 1000, "{name}: {shown}");
        }
    }
}
