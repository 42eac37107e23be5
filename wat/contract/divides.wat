;; promise: check i32 by compare_i32 among 10000: not total: 0 7 "compare_i32" trapped: integer divide by zero
;; By the quotient of 1000 and the distance from 7.
(module
  (func $rank (param $n i32) (result i32)
    (i32.div_u (i32.const 1000) (i32.xor (local.get $n) (i32.const 7))))
  (func (export "compare_i32") (param $a i32) (param $b i32) (result i32)
    (i32.sub
      (i32.gt_u (call $rank (local.get $a)) (call $rank (local.get $b)))
      (i32.lt_u (call $rank (local.get $a)) (call $rank (local.get $b))))))
