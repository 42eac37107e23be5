;; promise: check i32 by compare_i32 among 10000: not reflexive: 5000 > 5000
;; One number comes after itself.
(module
  (func (export "compare_i32") (param $a i32) (param $b i32) (result i32)
    (i32.add
      (i32.sub
        (i32.gt_s (local.get $a) (local.get $b))
        (i32.lt_s (local.get $a) (local.get $b)))
      (i32.and
        (i32.eq (local.get $a) (i32.const 5000))
        (i32.eq (local.get $b) (i32.const 5000))))))
