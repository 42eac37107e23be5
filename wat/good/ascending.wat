;; promise: sort i32 by compare: 5 1 7 33 99 => 1 5 7 33 99
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.sub
      (i32.gt_s (i32.load (local.get $a)) (i32.load (local.get $b)))
      (i32.lt_s (i32.load (local.get $a)) (i32.load (local.get $b))))))
