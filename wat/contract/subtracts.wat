;; promise: check i32 by compare_i32: not antisymmetric: 0 < -2147483648, -2147483648 < 0
;; a - b, which overflows.
(module
  (func (export "compare_i32") (param $a i32) (param $b i32) (result i32)
    (i32.sub (local.get $a) (local.get $b))))
