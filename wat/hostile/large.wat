;; promise: row 17: blame guest: needs 4G of memory
(module
  (memory (export "memory") 65536)
  (func (export "compare") (param i32 i32) (result i32) (i32.const 0)))
