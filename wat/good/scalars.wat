;; promise: sort f64 by compare_f64: 2.5 -1 0 => -1 0 2.5
;; A guest without memory: both values are passed as they are.
(module
  (func (export "compare_f64") (param $a f64) (param $b f64) (result i32)
    (i32.sub
      (f64.gt (local.get $a) (local.get $b))
      (f64.lt (local.get $a) (local.get $b)))))
