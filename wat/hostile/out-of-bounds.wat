;; promise: row 13: blame guest: trapped: out of bounds memory access
(module
  (memory (export "memory") 1)
  (func (export "compare") (param i32 i32) (result i32) (i32.load (i32.const -4))))
