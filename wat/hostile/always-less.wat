;; promise: row 1: lies: always says that the first comes before the second
(module
  (memory (export "memory") 1)
  (func (export "compare") (param i32 i32) (result i32) (i32.const -1)))
