;; promise: row 27: lies: overwrites all of its memory, the elements too
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 0xff) (i32.shl (memory.size) (i32.const 16)))
    (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b)))))
