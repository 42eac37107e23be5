;; promise: row 17: blame guest: the guest needs a table of 10000000 elements, but may have 10000
(module
  (memory (export "memory") 1)
  (table 10000000 funcref)
  (func (export "compare") (param i32 i32) (result i32) (i32.const 0)))
