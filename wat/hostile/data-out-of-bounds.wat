;; promise: blame guest: "start" trapped: out of bounds memory access
(module
  (memory (export "memory") 1)
  (data (i32.const 65535) "ab")
  (func (export "compare") (param i32 i32) (result i32) (i32.const 0)))
