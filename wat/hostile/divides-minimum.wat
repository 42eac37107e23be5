;; promise: row 13: blame guest: trapped: integer overflow
(module
  (memory (export "memory") 1)
  (global $minimum (mut i32) (i32.const 0x80000000))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.div_s (global.get $minimum) (i32.const -1))))
