;; promise: row 16: blame guest: the guest needs 4G of memory, but may have 64M
(module
  (memory (export "memory") 1)
  (func (export "callbox_alloc") (param i32 i32) (result i32) (i32.const 16))
  (func (export "compare") (param i32 i32) (result i32) (memory.grow (i32.const 65535))))
