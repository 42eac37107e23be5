;; promise: row 2: lies: 0 comes before 1, 1 before 2, and 2 before 0
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (local $gap i32)
    (local.set $gap
      (i32.rem_u
        (i32.add (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b))) (i32.const 3))
        (i32.const 3)))
    ;; 0 is equal, 1 is after, 2 is before.
    (i32.sub (i32.eq (local.get $gap) (i32.const 1)) (i32.eq (local.get $gap) (i32.const 2)))))
