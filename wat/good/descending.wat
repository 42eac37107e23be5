;; promise: sort i32 by compare: 3 1 2 => 3 2 1
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.sub
      (i32.lt_s (i32.load (local.get $a)) (i32.load (local.get $b)))
      (i32.gt_s (i32.load (local.get $a)) (i32.load (local.get $b))))))
