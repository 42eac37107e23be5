;; promise: row 2: lies: answers at random
(module
  (memory (export "memory") 1)
  (global $seed (mut i32) (i32.const 7))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (global.set $seed (i32.add (i32.mul (global.get $seed) (i32.const 1103515245)) (i32.const 12345)))
    (i32.sub (i32.rem_u (i32.shr_u (global.get $seed) (i32.const 16)) (i32.const 3)) (i32.const 1))))
