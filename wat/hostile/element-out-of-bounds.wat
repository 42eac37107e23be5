;; promise: row 19: blame guest: not a usable WebAssembly module: a data or element segment lies outside its memory or table
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem (i32.const 1000) $nothing)
  (func $nothing)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.const 0)))
