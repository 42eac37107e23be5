;; promise: check lines by compare_bytes: not read-only: "A" "" left "a"
;; Makes the first letter of its first line a small one, in place, and compares the first letters.
(module
  (memory (export "memory") 1)
  (func $first (param $at i32) (param $len i32) (result i32)
    (if (result i32) (local.get $len)
      (then (i32.load8_u (local.get $at)))
      (else (i32.const 0))))
  (func (export "compare_bytes")
    (param $a i32) (param $a_len i32) (param $b i32) (param $b_len i32) (result i32)
    (local $letter i32)
    (local.set $letter (call $first (local.get $a) (local.get $a_len)))
    (if (i32.lt_u (i32.sub (local.get $letter) (i32.const 65)) (i32.const 26))
      (then (i32.store8 (local.get $a) (i32.or (local.get $letter) (i32.const 32)))))
    (i32.sub
      (call $first (local.get $a) (local.get $a_len))
      (call $first (local.get $b) (local.get $b_len)))))
