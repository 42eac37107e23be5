;; promise: row 17: blame guest: the guest needs 4294967296 bytes of memory
(module
  (memory (export "memory") 65536)
  (func (export "compare") (param i32 i32) (result i32) (i32.const 0)))
