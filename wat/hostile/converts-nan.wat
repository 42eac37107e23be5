;; promise: row 13: blame guest: trapped: invalid conversion to integer
(module
  (memory (export "memory") 1)
  (global $nan (mut f64) (f64.const nan))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.trunc_f64_s (global.get $nan))))
