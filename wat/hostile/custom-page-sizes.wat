;; promise: row 22: blame guest: it uses custom page sizes, which is not allowed
(module
  (memory (export "memory") 1 (pagesize 1))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.const 0)))
