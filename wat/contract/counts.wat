;; promise: check i32 by compare_i32: not deterministic: 0 < 1, 0 > 1
;; From the 1,001st question on, the order is another one.
(module
  (global $calls (mut i32) (i32.const 0))
  (func (export "compare_i32") (param $a i32) (param $b i32) (result i32)
    (local $order i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $order
      (i32.sub
        (i32.gt_s (local.get $a) (local.get $b))
        (i32.lt_s (local.get $a) (local.get $b))))
    (select
      (i32.sub (i32.const 0) (local.get $order))
      (local.get $order)
      (i32.gt_u (global.get $calls) (i32.const 1000)))))
