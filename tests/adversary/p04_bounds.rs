//! P4: no answers drive C's sorts out of their arrays: the result is a permutation, or an error.

use callbox::{Limits, Module, Sandbox, native};

#[test]
fn no_answers_move_anything_out_of_an_array() {
    let bodies = [
        "(i32.const -1)",
        "(i32.const 1)",
        "(i32.const 0x80000000)",
        // Depends on the number of the call.
        "(global.set $n (i32.add (global.get $n) (i32.const 0x9e3779b9)))
            (i32.shr_s (i32.mul (global.get $n) (i32.xor (global.get $n) (i32.const 0x5bd1e995)))
                (i32.const 30))",
        // Overflows.
        "(i32.sub (i32.load (local.get 0)) (i32.load (local.get 1)))",
        // Goes round.
        "(i32.sub (i32.rem_u (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1)))
            (i32.const 3)) (i32.const 1))",
    ];
    for body in bodies {
        let text = format!(
            "(module (memory (export \"memory\") 1) (global $n (mut i32) (i32.const 1))
                (func (export \"compare\") (param i32 i32) (result i32) {body}))"
        );
        let sandbox = Sandbox::new(Limits::default()).unwrap();
        let guest = Module::from_text(&sandbox, "liar", &text).unwrap().instantiate().unwrap();
        let compare = guest.callback("compare", "int (const int *, const int *)".parse().unwrap()).unwrap();
        // The Microsoft runtime's algorithm is quadratic for some.
        for len in [0, 1, 2, 3, 5, 64, 700] {
            let before: Vec<i32> = (0..len).map(|n: i32| n.wrapping_mul(0x9e37_79b1_u32 as i32)).collect();
            // The array lies between numbers that nobody may touch.
            let mut memory = vec![-7; before.len() + 64];
            for sort in [native::qsort::<i32>, native::msvcrt_qsort] {
                let array = &mut memory[32..][..before.len()];
                array.copy_from_slice(&before);
                let outcome = sort(array, &compare);
                let (mut sorted, mut expected) = (array.to_vec(), before.clone());
                assert!(outcome.is_ok() || sorted == before, "{body}");
                sorted.sort_unstable();
                expected.sort_unstable();
                assert_eq!(sorted, expected, "{body}");
            }
            assert!(
                memory[..32].iter().chain(&memory[32 + before.len()..]).all(|word| *word == -7),
                "{body}"
            );
        }
    }
}
