;; promise: row 21: blame guest: no export "compare"; the functions it exports are: sort, order
(module
  (memory (export "memory") 1)
  (func (export "sort") (param i32 i32) (result i32) (i32.const 0))
  (func (export "order") (param i32 i32) (result i32) (i32.const 0)))
