;; promise: check lines by compare_bytes among 10000: not antisymmetric: "" < "7000", "7000" < ""
;; Lines by their lengths; one of them comes before and after all others.
(module
  (memory (export "memory") 1)
  (func $is_odd (param $at i32) (param $len i32) (result i32)
    (if (result i32) (i32.eq (local.get $len) (i32.const 4))
      (then (i32.eq (i32.load (local.get $at)) (i32.const 0x30303037))) ;; 7000
      (else (i32.const 0))))
  (func (export "compare_bytes")
    (param $a i32) (param $a_len i32) (param $b i32) (param $b_len i32) (result i32)
    (if (result i32)
      (i32.ne
        (call $is_odd (local.get $a) (local.get $a_len))
        (call $is_odd (local.get $b) (local.get $b_len)))
      (then (i32.const -1))
      (else (i32.sub (local.get $a_len) (local.get $b_len))))))
