;; promise: row 18: blame guest: "_initialize" spent all its fuel
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.const 0))
  (func (export "_initialize") (loop $l (br $l))))
