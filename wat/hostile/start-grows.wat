;; promise: row 18: blame guest: the guest needs 4G of memory, but may have 64M
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.const 0))
  (func $start (drop (memory.grow (i32.const 65535))))
  (start $start)
  (func (export "callbox_alloc") (param i32 i32) (result i32) (i32.const 1024)))
