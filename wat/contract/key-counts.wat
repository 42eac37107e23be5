;; promise: check lines by compare_bytes: not in step with its keys: "" has \u{0}\u{0}, "" has \u{0}\u{1}
;; A key ends with the number of keys that were made before.
(module
  (memory (export "memory") 1)
  (global $made (mut i32) (i32.const 0))
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
    (local.set $cap (i32.sub (local.get $cap) (i32.const 2)))
    (memory.copy (local.get $out) (local.get $at) (local.get $len))
    (i32.store16 (i32.add (local.get $out) (local.get $len)) (i32.shl (global.get $made) (i32.const 8)))
    (global.set $made (i32.add (global.get $made) (i32.const 1)))
    (i32.add (local.get $len) (i32.const 2))))
