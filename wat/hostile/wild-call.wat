;; promise: row 13: blame guest: trapped: undefined element: out of bounds table access
(module
  (memory (export "memory") 1)
  (type $order (func (param i32 i32) (result i32)))
  (table 2 funcref)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (call_indirect (type $order) (local.get $a) (local.get $b) (i32.const 1000))))
