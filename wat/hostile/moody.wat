;; promise: row 27: lies: answers by how often it has been asked
(module
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.mul
      (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b)))
      (i32.sub (i32.const 1) (i32.shl (i32.gt_u (global.get $calls) (i32.const 16)) (i32.const 1))))))
