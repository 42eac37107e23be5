;; promise: sort i32 by compare: 7 33 1 99 5 => 1 5 7 33 99
;; The classic `a[0] - b[0]`, which overflows for numbers far apart and lies then.
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b)))))
