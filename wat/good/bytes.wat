;; promise: sort lines by compare_bytes: b,a,,ab,B => ,B,a,ab,b
;; The same order as guest/orders/bytes.rs, written by hand.
(module
  (memory (export "memory") 1)
  (func (export "compare_bytes")
    (param $a i32) (param $a_len i32) (param $b i32) (param $b_len i32) (result i32)
    (local $i i32) (local $order i32)
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $i) (local.get $a_len)))
        (br_if $end (i32.ge_u (local.get $i) (local.get $b_len)))
        (local.set $order
          (i32.sub
            (i32.load8_u (i32.add (local.get $a) (local.get $i)))
            (i32.load8_u (i32.add (local.get $b) (local.get $i)))))
        (if (local.get $order) (then (return (local.get $order))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.sub
      (i32.gt_u (local.get $a_len) (local.get $b_len))
      (i32.lt_u (local.get $a_len) (local.get $b_len)))))
