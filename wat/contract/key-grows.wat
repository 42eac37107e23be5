;; promise: check lines by compare_bytes: not in step with its keys: "" "" it has 33 bytes, and with room for those, 34
;; A key is always longer than the room that there is for it.
(module
  (memory (export "memory") 1)
  (func (export "compare_bytes") (param $a i32) (param $a_len i32) (param $b i32) (param $b_len i32) (result i32)
    (local $at i32) (local $order i32)
    (loop $next
      (if (i32.or (i32.ge_u (local.get $at) (local.get $a_len)) (i32.ge_u (local.get $at) (local.get $b_len)))
        (then (return (i32.sub (local.get $a_len) (local.get $b_len)))))
      (local.set $order
        (i32.sub
          (i32.load8_u (i32.add (local.get $a) (local.get $at)))
          (i32.load8_u (i32.add (local.get $b) (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.eqz (local.get $order))))
    (local.get $order))
  (func (export "sort_key") (param $at i32) (param $len i32) (param $out i32) (param $cap i32) (result i32)
    (i32.add (local.get $cap) (i32.const 1))))
