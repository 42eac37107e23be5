;; promise: check i32 by compare among 10000: not transitive: 3000 < 3001, 3001 < 7000, 3000 > 7000
;; An order, but for one pair.
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (local $order i32)
    (local.set $a (i32.load (local.get $a)))
    (local.set $b (i32.load (local.get $b)))
    (local.set $order
      (i32.sub
        (i32.gt_s (local.get $a) (local.get $b))
        (i32.lt_s (local.get $a) (local.get $b))))
    (if (result i32)
      (i32.or
        (i32.and
          (i32.eq (local.get $a) (i32.const 3000))
          (i32.eq (local.get $b) (i32.const 7000)))
        (i32.and
          (i32.eq (local.get $a) (i32.const 7000))
          (i32.eq (local.get $b) (i32.const 3000))))
      (then (i32.sub (i32.const 0) (local.get $order)))
      (else (local.get $order)))))
