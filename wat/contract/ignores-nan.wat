;; promise: check f64 by compare_f64: not congruent: 0 < 1, 1 = NaN, 0 = NaN
;; NaN is neither less nor greater than any number, and so equal to all.
(module
  (func (export "compare_f64") (param $a f64) (param $b f64) (result i32)
    (i32.sub
      (f64.gt (local.get $a) (local.get $b))
      (f64.lt (local.get $a) (local.get $b)))))
