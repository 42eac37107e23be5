;; promise: row 2: lies: says less, greater, less, greater
(module
  (memory (export "memory") 1)
  (global $answer (mut i32) (i32.const 1))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (global.set $answer (i32.sub (i32.const 0) (global.get $answer)))
    (global.get $answer)))
