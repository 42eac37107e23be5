//! P2: a guest uses no more fuel, time, memory and stack than its limits allow, whatever it is asked for.

use std::time::Duration;

use callbox::{Error, Limits, Module, Sandbox, native};

#[test]
fn a_guest_that_never_ends_is_ended_wherever_it_runs() {
    let limits = Limits::default().deadline(Duration::from_millis(300));
    for (body, what) in [
        ("(loop $l (br $l)) (i32.const 0)", "a loop"),
        ("(call $compare (local.get 0) (local.get 1))", "recursion"),
        ("(loop $l (drop (memory.grow (i32.const 1))) (br $l)) (i32.const 0)", "growth"),
        (
            "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)) (i32.const 0)",
            "fills",
        ),
    ] {
        let text = format!(
            "(module (memory (export \"memory\") 1)
                (func (export \"callbox_alloc\") (param i32 i32) (result i32) (i32.const 1024))
                (func $compare (export \"compare\") (param i32 i32) (result i32) {body}))"
        );
        let sandbox = Sandbox::new(limits).unwrap();
        let guest = Module::from_text(&sandbox, "greedy", &text).unwrap().instantiate().unwrap();
        let compare = guest.callback("compare", "int (const int *, const int *)".parse().unwrap()).unwrap();
        let mut array = [3, 1, 2];
        let outcome = native::qsort(&mut array, &compare);
        assert!(matches!(outcome, Err(Error::Limit { .. } | Error::Trap { .. })), "{what}: {outcome:?}");
        assert_eq!(array, [3, 1, 2], "{what}");
    }
}
