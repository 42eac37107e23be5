;; promise: row 1: lies: always says that the two are equal
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.const 0)))
