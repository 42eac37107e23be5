;; promise: sort lines by compare_bytes: b,a => a,b
;; Each comparison spends nine tenths of its time in $inner, and one tenth in $outer.
(module
  (memory (export "memory") 1)
  (func $spend (param $turns i32)
    (loop $turn
      (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
      (br_if $turn (local.get $turns))))
  (func $inner (call $spend (i32.const 9000)))
  (func $outer (call $spend (i32.const 1000)))
  (func $compare (export "compare_bytes")
    (param $a i32) (param $a_len i32) (param $b i32) (param $b_len i32) (result i32)
    (call $inner)
    (call $outer)
    (i32.sub (i32.load8_u (local.get $a)) (i32.load8_u (local.get $b)))))
