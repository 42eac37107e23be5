;; promise: row 14: blame guest: trapped: stack overflow
(module
  (memory (export "memory") 1)
  (func $deeper (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.add (call $deeper (local.get $a) (local.get $b)) (i32.const 1))))
