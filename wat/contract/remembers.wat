;; promise: check i32 by compare_i32: not deterministic: 0 < 1, 0 > 1
;; The order is another one after a question about a negative number.
(module
  (global $turned (mut i32) (i32.const 0))
  (func (export "compare_i32") (param $a i32) (param $b i32) (result i32)
    (local $order i32)
    (local.set $order
      (i32.sub
        (i32.gt_s (local.get $a) (local.get $b))
        (i32.lt_s (local.get $a) (local.get $b))))
    (if (global.get $turned)
      (then (local.set $order (i32.sub (i32.const 0) (local.get $order)))))
    (global.set $turned
      (i32.or (global.get $turned) (i32.lt_s (i32.or (local.get $a) (local.get $b)) (i32.const 0))))
    (local.get $order)))
