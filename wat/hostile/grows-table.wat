;; promise: row 16: blame guest: the guest needs a table of 1000001 elements, but may have 10000
(module
  (memory (export "memory") 1)
  (table $t 1 funcref)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (table.grow $t (ref.null func) (i32.const 1000000))))
