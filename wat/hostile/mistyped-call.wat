;; promise: row 13: blame guest: trapped: indirect call type mismatch
(module
  (memory (export "memory") 1)
  (type $other (func))
  (table funcref (elem $nothing))
  (func $nothing (param i64))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (call_indirect (type $other) (i32.const 0)) (i32.const 0)))
