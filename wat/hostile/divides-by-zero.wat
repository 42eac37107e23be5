;; promise: row 13: blame guest: trapped: integer divide by zero
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.div_s (local.get $a) (i32.sub (local.get $b) (local.get $b)))))
